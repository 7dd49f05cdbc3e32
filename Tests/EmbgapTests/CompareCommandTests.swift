import EmbeddingGap
import Foundation
import Testing

/// `embgap compare` as a user runs it, made small.
@Suite struct CompareCommandTests {
  static let small = [
    "--quick", "--quiet", "--steps", "6", "--set", "instruct.steps=3", "--set", "evaluation.every=3", "--set",
    "evaluation.captions=10", "--set", "batch=16",
  ]

  static func compare(_ out: String, _ more: [String]) throws -> [String: Any] {
    let outcome = try CommandTests.run(["compare", "--out", out] + small + more)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let data = try Data(contentsOf: URL(filePath: out + "/compare.json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private static func number(_ value: Any?, _ path: [String]) -> Double? {
    guard let key = path.first else { return value as? Double }
    return number((value as? [String: Any])?[key], Array(path.dropFirst()))
  }

  @Test(.enabled(if: CommandTests.isOptimized))
  func armsShareStartAndBatchesAndDifferencesAreThoseOfTheRuns() throws {
    let out = try CommandTests.scratch() + "/comparison"
    let root = try Self.compare(out, ["--seeds", "2"])
    #expect(root["schema"] as? String == "embgap.compare/1")
    let runs = try #require(root["runs"] as? [[String: Any]])
    #expect(runs.count == 8)
    func run(_ arm: String, _ seed: Int) throws -> [String: Any] {
      try #require(runs.first { $0["arm"] as? String == arm && $0["seed"] as? Int == seed })
    }
    func start(_ arm: String, _ seed: Int) throws -> String {
      let curve = try #require(try run(arm, seed)["curve"] as? [[String: Any]])
      #expect(curve.map { $0["step"] as? Int } == [0, 3, 6])
      return
        "\(try JSONSerialization.data(withJSONObject: curve[0], options: .sortedKeys).base64EncodedString())"
    }
    for arm in ["joint", "joint-last", "shuffled"] {
      for seed in [0, 1] { #expect(try start(arm, seed) == start("ntp", seed)) }
    }
    #expect(try start("ntp", 0) != start("ntp", 1))
    // The control has the same loss on other pairs: its first losses are not joint's.
    func firstLoss(_ arm: String) throws -> Double {
      try #require((try run(arm, 0)["curve"] as? [[String: Any]])?[1]["contrastive_loss"] as? Double)
    }
    #expect(try firstLoss("joint") != firstLoss("shuffled"))
    let differences = try #require(root["differences"] as? [[String: Any]])
    for quantity in [
      "metrics.input.centroid_distance", "evaluation.instructed.questions", "evaluation.aligned.ntp_loss",
    ] {
      let own = try #require(
        differences.first { $0["quantity"] as? String == quantity && $0["arm"] as? String == "joint" })
      let path = quantity.split(separator: ".").map(String.init)
      let each = try [0, 1].map { seed in
        try #require(Self.number(try run("joint", seed), path)) - #require(
          Self.number(try run("ntp", seed), path))
      }
      let mean = (each[0] + each[1]) / 2
      #expect(abs((own["mean"] as? Double ?? .nan) - mean) < 1e-12)
      let ends = try #require(own["ci95"] as? [Double])
      // Of two: t with one degree of freedom, and half their distance is √2 times the standard error's √2-th part.
      #expect(abs((ends[1] - ends[0]) / 2 - 12.7062047 * abs(each[0] - each[1]) / 2) < 1e-6)
      #expect(own["n"] as? Int == 2 && own["against"] as? String == "ntp")
    }
    let ceiling = try #require((root["ceiling"] as? [String: Any])?["questions"] as? Double)
    let floor = try #require((root["floor"] as? [String: Any])?["questions"] as? Double)
    #expect(ceiling > 0.95 && floor < 0.35)
    func bound(_ side: String, _ key: String) throws -> Double {
      try #require((root[side] as? [String: Any])?[key] as? Double)
    }
    // Given the true caption the model says what is in it; given nothing it cannot.
    #expect(try bound("ceiling", "attribute_f1") > 0.9 && bound("floor", "attribute_f1") < 0.3)
    #expect(try bound("ceiling", "caption_exact_match") > 0)
    for name in [
      "config.yaml", "curve.png", "pca.png", "retrieval.png", "questions.png", "vectors.safetensors",
      "trajectories.safetensors", "report.html",
    ] {
      #expect(FileManager.default.fileExists(atPath: out + "/" + name), "\(name)")
    }
    let page = try CommandTests.pageData(out + "/report.html")
    let scatter = try #require(page["scatter"] as? [String: Any])
    #expect(scatter["arms"] as? [String] == ["ntp", "joint", "joint-last", "shuffled"])
    let frames = try #require((scatter["views"] as? [[String: Any]])?.first?["frames"] as? [[String: Any]])
    #expect(frames.map { $0["step"] as? Int } == [0, 3, 6, 0, 3, 6, 0, 3, 6, 0, 3, 6])
    // Arms begin at one place and part.
    #expect(Set(stride(from: 0, to: 12, by: 3).map { frames[$0]["image"] as? String }).count == 1)
    #expect(Set(stride(from: 2, to: 12, by: 3).map { frames[$0]["image"] as? String }).count == 4)
    let plot = try CommandTests.run([
      "plot", out, "--figure", "curve", "--format", "svg", "--out", out + "/svg",
    ])
    #expect(plot.code == 0 && FileManager.default.fileExists(atPath: out + "/svg/curve.svg"))
  }

  @Test func theSameSeedsGiveTheSameBytesForAnyNumberOfThreads() throws {
    let folder = try CommandTests.scratch()
    func bytes(_ name: String, _ threads: Int) throws -> String {
      _ = try Self.compare(
        folder + "/" + name, ["--arms", "ntp,joint-layer:2", "--set", "threads=\(threads)", "--seeds", "1"])
      let text = try String(contentsOfFile: folder + "/\(name)/compare.json", encoding: .utf8)
      return text.replacing(/"seconds(_per_step)?": [-0-9.e]+/, with: "").replacing(
        "\"threads\": \(threads)", with: ""
      )
      .replacing(folder + "/" + name, with: "")
    }
    #expect(try bytes("one", 1) == bytes("two", 2))
  }

  /// The checkpoint's weights are packed for each precision, not once for both.
  @Test(.enabled(if: ProductPrecision.hasFastBFloat16)) func precisionsThatAreComparedAreThoseThatAreUsed()
    throws
  {
    let folder = try TrainCommandTests.folder([
      "evaluation: {pairs: \(TrainCommandTests.checkpoint)/pairs.jsonl, every: 5, captions: 0}"
    ])
    let outcome = try CommandTests.run([
      "compare", "--config", folder + "/RUN.yaml", "--vary", "precision=f32,bf16", "--arms", "ntp", "--seeds",
      "1", "--out",
      folder + "/comparison", "--quiet",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let data = try Data(contentsOf: URL(filePath: folder + "/comparison/compare.json"))
    let root = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    let losses = try #require(root?["runs"] as? [[String: Any]]).map {
      ($0["curve"] as? [[String: Any]])?.last?["train_ntp_loss"] as? Double
    }
    let (single, narrow) = (try #require(losses.first ?? nil), try #require(losses.last ?? nil))
    #expect(losses.count == 2 && single != narrow && abs(single - narrow) < 0.05, "\(losses)")
  }

  @Test(.enabled(if: CommandTests.isOptimized)) func variedKeysMakeATableAndAFigure() throws {
    let folder = try CommandTests.scratch()
    let miniature = CommandTests.repository + "/Fixtures/miniature"
    let root = try Self.compare(
      folder + "/sweep",
      [
        "--vary", "llm=\(miniature)/llama,\(miniature)/gpt2", "--vary", "contrastive.temperature=0.05,0.2",
        "--set",
        "evaluation.readouts=[input]",
      ])
    let runs = try #require(root["runs"] as? [[String: Any]])
    #expect(runs.count == 8)
    func distances(_ arm: String) -> [Double] {
      runs.filter { $0["arm"] as? String == arm }.compactMap {
        Self.number($0, ["metrics", "input", "centroid_distance"])
      }
    }
    // Next-token training knows no temperature; joint training does.
    let (ntp, joint) = (distances("ntp"), distances("joint"))
    #expect(ntp[0] == ntp[1] && ntp[2] == ntp[3] && ntp[0] != ntp[2])
    #expect(Set(joint).count == 4)
    #expect(FileManager.default.fileExists(atPath: folder + "/sweep/sweep.png"))
    #expect((root["settings"] as? [[String: Any]])?.count == 4)
  }

  @Test(arguments: [
    (["--arms", "ntp,both"], Int32(64), "--arms"), (["--steps", "0"], 64, "--steps"),
    (["--seeds", "0"], 64, "--seeds"), (["--vary", "batch"], 65, "KEY=a,b,c"),
    (["--vary", "batch=4"], 65, "two or more"), (["--vary", "bach=4,8"], 65, "bach"),
    (["--set", "contrastive.readout=layer:77"], 65, "layer:77"), (["--config", "nowhere.yaml"], 64, "--quick"),
    (["--vary", "llm=nowhere,elsewhere"], 66, "nowhere"), (["--vary", "steps=5,10"], 65, "--steps"),
    (["--vary", "contrastive.shuffle=true,false"], 65, "--arms"), (["--vary", "seed=1,2"], 65, "--seeds"),
  ])
  func faultsAreOneClearLine(more: [String], code: Int32, word: String) throws {
    let out = try CommandTests.scratch() + "/comparison"
    let outcome = try CommandTests.run(["compare", "--out", out] + Self.small + more)
    #expect(outcome.code == code, "\(outcome.errors)")
    #expect(
      outcome.errors.split(separator: "\n").count == 1 && outcome.errors.contains(word), "\(outcome.errors)")
  }
}
