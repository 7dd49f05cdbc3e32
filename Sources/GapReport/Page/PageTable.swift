/// A table as the page shows it and saves it as CSV.
struct PageTable: Encodable, Sendable {
  struct Column: Encodable, Sendable {
    let key: String
    let name: String
    let isNumber: Bool
  }

  /// A text, or a number with how it is shown.
  enum Cell: Encodable, Sendable {
    case text(String)
    case number(Double?, places: Int)

    /// A text, or an object of a number and its text.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .text(let text): try container.encode(text)
      case .number(let value, let places):
        try container.encode(Number(value: value.flatMap { $0.isFinite ? $0 : nil }, places: places))
      }
    }

    private struct Number: Encodable {
      let value: Double?
      let text: String

      init(value: Double?, places: Int) {
        self.value = value
        text = value.map { Decimal.text($0, places: places) } ?? "–"
      }
    }
  }

  let name: String
  let title: String
  let says: String
  let columns: [Column]
  let rows: [[Cell]]
  /// Whether rows with the same first cell stand under one heading.
  let isGrouped: Bool

  /// The most rows of a table.
  static let limit = 1000

  init(
    _ name: String, _ title: String, says: String, columns: [Column], rows: [[Cell]], isGrouped: Bool = false
  ) {
    self.name = name
    self.title = title
    self.says =
      says
      + (rows.count > Self.limit
        ? " The first \(Self.limit) of \(Decimal.grouped(rows.count)) rows; compare.json holds all." : "")
    self.columns = columns
    self.rows = Array(rows.prefix(Self.limit))
    self.isGrouped = isGrouped
  }
}
