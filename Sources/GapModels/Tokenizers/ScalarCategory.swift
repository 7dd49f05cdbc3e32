/// General categories as bits, looked up by table for the first 65,536 scalars.
///
/// Swift and the reference may know different versions of Unicode. A scalar that the older one does not know is
/// unassigned (Cn) there: neither letter nor number nor mark. Texts hardly hold such scalars.
struct ScalarCategory: OptionSet {
  let rawValue: UInt32

  static let letter: Self = [.uppercase, .lowercase, .titlecase, .modifierLetter, .otherLetter]
  static let uppercase = Self(rawValue: 1 << 0)
  static let lowercase = Self(rawValue: 1 << 1)
  static let titlecase = Self(rawValue: 1 << 2)
  static let modifierLetter = Self(rawValue: 1 << 3)
  static let otherLetter = Self(rawValue: 1 << 4)
  static let mark: Self = [.nonspacingMark, .spacingMark, .enclosingMark]
  static let nonspacingMark = Self(rawValue: 1 << 5)
  static let spacingMark = Self(rawValue: 1 << 6)
  static let enclosingMark = Self(rawValue: 1 << 7)
  static let number: Self = [.decimalNumber, .letterNumber, .otherNumber]
  static let decimalNumber = Self(rawValue: 1 << 8)
  static let letterNumber = Self(rawValue: 1 << 9)
  static let otherNumber = Self(rawValue: 1 << 10)
  static let punctuation = Self(rawValue: 0x7F << 11)
  static let connector = Self(rawValue: 1 << 11)
  static let symbol = Self(rawValue: 0xF << 18)
  static let separator = Self(rawValue: 0x7 << 22)
  static let other = Self(rawValue: 0x1F << 25)
  /// Not a general category: the property White_Space.
  static let whitespace = Self(rawValue: 1 << 30)
  /// Not a general category: the property Alphabetic.
  static let alphabetic = Self(rawValue: 1 << 31)
  /// What `\w` matches.
  static let word: Self = [.alphabetic, .mark, .decimalNumber, .connector]

  /// The categories by the names that `\p{…}` takes, the underscores and spaces left out.
  static let names: [String: ScalarCategory] = {
    var names: [String: ScalarCategory] = [
      "l": .letter, "letter": .letter, "m": .mark, "mark": .mark, "n": .number, "number": .number,
      "p": .punctuation, "punctuation": .punctuation, "s": .symbol, "symbol": .symbol, "z": .separator,
      "separator": .separator, "c": .other, "other": .other, "alphabetic": .alphabetic,
      "whitespace": .whitespace,
    ]
    for (bit, name) in codes.enumerated() { names[name] = ScalarCategory(rawValue: 1 << UInt32(bit)) }
    return names
  }()

  private static let codes = [
    "lu", "ll", "lt", "lm", "lo", "mn", "mc", "me", "nd", "nl", "no", "pc", "pd", "ps", "pe", "pi", "pf", "po",
    "sm", "sc", "sk", "so", "zs", "zl", "zp", "cc", "cf", "cs", "co", "cn",
  ]

  private static let table: [UInt32] = (0..<0x10000).map { slow($0).rawValue }

  /// All the categories of a scalar.
  @inline(__always)
  static func of(_ scalar: UInt32) -> ScalarCategory {
    scalar < 0x10000 ? ScalarCategory(rawValue: table[Int(scalar)]) : slow(scalar)
  }

  private static func slow(_ value: UInt32) -> ScalarCategory {
    guard let scalar = Unicode.Scalar(value) else { return ScalarCategory(rawValue: 1 << 27) }
    let properties = scalar.properties
    var categories = ScalarCategory(rawValue: 1 << bit(properties.generalCategory))
    if properties.isWhitespace { categories.insert(.whitespace) }
    if properties.isAlphabetic { categories.insert(.alphabetic) }
    return categories
  }

  private static func bit(_ category: Unicode.GeneralCategory) -> UInt32 {
    switch category {
    case .uppercaseLetter: 0
    case .lowercaseLetter: 1
    case .titlecaseLetter: 2
    case .modifierLetter: 3
    case .otherLetter: 4
    case .nonspacingMark: 5
    case .spacingMark: 6
    case .enclosingMark: 7
    case .decimalNumber: 8
    case .letterNumber: 9
    case .otherNumber: 10
    case .connectorPunctuation: 11
    case .dashPunctuation: 12
    case .openPunctuation: 13
    case .closePunctuation: 14
    case .initialPunctuation: 15
    case .finalPunctuation: 16
    case .otherPunctuation: 17
    case .mathSymbol: 18
    case .currencySymbol: 19
    case .modifierSymbol: 20
    case .otherSymbol: 21
    case .spaceSeparator: 22
    case .lineSeparator: 23
    case .paragraphSeparator: 24
    case .control: 25
    case .format: 26
    case .surrogate: 27
    case .privateUse: 28
    case .unassigned: 29
    @unknown default: 29
    }
  }
}
