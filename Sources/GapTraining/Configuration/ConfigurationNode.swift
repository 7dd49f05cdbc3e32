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
      throw TrainingError.notRead(path)
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw TrainingError.notYAML(place: path, reason: "bytes that are no UTF-8")
    }
    try self.init(text, source: path) { "\(path): line \($0)" }
  }

  /// The longest text that is read, in bytes; the library's time grows with its square where it nests.
  private static let longest = 1 << 18
  /// The most levels, and the most values with everything that aliases repeat.
  private static let (deepest, mostValues) = (32, 10_000)
  /// The most aliases: the library follows them into keys, each of which may double what the last one holds.
  private static let mostAliases = 32
  /// The most keys that are lists or mappings.
  ///
  /// The library sorts those that occur twice, in time that doubles with each level; three cannot be two that occur
  /// twice. None of them is wanted here anyway.
  private static let mostBranchedKeys = 3

  /// Reads YAML text.
  ///
  /// - Throws: `TrainingError.notYAML`, also for a text that is longer, deeper or repeats more than any configuration.
  init(_ text: String, source: String, place: (Int) -> String) throws {
    guard text.utf8.count <= Self.longest else {
      throw TrainingError.notYAML(
        place: source, reason: "\(text.utf8.count) bytes, at most \(Self.longest) are read")
    }
    let aliases = Self.aliases(in: text)
    guard aliases <= Self.mostAliases else {
      throw TrainingError.notYAML(
        place: source, reason: "\(aliases) aliases, at most \(Self.mostAliases) are followed")
    }
    guard Self.branchedKeys(in: text) <= Self.mostBranchedKeys else {
      throw TrainingError.notYAML(place: source, reason: "keys that are no text")
    }
    let node: Node?
    do {
      node = try compose(yaml: text)
    } catch let error as YamlError {
      let (line, reason) = Self.reason(error)
      throw TrainingError.notYAML(place: line.map(place) ?? source, reason: reason)
    }
    guard let node else {
      self.init(content: .mapping([]), place: source)
      return
    }
    var values = 0
    try self.init(node, depth: 0, count: &values, place: place)
  }

  /// How often something that may be an alias stands where a value may begin; also in quotes, where it is none.
  private static func aliases(in text: String) -> Int {
    var (count, last) = (0, UInt8(ascii: " "))
    for byte in text.utf8 {
      if last == UInt8(ascii: "*"), byte > 0x20 { count += 1 }
      let begins = last <= 0x20 || [0x5B, 0x7B, 0x2C, 0x3A, 0x2D, 0x3F].contains(last)
      last = byte == UInt8(ascii: "*") && !begins ? UInt8(ascii: "x") : byte
    }
    return count
  }

  init(content: Content, place: String) {
    self.content = content
    self.place = place
  }

  private init(_ node: Node, depth: Int, count: inout Int, place: (Int) -> String) throws {
    let own = place(node.mark?.line ?? 1)
    count += 1
    guard depth < Self.deepest, count <= Self.mostValues else {
      let reason =
        depth < Self.deepest ? "more than \(Self.mostValues) values" : "more than \(Self.deepest) levels"
      throw TrainingError.notYAML(place: own, reason: reason)
    }
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
      self.init(content: .scalar(scalar.string, isQuoted: isQuoted), place: own)
    case .sequence(let items):
      let list = try items.map { try ConfigurationNode($0, depth: depth + 1, count: &count, place: place) }
      self.init(content: .list(list), place: own)
    case .mapping(let pairs):
      let entries = try pairs.map { pair in
        let line = place(pair.key.mark?.line ?? 1)
        guard let key = pair.key.scalar?.string else {
          throw TrainingError.notYAML(place: line, reason: "a key that is no text")
        }
        return Entry(
          key: key, place: line,
          value: try ConfigurationNode(pair.value, depth: depth + 1, count: &count, place: place))
      }
      self.init(content: .mapping(entries), place: own)
    case .alias: throw TrainingError.notYAML(place: own, reason: "an alias")
    }
  }

  /// How often a list or a mapping may be a key: “? ” where a value may begin, “:” after a closing bracket.
  private static func branchedKeys(in text: String) -> Int {
    var (count, last, lastMark) = (0, UInt8(ascii: " "), UInt8(ascii: " "))
    for byte in text.utf8 {
      if byte <= 0x20, last == UInt8(ascii: "?") { count += 1 }
      if byte == UInt8(ascii: ":"), [0x5D, 0x7D].contains(lastMark) { count += 1 }
      let begins = last <= 0x20 || [0x5B, 0x7B, 0x2C, 0x3A, 0x2D, 0x3F].contains(last)
      last = byte == UInt8(ascii: "?") && !begins ? UInt8(ascii: "x") : byte
      if byte > 0x20 { lastMark = byte }
    }
    return count
  }

  /// What the library says, without the text that it shows around the place.
  private static func reason(_ error: YamlError) -> (line: Int?, reason: String) {
    switch error {
    case .reader(let problem, _, _, _): (nil, problem)
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      (mark.line, [context?.text, problem].compactMap { $0 }.joined(separator: ": "))
    case .duplicatedKeysInMapping(let keys, let context):
      (context.mark.line, "more than once the keys " + keys.sorted().joined(separator: ", "))
    default: (nil, "\(error)")
    }
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
