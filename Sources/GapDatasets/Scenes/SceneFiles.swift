import GapImages

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Scenes as files: `images/00000.png`, `pairs.jsonl`, `questions.jsonl`.
public struct SceneFiles: Sendable {
  /// The first scene of the stream, and how many.
  public let range: Range<Int>
  /// Of the stream.
  public let seed: UInt64
  /// The directory.
  public let directory: String
  /// Whether pictures are drawn; without, the lines name pictures that are not there.
  public var drawsPictures = true
  /// Whether scenes that mean the same as an earlier one are left out, as retrieval among them asks for.
  public var isDistinct = false

  /// - Parameters:
  ///   - range: numbers of the scenes in the stream.
  ///   - seed: of the stream.
  ///   - directory: made if it is not there.
  public init(_ range: Range<Int>, seed: UInt64, directory: String) {
    self.range = range
    self.seed = seed
    self.directory = directory
  }

  /// Pictures and captions, a JSON object a line.
  public var pairsFile: String { directory + "/pairs.jsonl" }
  /// Questions and answers, a JSON object a line.
  public var questionsFile: String { directory + "/questions.jsonl" }

  /// Makes the scenes and writes all files.
  ///
  /// - Returns: the scenes.
  /// - Throws: `DatasetError.cannotWrite`, also when scenes lie there already.
  @discardableResult public func write(progress: (Double) -> Void = { _ in }) throws -> [Scene] {
    let manager = FileManager.default
    for file in [pairsFile, questionsFile] where manager.fileExists(atPath: file) {
      throw DatasetError.cannotWrite(path: file, reason: "there is one already")
    }
    let generator = SceneGenerator(seed: seed)
    var meanings: Set<String> = []
    let numbers = range.filter { meanings.insert(generator.scene($0).meaning).inserted || !isDistinct }
    let scenes = numbers.map { generator.scene($0) }
    do {
      try manager.createDirectory(atPath: directory + "/images", withIntermediateDirectories: true)
      var pairs = ""
      var questions = ""
      for (place, scene) in scenes.enumerated() {
        let number = String(numbers[place])
        let name = "images/" + String(repeating: "0", count: max(0, 5 - number.count)) + number + ".png"
        if drawsPictures {
          try Data(scene.picture().encoded()).write(to: URL(filePath: directory + "/" + name))
        }
        // Words of scenes need no escapes.
        pairs +=
          "{\"image\": \"\(name)\", \"caption\": \"\(scene.caption)\", \"meaning\": \"\(scene.meaning)\"}\n"
        for question in scene.questions {
          let choices = question.kind.choices.map { "\"\($0)\"" }.joined(separator: ", ")
          questions +=
            "{\"image\": \"\(name)\", \"question\": \"\(question.question)\", \"answer\": \"\(question.answer)\", "
            + "\"kind\": \"\(question.kind.rawValue)\", \"choices\": [\(choices)]}\n"
        }
        if place % 64 == 0 { progress(Double(place) / Double(scenes.count)) }
      }
      try Data(questions.utf8).write(to: URL(filePath: questionsFile), options: .atomic)
      // The pairs come last, whole or not at all: where they are, all is.
      try Data(pairs.utf8).write(to: URL(filePath: pairsFile), options: .atomic)
    } catch let error as CocoaError {
      throw DatasetError.cannotWrite(path: directory, reason: Self.reason(error))
    }
    progress(1)
    return scenes
  }

  private static func reason(_ error: CocoaError) -> String {
    switch error.code {
    case .fileWriteOutOfSpace: "no space left on device"
    case .fileWriteNoPermission: "permission denied"
    case .fileWriteVolumeReadOnly: "read-only file system"
    case .fileWriteFileExists: "a file is in the way"
    default: "error \(error.code.rawValue)"
    }
  }
}
