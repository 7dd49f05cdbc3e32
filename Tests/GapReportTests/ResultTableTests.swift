import GapMetrics
import Testing

@testable import GapReport

@Suite struct ResultTableTests {
  private static func table(_ text: String, caption: String = "") -> ResultTable {
    var table = ResultTable(
      [
        .init("Name", key: "name", .text), .init("Value", key: "value", .number),
        .init("95% interval", key: "", .interval),
        .init(
          "Estimate", key: "estimate", .estimate,
          style: .init(isSigned: true, places: 2, intervalPlaces: 1)),
      ], caption: caption)
    table.add(section: "A & B")
    table.add([
      .text(text), .number(-0.123456789), .interval(Interval(low: -1.5e-6, high: 2)),
      .estimate(0.5, Interval(low: 0.25, high: 0.75)),
    ])
    table.add([.text("none"), .number(nil), .interval(nil), .estimate(nil, nil)])
    return table
  }

  @Test func csvHasEveryDigitAndAColumnForEachEnd() {
    #expect(
      Self.table("x").text(.csv) == """
        name,value,low,high,estimate,estimate_low,estimate_high
        x,-0.123456789,-1.5e-06,2.0,0.5,0.25,0.75
        none,,,,,,

        """)
  }

  @Test func markdownIsATable() {
    #expect(
      Self.table("x").text(.markdown) == """
        | Name | Value | 95% interval | Estimate |
        | --- | ---: | ---: | ---: |
        | **A \\& B** | | | |
        | x | -0.1235 | [-1.50e-6, 2.0000] | +0.50 [+0.3, +0.8] |
        | none | | | |

        """)
  }

  @Test func latexIsATabular() {
    #expect(
      Self.table("x", caption: "two\nlines").text(.latex) == """
        % two
        % lines
        % \\usepackage{booktabs}
        \\begin{tabular}{lrrr}
        \\toprule
        Name & Value & 95\\% interval & Estimate \\\\
        \\midrule
        \\multicolumn{4}{l}{\\emph{A \\& B}} \\\\
        x & $-0.1235$ & $[-1.50 \\times 10^{-6}, 2.0000]$ & $+0.50\\;[+0.3, +0.8]$ \\\\
        none &  &  & \\\\
        \\bottomrule
        \\end{tabular}

        """)
  }

  /// What each format would take for markup, and how it is then written.
  static let awkward: [(text: String, csv: String, markdown: String, latex: String)] = [
    ("a,b", "\"a,b\"", "a,b", "a,b"),
    ("a \"b\"", "\"a \"\"b\"\"\"", "a \"b\"", "a \\textquotedbl{}b\\textquotedbl{}"),
    ("a\nb", "\"a\nb\"", "a b", "a b"), ("a\r\nb", "\"a\r\nb\"", "a b", "a b"),
    ("=1+1", "'=1+1", "=1+1", "=1+1"), ("a|b", "a|b", "a\\|b", "a\\textbar{}b"),
    ("a_b*c", "a_b*c", "a\\_b\\*c", "a\\_b*c"),
    ("<b>", "<b>", "\\<b\\>", "\\textless{}b\\textgreater{}"),
    ("50% & #1", "50% & #1", "50% \\& \\#1", "50\\% \\& \\#1"),
    ("$x^2$", "$x^2$", "\\$x^2\\$", "\\$x\\textasciicircum{}2\\$"),
    ("a\\b", "a\\b", "a\\\\b", "a\\textbackslash{}b"),
    ("{~}", "{~}", "\\{\\~\\}", "\\{\\textasciitilde{}\\}"),
    ("[x]", "[x]", "\\[x\\]", "{[}x{]}"),
    ("image → text", "image → text", "image → text", "image $\\rightarrow$ text"),
  ]

  @Test(arguments: awkward.indices)
  func textsMeanThemselves(index: Int) {
    let sample = Self.awkward[index]
    #expect(ResultTable.field(sample.text) == sample.csv)
    #expect(ResultTable.escaped(sample.text) == sample.markdown)
    #expect(ResultTable.latexText(sample.text) == sample.latex)
  }

  // MARK: Reports

  @Test func aReportsCSVHasAllItsNumbers() throws {
    let report = try MeasuredPair().report
    let lines = report.table(.csv).split(separator: "\n")
    #expect(lines[0] == "metric,value,low,high,p,sample")
    #expect(lines.count == report.metrics.flattened.count + 1)
    for (line, entry) in zip(lines.dropFirst(), report.metrics.flattened) {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      #expect(fields.count == 6 && fields[0] == entry.path)
      #expect(Double(fields[1]) == entry.value)
      #expect(Double(fields[2]) == report.intervals[entry.path]?.low, "\(line)")
      #expect(Double(fields[3]) == report.intervals[entry.path]?.high, "\(line)")
      #expect(Double(fields[4]) == report.permutationP[entry.path])
    }
  }

  @Test(arguments: [TableFormat.markdown, .latex])
  func otherFormatsHaveTheRowsOfTheTerminal(format: TableFormat) throws {
    let report = try MeasuredPair().report
    let text = report.table(format)
    for row in MetricReading.all where row.section != "Inside the model" {
      let name = format == .latex ? ResultTable.latexText(row.path) : ResultTable.escaped(row.path)
      #expect(text.contains(name + " "), "\(row.path)")
    }
    // As many cells in each line as in the first.
    let separator: Character = format == .latex ? "&" : "|"
    let lines = text.split(separator: "\n").filter {
      $0.contains(separator) && !$0.contains("multicolumn")
    }
    func cells(_ line: Substring) -> Int { line.count { $0 == separator } }
    #expect(Set(lines.map(cells)).count == 1)
  }
}
