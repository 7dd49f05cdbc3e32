import GapDatasets

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The experiment that `embgap compare` runs without a configuration: scenes drawn here, and the frozen models of
/// `Fixtures/miniature`.
public struct EmbeddedExperiment: Sendable {
  /// `RUN.yaml` of the experiment.
  public let configuration: String
  /// Where scenes are drawn to.
  public let scenes: String
  /// Scenes that are trained on.
  public let trainingScenes: Int
  /// Scenes that are drawn for evaluation; those that mean the same as an earlier one are left out.
  public let heldOutScenes: Int

  /// Scenes of training and test come from streams of their own, none of them the one that the frozen models learnt from.
  private static let trainingSeed: UInt64 = 101
  private static let heldOutSeed: UInt64 = 202

  /// - Parameters:
  ///   - scenes: the directory that scenes are drawn to.
  ///   - isQuick: with fewer scenes.
  /// - Throws: `TrainingError.unreadable` when the frozen models are not near the program or the working directory.
  public init(scenes: String, isQuick: Bool) throws {
    self.scenes = scenes
    (trainingScenes, heldOutScenes) = isQuick ? (800, 300) : (4000, 1200)
    let name = "Fixtures/miniature/compare.yaml"
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    let starts = [program, FileManager.default.currentDirectoryPath]
    guard let found = starts.lazy.compactMap({ Self.above($0, name) }).first else {
      throw TrainingError.unreadable(
        path: name,
        reason:
          "it is neither above the program nor above the working directory (hint: run from the project, or --config)"
      )
    }
    configuration = found
  }

  private static func above(_ path: String, _ name: String) -> String? {
    var folder = path
    while let slash = folder.lastIndex(of: "/") {
      let candidate = folder + "/" + name
      if FileManager.default.fileExists(atPath: candidate) { return candidate }
      folder = String(folder[..<slash])
    }
    return nil
  }

  /// Draws the scenes, unless they lie there.
  ///
  /// - Parameter progress: told what is drawn and the share of a whole comparison that is done.
  /// - Returns: what stands in place of the configuration's data, assignments for `ComparisonPlan`.
  /// - Throws: `DatasetError.cannotWrite`.
  public func drawScenes(_ progress: (String, Double) -> Void) throws -> [String] {
    let (train, test) = (trainingFiles, heldOutFiles)
    // The pairs of a folder are written last: where they are, all is.
    for (files, name) in [(train, "scenes"), (test, "held-out scenes")]
    where !FileManager.default.fileExists(atPath: files.pairsFile) {
      // Questions alone are what a process left that was stopped between the two.
      try? FileManager.default.removeItem(atPath: files.questionsFile)
      try files.write { progress(name, 0.02 * $0) }
    }
    return [
      "pairs=" + train.pairsFile, "instruct.questions=" + train.questionsFile,
      "evaluation.pairs=" + test.pairsFile,
      "evaluation.questions=" + test.questionsFile,
    ]
  }

  /// Pictures and captions that are trained on.
  public var trainingPairs: String { trainingFiles.pairsFile }
  /// Pictures and captions, each of another meaning, that nothing is trained on.
  public var heldOutPairs: String { heldOutFiles.pairsFile }

  private var trainingFiles: SceneFiles { files(trainingScenes, Self.trainingSeed, "training") }
  private var heldOutFiles: SceneFiles {
    var files = files(heldOutScenes, Self.heldOutSeed, "held-out")
    files.isDistinct = true
    return files
  }

  private func files(_ count: Int, _ seed: UInt64, _ name: String) -> SceneFiles {
    SceneFiles(0..<count, seed: seed, directory: "\(scenes)/\(name)-\(count)")
  }
}
