import GapTensorFiles

/// Tokens and their numbers, both ways; tokens are compared byte by byte.
struct Vocabulary: Sendable {
  /// Above every vocabulary in use; it bounds what a number in a file can make this program allocate.
  static let largestIdentifier = 1 << 22
  /// Bytes of a token that a text is searched for; real ones stay below a hundred.
  static let longestToken = 1024

  private var table = ByteTable()
  private var identifiers: [Int32] = []
  private var numbers: [Int32] = []

  init() {}

  /// An object of tokens with their numbers.
  init(_ field: TokenizerField) throws {
    let pairs = try field.pairs()
    reserve(pairs.count)
    for pair in pairs {
      guard let identifier = pair.value.integer else {
        throw TokenizerField(pair.value, field.place(of: pair.key)).mismatch("an integer")
      }
      try add(pair.key, identifier, field.place)
    }
  }

  /// The number of tokens.
  var count: Int { identifiers.count }

  /// The largest number and 1.
  var identifierLimit: Int { numbers.count }

  mutating func reserve(_ tokens: Int) {
    table.reserve(tokens)
    identifiers.reserveCapacity(tokens)
    numbers.reserveCapacity(tokens)
  }

  /// Adds a token that is not there yet under a number that is free.
  mutating func add(_ token: String, _ identifier: Int, _ place: TokenizerError.Place) throws {
    guard (0...Self.largestIdentifier).contains(identifier) else {
      throw TokenizerError.identifierRefused(
        place, token: token, found: identifier, limit: Self.largestIdentifier)
    }
    if let other = self.token(Int32(identifier)) {
      throw TokenizerError.identifierTaken(
        place, identifier: identifier, tokens: [String(decoding: other, as: UTF8.self), token])
    }
    let (number, isNew) = table.insert(token)
    guard isNew else { throw TokenizerError.tokenTwice(place, token: token) }
    identifiers.append(Int32(identifier))
    while numbers.count <= identifier { numbers.append(-1) }
    numbers[identifier] = Int32(number)
  }

  /// The number of a token.
  func identifier(of token: Span<UInt8>) -> Int32? { table.number(of: token).map { identifiers[$0] } }

  /// The number of a token.
  func identifier(of token: String) -> Int32? {
    let bytes = token.utf8
    return identifier(of: bytes.span)
  }

  /// The number of a token.
  func identifier(of token: [UInt8]) -> Int32? { identifier(of: token.span) }

  /// The bytes of the token with a number.
  func token(_ identifier: Int32) -> [UInt8]? {
    guard identifier >= 0, Int(identifier) < numbers.count, numbers[Int(identifier)] >= 0 else { return nil }
    return table[Int(numbers[Int(identifier)])]
  }

  /// The numbers of the tokens `<0x00>` to `<0xFF>`, -1 where there is none.
  var byteTokens: [Int32] {
    (0...255).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return identifier(of: "<0x" + (digits.count < 2 ? "0" : "") + digits + ">") ?? -1
    }
  }
}
