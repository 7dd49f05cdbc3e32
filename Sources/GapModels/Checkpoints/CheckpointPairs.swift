package import GapTensorFiles

/// A line of a file of images and captions.
package struct NamedPair: Sendable, Equatable {
  package let image: NamedImage
  package let caption: NamedCaption
  /// What the file calls it, nil where it does not.
  package let id: String?

  package init(image: String, caption: String, id: String?, place: String) {
    self.image = NamedImage(path: image, place: place)
    self.caption = NamedCaption(text: caption, place: place)
    self.id = id
  }
}

/// Images and captions of a file as a checkpoint reads them: every image once, whatever the number of its captions.
package struct CheckpointPairs: Sendable {
  /// The distinct images in the order in which they first appear; one a record where features are stored so.
  package let images: [NamedImage]
  /// For each record, its caption.
  package let captions: [NamedCaption]
  /// For each record, the number of its image.
  package let imageOfRecord: [Int]
  /// For each record, what its image is called: equal for captions of one image; nil where none is shared.
  package let ids: [String]?

  /// - Parameter features: stored features, [images or records, …]; nil when the images themselves are read.
  package init(_ records: [NamedPair], features: Tensor?) {
    captions = records.map(\.caption)
    let distinct = Self.numbers(records.map(\.image.path))
    ids = Self.ids(records)
    if let features, features.shape.first == records.count {
      imageOfRecord = Array(records.indices)
    } else {
      imageOfRecord = distinct
    }
    var images: [NamedImage] = []
    for (record, image) in zip(records, imageOfRecord) where image == images.count {
      images.append(record.image)
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
  private static func ids(_ records: [NamedPair]) -> [String]? {
    let own = records.compactMap(\.id)
    if own.count == records.count, Set(own).count < own.count { return own }
    let paths = records.map(\.image.path)
    return Set(paths).count < paths.count ? paths : nil
  }
}
