import EmbeddingGap

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes bytes to standard output.
///
/// - Throws: `ReportError.cannotWrite` when not all of them went out.
func printData(_ data: Data) throws {
  guard writeAll([UInt8](data), to: STDOUT_FILENO) else {
    throw ReportError.cannotWrite(path: "standard output", reason: unsafe String(cString: strerror(errno)))
  }
}

/// Writes a text and a newline to standard output.
///
/// - Throws: `ReportError.cannotWrite` when not all of it went out.
func printText(_ text: String) throws { try printData(Data((text + "\n").utf8)) }

/// Writes a text to standard error; there is nowhere to complain when that fails.
func standardError(_ text: String) { _ = writeAll(Array(text.utf8), to: STDERR_FILENO) }

private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { return false }
    rest = rest.dropFirst(count)
  }
  return true
}
