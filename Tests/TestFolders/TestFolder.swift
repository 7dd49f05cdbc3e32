import Foundation

/// Folders for what tests write.
///
/// They lie in one, which goes when the process of the tests ends.
public enum TestFolder {
  private static let root: String = {
    atexit { TestFolder.removeAll() }
    return FileManager.default.temporaryDirectory.path + "/embgap-tests-" + UUID().uuidString
  }()

  /// A new, empty folder.
  public static func make() throws -> String {
    let path = root + "/" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private static func removeAll() {
    do { try FileManager.default.removeItem(atPath: root) } catch { print("left behind: \(root): \(error)") }
  }
}
