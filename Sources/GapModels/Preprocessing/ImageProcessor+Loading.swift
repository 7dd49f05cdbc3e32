import GapImages
import GapTensorFiles

extension ImageProcessor {
  /// Reads the steps from a model directory: `preprocessor_config.json`, or the `image_processor` object of
  /// `processor_config.json`.
  ///
  /// Files of transformers 4 and 5 are read. A key that is missing or null has its class's default; a class that is
  /// not known, and a key that is not known and not null, are errors that name them.
  ///
  /// - Parameter directory: the model directory.
  /// - Throws: `ModelError`, `TensorFileError` for a broken JSON text.
  public init(directory: String) throws {
    let root = directory.hasSuffix("/") ? directory : directory + "/"
    let paths = [root + "preprocessor_config.json", root + "processor_config.json"]
    for path in paths {
      let value: JSONValue
      do {
        value = try JSONValue(file: path)
      } catch TensorFileError.fileMissing {
        continue
      }
      if path.hasSuffix("/processor_config.json") {
        guard let inner = value["image_processor"] else { continue }
        self = try ImageProcessorFile(path: path, value: inner).processor()
      } else {
        self = try ImageProcessorFile(path: path, value: value).processor()
      }
      return
    }
    throw ModelError.fileMissing(path: paths[0], hint: "it says how images are resized and normalised")
  }
}

/// One file's settings, with the checks of each.
private struct ImageProcessorFile {
  let path: String
  let value: JSONValue

  /// Keys that change no number here: images are read as RGB, and results are planar.
  static let inert: Set<String> = [
    "image_processor_type", "feature_extractor_type", "processor_class", "do_convert_rgb", "return_tensors",
    "_valid_processor_keys", "device", "disable_grouping", "default_to_square", "image_seq_length",
  ]
  static let known: Set<String> = [
    "do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor",
    "do_normalize", "image_mean", "image_std", "do_pad", "data_format", "input_data_format",
  ]

  func processor() throws -> ImageProcessor {
    guard let pairs = value.pairs else {
      throw ModelError.badSetting(path: path, key: "(all)", expected: "an object", found: "another value")
    }
    let kind = try kind()
    for pair in pairs where pair.value != .null && !Self.inert.union(Self.known).contains(pair.key) {
      throw ModelError.unsupported(
        path: path, what: "the key \(pair.key)", hint: "it may change what images become; set it to null if not"
      )
    }
    if let format = value["data_format"], format != .null, format.text != "channels_first" {
      throw fault("data_format", "\"channels_first\"", format)
    }
    var result = kind.defaults
    result.size =
      try flag("do_resize") ?? true ? size(kind) ?? result.size : nil
    result.resampling = try resampling() ?? result.resampling
    if try flag("do_center_crop") ?? (result.crop != nil) {
      result.crop = try crop() ?? result.crop
      guard result.crop != nil else {
        throw ModelError.badSetting(
          path: path, key: "crop_size", expected: "height and width", found: "nothing")
      }
    } else {
      result.crop = nil
    }
    result.rescaleFactor = try flag("do_rescale") ?? true ? number("rescale_factor") ?? 1.0 / 255 : nil
    let normalises = try flag("do_normalize") ?? true
    let mean = try channels("image_mean") ?? result.mean
    result.mean = normalises ? mean : nil
    result.deviation = normalises ? try channels("image_std") ?? result.deviation : nil
    result.padsToSquare = try flag("do_pad") ?? false
    if result.padsToSquare, kind != .llava || !normalises {
      throw ModelError.unsupported(
        path: path, what: "do_pad without LlavaImageProcessor and normalisation",
        hint: "images are padded only to squares, with the mean colour")
    }
    return result
  }

  private func kind() throws -> ImageProcessorKind {
    let given = [value["image_processor_type"], value["feature_extractor_type"]].compactMap { $0 }
    guard let name = given.first(where: { $0 != .null }) else {
      throw ModelError.badSetting(
        path: path, key: "image_processor_type", expected: "a class name", found: "nothing")
    }
    guard let text = name.text, let kind = ImageProcessorKind(className: text) else {
      let known = ImageProcessorKind.allCases.map { $0.rawValue + "ImageProcessor" }
      throw fault("image_processor_type", "one of " + known.joined(separator: ", "), name)
    }
    return kind
  }

  private func size(_ kind: ImageProcessorKind) throws -> ImageProcessor.Size? {
    guard let size = value["size"], size != .null else { return nil }
    if let edge = size.integer {
      let edge = try length("size", edge)
      return kind.numberMeansSquare ? .exactly(width: edge, height: edge) : .shortEdge(edge)
    }
    let sides = try sides("size", size, allowed: ["shortest_edge", "longest_edge", "height", "width"])
    switch (sides["shortest_edge"], sides["longest_edge"], sides["height"], sides["width"]) {
    case (let short?, nil, nil, nil): return .shortEdge(short)
    case (let short?, let longest?, nil, nil): return .edges(short: short, longest: longest)
    case (nil, nil, let height?, let width?): return .exactly(width: width, height: height)
    default:
      throw fault("size", "shortest_edge (with or without longest_edge), or height and width", size)
    }
  }

  private func crop() throws -> (width: Int, height: Int)? {
    guard let size = value["crop_size"], size != .null else { return nil }
    if let side = size.integer {
      let side = try length("crop_size", side)
      return (side, side)
    }
    let sides = try sides("crop_size", size, allowed: ["height", "width"])
    guard let height = sides["height"], let width = sides["width"] else {
      throw fault("crop_size", "height and width", size)
    }
    return (width, height)
  }

  private func sides(_ key: String, _ size: JSONValue, allowed: [String]) throws -> [String: Int] {
    guard let pairs = size.pairs else { throw fault(key, "a number or an object", size) }
    var sides: [String: Int] = [:]
    for pair in pairs where pair.value != .null {
      guard allowed.contains(pair.key) else { throw fault(key, allowed.joined(separator: ", "), size) }
      guard let side = pair.value.integer else {
        throw fault("\(key).\(pair.key)", "a whole number", pair.value)
      }
      sides[pair.key] = try length("\(key).\(pair.key)", side)
    }
    return sides
  }

  private func length(_ key: String, _ length: Int) throws -> Int {
    guard (1...16_384).contains(length) else {
      throw fault(key, "1 to 16384 pixels", .integer(length))
    }
    return length
  }

  private func resampling() throws -> ImageResampling? {
    guard let code = value["resample"], code != .null else { return nil }
    guard let filter = code.integer.flatMap(ImageResampling.init(rawValue:)) else {
      throw fault("resample", "a filter of Pillow, 0 to 5", code)
    }
    return filter
  }

  private func channels(_ key: String) throws -> [Double]? {
    guard let list = value[key], list != .null else { return nil }
    if let one = real(list) { return try checked(key, [one, one, one], list) }
    let numbers = list.items?.compactMap(real) ?? []
    guard numbers.count == 3, list.items?.count == 3 else { throw fault(key, "three numbers", list) }
    return try checked(key, numbers, list)
  }

  private func checked(_ key: String, _ numbers: [Double], _ list: JSONValue) throws -> [Double] {
    guard key != "image_std" || numbers.allSatisfy({ $0 > 0 }) else {
      throw fault(key, "positive numbers", list)
    }
    return numbers
  }

  private func number(_ key: String) throws -> Double? {
    guard let found = value[key], found != .null else { return nil }
    guard let number = real(found) else { throw fault(key, "a number", found) }
    return number
  }

  private func flag(_ key: String) throws -> Bool? {
    guard let found = value[key], found != .null else { return nil }
    guard case .bool(let flag) = found else { throw fault(key, "true or false", found) }
    return flag
  }

  private func real(_ value: JSONValue) -> Double? {
    switch value {
    case .integer(let integer): Double(integer)
    case .number(let number): number
    default: nil
    }
  }

  private func fault(_ key: String, _ expected: String, _ found: JSONValue) -> ModelError {
    .badSetting(path: path, key: key, expected: expected, found: Self.shown(found))
  }

  private static func shown(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let flag): "\(flag)"
    case .integer(let integer): "\(integer)"
    case .number(let number): "\(number)"
    case .string(let text): "\"\(text.prefix(80).filter { !$0.isNewline })\""
    case .array(let items): "a list of \(items.count)"
    case .object(let pairs): "{" + pairs.prefix(8).map { $0.key.prefix(40) }.joined(separator: ", ") + "}"
    }
  }
}
