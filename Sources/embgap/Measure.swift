public import ArgumentParser
public import EmbeddingGap

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `embgap measure`: every metric of paired embeddings.
struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures the modality gap of paired embeddings, or of a checkpoint on images and captions.",
    discussion: """
      Prints a table; with --out also writes report.json, report.html (one page to explore and send: it needs no network \
      and nothing beside it), figures, projections and the PCA basis. Reads embeddings from .npy, .npz, .safetensors, \
      PyTorch .pt/.pth/.bin and GGUF; checkpoints as Hugging Face writes them, or in parts.

      Examples:
        embgap measure pairs.npy --out report          one array of shape (2, n, d), image first
        embgap measure dump.safetensors                tensors image and text in one file
        embgap measure --image img.npy --text txt.npy  a file for each side, row i of both one pair
        embgap measure --image dump.pt::vision.out --text dump.pt::text.out --ids images.txt --json
        embgap measure pairs.npy --captions captions.txt --out report    captions to search in report.html
        embgap measure pairs.npy --format latex        the table for a paper; csv, md
        embgap measure pairs.npy --fix center,match-norm    before and after a fix that trains nothing
        embgap measure --checkpoint llava-1.5-7b-hf --pairs pairs.jsonl --readout layer:2
        embgap measure --checkpoint llava-1.5-7b-hf --pairs pairs.jsonl --readout last \\
          --image-prompt "in one word:" --text-prompt "in one word:"
        embgap measure --llm vicuna-7b --projector mm_projector.bin --features clip.safetensors --pairs pairs.jsonl
      """)

  @Argument(help: "One file with both sides: an array (2, n, d), or tensors image and text.")
  var pairs: String?

  @Option(
    help: ArgumentHelp("Image rows: FILE, or FILE::KEY for one tensor of several.", valueName: "file[::key]"))
  var image: String?

  @Option(help: ArgumentHelp("Text rows: FILE, or FILE::KEY.", valueName: "file[::key]"))
  var text: String?

  @Option(
    help: ArgumentHelp(
      "Directory for report.json, report.html, figures and data; made if missing.", valueName: "dir"))
  var out: String?

  @Flag(help: "Print the report as JSON on standard output, and nothing else.")
  var json = false

  @Option(help: "Seed of every sample, resample and permutation.")
  var seed: UInt64 = 0

  @Option(help: "Resamples for intervals and permutations for p; 0 turns both off.")
  var bootstrap = 1000

  @Option(help: "Above this many pairs, quadratic metrics use a seeded sample of that many.")
  var exactLimit = 5000

  @Option(help: "The most retrieval queries in each direction; the gallery is always complete.")
  var retrievalQueries = 50_000

  @Flag(help: "Leave out pairs with a row that is not finite or of length zero, and count them.")
  var dropBadPairs = false

  @Option(
    help: ArgumentHelp("A text file with one id a line: pairs of one id share one image.", valueName: "file"))
  var ids: String?

  @Option(
    help: ArgumentHelp(
      "A caption for each pair, for report.html: lines of text, or JSON lines with \"caption\".",
      valueName: "file"))
  var captions: String?

  @Flag(help: "Accept sides of different width; reports mutual_knn and linear_cka only.")
  var differentDimensions = false

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Measure once more after post-hoc fixes, in order: center, match-norm, shift:δ, drop-dimensions:k.",
      discussion: """
        center subtracts each modality's own mean; match-norm scales image rows by one factor, so that both modalities \
        have one mean length; shift:δ moves images by -δ and texts by +δ of the gap; drop-dimensions:k leaves out the k \
        dimensions in which the centres are furthest apart. Figures and data in --out stay those before.
        """, valueName: "fix,…"), transform: FixList.init)
  var fix: [FixList] = []

  @Option(help: "Rows that the PCA is fitted on: joint, image or text.")
  var pcaFit: ProjectionFit = .joint

  @Option(
    help: ArgumentHelp(
      "Apply a saved basis (pca_basis.safetensors of another report), so that pictures share axes.",
      valueName: "file"))
  var pcaBasis: String?

  @Option(help: "The most threads; 0 means all processors.")
  var threads = 0

  @Flag(help: "Put the SHA-256 of the inputs into the report.")
  var hash = false

  @Option(help: "Modality Integration Rate of a checkpoint: exact, reference-fast (as published), or none.")
  var mirMode: MIRChoice = .exact

  @Option(help: "The most tokens that mir and vocabulary_lens look at (a seeded sample of images); 0 for all.")
  var tokenLimit = 10_000

  @OptionGroup(title: "Checkpoint options") var source: CheckpointOptions

  @OptionGroup var output: OutputOptions

  @Flag(help: "No progress bar.")
  var quiet = false

  func validate() throws {
    guard pairs == nil || (image == nil && text == nil) else {
      throw ValidationError("PAIRS and --image/--text exclude each other")
    }
    try source.validate()
    if source.isGiven {
      guard pairs == nil, image == nil, text == nil else {
        throw ValidationError("a checkpoint and embeddings exclude each other: give --checkpoint, or PAIRS")
      }
      guard captions == nil else {
        throw ValidationError("--captions is for embeddings: a checkpoint's captions are those of --pairs")
      }
    } else if pairs == nil {
      guard image != nil || text != nil else {
        throw ValidationError("nothing to measure: give PAIRS, or --image and --text")
      }
      guard image != nil else {
        throw ValidationError("--text is given without --image: both sides are needed")
      }
      guard text != nil else { throw ValidationError("--image is given without --text: both sides are needed") }
    }
    guard fix.isEmpty || !differentDimensions else {
      throw ValidationError("--fix and --different-dimensions exclude each other: fixes need one width")
    }
    guard bootstrap >= 0 else { throw ValidationError("--bootstrap: expected 0 or more, found \(bootstrap)") }
    guard bootstrap <= 1_000_000 else {
      throw ValidationError("--bootstrap: at most 1000000, found \(bootstrap)")
    }
    guard exactLimit >= 2 else {
      throw ValidationError("--exact-limit: expected 2 or more, found \(exactLimit)")
    }
    guard retrievalQueries >= 1 else {
      throw ValidationError("--retrieval-queries: expected 1 or more, found \(retrievalQueries)")
    }
    guard tokenLimit >= 0 else {
      throw ValidationError("--token-limit: expected 0 or more, found \(tokenLimit)")
    }
    guard (0...1024).contains(threads) else {
      throw ValidationError("--threads: expected 0 to 1024, found \(threads)")
    }
    try output.validate()
    guard !json || output.table == nil else {
      throw ValidationError(
        "--json and --format \(output.table?.rawValue ?? "") exclude each other")
    }
  }

  func run() throws {
    let started = ContinuousClock.now
    let progress = Progress(quiet: quiet)
    defer { progress.finish() }
    let staged = try out.map { try StagedOutput(directory: $0) }
    let input = try input(progress)
    // Reading a checkpoint takes nearly all the time that there is.
    let start = source.isGiven ? Self.checkpointShare : 0
    func show(_ stage: String, _ share: Double) { progress.show(stage, start + (1 - start) * share) }
    let names = try input.ids(file: ids)
    let captions = try input.captions(file: captions)
    let pair = try EmbeddingPair(
      image: input.image, text: input.text, ids: names, badPairs: dropBadPairs ? .drop : .refuse,
      allowDifferentDimensions: differentDimensions, threads: threads
    ) { show("reading", 0.05 * $0) }
    let basis = try savedBasis(width: pair.imageDimension)
    let measurement = try GapMeasurement(of: pair, options: options) { show($0, 0.05 + 0.9 * $1) }
    let fixed = try fixed(pair) { show("after the fixes", 0.95 + 0.01 * $0) }
    let extras = try input.checkpoint.map { checkpoint in
      try ReportExtras(
        checkpoint, readout: source.readout, ids: names, badPairs: dropBadPairs ? .drop : .refuse,
        options: options, threads: threads
      ) { show("layers", 0.95 + 0.01 * $0) }
    }
    let report = GapReport(
      measurement, inputs: input.inputs, extras: extras ?? ReportExtras(), fixed: fixed, seed: seed,
      seconds: started.duration(to: .now) / .seconds(1))
    if let staged {
      progress.show("figures", 0.96)
      try MeasurementFiles(
        report: report, measurement: measurement, pair: pair, basis: basis, fit: pcaFit, style: output.style,
        labels: PairLabels(
          ids: names ?? input.checkpoint?.names, captions: captions, images: input.checkpoint?.images,
          measuredIn: pair), layers: extras?.layerProjections ?? [], threads: threads
      ).write(into: staged)
      try staged.commit()
    }
    progress.finish()
    if json {
      try printData(report.json())
    } else if let format = output.table {
      printWarnings(report.warnings)
      try printData(Data(report.table(format).utf8))
    } else {
      try printText(report.table)
      if let speed = input.checkpoint?.speed { try printText(speed.text) }
      if let out { try printText("\nwritten to \(out)") }
    }
  }

  /// Share of the progress bar that reading a checkpoint takes.
  private static let checkpointShare = 0.9

  private var options: MeasurementOptions {
    var options = MeasurementOptions()
    options.seed = seed
    options.resamples = bootstrap
    options.exactLimit = exactLimit
    options.retrievalQueries = retrievalQueries
    options.projectionFit = pcaFit
    return options
  }

  private func input(_ progress: Progress) throws -> MeasuredInput {
    if source.isGiven {
      var request = source.request(threads: threads, seed: seed)
      request.isHashing = hash
      request.integrationRate = mirMode.mode
      request.tokenLimit = tokenLimit
      return MeasuredInput(
        try CheckpointEmbeddings(request) { progress.show($0, Self.checkpointShare * $1) })
    }
    if let pairs {
      return MeasuredInput(try EmbeddingFiles(pairs: TensorReference(parsing: pairs), hashing: hash))
    }
    return MeasuredInput(
      try EmbeddingFiles(
        image: TensorReference(parsing: image ?? ""), text: TensorReference(parsing: text ?? ""), hashing: hash)
    )
  }

  /// The same measurement after the fixes; nil without any.
  private func fixed(_ pair: EmbeddingPair, progress: @escaping (Double) -> Void) throws -> FixedReport? {
    let fixes = fix.flatMap(\.fixes)
    guard !fixes.isEmpty else { return nil }
    let changed = try pair.fixed(by: fixes, badPairs: dropBadPairs ? .drop : .refuse) { progress(0.2 * $0) }
    return FixedReport(
      try GapMeasurement(of: changed, options: options) { progress(0.2 + 0.8 * $1) }, fixes: fixes)
  }

  private func savedBasis(width: Int) throws -> PrincipalComponents? {
    guard let pcaBasis else { return nil }
    let basis = try SavedBasis(path: pcaBasis).components
    guard basis.dimension == width else {
      throw MetricError.basisDiffers(basisWidth: basis.dimension, width: width)
    }
    return basis
  }
}

extension ProjectionFit: ExpressibleByArgument {}

/// Fixes with commas between them.
struct FixList {
  let fixes: [GapFix]

  /// - Throws: `ValidationError` that names the first which is none.
  init(_ text: String) throws {
    fixes = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let fix = GapFix(String(part)) else {
        throw ValidationError("expected \(GapFix.spelling), found “\(part)”")
      }
      return fix
    }
  }
}

/// How the Modality Integration Rate is worked out, or that it is left out.
enum MIRChoice: String, ExpressibleByArgument, CaseIterable {
  case exact
  case referenceFast = "reference-fast"
  case none

  var mode: MIRMode? { MIRMode(rawValue: rawValue) }
}
