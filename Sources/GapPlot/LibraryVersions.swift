import CCairo

/// What this target works with, as people read it.
package enum DrawingLibraries {
  /// Names with versions, asked of the libraries that were loaded.
  package static var versions: [String] {
    unsafe ["cairo " + String(cString: cairo_version_string())]
  }
}
