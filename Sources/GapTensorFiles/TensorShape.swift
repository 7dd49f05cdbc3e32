/// Checked arithmetic on shapes.
enum TensorShape {
  static let maximumRank = 64

  /// The number of elements; nil if it overflows, even where a zero elsewhere would hide that.
  static func elementCount(_ shape: [Int]) -> Int? {
    var product = 1
    for size in shape where size != 0 {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      product = next
    }
    return shape.contains(0) ? 0 : product
  }

  /// Checks sizes read from a file and returns the number of elements.
  static func checkedCount(_ shape: [Int], at place: TensorFileError.Place) throws -> Int {
    guard shape.count <= maximumRank, shape.allSatisfy({ $0 >= 0 }) else {
      throw TensorFileError.invalidShape(place, found: "(" + MessageText.list(shape.map(String.init)) + ")")
    }
    guard let count = elementCount(shape) else { throw TensorFileError.sizeOverflow(place, shape: shape) }
    return count
  }

  /// Checks sizes read from a file and returns the number of bytes they need; nil if elements have no fixed size.
  static func checkedBytes(
    _ shape: [Int], _ type: ElementType, at place: TensorFileError.Place
  ) throws -> Int? {
    let count = try checkedCount(shape, at: place)
    guard let bits = type.bitCount else { return nil }
    let (total, overflow) = count.multipliedReportingOverflow(by: bits)
    guard !overflow else { throw TensorFileError.sizeOverflow(place, shape: shape) }
    guard total % 8 == 0 else {
      throw TensorFileError.malformed(place, expected: "a whole number of bytes", found: "\(total) bits")
    }
    return total / 8
  }

  /// Strides in elements, last axis fastest; the shape's element count must not overflow.
  static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * max(1, shape[axis + 1])
    }
    return strides
  }

  /// Strides in elements, first axis fastest.
  static func columnMajorStrides(_ shape: [Int]) -> [Int] { rowMajorStrides(shape.reversed()).reversed() }
}
