public import GapTensorFiles

/// The two sides of a set of pairs, found in files.
public struct EmbeddingFiles: Sendable {
  /// Image rows.
  public let image: TensorRows
  /// Text rows, in the same order.
  public let text: TensorRows
  /// What was read, for the report: one record a tensor.
  public let inputs: [InputRecord]

  /// Names under which a file's two tensors are known, image first.
  static let knownNames = [
    ("image", "text"), ("images", "texts"), ("image_embeds", "text_embeds"),
    ("image_embeddings", "text_embeddings"), ("image_features", "text_features"),
  ]

  /// Finds both sides in one file: an array of shape (2, n, d), image first, or tensors of known names.
  ///
  /// - Parameters:
  ///   - pairs: the file, or `FILE::KEY` for a stacked array among others.
  ///   - hashing: takes the SHA-256 of the file for the report.
  /// - Throws: `TensorFileError`, `DatasetError`.
  public init(pairs: TensorReference, hashing: Bool = false) throws {
    let file = try TensorFile(path: pairs.path)
    if let key = pairs.key {
      try self.init(stacked: file.tensor(named: key), label: pairs.description, file: file, hashing: hashing)
      return
    }
    let found = Self.knownNames.filter { file.contains($0.0) && file.contains($0.1) }
    if let names = found.first {
      guard found.count == 1 else {
        throw DatasetError.ambiguousPair(path: pairs.path, candidates: found.map { "\($0.0) and \($0.1)" })
      }
      try self.init(
        image: (file, file.tensor(named: names.0), "\(pairs.path)::\(names.0)"),
        text: (file, file.tensor(named: names.1), "\(pairs.path)::\(names.1)"), hashing: hashing)
      return
    }
    guard file.tensors.count == 1 else {
      throw DatasetError.noPair(path: pairs.path, known: file.tensors.map(\.name))
    }
    try self.init(stacked: file.tensors[0], label: pairs.path, file: file, hashing: hashing)
  }

  /// Takes each side from a tensor of its own.
  ///
  /// - Throws: `TensorFileError`, `DatasetError`.
  public init(image: TensorReference, text: TensorReference, hashing: Bool = false) throws {
    let imageFile = try TensorFile(path: image.path)
    let textFile = image.path == text.path ? imageFile : try TensorFile(path: text.path)
    try self.init(
      image: (imageFile, image.key.map(imageFile.tensor) ?? imageFile.soleTensor(), image.description),
      text: (textFile, text.key.map(textFile.tensor) ?? textFile.soleTensor(), text.description),
      hashing: hashing)
  }

  private typealias Side = (file: TensorFile, tensor: Tensor, label: String)

  private init(image: Side, text: Side, hashing: Bool) throws {
    self.image = try TensorRows(image.tensor, label: image.label)
    self.text = try TensorRows(text.tensor, label: text.label)
    inputs = try [image, text].map { side in
      try InputRecord(tensor: side.tensor, label: side.label, bytes: side.file.byteCount, hashing: hashing)
    }
  }

  private init(stacked tensor: Tensor, label: String, file: TensorFile, hashing: Bool) throws {
    try tensor.requireNumbers()
    guard tensor.shape.count == 3, tensor.shape[0] == 2 else {
      throw DatasetError.wrongShape(label: label, expected: "(2, pairs, dimensions)", found: tensor.shape)
    }
    image = try TensorRows(tensor.slice(0), label: label + " (image rows)")
    text = try TensorRows(tensor.slice(1), label: label + " (text rows)")
    inputs = [try InputRecord(tensor: tensor, label: label, bytes: file.byteCount, hashing: hashing)]
  }
}
