/// A typed, strided view of numbers in a file.
///
/// The bytes stay where they are (a mapping, or a member inflated at the first read) until rows are read. A tensor
/// keeps its file open for as long as it lives.
public struct Tensor: Sendable {
  /// The key in the file.
  ///
  /// A file that is one array without a key (`.npy`, a bare PyTorch tensor) calls it `array`.
  public let name: String
  /// What one element is.
  public let elementType: ElementType
  /// The sizes of the axes, outermost first; empty for a single number.
  public let shape: [Int]
  /// The step from one index to the next along each axis, in elements.
  public let strides: [Int]
  /// The file that holds the bytes.
  public let path: String

  let region: ByteRegion
  /// The element of the region at index (0, 0, …).
  let offset: Int
  let isBigEndian: Bool

  static let soleName = "array"
  /// The most elements that a view may make of a smaller storage by repeating it.
  static let largestRepetition = 1 << 24

  /// Checks that every index of the view lies inside its region.
  ///
  /// - Throws: `invalidShape`, `sizeOverflow`, `storageExceeded`, `tooMany`.
  init(
    name: String, elementType: ElementType, shape: [Int], strides: [Int]? = nil, region: ByteRegion,
    offset: Int = 0, isBigEndian: Bool = false, path: String
  ) throws {
    let place = TensorFileError.Place(path: path, item: name)
    _ = try TensorShape.checkedBytes(shape, elementType, at: place)
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.strides = strides ?? TensorShape.rowMajorStrides(shape)
    self.path = path
    self.region = region
    self.offset = offset
    self.isBigEndian = isBigEndian
    try checkExtent(at: place)
  }

  /// The number of elements.
  public var elementCount: Int { TensorShape.elementCount(shape) ?? 0 }

  /// The number of elements that one index of the first axis holds.
  public var rowElementCount: Int { TensorShape.elementCount(Array(shape.dropFirst())) ?? 0 }

  /// Whether the elements lie side by side with the last axis fastest.
  public var isContiguous: Bool {
    zip(zip(shape, strides), TensorShape.rowMajorStrides(shape)).allSatisfy { $0.0 <= 1 || $0.1 == $1 }
  }

  /// Fixes the first axis: of shape (2, n, d), index 1 gives the second (n, d).
  ///
  /// No bytes move.
  ///
  /// - Parameter index: from 0 up to the size of the first axis; anything else is a programmer error.
  public func slice(_ index: Int) -> Tensor {
    precondition(!shape.isEmpty && index >= 0 && index < shape[0], "slice outside the first axis")
    return Tensor(slicing: self, at: index)
  }

  private init(slicing whole: Tensor, at index: Int) {
    self.init(
      viewing: whole, shape: Array(whole.shape.dropFirst()), strides: Array(whole.strides.dropFirst()),
      offset: whole.elementCount == 0 ? whole.offset : whole.offset + index * whole.strides[0])
  }

  /// Another view of a part of what `whole` shows: the caller sees to it that it is a part.
  init(viewing whole: Tensor, shape: [Int], strides: [Int], offset: Int) {
    name = whole.name
    elementType = whole.elementType
    self.shape = shape
    self.strides = strides
    path = whole.path
    region = whole.region
    self.offset = offset
    isBigEndian = whole.isBigEndian
  }

  private func checkExtent(at place: TensorFileError.Place) throws {
    guard strides.count == shape.count, offset >= 0, strides.allSatisfy({ $0 >= 0 }) else {
      throw TensorFileError.invalidShape(
        place, found: "strides (\(MessageText.list(strides.map(String.init))))")
    }
    guard let size = elementType.byteCount, size > 0, elementCount > 0 else { return }
    var last = offset
    for (count, stride) in zip(shape, strides) {
      let (step, tooFar) = (count - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflow) = last.addingReportingOverflow(step)
      guard !tooFar, !overflow else { throw TensorFileError.sizeOverflow(place, shape: shape) }
      last = sum
    }
    let held = region.count / size
    guard last < held else {
      throw TensorFileError.storageExceeded(place, expected: last == Int.max ? last : last + 1, found: held)
    }
    guard elementCount <= max(held, Self.largestRepetition) else {
      throw TensorFileError.tooMany(
        place, what: "elements in a repeating view", limit: held, found: elementCount)
    }
  }
}
