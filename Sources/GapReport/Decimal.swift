/// Numbers as people read them, without locale.
public enum Decimal {
  /// A number with a fixed number of places, rounded half away from zero; exponent form beyond what places can show.
  public static func text(_ value: Double, places: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-inf" : "inf" }
    let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let digits = String(UInt64(scaled))
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return places == 0 ? sign + padded : sign + padded.dropLast(places) + "." + padded.suffix(places)
  }

  /// A number to four significant places, short.
  public static func text(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return text(value, places: 0) }
    let size = value.magnitude
    if size < 1e-4 || size >= 1e7 { return exponentForm(value) }
    if size >= 1000 { return text(value, places: 1) }
    return text(value, places: size >= 100 ? 2 : size >= 10 ? 3 : 4)
  }

  /// A count with thousands set apart by commas.
  public static func grouped(_ count: Int) -> String {
    var result = ""
    let digits = String(count.magnitude)
    for (i, digit) in digits.enumerated() {
      if i > 0, (digits.count - i) % 3 == 0 { result += "," }
      result.append(digit)
    }
    return count < 0 ? "-" + result : result
  }

  private static func exponentForm(_ value: Double) -> String {
    var exponent = 0
    var mantissa = value.magnitude
    while mantissa >= 10 {
      mantissa /= 10
      exponent += 1
    }
    while mantissa < 1 {
      mantissa *= 10
      exponent -= 1
    }
    var digits = text(mantissa, places: 2)
    if digits == "10.00" {
      digits = "1.00"
      exponent += 1
    }
    return (value < 0 ? "-" : "") + digits + "e\(exponent)"
  }
}
