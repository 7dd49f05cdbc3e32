#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes numbers as figures print them: minus sign U+2212, thousands parted by commas, powers of ten raised.
public enum NumberText {
  /// Writes a number with a fixed count of decimals.
  ///
  /// - Parameters:
  ///   - value: a finite number.
  ///   - decimals: digits after the point, 0…15.
  ///   - grouped: whether integer parts of five and more digits are parted by commas.
  public static func fixed(_ value: Double, decimals: Int, grouped: Bool = true) -> String {
    precondition((0...15).contains(decimals), "0 to 15 decimals")
    let scaled = (abs(value) * pow(10, Double(decimals))).rounded()
    guard scaled < 9e15 else { return value < 0 ? "−\(abs(value))" : "\(value)" }
    let digits = String(Int(scaled))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let whole = String(padded.dropLast(decimals))
    let sign = value < 0 && scaled > 0 ? "−" : ""
    let head = sign + (grouped ? parted(whole) : whole)
    return decimals == 0 ? head : head + "." + padded.suffix(decimals)
  }

  /// Writes a number with a count of significant digits, plain between 10⁻⁴ and 10⁷, else as a power of ten.
  ///
  /// - Parameters:
  ///   - value: a finite number.
  ///   - digits: significant digits, 1…15.
  public static func significant(_ value: Double, digits: Int) -> String {
    precondition((1...15).contains(digits), "1 to 15 digits")
    guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
    let exponent = exponent(of: value, digits: digits)
    if (-4..<7).contains(exponent) {
      return fixed(value, decimals: min(15, max(0, digits - 1 - exponent)))
    }
    return scientific(value, exponent: exponent, decimals: digits - 1)
  }

  /// Writes a whole number with commas between thousands: 50,000.
  public static func count(_ value: Int) -> String {
    (value < 0 ? "−" : "") + parted(String(value.magnitude), from: 4)
  }

  /// Writes a number as mantissa and power of ten; a mantissa of 1 without decimals is left out.
  static func scientific(_ value: Double, exponent: Int, decimals: Int) -> String {
    let mantissa = fixed(scaled(value, by: -exponent), decimals: min(15, decimals))
    let power = "10" + raised(exponent)
    switch mantissa {
    case "1": return power
    case "−1": return "−" + power
    default: return mantissa + "×" + power
    }
  }

  /// Multiplies by a power of ten in two steps, since 10³⁰⁸ and beyond is not a number.
  static func scaled(_ value: Double, by exponent: Int) -> Double {
    let half = exponent / 2
    return value * pow(10, Double(half)) * pow(10, Double(exponent - half))
  }

  /// The power of ten of the first digit after rounding to `digits` digits.
  private static func exponent(of value: Double, digits: Int) -> Int {
    let exponent = Int(log10(abs(value)).rounded(.down))
    let rounded = (abs(scaled(value, by: digits - 1 - exponent))).rounded()
    return rounded >= pow(10, Double(digits)) ? exponent + 1 : exponent
  }

  private static func raised(_ exponent: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let raised = String(exponent.magnitude).utf8.map { digits[Int($0) - 48] }
    return (exponent < 0 ? "⁻" : "") + String(raised)
  }

  /// Puts commas between thousands of numbers with at least `from` digits.
  private static func parted(_ whole: String, from: Int = 5) -> String {
    guard whole.count >= from else { return whole }
    var text = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }
}
