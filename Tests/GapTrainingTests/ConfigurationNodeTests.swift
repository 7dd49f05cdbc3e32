import Testing

@testable import GapTraining

@Suite struct ConfigurationNodeTests {
  private static func node(_ text: String) throws -> ConfigurationNode {
    try ConfigurationNode(text, source: "RUN.yaml") { "RUN.yaml: line \($0)" }
  }

  /// Nine lists, each of `width` times the one before: with ten, a thousand million values.
  private static func laughs(_ levels: Int, width: Int) -> String {
    var text = "a0: &a0 [x]\n"
    for level in 1...levels {
      let items = [String](repeating: "*a\(level - 1)", count: width).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(items)]\n"
    }
    return text
  }

  static let broken: [(name: String, text: String, place: String, reason: String)] = [
    ("a billion laughs", laughs(9, width: 10), "RUN.yaml", "90 aliases"),
    ("sixty thousand laughs", laughs(10, width: 3), "RUN.yaml: line 2", "more than 10000 values"),
    ("a mapping in itself", "a: &a {b: *a}", "RUN.yaml: line 1", "undefined alias"),
    (
      "lists in lists", "a: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
      "RUN.yaml: line 1", "more than 32 levels"
    ),
    ("lists without end", "a: " + String(repeating: "[", count: 100_000), "RUN.yaml: line 1", "nesting"),
    ("dashes without end", String(repeating: "- ", count: 100_000), "RUN.yaml: line 1", "nesting"),
    ("a long text", "a: " + String(repeating: "x", count: 1 << 18), "RUN.yaml", "262147 bytes"),
    ("a list as key", "? [a, b]\n: c", "RUN.yaml: line 1", "a key that is no text"),
    ("many lists as keys", "{[a]: 1, [a]: 1, [b]: 1, [b]: 1}", "RUN.yaml", "keys that are no text"),
    ("a key twice", "a: 1\nb: 2\na: 3", "RUN.yaml: line 1", "more than once the keys a"),
    ("no end", "a: [1, 2\nb: 3", "RUN.yaml: line 2", "expected ',' or ']'"),
    ("a tab", "a:\n\t- 1", "RUN.yaml: line 2", "cannot start any token"),
    ("a control character", "a: \u{1}", "RUN.yaml", "control characters"),
  ]

  @Test(arguments: broken) func faultsAreShortAndSayWhere(
    fault: (name: String, text: String, place: String, reason: String)
  ) throws {
    do {
      _ = try Self.node(fault.text)
      Issue.record("\(fault.name): read")
    } catch let error as TrainingError {
      let text = error.description
      #expect(text.hasPrefix(fault.place + ": expected YAML, found "), "\(text)")
      #expect(text.contains(fault.reason) && text.count < 300 && !text.contains("\n"), "\(text)")
    }
  }

  @Test func aliasesAndStarsInTextsAreRead() throws {
    let node = try Self.node("a: &x {b: 1}\nc: *x\nd: \"*bold* and *italic*\"\ne: 'what? [a]: '")
    guard case .mapping(let entries) = node.content else {
      Issue.record("no mapping")
      return
    }
    #expect(entries.map(\.key) == ["a", "c", "d", "e"])
    #expect(entries[0].value.content == entries[1].value.content)
  }
}
