import GapMetrics

/// A table of results whose cells are still numbers, so that each format writes them in its own way.
struct ResultTable: Sendable {
  /// What a column holds.
  enum Kind: Sendable {
    case text
    case number
    /// Two ends; two columns in CSV.
    case interval
    /// A number and an interval beside it; three columns in CSV.
    case estimate
  }

  struct Column: Sendable {
    let name: String
    let kind: Kind
    /// Signs and places of its numbers.
    var style = NumberStyle()
    /// What CSV calls it.
    let key: String

    init(_ name: String, key: String, _ kind: Kind, style: NumberStyle = NumberStyle()) {
      (self.name, self.key, self.kind, self.style) = (name, key, kind, style)
    }
  }

  /// How numbers of a column are written where people read them; CSV has every digit.
  struct NumberStyle: Sendable {
    var isSigned = false
    /// Places after the point; nil for four significant ones.
    var places: Int?
    /// Of an interval.
    var intervalPlaces: Int?
  }

  enum Cell: Sendable {
    case text(String)
    /// nil where there is none.
    case number(Double?)
    case interval(Interval?)
    case estimate(Double?, Interval?)
  }

  enum Row: Sendable {
    case section(String)
    case cells([Cell])
  }

  /// What the table is about; a comment in LaTeX.
  var caption = ""
  let columns: [Column]
  private(set) var rows: [Row] = []

  init(_ columns: [Column], caption: String = "") {
    self.columns = columns
    self.caption = caption
  }

  mutating func add(section: String) { rows.append(.section(section)) }

  mutating func add(_ cells: [Cell]) {
    precondition(cells.count == columns.count, "a cell for each column")
    rows.append(.cells(cells))
  }

  /// The table in a format, a newline at its end.
  func text(_ format: TableFormat) -> String {
    switch format {
    case .csv: csv
    case .markdown: markdown
    case .latex: latex
    }
  }

  /// A number as people read it.
  static func text(_ value: Double, _ style: NumberStyle, places: Int?) -> String {
    let digits = places.map { Decimal.text(value, places: $0) } ?? Decimal.text(value)
    return (style.isSigned && value > 0 ? "+" : "") + digits
  }
}

/// A way to write tables for papers, pages and spreadsheets.
public enum TableFormat: String, CaseIterable, Sendable {
  /// RFC 4180, every digit, a column for each end of an interval.
  case csv
  /// GitHub's tables.
  case markdown = "md"
  /// A `tabular` with the rules of `booktabs`.
  case latex
}
