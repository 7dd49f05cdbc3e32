import Foundation
import GapImages
import GapTensorFiles
import Testing

@testable import GapModels

@Suite struct ImageProcessorTests {
  static let folder = ReferenceFiles.folder + "../images/"

  static func image(_ name: String) throws -> RGBImage { try RGBImage(contentsOf: folder + name) }

  /// Bit-equal: the same operations in the same order on the same bytes.
  @Test func everyProcessorAgreesWithTheReference() throws {
    let expected = try TensorFile(path: Self.folder + "processed.safetensors")
    #expect(expected.tensors.count == 44)
    for tensor in expected.tensors {
      let parts = tensor.name.split(separator: "/").map(String.init)
      let processor = try ImageProcessor(directory: Self.folder + "processors/" + parts[0])
      let found = try processor.pixels(of: Self.image(parts[1]))
      #expect([3, found.height, found.width] == tensor.shape, "\(tensor.name)")
      let numbers: [Float] = try expected.numbers(tensor.name)
      #expect(found.values.map(\.bitPattern) == numbers.map(\.bitPattern), "\(tensor.name)")
    }
  }

  @Test func batchesAreTheirImages() throws {
    let processor = try ImageProcessor(directory: Self.folder + "processors/clip")
    let images = try ["tall.png", "cmyk.jpg", "one.png", "progressive.jpg"].map(Self.image)
    let single = try images.map { try processor.pixels(of: $0) }
    for threads in [1, 3] { #expect(try processor.pixels(of: images, threads: threads) == single) }
  }

  @Test func expandingIsAnOption() throws {
    let plain = try Self.processor(
      #"{"image_processor_type": "CLIPImageProcessorFast", "size": 14, "crop_size": 14}"#)
    let padding = try ImageProcessor(directory: Self.folder + "processors/llava")
    let image = try Self.image("quarter-colour.jpg")
    #expect(try plain.pixels(of: image, expandsToSquare: true) == padding.pixels(of: image))
    #expect(try plain.pixels(of: image) != padding.pixels(of: image))
  }

  @Test func sizesThatVanishAreRefused() throws {
    let processor = try ImageProcessor(directory: Self.folder + "processors/clip-edges")
    #expect(throws: ImageError.self) { try processor.pixels(of: Self.image("tall.png")) }
  }

  @Test func classesHaveTheirDefaults() throws {
    let clip = try Self.processor(#"{"feature_extractor_type": "CLIPFeatureExtractor"}"#)
    #expect(clip.size == .shortEdge(224) && clip.crop?.width == 224 && clip.resampling == .bicubic)
    let vit = try Self.processor(
      #"{"image_processor_type": "ViTImageProcessor", "size": 32, "image_mean": null}"#)
    #expect(vit.size == .exactly(width: 32, height: 32) && vit.crop == nil && vit.resampling == .bilinear)
    #expect(vit.mean == [0.5, 0.5, 0.5])
  }

  @Test func processorConfigIsReadWhereTheOtherIsMissing() throws {
    let inner =
      #"{"image_processor": {"image_processor_type": "SiglipImageProcessor", "size": {"height": 5, "width": 7}}}"#
    let processor = try Self.processor(inner, name: "processor_config.json")
    #expect(processor.size == .exactly(width: 7, height: 5))
  }

  @Test(arguments: [
    (#"{"image_processor_type": "PixtralImageProcessor"}"#, "\"PixtralImageProcessor\""),
    (#"{"size": 3}"#, "image_processor_type"),
    (#"{"image_processor_type": "CLIPImageProcessor", "do_thumbnail": true}"#, "do_thumbnail"),
    (#"{"image_processor_type": "CLIPImageProcessor", "resample": 9}"#, "resample"),
    (#"{"image_processor_type": "CLIPImageProcessor", "size": {"height": 3}}"#, "size"),
    (#"{"image_processor_type": "CLIPImageProcessor", "size": {"max_height": 3}}"#, "max_height"),
    (#"{"image_processor_type": "CLIPImageProcessor", "size": 0}"#, "found 0"),
    (#"{"image_processor_type": "CLIPImageProcessor", "image_std": [1, 0, 1]}"#, "image_std"),
    (#"{"image_processor_type": "CLIPImageProcessor", "image_mean": [1, 0]}"#, "three numbers"),
    (#"{"image_processor_type": "CLIPImageProcessor", "do_resize": 1}"#, "do_resize"),
    (#"{"image_processor_type": "ViTImageProcessor", "do_pad": true}"#, "do_pad"),
    (#"{"image_processor_type": "SiglipImageProcessor", "do_center_crop": true}"#, "crop_size"),
    ("[]", "an object"),
  ])
  func unknownSettingsAreNamed(text: String, part: String) throws {
    let error = try #require(throws: ModelError.self) { try Self.processor(text) }
    #expect(error.description.contains(part), "\(error)")
  }

  @Test func aDirectoryWithoutSettingsIsNamed() throws {
    let error = try #require(throws: ModelError.self) { try ImageProcessor(directory: Self.folder) }
    #expect(error.description.contains("preprocessor_config.json"))
  }

  private static func processor(_ text: String, name: String = "preprocessor_config.json") throws
    -> ImageProcessor
  {
    let folder = FileManager.default.temporaryDirectory.appending(path: "processor-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(text.utf8).write(to: folder.appending(path: name))
    return try ImageProcessor(directory: folder.path)
  }
}
