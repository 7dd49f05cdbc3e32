#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One image and one caption of it.
public struct CaptionedImage: Sendable, Equatable {
  /// The image file: absolute, or joined to the folder of the file that names it.
  public let image: String
  /// The caption as it is stored; never blank.
  public let caption: String
  /// What the file calls the image or the pair, nil where it does not; captions of one image share it.
  public let id: String?
  /// The line of the file, from 1, at which the record begins.
  public let line: Int
}

/// The pairs of images and captions that a file lists.
///
/// Read are JSON lines (`{"image": path, "caption": text, "id": …}`), LLaVA's JSON (a list with `image` and
/// `conversations`; the caption is the first answer), COCO captions JSON, and CSV or TSV with a header. The content
/// decides which, not the name of the file. Image paths are relative to the file's folder.
public struct CaptionedImages: Sendable, Equatable {
  /// The file as it was given.
  public let path: String
  /// The pairs in the order of the file; at least one.
  public let records: [CaptionedImage]

  /// Reads and checks a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - checksImages: asks the file system for every image; the images are not opened.
  /// - Throws: `DatasetError.unreadable`, `.badLine` with the first bad line, `.imageMissing`, or `.wrongFile` when
  ///   there is nothing in it.
  /// - Complexity: O(bytes).
  public init(path: String, checksImages: Bool = true) throws {
    let source = try CaptionSource(path: path)
    self.path = path
    records = try source.records()
    guard !records.isEmpty else {
      throw DatasetError.wrongFile(path: path, expected: "images and captions", found: "none")
    }
    guard checksImages else { return }
    var seen: Set<String> = []
    for record in records where seen.insert(record.image).inserted {
      guard FileManager.default.fileExists(atPath: record.image) else {
        throw DatasetError.imageMissing(path: path, line: record.line, image: record.image)
      }
    }
  }
}
