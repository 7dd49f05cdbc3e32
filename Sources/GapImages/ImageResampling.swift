#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Names how a resize mixes pixels, by the filters that Pillow has.
public enum ImageResampling: Int, Sendable, CaseIterable {
  /// The pixel whose area holds the centre.
  case nearest = 0
  /// A windowed sinc over six pixels.
  case lanczos = 1
  /// A triangle over two pixels.
  case bilinear = 2
  /// A cubic over four pixels, a = -0.5.
  case bicubic = 3
  /// The mean of the area.
  case box = 4
  /// A windowed sinc over two pixels.
  case hamming = 5

  /// How far the filter reaches from its centre, in pixels of the smaller image.
  var support: Double {
    switch self {
    case .nearest: 0
    case .box: 0.5
    case .bilinear, .hamming: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The filter's weight at a distance from its centre.
  func weight(at distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .nearest: return 0
    case .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .bilinear: return x < 1 ? 1 - x : 0
    case .hamming:
      if x == 0 { return 1 }
      // The reference's constants are of single precision, and one result in a million shows it.
      let (base, swing) = (Double(0.54 as Float), Double(0.46 as Float))
      return x < 1 ? sin(x * .pi) / (x * .pi) * (base + swing * cos(x * .pi)) : 0
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    case .lanczos:
      return distance >= -3 && distance < 3 ? Self.sinc(distance) * Self.sinc(distance / 3) : 0
    }
  }

  private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}
