import Foundation
import GapDatasets
import GapTensorFiles
import Testing

@Suite struct EmbeddingFilesTests {
  /// Two sides in files that the reference implementations wrote: npy, npz, safetensors, sharded, PyTorch.
  struct Form: Sendable, CustomTestStringConvertible {
    let image: String
    let text: String

    var testDescription: String { image + " and " + text }

    init(_ image: String, _ text: String) {
      self.image = image
      self.text = text
    }
  }

  static let forms = [
    Form("big-f8-c.npy", "little-f2-f.npy"), Form("stored.npz::image", "stored.npz::text"),
    Form("deflated.npz::image", "stored.npz::text"),
    Form("types.safetensors::double", "types.safetensors::bfloat16"),
    Form("types.pt::float", "types-legacy.pt::half"), Form("bare.pt", "bare-legacy.pt"),
    Form("views.pt::transposed", "views-deflated.pt::transposed"),
    Form("sharded::a.weight", "sharded::b.weight"),
    Form("sharded-torch::a", "sharded-torch::b"),
  ]

  @Test(arguments: forms)
  func aTensorForEachSide(form: Form) throws {
    let references = [form.image, form.text].map {
      TensorReference(parsing: PairsFile.fixtures + "/" + $0)
    }
    let files = try EmbeddingFiles(image: references[0], text: references[1])
    #expect(files.inputs.count == 2)
    for (index, rows) in [files.image, files.text].enumerated() {
      let name = String(references[index].path.dropFirst(PairsFile.fixtures.count + 1))
      let expected = try #require(try PairsFile.expected(name, references[index].key ?? "array"))
      #expect([rows.count, rows.dimension] == expected.shape)
      #expect(try PairsFile.elements(rows) == expected.values)
      #expect(rows.label == references[index].description)
      let input = files.inputs[index]
      #expect(input.path == references[index].description)
      #expect(input.dtype == expected.type)
      #expect(input.shape == expected.shape)
      #expect(input.sha256 == nil)
    }
  }

  @Test(arguments: ["stacked.npy", "stacked-f.npy"])
  func oneStackedArrayHasImagesFirst(name: String) throws {
    let files = try EmbeddingFiles(pairs: TensorReference(path: PairsFile.fixtures + "/" + name))
    let expected = try #require(try PairsFile.expected(name, "array"))
    let values = try #require(expected.values)
    #expect((files.image.count, files.image.dimension) == (4, 3))
    #expect(try PairsFile.elements(files.image) == Array(values[..<12]))
    #expect(try PairsFile.elements(files.text) == Array(values[12...]))
    #expect(files.inputs.map(\.shape) == [[2, 4, 3]])
    #expect(files.image.label != files.text.label)
    #expect(files.image.label.contains(name) && files.text.label.contains(name))
  }

  @Test(arguments: [
    "image text", "images texts", "image_embeds text_embeds", "image_embeddings text_embeddings",
    "image_features text_features",
  ])
  func knownNamesAreFoundAmongOthers(names: String) throws {
    let names = names.split(separator: " ").map(String.init)
    let (image, text) = (PairsFile.numbers(3, 2, seed: 1), PairsFile.numbers(3, 2, seed: 2))
    try PairsFile.withDirectory { directory in
      // The text comes first in the file: names count, not places.
      let data = PairsFile.safetensors([
        (names[1], [3, 2], text), ("other", [4], [0, 0, 0, 0]), (names[0], [3, 2], image),
      ])
      let files = try EmbeddingFiles(pairs: PairsFile.write(data, directory + "/a.safetensors"))
      #expect(try PairsFile.elements(files.image) == image)
      #expect(try PairsFile.elements(files.text) == text)
      #expect(files.inputs.map(\.path) == names.map { directory + "/a.safetensors::" + $0 })
      #expect(files.inputs.map(\.bytes) == [data.count, data.count])
    }
  }

  @Test func aKeyNamesAStackedArrayAmongOthers() throws {
    let numbers = PairsFile.numbers(2 * 3, 2, seed: 1)
    try PairsFile.withDirectory { directory in
      let data = PairsFile.safetensors([
        ("image", [3, 2], PairsFile.numbers(3, 2, seed: 2)),
        ("text", [3, 2], PairsFile.numbers(3, 2, seed: 3)),
        ("both", [2, 3, 2], numbers),
      ])
      let reference = try PairsFile.write(data, directory + "/a.safetensors")
      let files = try EmbeddingFiles(pairs: TensorReference(path: reference.path, key: "both"))
      #expect(try PairsFile.elements(files.image) == Array(numbers[..<6]))
      #expect(try PairsFile.elements(files.text) == Array(numbers[6...]))
      #expect(files.inputs.map(\.path) == [reference.path + "::both"])
    }
  }

  // MARK: What is no pair

  @Test func otherShapesAreRefused() throws {
    try PairsFile.withDirectory { directory in
      for shape in [[6], [3, 2], [1, 3, 2], [3, 2, 1], [2, 1, 3, 1], [2, 3, 0]] {
        let count = shape.reduce(1, *)
        let reference = try PairsFile.write(
          PairsFile.npy(shape, [Double](repeating: 1, count: count)), directory + "/a.npy")
        let error = #expect(throws: DatasetError.self, "\(shape)") { try EmbeddingFiles(pairs: reference) }
        guard case .wrongShape(let label, _, let found) = error else {
          Issue.record("\(shape): \(String(describing: error))")
          continue
        }
        #expect(label.hasPrefix(reference.path))
        #expect(found == (shape == [2, 3, 0] ? [3, 0] : shape))
      }
      for shape in [[6], [1, 3, 2], [3, 0]] {
        let reference = try PairsFile.write(
          PairsFile.npy(shape, [Double](repeating: 1, count: shape.reduce(1, *))), directory + "/b.npy")
        #expect(
          throws: DatasetError.wrongShape(
            label: reference.path, expected: "(pairs, dimensions)", found: shape)
        ) {
          try EmbeddingFiles(image: reference, text: reference)
        }
      }
    }
  }

  @Test func severalTensorsOfUnknownNamesAreRefusedByName() throws {
    try PairsFile.withDirectory { directory in
      let data = PairsFile.safetensors([("vision", [1, 1], [1]), ("language", [1, 1], [1])])
      let reference = try PairsFile.write(data, directory + "/a.safetensors")
      let error = DatasetError.noPair(path: reference.path, known: ["vision", "language"])
      #expect(throws: error) { try EmbeddingFiles(pairs: reference) }
      #expect(error.description.contains("vision, language"))
      #expect(throws: TensorFileError.nameNeeded(path: reference.path, known: ["vision", "language"])) {
        try EmbeddingFiles(image: reference, text: reference)
      }
      #expect(
        throws: TensorFileError.unknownTensor(
          path: reference.path, name: "no", known: ["vision", "language"])
      ) {
        try EmbeddingFiles(
          image: TensorReference(path: reference.path, key: "no"),
          text: TensorReference(path: reference.path, key: "vision"))
      }
    }
  }

  @Test func twoPairsOfKnownNamesAreRefused() throws {
    try PairsFile.withDirectory { directory in
      let data = PairsFile.safetensors(
        ["image", "text", "image_embeds", "text_embeds"].map { ($0, [1, 1], [1]) })
      let reference = try PairsFile.write(data, directory + "/a.safetensors")
      let candidates = ["image and text", "image_embeds and text_embeds"]
      #expect(throws: DatasetError.ambiguousPair(path: reference.path, candidates: candidates)) {
        try EmbeddingFiles(pairs: reference)
      }
    }
  }

  @Test func integersAreNoEmbeddings() {
    let reference = TensorReference(path: PairsFile.fixtures + "/stored.npz", key: "ids")
    #expect(throws: TensorFileError.self) { try EmbeddingFiles(image: reference, text: reference) }
    #expect(throws: TensorFileError.self) { try EmbeddingFiles(pairs: reference) }
  }

  @Test func everyErrorIsOneLine() {
    let errors: [DatasetError] = [
      .wrongShape(label: "a", expected: "(2, n, d)", found: [3]),
      .noPair(path: "a", known: (0..<40).map { "tensor\n\($0)" }), .noPair(path: "a", known: []),
      .ambiguousPair(path: "a", candidates: ["x and y"]), .oneSideOnly(given: "--image", missing: "--text"),
      .unreadable(path: "a", reason: "no such file", isMissing: true),
      .badLine(path: "a", line: 3, expected: "an id", found: "an empty line"),
      .wrongFile(path: "a", expected: "pairs", found: "a model"),
    ]
    for error in errors {
      #expect(!error.description.contains { $0.isNewline })
      #expect(error.description.contains("a"))
      #expect(error.description.count < 2000)
    }
    #expect(errors.map(\.isMissingInput) == [false, false, false, false, false, true, false, false])
  }
}
