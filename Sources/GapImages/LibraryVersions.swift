import CJPEG
import CPNG

/// What this target works with, as people read it.
package enum ImageLibraries {
  /// Names with versions: of libpng that of the library that was loaded, of libjpeg that of its headers.
  package static var versions: [String] {
    unsafe [
      "libpng " + String(cString: png_get_libpng_ver(nil)), String(cString: gap_jpeg_version()),
    ]
  }
}
