import Foundation
import Testing

/// `embgap measure --fix`.
@Suite struct FixCommandTests {
  private static func report(_ arguments: [String]) throws -> [String: Any] {
    let outcome = try CommandTests.run(
      ["measure", CommandTests.demo, "--json", "--bootstrap", "20"] + arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  @Test func beforeStaysAndAfterComesUnderItsOwnKey() throws {
    let plain = try Self.report([])
    #expect(plain["fixed"] == nil)
    let report = try Self.report(["--fix", "center,match-norm", "--fix", "drop-dimensions:2"])
    let before = try #require(report["metrics"] as? [String: Any])
    #expect(
      before["centroid_distance"] as? Double == (plain["metrics"] as? [String: Any])?["centroid_distance"]
        as? Double)
    let fixed = try #require(report["fixed"] as? [String: Any])
    #expect(fixed["fixes"] as? [String] == ["center", "match-norm", "drop-dimensions:2"])
    #expect(fixed["dimension"] as? Int == (report["dimension"] as? Int).map { $0 - 2 })
    let after = try #require(fixed["metrics"] as? [String: Any])
    #expect(Set(after.keys) == Set(before.keys))
    #expect(try #require(after["centroid_distance"] as? Double) < 0.2)
    #expect((fixed["intervals"] as? [String: Any])?["matching_margin"] != nil)
  }

  @Test func tableAndPageShowBothColumns() throws {
    let folder = try CommandTests.scratch()
    let outcome = try CommandTests.run([
      "measure", CommandTests.demo, "--bootstrap", "20", "--fix", "shift:0.5", "--out", folder + "/a",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("after: shift:0.5"))
    let head = try #require(outcome.output.split(separator: "\n").first { $0.contains("before") })
    #expect(head.contains("after") && head.components(separatedBy: "95% interval").count == 3)
    let row = try #require(
      outcome.output.split(separator: "\n").first { $0.split(separator: " ").first == "centroid_distance" })
    #expect(row.split(separator: "[").count == 3, "\(row)")
    let page = try String(contentsOfFile: folder + "/a/report.html", encoding: .utf8)
    #expect(page.contains("\"fixes\":\"after shift:0.5\""))
  }

  @Test(arguments: [
    "centre", "center,", "shift:x", "shift:nan", "drop-dimensions:0", "drop-dimensions:100000", "",
  ])
  func otherFixesAreWrongUsage(fix: String) throws {
    let outcome = try CommandTests.run(["measure", CommandTests.demo, "--fix", fix])
    #expect(outcome.code == 64, "\(outcome.errors)")
    #expect(outcome.output.isEmpty && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }

  @Test func aFixNeedsOneWidth() throws {
    let outcome = try CommandTests.run([
      "measure", CommandTests.demo, "--fix", "center", "--different-dimensions",
    ])
    #expect(outcome.code == 64 && outcome.errors.contains("exclude each other"))
  }
}
