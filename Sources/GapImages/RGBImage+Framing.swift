extension RGBImage {
  /// Cuts a rectangle from the centre, the offset floored; where the image is smaller, black fills the rest.
  ///
  /// - Parameters:
  ///   - width: columns of the result, at least 1.
  ///   - height: rows of the result, at least 1.
  /// - Throws: `ImageError.dimensions` when a side is below 1 or the result has more than `defaultMaximumPixels`.
  /// - Complexity: O(width · height).
  /// - Source: transformers 5.23.0, `image_transforms.center_crop`; `Fixtures/images/processed.safetensors`.
  public func centreCropped(width: Int, height: Int) throws(ImageError) -> RGBImage {
    try PNGImage.checkDimensions(width: width, height: height, maximumPixels: Self.defaultMaximumPixels)
    // A shift floors, as Python's division does, also where black comes first.
    let (left, top) = ((self.width - width) >> 1, (self.height - height) >> 1)
    return framed(width: width, height: height, left: left, top: top, colour: [0, 0, 0])
  }

  /// Puts a margin around the shorter axis, so that the image is a square with its content in the middle.
  ///
  /// - Parameter margin: red, green and blue of the margin.
  /// - Throws: `ImageError.dimensions` when the square has more than `defaultMaximumPixels`.
  /// - Complexity: O(side²).
  /// - Source: transformers 5.23.0, `LlavaImageProcessorPil.pad_to_square`.
  public func expandedToSquare(margin: [UInt8]) throws(ImageError) -> RGBImage {
    precondition(margin.count == 3, "a colour has three channels")
    if width == height { return self }
    let side = max(width, height)
    try PNGImage.checkDimensions(width: side, height: side, maximumPixels: Self.defaultMaximumPixels)
    return framed(
      width: side, height: side, left: (width - side) / 2, top: (height - side) / 2, colour: margin)
  }

  /// The part of an endless plane of one colour, with this image on it, that begins at (left, top).
  private func framed(width: Int, height: Int, left: Int, top: Int, colour: [UInt8]) -> RGBImage {
    var result: [UInt8] = []
    result.reserveCapacity(width * height * 3)
    for row in top..<(top + height) {
      for column in left..<(left + width) {
        if (0..<self.height).contains(row), (0..<self.width).contains(column) {
          let place = (row * self.width + column) * 3
          result.append(pixels[place])
          result.append(pixels[place + 1])
          result.append(pixels[place + 2])
        } else {
          result.append(contentsOf: colour)
        }
      }
    }
    return RGBImage(checkedWidth: width, height: height, pixels: result)
  }
}
