import Yams

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A value of a configuration, and where it was written.
struct ConfigurationNode: Equatable {
  indirect enum Content: Equatable {
    /// Text as it was written, and whether in quotes.
    case scalar(String, isQuoted: Bool)
    case list([ConfigurationNode])
    case mapping([Entry])
  }

  struct Entry: Equatable {
    let key: String
    /// Where the key was written.
    let place: String
    var value: ConfigurationNode
  }

  var content: Content
  /// Such as `RUN.yaml: line 3`.
  let place: String

  /// Reads a file; an empty one is an empty mapping.
  ///
  /// - Throws: `TrainingError.unreadable`, `.notYAML`.
  init(path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TrainingError.unreadable(path: path, reason: "no such file")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw TrainingError.notYAML(place: path, reason: "bytes that are no UTF-8")
    }
    try self.init(text, source: path) { "\(path): line \($0)" }
  }

  /// Reads YAML text.
  init(_ text: String, source: String, place: (Int) -> String) throws {
    let node: Node?
    do {
      node = try compose(yaml: text)
    } catch let error as YamlError {
      throw TrainingError.notYAML(place: source, reason: Self.oneLine("\(error)"))
    }
    guard let node else {
      self.init(content: .mapping([]), place: source)
      return
    }
    try self.init(node, place: place)
  }

  init(content: Content, place: String) {
    self.content = content
    self.place = place
  }

  private init(_ node: Node, place: (Int) -> String) throws {
    let own = place(node.mark?.line ?? 1)
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
      self.init(content: .scalar(scalar.string, isQuoted: isQuoted), place: own)
    case .sequence(let items):
      self.init(content: .list(try items.map { try ConfigurationNode($0, place: place) }), place: own)
    case .mapping(let pairs):
      let entries = try pairs.map { pair in
        Entry(
          key: pair.key.scalar?.string ?? "", place: place(pair.key.mark?.line ?? 1),
          value: try ConfigurationNode(pair.value, place: place))
      }
      self.init(content: .mapping(entries), place: own)
    case .alias: throw TrainingError.notYAML(place: own, reason: "an alias")
    }
  }

  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
      .filter { !$0.isEmpty && $0 != "^" }.joined(separator: ", ")
  }

  /// Puts `key=value`, as given on the command line, in place of what is there; the key is dotted.
  ///
  /// - Throws: `TrainingError.badValue`, `.notYAML`.
  mutating func set(_ assignment: String) throws {
    let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let place = "--set \(assignment)"
    guard parts.count == 2, !parts[0].isEmpty else {
      throw TrainingError.badValue(place: "--set", key: assignment, expected: "KEY=VALUE", found: "no “=”")
    }
    let text = String(parts[1])
    var value: ConfigurationNode
    do {
      value = try ConfigurationNode(text, source: place) { _ in place }
    } catch TrainingError.notYAML where !["{", "["].contains(text.first) {
      value = ConfigurationNode(content: .scalar(text, isQuoted: true), place: place)
    }
    // A text such as “in one word :” is no mapping.
    if case .mapping = value.content, text.first != "{" {
      value = ConfigurationNode(content: .scalar(text, isQuoted: true), place: place)
    }
    if text.isEmpty { value = ConfigurationNode(content: .scalar("", isQuoted: true), place: place) }
    set(parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)[...], value, place)
  }

  private mutating func set(_ keys: ArraySlice<String>, _ value: ConfigurationNode, _ place: String) {
    guard let key = keys.first else {
      self = value
      return
    }
    var entries: [Entry] = []
    if case .mapping(let own) = content { entries = own }
    let index = entries.firstIndex { $0.key == key } ?? entries.count
    if index == entries.count {
      let empty = ConfigurationNode(content: .mapping([]), place: place)
      entries.append(Entry(key: key, place: place, value: empty))
    }
    entries[index].value.set(keys.dropFirst(), value, place)
    content = .mapping(entries)
  }

  /// The value as JSON: numbers, true and false bare, other text in quotes.
  var json: String {
    switch content {
    case .scalar(let text, let isQuoted):
      if !isQuoted, ["true", "false"].contains(text) { return text }
      if !isQuoted, let number = Double(text), number.isFinite {
        return Int(text).map { "\($0)" } ?? "\(number)"
      }
      return JSONText.quoted(text)
    case .list(let items): return "[" + items.map(\.json).joined(separator: ", ") + "]"
    case .mapping(let entries): return JSONText.object(entries.map { ($0.key, $0.value.json) })
    }
  }
}
