/// The file names under which a model directory keeps its tensors, in the order they are looked for.
enum ModelDirectory {
  static let names = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
  ]

  /// The first of the names that the directory has.
  static func file(in directory: String) throws -> String {
    let paths = names.map { FilePath.join(directory, $0) }
    guard let path = paths.first(where: FilePath.exists) else {
      throw TensorFileError.directoryWithoutModel(path: directory)
    }
    return path
  }
}
