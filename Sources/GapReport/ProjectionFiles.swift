import GapLinearAlgebra
public import GapMetrics
import GapTensorFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension GapProjection {
  /// Every row's coordinates as a `.npy` file of shape (2, n, components), image first.
  public func npy() -> Data {
    NpyWriter.data(shape: [2, image.count / max(basis.count, 1), basis.count], image + text)
  }

  /// The same as CSV: `pair,modality,pc1,…`, one row a line, images first.
  public func csv() -> Data {
    var data = Data()
    let columns = (1...max(basis.count, 1)).map { "pc\($0)" }.joined(separator: ",")
    data.append(contentsOf: "pair,modality,\(columns)\n".utf8)
    for (name, values) in [("image", image), ("text", text)] {
      for row in 0..<values.count / max(basis.count, 1) {
        var line = "\(row),\(name)"
        for k in 0..<basis.count { line += ",\(values[row * basis.count + k])" }
        data.append(contentsOf: (line + "\n").utf8)
      }
    }
    return data
  }
}
