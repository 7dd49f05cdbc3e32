/// The keys of one mapping of a configuration; each is read once, and what nobody asked for is an error.
struct ConfigurationSection {
  /// Dotted name of the section with a dot at its end; empty for the whole.
  private let name: String
  private let place: String
  private let entries: [ConfigurationNode.Entry]
  private var known: [String] = []

  /// - Parameter key: the section's dotted name, for messages; nil for the whole file.
  /// - Throws: `TrainingError.badValue` when it is no mapping.
  init(_ node: ConfigurationNode, key: String? = nil) throws {
    guard case .mapping(let entries) = node.content else {
      throw TrainingError.badValue(
        place: node.place, key: key ?? "the configuration", expected: "keys with values", found: Self.text(node)
      )
    }
    name = key.map { $0 + "." } ?? ""
    place = node.place
    self.entries = entries
  }

  private static func text(_ node: ConfigurationNode) -> String {
    switch node.content {
    case .scalar(let text, _): text.isEmpty ? "nothing" : "“\(text)”"
    case .list: "a list"
    case .mapping: "keys with values"
    }
  }

  private func fault(_ node: ConfigurationNode, _ key: String, _ expected: String) -> TrainingError {
    .badValue(place: node.place, key: name + key, expected: expected, found: Self.text(node))
  }

  /// The value under a key; nil when it is absent or null.
  mutating func node(_ key: String) -> ConfigurationNode? {
    known.append(key)
    guard let value = entries.first(where: { $0.key == key })?.value else { return nil }
    if case .scalar(let text, false) = value.content, ["", "~", "null"].contains(text) { return nil }
    return value
  }

  /// The section under a key, empty when it is absent.
  mutating func section(_ key: String) throws -> ConfigurationSection? {
    try node(key).map { try ConfigurationSection($0, key: name + key) }
  }

  mutating func text(_ key: String) throws -> String? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, _) = node.content else { throw fault(node, key, "text") }
    return text
  }

  mutating func texts(_ key: String) throws -> [String]? {
    guard let node = node(key) else { return nil }
    guard case .list(let items) = node.content else { throw fault(node, key, "a list of texts") }
    return try items.map { item in
      guard case .scalar(let text, _) = item.content else { throw fault(item, key, "text") }
      return text
    }
  }

  mutating func flag(_ key: String, default value: Bool) throws -> Bool {
    guard let node = node(key) else { return value }
    if case .scalar(let text, false) = node.content {
      if ["true", "True", "TRUE"].contains(text) { return true }
      if ["false", "False", "FALSE"].contains(text) { return false }
    }
    throw fault(node, key, "true or false")
  }

  mutating func integer(_ key: String, _ range: ClosedRange<Int>) throws -> Int? {
    guard let node = node(key) else { return nil }
    let expected =
      range.upperBound == .max
      ? "a whole number from \(range.lowerBound)" : "a whole number, \(range.lowerBound) to \(range.upperBound)"
    guard case .scalar(let text, false) = node.content, let value = Int(text), range.contains(value) else {
      throw fault(node, key, expected)
    }
    return value
  }

  mutating func number(
    _ key: String, default value: Double, _ expected: String, _ isRight: (Double) -> Bool
  ) throws -> Double {
    guard let node = node(key) else { return value }
    return try number(node, key, expected, isRight)
  }

  private func number(
    _ node: ConfigurationNode, _ key: String, _ expected: String, _ isRight: (Double) -> Bool
  ) throws -> Double {
    guard case .scalar(let text, false) = node.content, let value = Double(text), value.isFinite, isRight(value)
    else { throw fault(node, key, expected) }
    return value
  }

  mutating func numbers(
    _ key: String, default values: [Double], _ expected: String, _ isRight: (Double) -> Bool
  ) throws -> [Double] {
    guard let node = node(key) else { return values }
    guard case .list(let items) = node.content, items.count == values.count else {
      throw fault(node, key, expected)
    }
    return try items.map { try number($0, key, expected, isRight) }
  }

  /// One of the names of an enumeration.
  mutating func choice<T: RawRepresentable & CaseIterable>(_ key: String, default value: T) throws -> T
  where T.RawValue == String {
    guard let node = node(key) else { return value }
    guard case .scalar(let text, _) = node.content, let choice = T(rawValue: text) else {
      throw fault(node, key, T.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }

  /// What `parse` makes of a text.
  mutating func parsed<T>(_ key: String, default value: T, _ expected: String, _ parse: (String) -> T?) throws
    -> T
  {
    guard let node = node(key) else { return value }
    guard case .scalar(let text, _) = node.content, let result = parse(text) else {
      throw fault(node, key, expected)
    }
    return result
  }

  /// A fault of the value under a key, found when it is seen together with others.
  func fault(_ key: String, _ expected: String) -> TrainingError {
    guard let entry = entries.first(where: { $0.key == key }) else {
      return .missingKey(place: place, key: name + key, hint: "expected \(expected)")
    }
    return fault(entry.value, key, expected)
  }

  func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

  /// - Throws: `TrainingError.missingKey`.
  mutating func requiredText(_ key: String, _ hint: String) throws -> String {
    guard let text = try text(key), !text.isEmpty else {
      throw TrainingError.missingKey(place: place, key: name + key, hint: hint)
    }
    return text
  }

  /// Checks that every key was asked for.
  ///
  /// - Throws: `TrainingError.unknownKey`.
  func finish() throws {
    guard let stranger = entries.first(where: { !known.contains($0.key) }) else { return }
    let near = known.min { Self.distance($0, stranger.key) < Self.distance($1, stranger.key) }
    let hint =
      near.flatMap { Self.distance($0, stranger.key) <= 3 ? "did you mean “\(name)\($0)”?" : nil }
      ?? "known: \(known.joined(separator: ", "))"
    throw TrainingError.unknownKey(place: stranger.place, key: name + stranger.key, hint: hint)
  }

  /// Edits between two words: insertions, deletions, replacements.
  private static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
        diagonal = row[j + 1]
        row[j + 1] = next
      }
    }
    return row[b.count]
  }
}
