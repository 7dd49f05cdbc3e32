import Foundation
import GapMetrics
import Testing

@Suite struct GapMeasurementTests {
  /// Made by `Fixtures/generators/metrics_oracle.py`, in Double and without regard to speed.
  @Test(arguments: [
    "clouds", "wide", "overlap", "norms", "duplicates", "half", "captions", "collapsed", "lowrank",
  ])
  func agreesWithTheOracle(name: String) throws {
    let golden = try Golden(Golden.fixture("\(name).golden.json"))
    let ids = name == "captions" ? Golden.fixture("captions.ids.txt") : nil
    let pair = try Golden.pair(Golden.fixture("\(name).npy"), ids: ids)
    var options = MeasurementOptions()
    options.resamples = 0
    let measurement = try GapMeasurement(of: pair, options: options)
    // Trailing PCA ratios of a set of low rank are rounding noise near 1e-33: the absolute tolerance covers them.
    expectAgreement(
      measurement.metrics.numbers, Golden.flattened(golden.metrics), relative: 1e-6, absolute: 1e-12)
  }

  /// Real CLIP embeddings, when they lie beside the checkout.
  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: Golden.repository + "/../shared/data/clip_coco500.npy"))
  )
  func agreesWithTheGoldenValuesOfRealEmbeddings() throws {
    let folder = Golden.repository + "/../shared/data/"
    let golden = try Golden(folder + "clip_coco500.golden.json")
    var expected = Golden.flattened(golden.metrics)
    for k in 0..<5 {
      expected["pca.explained_variance_ratio.\(k)"] = expected.removeValue(
        forKey: "pca_explained_variance_ratio.\(k)")
    }
    var options = MeasurementOptions()
    options.resamples = 0
    let measurement = try GapMeasurement(of: Golden.pair(folder + "clip_coco500.npy"), options: options)
    expectAgreement(measurement.metrics.numbers, expected, relative: 1e-6)
  }
}
