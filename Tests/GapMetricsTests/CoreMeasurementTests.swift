import GapMetrics
import Testing

@Suite struct CoreMeasurementTests {
  @Test(arguments: [9, 70])
  func everyKeyHasTheValueOfTheWholeMeasurement(pairs: Int) throws {
    let numbers = MadePairs.numbers(pairs, 11, seed: 5)
    let pair = try EmbeddingPair(
      image: EmbeddingMatrix(numbers.image, dimension: 11), text: EmbeddingMatrix(numbers.text, dimension: 11))
    var options = MeasurementOptions()
    options.resamples = 0
    options.exactLimit = 40
    let core = try CoreMeasurement(of: pair, options: options)
    let whole = try GapMeasurement(of: pair, options: options)
    let keys = core.metrics.map(\.key)
    #expect(keys.count == 19 && keys == whole.metrics.map(\.key).filter(keys.contains))
    for (path, value) in core.metrics.flattened { #expect(value == whole.metrics.number(path), "\(path)") }
    #expect(
      core.sampled
        == (pairs > 40 ? ["uniformity_image": 40, "uniformity_text": 40, "cross_uniformity": 40] : [:]))
  }

  @Test func numbersWithinTablesAreFoundByTheirPaths() {
    let entries = [
      MetricEntry(
        "layers", .table([[MetricEntry("a", 1)], [MetricEntry("b", .object([MetricEntry("c", 2)]))]]))
    ]
    #expect(entries.number("layers[0].a") == 1 && entries.number("layers[1].b.c") == 2)
    for path in [
      "layers[2].a", "layers[-1].a", "layers[x].a", "layers.a", "layers", "layers[0]", "layers[", "",
    ] {
      #expect(entries.number(path) == nil, "\(path)")
    }
    #expect(entries.flattened.map(\.path) == ["layers[0].a", "layers[1].b.c"])
  }
}
