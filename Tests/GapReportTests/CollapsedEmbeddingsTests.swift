import GapLinearAlgebra
import GapMetrics
import GapReport
import Testing

/// A modality whose rows all point one way is named in the report.
@Suite struct CollapsedEmbeddingsTests {
  /// Rows around a common direction; 0 for all the same.
  private static func rows(_ spread: Double, seed: UInt64) -> [Double] {
    var generator = SeededGenerator(seed: seed)
    return (0..<40).flatMap { _ in (0..<6).map { k in (k == 0 ? 1 : 0) + spread * generator.normal() } }
  }

  @Test(arguments: [0, 1e-9, 1e-3])
  func aCollapsedSideIsNamed(spread: Double) throws {
    let free = Self.rows(1, seed: 1)
    let tight = Self.rows(spread, seed: 2)
    func codes(_ image: [Double], _ text: [Double]) throws -> [String] {
      try MeasuredPair(image: image, text: text, width: 6, plan: .init()).report.warnings.map(\.code)
    }
    let imageOnly = try codes(tight, free)
    #expect(imageOnly.contains("collapsed_image") && !imageOnly.contains("collapsed_text"))
    let textOnly = try codes(free, tight)
    #expect(textOnly.contains("collapsed_text") && !textOnly.contains("collapsed_image"))
    let neither = try codes(free, Self.rows(1, seed: 3))
    #expect(!neither.contains { $0.hasPrefix("collapsed") })
  }
}
