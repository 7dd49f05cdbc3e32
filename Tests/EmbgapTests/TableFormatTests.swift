import Foundation
import Testing

/// `--format csv|md|latex`, `--version` and completions, as the shell sees them.
@Suite struct TableFormatTests {
  @Test(arguments: ["csv", "md", "latex"])
  func measureAndDiffPrintTheTableAlone(format: String) throws {
    let folder = try CommandTests.scratch()
    let measured = try CommandTests.run([
      "measure", CommandTests.demo, "--bootstrap", "20", "--format", format, "--format", "svg",
      "--out", folder + "/a",
    ])
    #expect(measured.code == 0, "\(measured.errors)")
    #expect(FileManager.default.fileExists(atPath: folder + "/a/pca.svg"))
    let compared = try CommandTests.run(["diff", folder + "/a", folder + "/a", "--format", format])
    #expect(compared.code == 0, "\(compared.errors)")
    let begins = ["csv": "metric,", "md": "| Metric |", "latex": "% "][format] ?? ""
    for text in [measured.output, compared.output] {
      #expect(text.hasPrefix(begins) && text.contains("matching"), "\(text.prefix(200))")
      #expect(!text.contains("written to"))
    }
  }

  @Test(.enabled(if: CommandTests.isOptimized)) func compareHasTablesForEachBudget() throws {
    let folder = try CommandTests.scratch()
    let arguments = [
      "compare", "--quick", "--steps", "2,3", "--seeds", "2", "--arms", "ntp,joint", "--set",
      "instruct.steps=2", "--set",
      "evaluation.captions=4", "--quiet", "--out", folder + "/c",
    ]
    let csv = try CommandTests.run(arguments + ["--format", "csv"])
    #expect(csv.code == 0, "\(csv.errors)")
    let lines = csv.output.split(separator: "\n")
    #expect(
      lines[0] == "setting,steps,arm,quantity,mean,seeds,difference,difference_low,difference_high")
    let row = try #require(lines.first { $0.contains(",3,joint,metrics.input.centroid_distance,") })
    let fields = row.split(separator: ",", omittingEmptySubsequences: false)
    #expect(fields.count == 9 && fields[5] == "2")
    #expect(fields[4...].allSatisfy { Double($0) != nil }, "\(row)")
    let latex = try CommandTests.run(arguments + ["--format", "latex", "--resume"])
    #expect(latex.code == 0, "\(latex.errors)")
    #expect(latex.output.components(separatedBy: "\\begin{tabular}").count == 3)
    #expect(latex.output.contains("image $\\rightarrow$ text R@1"))
  }

  @Test(arguments: [
    "measure DEMO --json --format csv", "measure DEMO --format csv --format md",
    "measure DEMO --format gif",
    "diff a b --json --format md", "diff a b --format svg", "plot a --format csv --out x",
  ])
  func formatsThatDoNotGoTogetherAreWrongUsage(line: String) throws {
    let words = line.split(separator: " ").map { $0 == "DEMO" ? CommandTests.demo : String($0) }
    let outcome = try CommandTests.run(words)
    #expect(outcome.code == 64, "\(outcome.errors)")
    #expect(outcome.output.isEmpty && outcome.errors.split(separator: "\n").count == 1)
  }

  // MARK: --version

  @Test func theVersionNamesEveryLibrary() throws {
    let outcome = try CommandTests.run(["--version"])
    #expect(outcome.code == 0)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    let names = [
      "embgap", "Swift", "OpenBLAS", "LAPACKE", "oneDNN", "libpng", "libjpeg", "cairo", "zlib",
      "processor: ",
    ]
    #expect(lines.count == names.count)
    for (line, name) in zip(lines, names) {
      #expect(line.contains(name), "\(line)")
      if name != "processor: ", line != "without oneDNN" {
        #expect(line.contains(#/\d+(\.\d+)*/#), "\(line)")
      }
    }
    // Where the system says what the processor has, it says the same.
    guard let known = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return }
    let flags =
      known.split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ").map(
        String.init) ?? []
    for (flag, name) in [
      ("avx2", "AVX2"), ("avx512f", "AVX-512"), ("avx512_bf16", "AVX512-BF16"), ("amx_tile", "AMX"),
    ] where !flags.isEmpty {
      let shown = lines[9].dropFirst("processor: ".count).components(separatedBy: ", ")
      #expect(shown.contains(name) == flags.contains(flag), "\(name): \(lines[9])")
    }
  }

  // MARK: Completions

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsNameEveryCommandAndAreSound(shell: String) throws {
    let outcome = try CommandTests.run(["--generate-completion-script", shell])
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    for name in [
      "measure", "diff", "embed", "inspect", "train", "compare", "export", "scenes", "plot",
      shell == "fish" ? "-l 'fix'" : "--fix",
    ] {
      #expect(outcome.output.contains(name), "\(shell): \(name)")
    }
    let places = ["/bin/\(shell)", "/usr/bin/\(shell)"]
    guard let program = places.first(where: FileManager.default.fileExists) else { return }
    let file = try CommandTests.scratch() + "/embgap.\(shell)"
    try Data(outcome.output.utf8).write(to: URL(filePath: file))
    let check = Process()
    check.executableURL = URL(filePath: program)
    check.arguments = ["-n", file]
    try check.run()
    check.waitUntilExit()
    #expect(check.terminationStatus == 0)
  }

  @Test func anUnknownShellIsWrongUsage() throws {
    #expect(try CommandTests.run(["--generate-completion-script", "dos"]).code == 64)
  }
}
