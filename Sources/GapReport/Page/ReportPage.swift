import Crypto

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// A report as one self-contained page: what was measured, what it means, and pictures that answer to the hand.
///
/// The page reaches for nothing: style, script and data are in it, and its policy forbids the network. Whatever comes
/// from files of others (names, captions, paths) is in a block of JSON that no text can end, and is shown as text.
public struct ReportPage: Sendable {
  /// What the page shows.
  let content: any Encodable & Sendable

  /// What a page of a measurement is made from beside the report.
  public struct Material: Sendable {
    /// Report, details and places; nil where sides of different width leave only the report.
    public var drawable: DrawableReport?
    /// Names, captions and images of the pairs.
    public var labels = PairLabels()
    /// What failing queries found; nil to tell their ranks alone.
    public var failures: RetrievalFailures?
    /// Some pairs of every layer.
    public var layers: [LayerProjection] = []
    /// The run that led here.
    public var training: ComparisonReport?
    /// Threads that make images small; 0 for all processors.
    public var threads = 0

    /// A report alone.
    public init() {}
  }

  /// A page of a measurement.
  ///
  /// - Throws: `LinearAlgebraError`; not for images that cannot be read, which the page counts.
  public init(_ report: GapReport, _ material: Material = Material()) throws {
    content = try PageData(report, material)
  }

  /// A page of a comparison.
  ///
  /// - Parameters:
  ///   - comparison: the runs.
  ///   - labels: names, captions and images of the held-out pairs.
  ///   - threads: that make images small; 0 for all processors.
  /// - Throws: as above.
  public init(_ comparison: ComparisonReport, labels: PairLabels = PairLabels(), threads: Int = 0) throws {
    content = try ComparisonPageData(comparison, labels: labels, threads: threads)
  }

  /// The page as UTF-8: the same bytes for the same report.
  ///
  /// - Throws: `EncodingError`; not for any report, since what JSON cannot hold is null.
  /// - Complexity: O(bytes), under 5 MB whatever the number of pairs.
  public func html() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let data = Self.escaped(try encoder.encode(content))
    let (style, script) = (PackageResources.page_css, PackageResources.page_js)
    let policy = Self.policy(style: style, script: script)
    let parts = ["policy": Array(policy.utf8), "style": style, "script": script, "data": data]
    return Data(Self.filled(PackageResources.page_html, with: parts))
  }

  /// Nothing may be loaded, sent or framed, and no script and no style may count but those of the page, known by their
  /// hashes.
  static func policy(style: [UInt8], script: [UInt8]) -> String {
    func hash(_ bytes: [UInt8]) -> String { Data(SHA256.hash(data: bytes)).base64EncodedString() }
    return "default-src 'none'; script-src 'sha256-\(hash(script))'; style-src 'sha256-\(hash(style))'; "
      + "img-src data:; base-uri 'none'; form-action 'none'"
  }

  /// JSON that may stand inside a script element: no text in it can close the element or open a comment.
  ///
  /// `<`, `>` and `&` occur in JSON only inside strings, where an escape means the same; so do the two line ends that
  /// old scripts know and JSON does not.
  static func escaped(_ json: Data) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(json.count + json.count / 16)
    let bytes = [UInt8](json)
    var i = 0
    while i < bytes.count {
      switch bytes[i] {
      case UInt8(ascii: "<"): out += Array("\\u003c".utf8)
      case UInt8(ascii: ">"): out += Array("\\u003e".utf8)
      case UInt8(ascii: "&"): out += Array("\\u0026".utf8)
      case 0xE2
      where i + 2 < bytes.count && bytes[i + 1] == 0x80 && (bytes[i + 2] == 0xA8 || bytes[i + 2] == 0xA9):
        out += Array((bytes[i + 2] == 0xA8 ? "\\u2028" : "\\u2029").utf8)
        i += 2
      default: out.append(bytes[i])
      }
      i += 1
    }
    return out
  }

  /// A template with each `{{name}}` replaced once; what is put in is not looked at again.
  static func filled(_ template: [UInt8], with parts: [String: [UInt8]]) -> [UInt8] {
    var out: [UInt8] = []
    var rest = template[...]
    let (opening, closing) = (Array("{{".utf8), Array("}}".utf8))
    while let start = rest.firstRange(of: opening), let end = rest[start.upperBound...].firstRange(of: closing)
    {
      let name = String(decoding: rest[start.upperBound..<end.lowerBound], as: UTF8.self)
      out += rest[..<start.lowerBound]
      out += parts[name] ?? []
      rest = rest[end.upperBound...]
    }
    return out + rest
  }
}
