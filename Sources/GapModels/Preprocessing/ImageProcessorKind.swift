import GapImages

/// Names the processor classes that are known, and what each does where its file is silent.
enum ImageProcessorKind: String, CaseIterable {
  case clip = "CLIP"
  case siglip = "Siglip"
  case bit = "Bit"
  case vit = "ViT"
  case llava = "Llava"

  /// The kind of a class name, such as `CLIPImageProcessorFast` or the older `CLIPFeatureExtractor`.
  init?(className: String) {
    let endings = ["ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"]
    let found = Self.allCases.first { kind in endings.contains { className == kind.rawValue + $0 } }
    guard let found else { return nil }
    self = found
  }

  /// The steps of a file that says nothing but its class.
  var defaults: ImageProcessor {
    let clipMean: [Double] = [0.48145466, 0.4578275, 0.40821073]
    let clipDeviation: [Double] = [0.26862954, 0.26130258, 0.27577711]
    let isSquare = self == .siglip || self == .vit
    return ImageProcessor(
      size: isSquare ? .exactly(width: 224, height: 224) : .shortEdge(224),
      resampling: self == .vit ? .bilinear : .bicubic,
      crop: isSquare ? nil : (width: 224, height: 224),
      padsToSquare: false, rescaleFactor: 1.0 / 255,
      mean: isSquare ? [0.5, 0.5, 0.5] : clipMean,
      deviation: isSquare ? [0.5, 0.5, 0.5] : clipDeviation)
  }

  /// Whether one number as `size` means both sides.
  var numberMeansSquare: Bool { self == .vit || self == .siglip }
}
