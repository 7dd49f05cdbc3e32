import Foundation
import GapModels
import GapTraining
import TestFolders
import Testing

/// What tells a run from another one.
@Suite struct RunIdentityTests {
  /// A folder with a checkpoint, its captions and RUN.yaml.
  private static func folder() throws -> String {
    let folder = try TestFolder.make()
    try FileManager.default.copyItem(
      atPath: ReferenceFiles.checkpoints + "llava-clip-llama", toPath: folder + "/model")
    return folder
  }

  private static func identity(_ folder: String, _ more: [String] = []) throws -> RunIdentity {
    let lines = ["checkpoint: model", "pairs: model/pairs.jsonl", "steps: 5"] + more
    try lines.joined(separator: "\n").write(toFile: folder + "/RUN.yaml", atomically: true, encoding: .utf8)
    let configuration = try RunConfiguration(path: folder + "/RUN.yaml")
    return try RunIdentity(configuration, Checkpoint(configuration.parts))
  }

  @Test func itIsTheSameElsewhereAndForOtherThreads() throws {
    let (here, there) = (try Self.folder(), try Self.folder())
    #expect(try Self.identity(here) == Self.identity(there, ["threads: 1", "save: {every: 3}"]))
  }

  @Test func settingsAndTheKeyOfFeaturesDecide() throws {
    let folder = try Self.folder()
    let own = try Self.identity(folder)
    #expect(try Self.identity(folder, ["seed: 1"]) != own)
    let features = try ["features", "visual_tokens"].map {
      try Self.identity(folder, ["features: model/expected.safetensors::\($0)"])
    }
    #expect(features[0] != features[1] && features[0] != own)
  }

  @Test(arguments: [
    "pairs.jsonl", "tokenizer.json", "config.json", "preprocessor_config.json", "model.safetensors",
  ])
  func filesDecide(name: String) throws {
    let folder = try Self.folder()
    let own = try Self.identity(folder)
    let path = folder + "/model/" + name
    var data = try Data(contentsOf: URL(filePath: path))
    // A line's end, or a tensor's padding: it means the same, and is not the same file.
    if name == "model.safetensors" {
      let length = data.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
      data.insert(contentsOf: Data(repeating: 0x20, count: 8), at: 8 + length)
      for place in 0..<8 { data[place] = UInt8(truncatingIfNeeded: (length + 8) >> (8 * place)) }
    } else {
      data.append(0x0A)
    }
    try data.write(to: URL(filePath: path))
    #expect(try Self.identity(folder) != own)
  }
}
