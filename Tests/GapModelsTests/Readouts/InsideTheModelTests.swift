import Foundation
import GapLayers
import GapLinearAlgebra
import GapMetrics
@testable import GapModels
import GapTensorFiles
import Testing

/// The Modality Integration Rate and the vocabulary lens against the reference.
@Suite struct InsideTheModelTests {
  private struct Expected: Decodable {
    struct Rate: Decodable {
      struct Mode: Decodable {
        let layers: [Double]
        let mir: Double
        let mir_with_layer_0: Double
      }
      struct Outliers: Decodable {
        let image: [Int]
        let text: [Int]
      }
      let exact: Mode
      let reference_fast: Mode
      let outliers: Outliers
    }
    struct Lens: Decodable {
      let mean_top1_cosine: Double
      let top1_entropy: Double
      let share_of_five_commonest: Double
      let caption_words_found: Double
      let top5_ids_of_first_image: [[Int]]
    }
    let mir: [String: Rate]
    let vocabulary_lens: Lens
    let caption_ids: [[Int32]]
  }

  private struct Case {
    let checkpoint: Checkpoint
    let expected: Expected
    let visual: Block<Float>
    let images: Int
    let captions: [String]

    init(_ name: String) throws {
      let folder = ReferenceFiles.folder + name
      checkpoint = try Checkpoint(ModelParts(checkpoint: folder))
      expected = try JSONDecoder().decode(
        Expected.self, from: Data(contentsOf: URL(filePath: folder + "/expected.json")))
      let tensor = try TensorFile(path: folder + "/expected.safetensors").tensor(named: "visual_tokens")
      images = tensor.shape[0]
      visual = Block(
        Buffer(try tensor.elements() as [Float]), rows: images * tensor.shape[1], columns: tensor.shape[2])
      struct Record: Decodable { let caption: String }
      captions = try String(contentsOfFile: folder + "/pairs.jsonl", encoding: .utf8).split(separator: "\n").map
      {
        try JSONDecoder().decode(Record.self, from: Data($0.utf8)).caption
      }
    }
  }

  static let names = ["llava-clip-llama", "llava-siglip-qwen2", "paligemma"]

  @Test(arguments: names)
  func rateAgreesWithTheReference(name: String) throws {
    let test = try Case(name)
    let expected = try #require(test.expected.mir["two_sequences"])
    for (mode, numbers) in [(MIRMode.exact, expected.exact), (.referenceFast, expected.reference_fast)] {
      let rate = try ModalityIntegrationRate(
        visual: test.visual, perImage: Array(repeating: test.visual.rows / test.images, count: test.images),
        captions: test.expected.caption_ids, beginning: test.checkpoint.beginning,
        decoder: test.checkpoint.model.requiredDecoder(), mode: mode, pool: WorkerPool(threads: 2))
      #expect(rate.layers.count == numbers.layers.count)
      for (found, wanted) in zip(rate.layers.map(\.value), numbers.layers) {
        #expect(abs(found - wanted) < 1e-6 * wanted)
      }
      #expect(abs(try #require(rate.value) - numbers.mir) < 1e-6)
      #expect(abs(try #require(rate.withLayerZero) - numbers.mir_with_layer_0) < 1e-6)
      #expect(rate.layers.map(\.imageOutliers) == expected.outliers.image)
      #expect(rate.layers.map(\.textOutliers) == expected.outliers.text)
    }
  }

  @Test(arguments: names)
  func lensAgreesWithTheReferenceInBatchesOfAnySize(name: String) throws {
    let test = try Case(name)
    let expected = test.expected.vocabulary_lens
    let perImage = test.visual.rows / test.images
    for size in [1, 4, test.images] {
      var lens = VocabularyLens(
        embeddings: test.checkpoint.model.embeddings, tokenizer: test.checkpoint.tokenizer,
        pool: WorkerPool(threads: 2))
      for range in Pieces(of: 0..<test.images, size: size).all {
        let rows = test.visual.rows(range.lowerBound * perImage..<range.upperBound * perImage)
        let nearest = try lens.add(rows, captions: range.map { [test.captions[$0]] })
        if range.lowerBound == 0 {
          #expect(Array(nearest.prefix(perImage)) == expected.top5_ids_of_first_image)
        }
      }
      let found = lens.metrics
      for (key, wanted) in [
        ("mean_top1_cosine", expected.mean_top1_cosine), ("top1_entropy", expected.top1_entropy),
        ("share_of_five_commonest", expected.share_of_five_commonest),
        ("caption_words_found", expected.caption_words_found),
      ] { #expect(abs(try #require(found.number(key)) - wanted) < 1e-6, "\(key)") }
    }
  }

  /// A table of many rows, some of them equal or zero, against every cosine in Double.
  @Test func nearestRowsAreThoseOfExactCosines() throws {
    let (rows, columns) = (1300, 7)
    var generator = SeededGenerator(seed: 3)
    var table = (0..<rows).map { _ in (0..<columns).map { _ in Float(generator.normal()) } }
    table[700] = table[3].map { $0 * 2 }
    table[1200] = table[3]
    table[5] = table[5].map { _ in 0 }
    let folder = FileManager.default.temporaryDirectory.path + "/lens-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var writer = SafetensorsWriter()
    writer.add("t", shape: [rows, columns], table.flatMap { $0 })
    try writer.data.write(to: URL(filePath: folder))
    let tensor = try TensorFile(path: folder).tensor(named: "t")
    let tokens =
      [table[3], table[5]] + (0..<600).map { _ in (0..<columns).map { _ in Float(generator.normal()) } }
    let block = Block(Buffer(tokens.flatMap { $0 }), rows: tokens.count, columns: columns)
    let found = try NearestTokens(table: tensor, count: 5).neighbours(of: block, on: WorkerPool(threads: 2))
    for (token, near) in zip(tokens, found) {
      let cosines = table.map { row in
        let dot = zip(row, token).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let lengths = [row, token].map { $0.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() }
        return lengths[0] * lengths[1] > 0 ? dot / (lengths[0] * lengths[1]) : 0
      }
      let order = cosines.indices.sorted {
        abs(cosines[$0] - cosines[$1]) > 1e-14 ? cosines[$0] > cosines[$1] : $0 < $1
      }
      #expect(near.map(\.row) == Array(order.prefix(5)))
    }
  }

  @Test func wordsAreRunsOfLettersDigitsAndUnderscores() {
    #expect(VocabularyLens.words(of: "Un café_1, 3½ x-ray\n中文!") == ["un", "café_1", "3½", "x", "ray", "中文"])
  }
}
