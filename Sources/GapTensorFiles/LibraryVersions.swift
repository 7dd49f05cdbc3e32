import CZlib

/// What this target works with, as people read it.
package enum CompressionLibraries {
  /// Names with versions, asked of the libraries that were loaded.
  package static var versions: [String] { unsafe ["zlib " + String(cString: zlibVersion())] }
}
