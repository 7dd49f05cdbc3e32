import Foundation
import GapImages
import GapTensorFiles
import TestFolders
import Testing

@testable import GapReport

/// The page of a comparison says what the numbers say, better or worse, and moves along one basis.
@Suite struct ComparisonPageTests {
  /// A comparison's directory with numbers that are known: seeds 0, 1, 2 of ntp, joint and shuffled.
  struct Made {
    let directory: String

    /// Centroid distance, margin and questions of each arm, for seed 0; further seeds are a little more.
    static let arms: [(name: String, gap: Double, margin: Double, questions: Double)] = [
      ("ntp", 1.2, 0.02, 0.5), ("joint", 0.6, 0.3, 0.4), ("shuffled", 1.2, 0.02, 0.5),
    ]
    static let steps = [0, 5, 10]

    /// - Parameter intervals: of differences, half their width; nil for one seed.
    init(interval: Double? = 0.05, pairs: Int = 6) throws {
      directory = try TestFolder.make()
      func metrics(_ gap: Double, _ margin: Double) -> [String: Any] {
        [
          "input": [
            "centroid_distance": gap, "matching_margin": margin,
            "retrieval": [
              "image_to_text": ["r1": 0.5, "r10": 1], "text_to_image": ["r1": 0.25, "r10": 0.75],
            ],
          ]
        ]
      }
      let seeds = interval == nil ? [0] : [0, 1, 2]
      var (runs, differences) = ([[String: Any]](), [[String: Any]]())
      for arm in Self.arms {
        for seed in seeds {
          let gap = arm.gap + 0.01 * Double(seed)
          let curve = Self.steps.map { step -> [String: Any] in
            let share = Double(step) / 10
            return [
              "step": step, "ntp_loss": 2 - share,
              "metrics": metrics(1.5 + (gap - 1.5) * share, arm.margin * share),
            ]
          }
          runs.append([
            "arm": arm.name, "seed": seed, "steps": 10, "varied": [String: String](), "readout": "input",
            "seconds_per_step": 0.5, "metrics": metrics(gap, arm.margin), "curve": curve,
            "evaluation": [
              "aligned": ["ntp_loss": 1.0, "questions": arm.questions, "questions_color": arm.questions]
            ],
          ])
        }
        guard arm.name != "ntp" else { continue }
        let base = Self.arms[0]
        for (quantity, value) in [
          ("metrics.input.centroid_distance", arm.gap - base.gap),
          ("metrics.input.matching_margin", arm.margin - base.margin),
          ("evaluation.aligned.questions", arm.questions - base.questions),
        ] {
          differences.append([
            "arm": arm.name, "against": "ntp", "steps": 10, "varied": [String: String](), "quantity": quantity,
            "mean": value, "ci95": interval.map { [value - $0, value + $0] as Any } ?? NSNull(),
            "n": seeds.count,
          ])
        }
      }
      let root: [String: Any] = [
        "schema": "embgap.compare/1", "version": "0", "config": ["pairs": "train.jsonl"], "runs": runs,
        "differences": differences, "ceiling": ["questions": 0.9], "floor": ["questions": 0.1], "seconds": 1,
      ]
      try JSONSerialization.data(withJSONObject: root).write(to: URL(filePath: directory + "/compare.json"))
      var writer = SafetensorsWriter()
      let text = (0..<pairs * 2).map { Float($0) / 10 }
      for (place, arm) in Self.arms.enumerated() {
        let name = "\(arm.name), 10 steps/input/"
        let image = Self.steps.flatMap { step in
          text.map { $0 + Float(place == 1 ? 10 - step : 10) / 10 }
        }
        writer.add(name + "step", shape: [3], Self.steps.map(Double.init))
        writer.add(name + "image", shape: [3, pairs, 2], image)
        writer.add(name + "text", shape: [1, pairs, 2], text)
        writer.add(name + "cosine", shape: [3, pairs], [Float](repeating: 0.5, count: 3 * pairs))
        writer.add(name + "variance_fraction", shape: [2], [0.75, 0.25])
      }
      try writer.data.write(to: URL(filePath: directory + "/trajectories.safetensors"))
    }
  }

  static func page(_ made: Made, _ labels: PairLabels = PairLabels()) throws -> [String: Any] {
    let page = try ReportPage(ComparisonReport(comparison: made.directory), labels: labels)
    return try ReportPageTests.data(page.html())
  }

  private static func cards(_ page: [String: Any]) throws -> [[String: Any]] {
    let variants = try #require(page["variants"] as? [[String: Any]])
    return try #require(variants.first?["cards"] as? [[String: Any]])
  }

  @Test func cardsTellBetterFromWorseAndFromNothing() throws {
    let cards = try Self.cards(Self.page(Made()))
    let meanings = cards.compactMap { $0["meaning"] as? String }
    #expect(meanings.count == 3)
    #expect(meanings[0].contains("joint closes 49.6% of the gap that ntp leaves"), "\(meanings[0])")
    #expect(meanings[0].contains("shuffled cannot be told from ntp with 3 seeds"), "\(meanings[0])")
    #expect(!meanings[0].contains("worse"))
    #expect(meanings[1].contains("0.280 more than ntp"), "\(meanings[1])")
    // A result against the method is said as plainly.
    #expect(
      meanings[2].contains(
        "joint answers 10.0 percentage points fewer questions right than ntp, which is worse"),
      "\(meanings[2])")
    let values = try #require(cards[0]["values"] as? [[String: Any]])
    #expect(values.map { $0["label"] as? String } == ["ntp", "joint", "shuffled"])
    #expect(values[1]["interval"] as? String == "−0.600 [−0.650, −0.550] to ntp")
    #expect(values[0]["interval"] as? String == "")
  }

  @Test func oneSeedIsSaidToBeOne() throws {
    let page = try Self.page(Made(interval: nil))
    let cards = try Self.cards(page)
    for card in cards {
      #expect((card["meaning"] as? String)?.contains("one seed cannot tell that from chance") == true)
    }
    let variant = try #require((page["variants"] as? [[String: Any]])?.first)
    let warnings = try #require(variant["warnings"] as? [[String: Any]])
    #expect(warnings.compactMap { $0["code"] as? String } == ["few_seeds"])
    #expect(cards.allSatisfy { $0["warnings"] as? [Int] == [0] })
  }

  @Test func aControlThatClosesTheGapIsAWarningAtTheGapAlone() throws {
    let made = try Made()
    let path = made.directory + "/compare.json"
    var root = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path))) as? [String: Any])
    var differences = try #require(root["differences"] as? [[String: Any]])
    let place = try #require(
      differences.firstIndex {
        $0["arm"] as? String == "shuffled" && $0["quantity"] as? String == "metrics.input.centroid_distance"
      })
    differences[place]["mean"] = -0.3
    differences[place]["ci95"] = [-0.4, -0.2]
    root["differences"] = differences
    try JSONSerialization.data(withJSONObject: root).write(to: URL(filePath: path))
    let cards = try Self.cards(Self.page(made))
    #expect(cards.map { ($0["warnings"] as? [Int])?.count } == [1, 0, 0])
  }

  @Test func framesAreOnOneBasisWithAnArmAndAStepEach() throws {
    let page = try Self.page(Made(), PairLabels(captions: (0..<9).map { "caption \($0)" }))
    let scatter = try #require(page["scatter"] as? [String: Any])
    #expect(scatter["arms"] as? [String] == ["ntp", "joint", "shuffled"])
    let views = try #require(scatter["views"] as? [[String: Any]])
    #expect(views.count == 1)
    #expect((views[0]["says"] as? String)?.contains("before the first step") == true)
    let frames = try #require(views[0]["frames"] as? [[String: Any]])
    #expect(frames.map { $0["step"] as? Int } == [0, 5, 10, 0, 5, 10, 0, 5, 10])
    #expect(frames.map { $0["arm"] as? Int } == [0, 0, 0, 1, 1, 1, 2, 2, 2])
    // Texts do not move: they are there once. At its last step joint's images lie on them.
    #expect(frames.allSatisfy { $0["text"] == nil })
    #expect(frames[5]["image"] as? String == views[0]["text"] as? String)
    #expect(frames[2]["image"] as? String != views[0]["text"] as? String)
    #expect(frames[5]["gap"] as? String == "0.600" && frames[0]["gap"] as? String == "1.500")
    let set = try #require((scatter["sets"] as? [[String: Any]])?.first)
    #expect(set["count"] as? Int == 6 && set["total"] as? Int == 9)
    #expect((set["captions"] as? [String])?.count == 6)
  }

  @Test func curvesHaveBandsOverSeedsAndTablesEveryRun() throws {
    let page = try Self.page(Made())
    let variant = try #require((page["variants"] as? [[String: Any]])?.first)
    let curves = try #require(variant["curves"] as? [[String: Any]])
    #expect(
      curves.map { $0["name"] as? String } == ["centroid-distance-input", "matching-margin-input", "ntp-loss"])
    let lines = try #require(curves[0]["lines"] as? [[String: Any]])
    let joint = try #require(lines.first { $0["arm"] as? Int == 1 })
    let (mean, low, high) = (joint["mean"] as? [Double], joint["low"] as? [Double], joint["high"] as? [Double])
    #expect(abs((mean?[2] ?? 0) - 0.61) < 1e-9 && abs((low?[2] ?? 0) - 0.6) < 1e-9)
    #expect(abs((high?[2] ?? 0) - 0.62) < 1e-9)
    let tables = try #require(page["tables"] as? [[String: Any]])
    #expect(tables.map { $0["name"] as? String } == ["differences", "runs"])
    #expect((tables[1]["rows"] as? [Any])?.count == 9)
    #expect((tables[0]["rows"] as? [Any])?.count == 6)
  }

  @Test func whatIsNotATrajectoryIsRefused() throws {
    let made = try Made()
    var writer = SafetensorsWriter()
    for key in ["step", "image", "text", "cosine", "variance_fraction"] {
      writer.add("ntp/input/" + key, shape: [3], [1.0, 2, 3])
    }
    try writer.data.write(to: URL(filePath: made.directory + "/trajectories.safetensors"))
    #expect(throws: ReportError.self) { try ComparisonReport(comparison: made.directory) }
  }

  // MARK: Thumbnails

  /// Images of noise, which no format makes small, or of shades.
  private static func images(_ count: Int, side: Int, smooth: Bool = false, in directory: String) throws
    -> [String]
  {
    var state: UInt64 = 7
    return try (0..<count).map { place in
      let pixels = (0..<side * side * 3).map { i -> UInt8 in
        if smooth { return UInt8(50 + 25 * place + i / 3 % side) }
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
      }
      let path = directory + "/\(place).png"
      let image = try PNGImage(width: side, height: side, channels: .rgb, pixels: pixels)
      try Data(image.encoded()).write(to: URL(filePath: path))
      return path
    }
  }

  @Test func picturesAreOfTheirPairsAndWhatCannotBeReadIsCounted() throws {
    let made = try Made()
    var paths = try Self.images(5, side: 40, smooth: true, in: made.directory)
    paths[3] = made.directory + "/missing.png"
    paths.append(paths[0])
    let page = try Self.page(made, PairLabels(captions: paths, images: paths))
    let thumbnails = try #require(page["thumbnails"] as? [String: Any])
    let pictures = try #require(thumbnails["pictures"] as? [String])
    #expect(pictures.count == 4 && thumbnails["images"] as? Int == 5 && thumbnails["unreadable"] as? Int == 1)
    let set = try #require((page["scatter"] as? [String: Any])?["sets"] as? [[String: Any]])[0]
    let bytes = try #require((set["thumbnails"] as? String).flatMap { Data(base64Encoded: $0) })
    let numbers = stride(from: 0, to: bytes.count, by: 4).map { at in
      (0..<4).reduce(Int32(0)) { $0 | Int32(bytes[at + $1]) << Int32(8 * $1) }
    }
    #expect(numbers.count == 6 && numbers[3] == -1 && numbers[5] == numbers[0])
    #expect(Set(numbers).count == 5)
    for (pair, number) in numbers.enumerated() where number >= 0 {
      let picture = pictures[Int(number)]
      let data = try #require(picture.split(separator: ",").last.flatMap { Data(base64Encoded: String($0)) })
      let (small, whole) = (try RGBImage(decoding: Array(data)), try RGBImage(contentsOf: paths[pair]))
      // As near as JPEG is; the shade of another image is 25 away.
      let error = zip(small.pixels, whole.pixels).reduce(0.0) { $0 + abs(Double($1.0) - Double($1.1)) }
      #expect(small.width == 40 && error / Double(small.pixels.count) < 10, "pair \(pair)")
    }
  }

  @Test func morePicturesThanThereIsRoomForAreLeftOutAndTheSameEachTime() throws {
    let made = try Made(pairs: 400)
    // Of the thumbnails' own size, so that nothing smooths what makes them large.
    let paths = try Self.images(400, side: 56, in: made.directory)
    let labels = PairLabels(captions: paths, images: paths)
    let report = try ComparisonReport(comparison: made.directory)
    let html = try ReportPage(report, labels: labels, threads: 1).html()
    #expect(html.count < 2_000_000)
    #expect(try ReportPage(report, labels: labels, threads: 2).html() == html)
    let thumbnails = try #require(ReportPageTests.data(html)["thumbnails"] as? [String: Any])
    let pictures = try #require(thumbnails["pictures"] as? [String])
    let bytes = pictures.reduce(0) { $0 + $1.utf8.count }
    #expect(pictures.count < 400 && bytes <= 850_000 && bytes > 700_000, "\(pictures.count), \(bytes)")
  }
}
