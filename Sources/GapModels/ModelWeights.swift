package import GapLayers
package import GapTensorFiles
import Synchronization

/// The tensors of a checkpoint, found by the endings of their names and by shape, and who has been used.
package final class ModelWeights: Sendable {
  package let file: TensorFile
  private let used = Mutex(Set<String>())

  package init(_ file: TensorFile) { self.file = file }

  /// The tensors that nothing has asked for, in file order.
  package var unused: [Tensor] {
    let used = used.withLock { $0 }
    return file.tensors.filter { !used.contains($0.name) }
  }

  /// The files that hold the tensors, by path.
  package var files: [WeightFile] {
    Dictionary(grouping: file.tensors, by: \.path).sorted { $0.key < $1.key }.map { path, tensors in
      WeightFile(
        path: path, tensors: tensors.count, types: Set(tensors.map { $0.elementType.name }).sorted())
    }
  }

  /// Whether a tensor has this name.
  package func contains(_ name: String) -> Bool { file.contains(name) }

  /// The tensor of this name, which must have this shape.
  package func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
    guard file.contains(name) else {
      let ending = name.split(separator: ".").suffix(2).joined(separator: ".")
      throw ModelError.tensorMissing(
        path: file.path, name: name, shape: Self.text(shape), candidates: names(endingWith: ending))
    }
    let tensor = try file.tensor(named: name)
    guard tensor.shape == shape else {
      throw ModelError.shapeDiffers(
        path: file.path, tensor: name, expected: Self.text(shape), found: Self.text(tensor.shape))
    }
    try check(tensor)
    used.withLock { _ = $0.insert(name) }
    return tensor
  }

  /// No part of a model has an axis without numbers.
  private func check(_ tensor: Tensor) throws {
    guard tensor.shape.contains(0) else { return }
    throw ModelError.shapeDiffers(
      path: file.path, tensor: tensor.name, expected: "at least one number along each axis",
      found: Self.text(tensor.shape))
  }

  /// The numbers of a vector.
  package func vector(_ name: String, _ count: Int) throws -> [Float] { try tensor(name, [count]).elements() }

  /// A linear layer, with its bias where one is stored.
  ///
  /// - Parameter transposed: stored as [inputs, outputs].
  package func linear(_ name: String, inputs: Int, outputs: Int, transposed: Bool = false) throws
    -> FrozenLinear
  {
    let stored = try tensor(name + ".weight", transposed ? [inputs, outputs] : [outputs, inputs])
    let bias = contains(name + ".bias") ? try tensor(name + ".bias", [outputs]) : nil
    return try FrozenLinear(weight: transposed ? stored.transposed : stored, bias: bias)
  }

  /// The only tensor whose name is `ending` or ends with `.ending` and whose shape fits.
  ///
  /// - Parameter fits: judges the shape; what it expects is said in `expected`.
  /// - Throws: `ModelError.tensorMissing`, `.tensorAmbiguous`.
  package func only(
    endingWith ending: String, shape expected: String, where fits: ([Int]) -> Bool
  ) throws -> Tensor {
    let alike = file.tensors.filter { Self.ends($0.name, ending) }
    let fitting = alike.filter { fits($0.shape) }
    guard let tensor = fitting.first else {
      throw ModelError.tensorMissing(
        path: file.path, name: ending, shape: expected,
        candidates: alike.map { "\($0.name) \(Self.text($0.shape))" })
    }
    guard fitting.count == 1 else {
      throw ModelError.tensorAmbiguous(path: file.path, name: ending, candidates: fitting.map(\.name))
    }
    try check(tensor)
    used.withLock { _ = $0.insert(tensor.name) }
    return tensor
  }

  /// Names that end so.
  package func names(endingWith ending: String) -> [String] {
    file.tensors.map(\.name).filter { Self.ends($0, ending) }
  }

  private static func ends(_ name: String, _ ending: String) -> Bool {
    name == ending || name.hasSuffix("." + ending)
  }

  package static func text(_ shape: [Int]) -> String {
    "(" + shape.map(String.init).joined(separator: ", ") + ")"
  }
}

/// A file of weights.
package struct WeightFile: Sendable, Equatable {
  package let path: String
  package let tensors: Int
  /// Names of the element types, sorted.
  package let types: [String]
}
