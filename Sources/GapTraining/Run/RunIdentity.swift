import Crypto
package import GapModels
import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What the numbers of a run depend on, as two checksums: a run does not go on with others.
///
/// Where files lie makes no difference. Of captions, questions and a model's settings and tokenizer the contents count, of
/// weights and stored features the names and sizes, since reading them takes long.
package struct RunIdentity: Sendable, Equatable {
  static let settingsKey = "settings_sha256"
  static let dataKey = "data_sha256"

  /// Of the configuration without its paths, and of what `precision: auto` means here.
  let settings: String
  /// Of the files.
  let data: String
  /// What `precision: auto` means here, in a word.
  let precision: String

  /// As it is kept in a state.
  var metadata: [(key: String, value: String)] { [(Self.settingsKey, settings), (Self.dataKey, data)] }

  /// - Parameter checkpoint: the configuration's.
  /// - Throws: `ModelError` when it has no decoder.
  package init(_ configuration: RunConfiguration, _ checkpoint: Checkpoint) throws {
    let decoder = try checkpoint.model.requiredDecoder()
    precision = "\(configuration.precision.resolved(width: decoder.configuration.width))"
    settings = Self.checksum(configuration.withoutPaths.identity + [precision])
    let texts = [
      configuration.pairs, configuration.evaluation?.pairs, configuration.evaluation?.questions,
      configuration.instruct?.questions,
    ]
    let parts = configuration.parts
    let descriptions = [parts.checkpoint, parts.vision, parts.decoder].flatMap { directory in
      ["config.json", "tokenizer.json", "preprocessor_config.json"].map { name in
        directory.map { $0 + "/" + name }
      }
    }
    let features = [configuration.features, configuration.evaluation?.features].compactMap { $0 }.map {
      $0.components(separatedBy: "::")[0]
    }
    data = Self.checksum(
      (texts + descriptions).map { $0.map(Self.contents) ?? "none" }
        + (checkpoint.model.files.map(\.path) + features).map(Self.size))
  }

  private static func size(_ path: String) -> String {
    "\(path.split(separator: "/").last ?? "") \(FilePath.size(path) ?? 0)"
  }

  /// The checksum of a file; of what cannot be read, or can be read only once, nothing is said here.
  private static func contents(_ path: String) -> String {
    guard FilePath.size(path) != nil,
      let data = try? Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
    else { return "unread" }
    return hexadecimal(SHA256.hash(data: data))
  }

  private static func checksum(_ lines: [String]) -> String {
    hexadecimal(SHA256.hash(data: Data(lines.joined(separator: "\n").utf8)))
  }

  private static func hexadecimal(_ digest: SHA256.Digest) -> String {
    digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }
}
