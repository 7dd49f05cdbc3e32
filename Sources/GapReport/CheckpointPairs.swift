import GapDatasets
import GapModels
import GapTensorFiles

/// Images and captions of a file as a checkpoint reads them: every image once, whatever the number of its captions.
struct CheckpointPairs: Sendable {
  /// The distinct images in the order in which they first appear; one a record where features are stored so.
  let images: [NamedImage]
  /// For each record, its caption.
  let captions: [NamedCaption]
  /// For each record, the number of its image.
  let imageOfRecord: [Int]
  /// For each record, what its image is called: equal for captions of one image; nil where none is shared.
  let ids: [String]?
  /// What the file says of a record that is bad.
  let path: String

  /// - Parameter features: stored features, [images or records, …]; nil when the images themselves are read.
  init(_ file: CaptionedImages, features: Tensor?) throws {
    path = file.path
    captions = file.records.map { NamedCaption(text: $0.caption, place: "\(file.path): line \($0.line)") }
    let distinct = Self.numbers(file.records.map(\.image))
    ids = Self.ids(file.records)
    if let features, features.shape.first == file.records.count {
      imageOfRecord = Array(file.records.indices)
    } else {
      imageOfRecord = distinct
    }
    var images: [NamedImage] = []
    for (record, image) in zip(file.records, imageOfRecord) where image == images.count {
      images.append(NamedImage(path: record.image, place: "\(file.path): line \(record.line)"))
    }
    self.images = images
  }

  /// Equal texts get equal numbers, ascending by first appearance.
  private static func numbers(_ texts: [String]) -> [Int] {
    var known: [String: Int] = [:]
    return texts.map { text in
      let next = known.count
      let number = known[text, default: next]
      if number == next { known[text] = next }
      return number
    }
  }

  /// What says which records share an image: the file's own ids where they repeat, else the paths where these do.
  private static func ids(_ records: [CaptionedImage]) -> [String]? {
    let own = records.compactMap(\.id)
    if own.count == records.count, Set(own).count < own.count { return own }
    let paths = records.map(\.image)
    return Set(paths).count < paths.count ? paths : nil
  }
}
