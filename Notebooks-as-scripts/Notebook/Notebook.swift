public import EmbeddingGap
import Foundation

/// A walk through the library in numbered cells: prose, code, printed numbers, figures, and claims that are checked.
///
/// A notebook is an executable whose source is its text. A cell begins at `// MARK: - 1. What the cell claims`; the
/// comment lines that follow are its prose. While it runs, a cell prints numbers and checks claims. At the end the whole
/// output is held against `expected.txt` beside the source, and source, output and figures become one page,
/// `index.html`, that needs no other file.
public struct Notebook {
  /// Where the page and the figures are left.
  public let directory: String
  /// A directory for scenes and runs, which is removed at the end.
  public let work: String
  let source: NotebookSource
  private let tolerance: Tolerance
  private var outputs: [CellOutput] = []
  private var faults: [String] = []

  private init(source: NotebookSource, tolerance: Tolerance, directory: String) throws {
    self.source = source
    self.tolerance = tolerance
    self.directory = directory
    work = directory + "/work"
    try? FileManager.default.removeItem(atPath: work)
    try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
  }

  /// Runs a notebook and ends the process: with 0 when every claim holds and the output is the expected one, with 1
  /// when not, with 64 when it is called wrongly.
  ///
  /// - Parameters:
  ///   - file: the notebook's source, `#filePath`.
  ///   - tolerance: how far a printed decimal may be from the expected one.
  ///   - cells: the notebook.
  public static func run(
    _ file: String, tolerance: Tolerance, _ cells: (inout Notebook) throws -> Void
  ) -> Never {
    let arguments = CommandLine.arguments.dropFirst()
    let directories = arguments.filter { !$0.hasPrefix("-") }
    guard directories.count == 1, arguments.allSatisfy({ !$0.hasPrefix("-") || $0 == "--record" }) else {
      complain("expected a directory for page and figures, and --record to write expected.txt anew")
      exit(64)
    }
    do {
      var notebook = try Notebook(
        source: NotebookSource(file: file), tolerance: tolerance, directory: directories[0])
      try cells(&notebook)
      exit(try notebook.finish(records: arguments.contains("--record")) ? 0 : 1)
    } catch {
      complain("\(error)")
      exit(1)
    }
  }

  private static func complain(_ message: String) {
    FileHandle.standardError.write(Data("notebook: \(message)\n".utf8))
  }

  // MARK: What cells do

  /// Begins the next cell.
  public mutating func cell() {
    let number = outputs.count
    outputs.append(CellOutput())
    let title = number < source.cells.count ? source.cells[number].title : "a cell without a mark"
    FileHandle.standardOutput.write(Data(((number > 0 ? "\n" : "") + title + "\n").utf8))
  }

  /// Prints a number under a name.
  ///
  /// - Parameters:
  ///   - value: an undefined one makes the notebook fail.
  ///   - places: digits after the point; 0 for counts, which are compared exactly.
  public mutating func show(_ name: String, _ value: Double, places: Int = 4) {
    check([value], name)
    add(.number(name: name, value: Decimal.text(value, places: places)))
  }

  /// Prints a table of numbers.
  ///
  /// - Parameters:
  ///   - columns: what stands above the names and above each number of a row.
  ///   - rows: names with their numbers; an undefined number makes the notebook fail.
  ///   - places: digits after the point.
  public mutating func table(
    _ columns: [String], _ rows: [(name: String, values: [Double])], places: Int = 3
  ) {
    for row in rows {
      precondition(row.values.count + 1 == columns.count, "a number for each column of \(row.name)")
      check(row.values, row.name)
    }
    add(.table([columns] + rows.map { [$0.name] + $0.values.map { Decimal.text($0, places: places) } }))
  }

  /// Checks a claim; one that does not hold makes the notebook fail at its end.
  public mutating func claim(_ text: String, _ holds: Bool) {
    add(.claim(text, holds))
    if !holds { faults.append("does not hold: \(text)") }
  }

  /// Draws a figure, `NAME.png` in the directory and part of the page.
  ///
  /// - Parameter caption: what is seen on it.
  /// - Throws: `PlotError`.
  public mutating func figure(_ name: String, _ figure: Figure, _ caption: String) throws {
    let path = "\(directory)/\(name).png"
    try figure.write(to: path, format: .png, dpi: 220)
    add(.figure(caption: caption, png: try Data(contentsOf: URL(filePath: path)), width: figure.width))
  }

  private mutating func check(_ values: [Double], _ name: String) {
    if !values.allSatisfy(\.isFinite) { faults.append("is not defined: \(name)") }
  }

  private mutating func add(_ item: CellOutput.Item) {
    precondition(!outputs.isEmpty, "a cell begins before it shows anything")
    outputs[outputs.count - 1].items.append(item)
    let text = item.lines.map { "  \($0)\n" }.joined()
    FileHandle.standardOutput.write(Data(text.utf8))
  }

  // MARK: The end

  private mutating func finish(records: Bool) throws -> Bool {
    try? FileManager.default.removeItem(atPath: work)
    if outputs.count != source.cells.count {
      faults.append("\(source.cells.count) cells are marked, \(outputs.count) were run")
    }
    let lines = zip(source.cells, outputs).flatMap { cell, output in
      [cell.title] + output.items.flatMap(\.lines).map { "  " + $0 }
    }
    let expected = ExpectedOutput(path: source.folder + "/expected.txt")
    if !records {
      faults += try expected.faults(lines, within: tolerance)
    } else if faults.isEmpty {
      try expected.write(lines)
    }
    let page = NotebookPage(source: source, outputs: outputs, tolerance: tolerance)
    try Data(page.html.utf8).write(to: URL(filePath: directory + "/index.html"))
    faults.forEach(Self.complain)
    return faults.isEmpty
  }
}
