import EmbeddingGap

/// What `embgap measure` measures: two sides of rows, and what is known of them beside.
struct MeasuredInput {
  let image: any EmbeddingRows
  let text: any EmbeddingRows
  let inputs: [InputRecord]
  /// What a checkpoint was read for; nil for files of embeddings.
  let checkpoint: CheckpointEmbeddings?

  /// Embeddings in files.
  init(_ files: EmbeddingFiles) {
    image = files.image
    text = files.text
    inputs = files.inputs
    checkpoint = nil
  }

  /// Vectors of a checkpoint.
  init(_ embeddings: CheckpointEmbeddings) {
    image = embeddings.vectors[0].image
    text = embeddings.vectors[0].text
    inputs = embeddings.inputs
    checkpoint = embeddings
  }

  /// A caption for each pair: those of a file, else the checkpoint's.
  ///
  /// - Throws: `DatasetError` when the file cannot be read, or has another number of captions than there are pairs.
  func captions(file: String?) throws -> [String]? {
    guard let file else { return checkpoint?.captions }
    return try PairCaptions(path: file, pairs: image.count).captions
  }

  /// What says which pairs share an image: a file with a line for each pair, else what the checkpoint's pairs say.
  ///
  /// - Throws: `DatasetError` when the file cannot be read.
  func ids(file: String?) throws -> [String]? {
    guard let file else { return checkpoint?.ids }
    let ids = try PairIDs(path: file).ids
    // Lines of pairs that were left out are left out too.
    guard let records = checkpoint?.records, ids.count > records.count, let last = records.last,
      last < ids.count
    else { return ids }
    return records.map { ids[$0] }
  }
}
