#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The names of the files in a report's directory.
public enum ReportFiles {
  /// The report itself.
  public static let report = "report.json"
  /// The report to look at and to send: one page that needs nothing beside it.
  public static let page = "report.html"
  /// Numbers behind figures and comparisons, tensor by tensor.
  public static let details = "details.safetensors"
  /// The PCA basis, to be applied to other rows.
  public static let basis = "pca_basis.safetensors"
  /// Every row's place in the basis: (2, n, components), image first.
  public static let projections = "projections.npy"
  /// The same as text, one row a line.
  public static let projectionTable = "projections.csv"

  /// The report that a path means: the file itself, or the one in a directory.
  ///
  /// - Throws: `ReportError.missing`.
  static func report(at path: String) throws -> String {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw ReportError.missing(path: path)
    }
    return isDirectory ? path + "/" + report : path
  }

  /// The directory of a report that is named by it or by its file.
  static func folder(of path: String) throws -> String {
    let file = try report(at: path)
    guard let slash = file.lastIndex(of: "/") else { return "." }
    return String(file[..<slash])
  }

  /// The side file that lies beside a report.
  static func details(besideReport path: String) throws -> String { try folder(of: path) + "/" + details }
}
