import GapPlot
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct PlotTicksTests {
  /// Reads a label back as a number: "−1,200", "0.5", "10⁻³", "−2.5×10⁸".
  static func number(_ label: String) -> Double? {
    let raised = Dictionary(uniqueKeysWithValues: zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))
    let plain = String(label.compactMap { $0 == "," ? nil : $0 == "−" ? "-" : $0 })
    guard let start = plain.firstIndex(where: { raised[$0] != nil }) else { return Double(plain) }
    guard plain[..<start].hasSuffix("10") else { return nil }
    let mantissa = plain[..<start].dropLast(2)
    let exponent = String(plain[start...].compactMap { raised[$0] })
    switch mantissa {
    case "": return Double("1e" + exponent)
    case "-": return Double("-1e" + exponent)
    default: return mantissa.hasSuffix("×") ? Double(mantissa.dropLast() + "e" + exponent) : nil
    }
  }

  @Test func ordinaryRangesGetRoundNumbers() {
    #expect(
      PlotTicks(kind: .linear, lower: 0, upper: 1, maximumCount: 6).labels == [
        "0.0", "0.2", "0.4", "0.6", "0.8", "1.0",
      ])
    #expect(
      PlotTicks(kind: .linear, lower: -0.7, upper: 0.7, maximumCount: 3).labels == ["−0.5", "0.0", "0.5"])
    #expect(
      PlotTicks(kind: .linear, lower: 0, upper: 50_000, maximumCount: 3).labels == ["0", "20,000", "40,000"])
    #expect(PlotTicks(kind: .linear, lower: 0, upper: 2.1e8, maximumCount: 3).labels == ["0", "10⁸", "2×10⁸"])
    #expect(PlotTicks(kind: .logarithmic, lower: 1, upper: 768, maximumCount: 6).labels == ["1", "10", "100"])
    #expect(
      PlotTicks(kind: .logarithmic, lower: 1e-9, upper: 1e9, maximumCount: 4).labels == [
        "10⁻⁹", "10⁻⁴", "10", "10⁶",
      ])
    #expect(
      PlotTicks(kind: .logarithmic, lower: 0.9, upper: 60, maximumCount: 6).labels
        == ["1", "2", "5", "10", "20", "50"])
  }

  @Test func linearTicksKeepTheirPromises() throws {
    var random = SampleRandom(seed: 11)
    for trial in 0..<4000 {
      let magnitude = pow(10, Double.random(in: -12...12, using: &random))
      let lower = Double.random(in: -1...1, using: &random) * magnitude
      let extent = magnitude * pow(10, Double.random(in: -5...1, using: &random))
      let upper = lower + extent
      let count = Int.random(in: 1...10, using: &random)
      let ticks = PlotTicks(kind: .linear, lower: lower, upper: upper, maximumCount: count)
      let place: Comment = "trial \(trial): \(lower)…\(upper), \(count), \(ticks)"
      #expect(ticks.values.count <= count, place)
      #expect(ticks.labels.count == ticks.values.count, place)
      #expect(ticks.values.allSatisfy { $0 >= lower - 1e-6 * extent && $0 <= upper + 1e-6 * extent }, place)
      #expect(zip(ticks.values, ticks.values.dropFirst()).allSatisfy { $0 < $1 }, place)
      #expect(Set(ticks.labels).count == ticks.labels.count, place)
      if count >= 5 { #expect(ticks.values.count >= 2, place) }
      for (value, label) in zip(ticks.values, ticks.labels) {
        let read = try #require(Self.number(label), "label \(label)")
        #expect(abs(read - value) <= 1e-6 * extent, "\(label) stands at \(value)")
      }
      if ticks.values.count >= 2 {
        let step = ticks.values[1] - ticks.values[0]
        let mantissa = step / pow(10, floor(log10(step) + 1e-6))
        #expect([1, 2, 5].contains { abs(mantissa - $0) < 1e-3 * $0 }, place)
      }
    }
  }

  @Test func logarithmicTicksKeepTheirPromises() throws {
    var random = SampleRandom(seed: 12)
    for trial in 0..<4000 {
      let lower = pow(10, Double.random(in: -15...15, using: &random))
      let upper = lower * pow(10, Double.random(in: 0.001...20, using: &random))
      let count = Int.random(in: 1...9, using: &random)
      let ticks = PlotTicks(kind: .logarithmic, lower: lower, upper: upper, maximumCount: count)
      let place: Comment = "trial \(trial): \(lower)…\(upper), \(count), \(ticks)"
      #expect(ticks.values.count <= count, place)
      #expect(
        (ticks.values + ticks.minor).allSatisfy { $0 >= lower * (1 - 1e-6) && $0 <= upper * (1 + 1e-6) }, place)
      #expect(zip(ticks.values, ticks.values.dropFirst()).allSatisfy { $0 < $1 }, place)
      #expect(Set(ticks.labels).count == ticks.labels.count, place)
      #expect(Set(ticks.minor).isDisjoint(with: ticks.values), place)
      if count >= 5 { #expect(ticks.values.count >= 2, place) }
      for (value, label) in zip(ticks.values, ticks.labels) {
        let read = try #require(Self.number(label), "label \(label)")
        #expect(abs(read / value - 1) <= 1e-6, "\(label) stands at \(value)")
      }
    }
  }
}

@Suite struct NumberTextTests {
  @Test func fixedDecimals() {
    #expect(NumberText.fixed(0.8514, decimals: 3) == "0.851")
    #expect(NumberText.fixed(-0.5, decimals: 1) == "−0.5")
    #expect(NumberText.fixed(-0.0004, decimals: 2) == "0.00")
    #expect(NumberText.fixed(12_345.6, decimals: 0) == "12,346")
    #expect(NumberText.fixed(9999, decimals: 0) == "9999")
    #expect(NumberText.fixed(0.05, decimals: 1) == "0.1")
  }

  @Test func significantDigits() {
    #expect(NumberText.significant(0.27134, digits: 3) == "0.271")
    #expect(NumberText.significant(99.96, digits: 3) == "100")
    #expect(NumberText.significant(-1.5e-9, digits: 2) == "−1.5×10⁻⁹")
    #expect(NumberText.significant(0, digits: 3) == "0")
    #expect(NumberText.significant(1e300, digits: 2) == "1.0×10³⁰⁰")
  }

  @Test func counts() {
    #expect(NumberText.count(512) == "512")
    #expect(NumberText.count(5000) == "5,000")
    #expect(NumberText.count(-1_234_567) == "−1,234,567")
  }
}

@Suite struct PlotScaleTests {
  @Test(arguments: [PlotScale.Kind.linear, .logarithmic])
  func positionsAndValuesAreInverse(kind: PlotScale.Kind) {
    let scale = PlotScale(kind: kind, lower: 0.01, upper: 300, start: 180, end: 20)
    #expect(scale.position(of: 0.01) == 180)
    #expect(abs(scale.position(of: 300) - 20) < 1e-9)
    for value in [0.02, 1, 17, 299] as [Double] {
      #expect(abs(scale.value(at: scale.position(of: value)) / value - 1) < 1e-12)
    }
  }
}
