/// Names a colour by red, green, blue and opacity, each 0…1, in sRGB.
public struct PlotColor: Equatable, Hashable, Sendable {
  /// Red, 0…1.
  public var red: Double

  /// Green, 0…1.
  public var green: Double

  /// Blue, 0…1.
  public var blue: Double

  /// Opacity, 0 (clear) … 1 (solid).
  public var alpha: Double

  /// Stores the components.
  public init(red: Double, green: Double, blue: Double, alpha: Double = 1) {
    self.red = red
    self.green = green
    self.blue = blue
    self.alpha = alpha
  }

  /// Reads a colour from six hexadecimal digits, 0xRRGGBB.
  public init(hex: UInt32) {
    func part(_ shift: UInt32) -> Double { Double((hex >> shift) & 0xFF) / 255 }
    self.init(red: part(16), green: part(8), blue: part(0))
  }

  /// Returns the same colour with another opacity.
  public func opacity(_ alpha: Double) -> PlotColor {
    PlotColor(red: red, green: green, blue: blue, alpha: alpha)
  }

  /// The ground of every figure.
  public static let white = PlotColor(hex: 0xFFFFFF)

  /// Type and axes.
  public static let ink = PlotColor(hex: 0x222222)

  /// Secondary lines: references, joins between centroids.
  public static let grey = PlotColor(hex: 0x666666)

  /// Grid lines.
  public static let faint = PlotColor(hex: 0xE4E4E4)

  /// The qualitative palette of Okabe and Ito, which readers with any common colour blindness can tell apart; the
  /// order puts blue (images) and vermillion (texts) first and leaves out yellow, which is too pale on white.
  ///
  /// - Source: Okabe & Ito, *Color Universal Design* (2008), figure 16.
  public static let palette: [PlotColor] = [
    PlotColor(hex: 0x0072B2), PlotColor(hex: 0xD55E00), PlotColor(hex: 0x009E73), PlotColor(hex: 0xCC79A7),
    PlotColor(hex: 0xE69F00), PlotColor(hex: 0x56B4E9), PlotColor(hex: 0x000000),
  ]
}
