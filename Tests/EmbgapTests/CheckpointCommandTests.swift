import Foundation
import EmbeddingGap
import Testing

/// Checkpoints through the built command: parity from files to vectors, parts given apart, the cache, faults.
@Suite struct CheckpointCommandTests {
  static let checkpoints = CommandTests.repository + "/Fixtures/checkpoints/"

  static func arguments(_ name: String, pairs: String? = nil) -> [String] {
    ["--checkpoint", checkpoints + name, "--pairs", checkpoints + (pairs ?? name) + "/pairs.jsonl"]
  }

  /// The tensors that `embgap embed` writes.
  static func embed(_ arguments: [String]) throws -> TensorFile {
    let out = try CommandTests.scratch() + "/vectors.safetensors"
    let outcome = try CommandTests.run(["embed"] + arguments + ["--out", out])
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    return try TensorFile(path: out)
  }

  static func expectEqual(_ found: TensorFile, _ name: String, _ expected: TensorFile, _ wanted: String) throws
  {
    let (a, b) = (try found.tensor(named: name), try expected.tensor(named: wanted))
    #expect(a.shape == b.shape)
    let (x, y): ([Double], [Double]) = (try a.elements(), try b.elements())
    let size = y.reduce(0) { max($0, abs($1)) }
    let worst = zip(x, y).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(size > 0 && worst <= 1e-5 * size, "\(wanted): off by \(worst / size) of the largest")
  }

  @Test(arguments: [
    ("llava-clip-llama", "llava-clip-llama"), ("llava-clip-llama-4.40", "llava-clip-llama"),
    ("llava-clip-llama-4.52", "llava-clip-llama"), ("llava-siglip-qwen2", "llava-siglip-qwen2"),
    ("paligemma", "paligemma"),
  ])
  func vectorsFromImageFilesAndCaptionsAgreeWithTheReference(name: String, reference: String) throws {
    let expected = try TensorFile(path: Self.checkpoints + reference + "/expected.safetensors")
    let source = Self.arguments(name, pairs: reference)
    let layers = try Self.embed(source + ["--readout", "layers"])
    let count = (layers.tensors.count - 2) / 2
    #expect(count >= 3 && expected.tensors.map(\.name).contains("layer.\(count - 1).text"))
    let prompt = "in one word:"
    let last = try Self.embed(
      source + ["--readout", "last", "--image-prompt", prompt, "--text-prompt", prompt])
    let empty = try Self.embed(source + ["--readout", "last"])
    for side in ["image", "text"] {
      try Self.expectEqual(layers, side, expected, "input." + side)
      try Self.expectEqual(last, side, expected, "last." + side)
      try Self.expectEqual(empty, side, expected, "last_empty." + side)
      for layer in 0..<count {
        try Self.expectEqual(layers, "layer.\(layer).\(side)", expected, "layer.\(layer).\(side)")
      }
    }
  }

  @Test func aTokenizerWithoutBOSWarnsAndPutsNone() throws {
    let folder = try Self.copy("llava-siglip-qwen2")
    let config = folder + "/tokenizer_config.json"
    try FileManager.default.removeItem(atPath: config)
    try FileManager.default.copyItem(atPath: folder + "/tokenizer_config.no-bos.json", toPath: config)
    let expected = try TensorFile(path: folder + "/expected.no-bos.safetensors")
    let out = folder + "/v.safetensors"
    let outcome = try CommandTests.run([
      "embed", "--checkpoint", folder, "--pairs", folder + "/pairs.jsonl", "--readout", "layer:1", "--out", out,
    ])
    #expect(outcome.code == 0 && outcome.errors.contains("no_bos_sink"))
    for side in ["image", "text"] {
      try Self.expectEqual(TensorFile(path: out), side, expected, "layer.1." + side)
    }
  }

  @Test func storedFeaturesAndPartsGivenApartGiveTheSameVectors() throws {
    let folder = Self.checkpoints + "llava-clip-llama"
    let pairs = ["--pairs", folder + "/pairs.jsonl"]
    let features = ["--features", folder + "/expected.safetensors::features"]
    let expected = try TensorFile(path: folder + "/expected.safetensors")
    let apart = ["--llm", folder, "--projector", folder + "/model.safetensors"]
    for source in [["--checkpoint", folder] + features, apart + features, apart + ["--vision", folder]] {
      let found = try Self.embed(source + pairs + ["--readout", "layer:2"])
      for side in ["image", "text"] { try Self.expectEqual(found, side, expected, "layer.2." + side) }
    }
  }

  @Test func theCacheGivesTheSameVectorsAndIsUsed() throws {
    let cache = try CommandTests.scratch() + "/cache"
    let source = Self.arguments("llava-clip-llama")
    let plain = try Self.embed(source)
    for _ in 0..<2 {
      let cached = try Self.embed(source + ["--cache", cache])
      try Self.expectEqual(cached, "image", plain, "image")
      #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 6)
    }
    // What stands in the cache is what is used; a file that is damaged is made anew.
    let names = try FileManager.default.contentsOfDirectory(atPath: cache).sorted()
    for (place, name) in names.enumerated() {
      var bytes = try Data(contentsOf: URL(filePath: cache + "/" + name))
      if place == 0 { bytes.removeLast(8) } else { bytes.resetBytes(in: bytes.count - 400..<bytes.count) }
      try bytes.write(to: URL(filePath: cache + "/" + name))
    }
    let changed = try Self.embed(source + ["--cache", cache])
    let (a, b): ([Float], [Float]) = (
      try changed.tensor(named: "image").elements(), try plain.tensor(named: "image").elements()
    )
    let width = b.count / 6
    let close = (0..<6).count { i in
      (i * width..<(i + 1) * width).allSatisfy { abs(a[$0] - b[$0]) < 1e-5 }
    }
    #expect(close == 1)
  }

  @Test func theReportHoldsLayersAndWhatOnlyAModelTells() throws {
    let out = try CommandTests.scratch() + "/report"
    let outcome = try CommandTests.run(
      ["measure"] + Self.arguments("paligemma") + ["--readout", "layers", "--json", "--out", out])
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let report = try GapReport(path: out)
    #expect(report.readout == "layers" && report.pairs == 6)
    #expect(report.metrics.table("layers")?.count == 3)
    for key in [
      "layers[2].centroid_distance", "layers[0].uniformity_image", "mir", "mir_with_layer_0",
      "vocabulary_lens.top1_entropy",
    ] { #expect(report.metrics.number(key) != nil, "\(key)") }
    #expect(FileManager.default.fileExists(atPath: out + "/layers.png"))
    let again = try CommandTests.run(["plot", out, "--figure", "layers", "--format", "svg", "--out", out])
    #expect(again.code == 0 && FileManager.default.fileExists(atPath: out + "/layers.svg"))
    let other = try CommandTests.scratch() + "/report"
    _ = try CommandTests.run(
      ["measure"] + Self.arguments("paligemma") + [
        "--mir-mode", "reference-fast", "--token-limit", "60", "--out", other,
      ])
    let fast = try GapReport(path: other)
    #expect(fast.warnings.contains { $0.code == "mir_reference_fast" })
    #expect(fast.sampled["mir"].map { $0 < 6 } ?? false)
    #expect(!FileManager.default.fileExists(atPath: other + "/layers.png"))
  }

  static func copy(_ name: String) throws -> String {
    let folder = try CommandTests.scratch() + "/" + name
    try FileManager.default.copyItem(atPath: checkpoints + name, toPath: folder)
    return folder
  }

  /// What is done to a good checkpoint, the code that follows, and what the one line must say.
  struct Fault: Sendable, CustomTestStringConvertible {
    let name: String
    let code: Int32
    let says: [String]
    var extra: [String] = []
    let breaking: @Sendable (_ folder: String) throws -> Void
    var testDescription: String { name }
  }

  /// Gives tensors of a checkpoint other shapes; their numbers are zeros.
  static func reshape(_ folder: String, _ shapes: [String: [Int]]) throws {
    let path = folder + "/model.safetensors"
    let file = try TensorFile(path: path)
    var writer = SafetensorsWriter()
    for tensor in file.tensors {
      let shape = shapes[tensor.name] ?? tensor.shape
      let numbers: [Float] =
        shape == tensor.shape ? try tensor.elements() : Array(repeating: 0, count: shape.reduce(1, *))
      writer.add(tensor.name, shape: shape, numbers)
    }
    try writer.data.write(to: URL(filePath: path), options: .atomic)
  }

  static func edit(_ path: String, _ old: String, _ new: String) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try #require(text.contains(old), "\(path) has no \(old)")
    try text.replacingOccurrences(of: old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
  }

  static let faults = [
    Fault(name: "no config", code: 66, says: ["config.json"]) {
      try FileManager.default.removeItem(atPath: $0 + "/config.json")
    },
    Fault(name: "no weights", code: 66, says: ["model.safetensors"]) {
      try FileManager.default.removeItem(atPath: $0 + "/model.safetensors")
    },
    Fault(name: "a projector without inputs", code: 65, says: ["linear_1", "(24, 0)"]) {
      try reshape($0, ["multi_modal_projector.linear_1.weight": [24, 0]])
    },
    Fault(name: "a projector of nothing", code: 65, says: ["linear_1", "(0, 18)"]) {
      try reshape(
        $0,
        [
          "multi_modal_projector.linear_1.weight": [0, 18], "multi_modal_projector.linear_1.bias": [0],
          "multi_modal_projector.linear_2.weight": [24, 0],
        ])
    },
    Fault(name: "features of thousands of layers", code: 65, says: ["vision_feature_layer", "64", "5000"]) {
      let layers = [String](repeating: "-1", count: 5000).joined(separator: ", ")
      try edit($0 + "/config.json", "\"vision_feature_layer\": -2", "\"vision_feature_layer\": [\(layers)]")
    },
    Fault(
      name: "a caption that a prompt leaves without tokens", code: 65, says: ["line 1", "token"],
      extra: ["--readout", "last", "--text-prompt", "x"]
    ) {
      // Whole captions are its words, and it has no token for what it does not know.
      let captions = Set(try CaptionedImages(path: $0 + "/pairs.jsonl").records.map(\.caption)).sorted()
      let words = captions.enumerated().map { "\"\($1)\": \($0)" }.joined(separator: ", ")
      try "{\"model\": {\"type\": \"WordLevel\", \"vocab\": {\(words)}, \"unk_token\": \"none\"}}".write(
        toFile: $0 + "/tokenizer.json", atomically: true, encoding: .utf8)
      try FileManager.default.removeItem(atPath: $0 + "/tokenizer_config.json")
    },
    Fault(name: "no tokenizer", code: 66, says: ["tokenizer.json"]) {
      try FileManager.default.removeItem(atPath: $0 + "/tokenizer.json")
    },
    Fault(name: "no preprocessing", code: 66, says: ["preprocessor_config.json"]) {
      try FileManager.default.removeItem(atPath: $0 + "/preprocessor_config.json")
    },
    Fault(name: "unknown decoder", code: 65, says: ["model_type", "mamba", "llama"]) {
      try edit($0 + "/config.json", "\"model_type\": \"llama\"", "\"model_type\": \"mamba\"")
    },
    Fault(name: "unknown encoder", code: 65, says: ["evaclip", "--features"]) {
      try edit($0 + "/config.json", "\"model_type\": \"clip_vision_model\"", "\"model_type\": \"evaclip\"")
    },
    Fault(name: "NeXT", code: 65, says: ["anyres", "--features"]) {
      try edit($0 + "/config.json", "\"model_type\": \"llava\"", "\"model_type\": \"llava_next\"")
    },
    Fault(name: "wrong shape", code: 65, says: ["up_proj", "(44, 24)", "(40, 24)"]) {
      try edit(
        $0 + "/config.json", "\"intermediate_size\": 40,\n    \"max", "\"intermediate_size\": 44,\n    \"max")
    },
    Fault(
      name: "layer that is not there", code: 65, says: ["layer:9", "layer:3"], extra: ["--readout", "layer:9"]
    ) { _ in },
    Fault(name: "another model's tokenizer", code: 65, says: ["tokenizer.json", "340"]) { folder in
      let path = folder + "/tokenizer.json"
      var value = try #require(
        JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path))) as? [String: Any])
      var model = try #require(value["model"] as? [String: Any])
      var vocabulary = try #require(model["vocab"] as? [String: Int])
      for id in 336..<400 { vocabulary["zz\(id)"] = id }
      model["vocab"] = vocabulary
      value["model"] = model
      try JSONSerialization.data(withJSONObject: value).write(to: URL(filePath: path))
    },
    Fault(name: "an image that is none", code: 65, says: ["line 3", "images/2.png", "PNG or JPEG"]) {
      try Data("not an image".utf8).write(to: URL(filePath: $0 + "/images/2.png"))
    },
    Fault(name: "a missing image", code: 66, says: ["line 4", "images/3.png"]) {
      try FileManager.default.removeItem(atPath: $0 + "/images/3.png")
    },
    Fault(name: "an empty caption", code: 65, says: ["line 1", "caption"]) {
      try edit($0 + "/pairs.jsonl", "\"a red circle\"", "\"\"")
    },
    Fault(
      name: "features of another size", code: 65, says: ["(6, rows, 18)", "(6, 16, 24)"], extra: ["--features"]
    ) { _ in },
  ]

  @Test(arguments: faults)
  func aFaultIsOneLineAndTheRightCode(fault: Fault) throws {
    let folder = try Self.copy("llava-clip-llama")
    try fault.breaking(folder)
    var extra = fault.extra
    if extra == ["--features"] { extra.append(folder + "/expected.safetensors::visual_tokens") }
    let outcome = try CommandTests.run(
      ["measure", "--checkpoint", folder, "--pairs", folder + "/pairs.jsonl"] + extra)
    #expect(outcome.code == fault.code && outcome.output.isEmpty, "\(outcome)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
    for part in fault.says { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
  }

  @Test func badImagesAreSkippedAndCounted() throws {
    let folder = try Self.copy("llava-clip-llama")
    try Data("not an image".utf8).write(to: URL(filePath: folder + "/images/2.png"))
    try FileManager.default.removeItem(atPath: folder + "/images/4.png")
    let out = folder + "/report"
    let outcome = try CommandTests.run([
      "measure", "--checkpoint", folder, "--pairs", folder + "/pairs.jsonl", "--skip-bad-images", "--out", out,
    ])
    #expect(outcome.code == 0)
    let report = try GapReport(path: out)
    #expect(report.pairs == 4 && report.droppedPairs == 2)
    #expect(report.warnings.contains { $0.code == "skipped_images" && $0.message.contains("line 3") })
  }

  /// Disk and memory are looked at before a checkpoint is read, and only where something would be written or held.
  @Test func whatDoesNotFitIsToldBeforeAnyImageIsRead() throws {
    let folder = try CommandTests.scratch()
    let source = Self.arguments("llava-clip-llama")
    let meminfo = folder + "/meminfo"
    try "MemTotal: 200 kB\nMemAvailable: 1 kB\n".write(toFile: meminfo, atomically: true, encoding: .utf8)
    let (file, cache) = (folder + "/v.safetensors", folder + "/made/cache")
    let (disk, memory) = (["FREE": "1000"], ["MEMINFO": meminfo])
    for (arguments, faults, code, words) in [
      (["embed", "--out", file], disk, Int32(73), ["v.safetensors", "bytes of disk", "1000 are there"]),
      (["embed", "--out", file], memory, 65, ["bytes of memory", "vectors", "1024 that are there"]),
      (["measure", "--cache", cache], disk, 73, ["made/cache", "image features", "another --cache"]),
      (["measure", "--readout", "layers"], memory, 65, ["bytes of memory", "one readout in place of layers"]),
    ] {
      let all = [arguments[0]] + source + arguments.dropFirst()
      let refused = try FaultyProcess.run(all, faults: faults)
      #expect(refused.code == code, "\(arguments): \(refused.errors)")
      #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
      #expect((words + ["--ignore-limits"]).allSatisfy { refused.errors.contains($0) }, "\(refused.errors)")
      #expect(!FileManager.default.fileExists(atPath: file))
      let begun = try FaultyProcess.run(all + ["--ignore-limits"], faults: faults)
      #expect(begun.code == 0, "\(arguments): \(begun.errors)")
      try? FileManager.default.removeItem(atPath: file)
      try? FileManager.default.removeItem(atPath: cache)
    }
    let plain = try FaultyProcess.run(["measure"] + source, faults: disk)
    #expect(plain.code == 0, "nothing is written: \(plain.errors)")
    let dump = try CommandTests.run(["measure", CommandTests.demo, "--ignore-limits"])
    #expect(dump.code == 64 && dump.errors.contains("--ignore-limits"), "\(dump.errors)")
  }

  @Test func captionsOfOneImageShareIt() throws {
    let folder = try Self.copy("llava-clip-llama")
    try Self.edit(folder + "/pairs.jsonl", "images/5.png", "images/0.png")
    let out = folder + "/report"
    _ = try CommandTests.run([
      "measure", "--checkpoint", folder, "--pairs", folder + "/pairs.jsonl", "--out", out,
    ])
    let report = try GapReport(path: out)
    #expect(report.pairs == 6 && report.warnings.contains { $0.code == "shared_images" })
    #expect(!report.warnings.contains { $0.code == "duplicate_image_rows" })
  }

  @Test func inspectSaysWhatIsRecognised() throws {
    let whole = try CommandTests.run(["inspect", Self.checkpoints + "llava-clip-llama"])
    for part in [
      "family              llama", "…multi_modal_projector.linear_{1,2}", "BPE with byte fallback", "2 of 3",
      "loaded: 89 tensors", "unused: 0", "1 '<s>'", "centre crop 28 × 28",
    ] { #expect(whole.output.contains(part), "\(part)") }
    let alone = try CommandTests.run([
      "inspect", "--json", Self.checkpoints + "projectors/gguf-gemma3/mmproj.gguf",
    ])
    #expect(alone.code == 0 && alone.output.contains("Gemma 3"))
    let bare = try CommandTests.run(["inspect", Self.checkpoints + "gpt2"])
    #expect(bare.code == 0 && bare.output.contains("gpt2") && bare.output.contains("--vision DIR"))
  }
}
