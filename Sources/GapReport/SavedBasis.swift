public import GapLinearAlgebra
import GapTensorFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// A PCA basis in a `.safetensors` file: tensors `centre` [d], `components` [k, d], `variance_fraction` [k], F64.
public struct SavedBasis: Sendable, Equatable {
  /// The basis.
  public let components: PrincipalComponents

  /// Wraps a basis.
  public init(_ components: PrincipalComponents) { self.components = components }

  /// Reads a basis.
  ///
  /// - Throws: `TensorFileError`; `ReportError.wrongLayout` when tensors are missing or do not fit each other.
  public init(path: String) throws {
    let file = try TensorFile(path: path)
    let centre = try file.tensor(named: "centre")
    let components = try file.tensor(named: "components")
    let fractions = try file.tensor(named: "variance_fraction")
    guard centre.shape.count == 1, components.shape.count == 2, fractions.shape.count == 1,
      components.shape[1] == centre.shape[0], components.shape[0] == fractions.shape[0],
      centre.shape[0] > 0, fractions.shape[0] > 0
    else {
      throw ReportError.wrongLayout(
        path: path, expected: "tensors centre [d], components [k, d], variance_fraction [k]",
        found: "\(centre.shape), \(components.shape), \(fractions.shape)")
    }
    let values: [[Double]] = [try centre.elements(), try components.elements(), try fractions.elements()]
    guard values.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      throw ReportError.wrongLayout(path: path, expected: "finite numbers", found: "NaN or infinity")
    }
    self.components = PrincipalComponents(
      centre: values[0], components: values[1], varianceFractions: values[2])
  }

  /// The file.
  public func data() -> Data {
    var writer = SafetensorsWriter(metadata: [("schema", "embgap.pca/1")])
    writer.add("centre", shape: [components.dimension], components.centre)
    writer.add("components", shape: [components.count, components.dimension], components.components)
    writer.add("variance_fraction", shape: [components.count], components.varianceFractions)
    return writer.data
  }
}
