/// How far a printed decimal may be from the expected one.
///
/// Processors round in other orders (wider vectors, fused products), and training carries that on. A notebook states
/// how much of it is allowed, and why.
public struct Tolerance: Sendable, Equatable {
  /// In the unit of the number.
  public let absolute: Double
  /// As a share of the expected number.
  public let relative: Double

  /// - Parameters:
  ///   - absolute: in the unit of the number; at least one of the last printed place.
  ///   - relative: as a share of the expected number.
  public init(absolute: Double, relative: Double = 0) {
    self.absolute = absolute
    self.relative = relative
  }

  /// For numbers that come after training, which carries rounding on.
  ///
  /// The same training with OpenBLAS's kernels for Haswell in place of those for AVX-512 moved numbers of single runs by up
  /// to 0.12 or 16% (measured in measure-a-checkpoint and encoder-projector-llm). This is wide enough for that; every claim
  /// is checked on its own.
  public static let training = Tolerance(absolute: 0.05, relative: 0.15)

  /// Whether a line is as expected: its decimals within the tolerance, all else, whole numbers too, to the letter.
  ///
  /// The number of spaces between words makes no difference, since columns move with their widest number.
  func agrees(_ expected: String, _ found: String) -> Bool {
    let (expected, found) = (Self.words(expected), Self.words(found))
    guard expected.count == found.count else { return false }
    return zip(expected, found).allSatisfy { expected, found in
      guard let a = Self.decimal(expected), let b = Self.decimal(found) else { return expected == found }
      // One ten-thousandth of the allowance makes up for decimals that are no binary fractions.
      return abs(a - b) <= (absolute + relative * abs(a)) * 1.0001
    }
  }

  private static func words(_ line: String) -> [Substring] { line.split(separator: " ") }

  /// A word that is a number with a point in it.
  private static func decimal(_ word: Substring) -> Double? { word.contains(".") ? Double(word) : nil }
}
