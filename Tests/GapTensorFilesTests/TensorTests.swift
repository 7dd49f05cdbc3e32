import Testing

@testable import GapTensorFiles

@Suite struct TensorTests {
  /// Bytes of float32 numbers 0, 1, 2, ….
  private func region(_ count: Int) -> ByteRegion {
    let bytes = (0..<count).flatMap { i in
      (0..<4).map { UInt8(truncatingIfNeeded: Float(i).bitPattern >> ($0 * 8)) }
    }
    return ByteRegion(StoredBytes(copying: bytes), 0..<bytes.count)
  }

  private func tensor(_ shape: [Int], _ strides: [Int], offset: Int = 0, stored: Int = 40_000) throws -> Tensor
  {
    try Tensor(
      name: "t", elementType: .float32, shape: shape, strides: strides, region: region(stored), offset: offset,
      path: "memory")
  }

  /// The slow obvious way: one index after another.
  private func oracle(_ tensor: Tensor, rows: Range<Int>) -> [Double] {
    var places = rows.map { tensor.offset + $0 * tensor.strides[0] }
    for (size, stride) in zip(tensor.shape, tensor.strides).dropFirst() {
      places = places.flatMap { place in (0..<size).map { place + $0 * stride } }
    }
    return places.map(Double.init)
  }

  @Test(arguments: [
    ([37, 13], [13, 1]), ([301, 7], [1, 301]), ([129, 5], [2, 300]), ([3, 4, 5], [20, 5, 1]),
    ([3, 4, 5], [1, 3, 12]),
    ([3, 4, 5], [5, 15, 1]), ([6, 1, 4], [4, 99, 1]), ([5, 4], [1, 0]), ([5, 4], [0, 2]), ([257], [3]),
    ([4, 0, 3], [0, 3, 1]),
    ([2, 130, 3], [390, 1, 130]), ([1, 1], [1, 1]),
  ])
  func everyStrideReadsLikeTheObviousLoop(shape: [Int], strides: [Int]) throws {
    let tensor = try tensor(shape, strides, offset: 3)
    for rows in [0..<shape[0], 0..<1, shape[0] / 2..<shape[0], 0..<0] {
      let want = oracle(tensor, rows: rows)
      var doubles = [Double](repeating: -1, count: want.count)
      var target = doubles.mutableSpan
      try tensor.read(rows: rows, into: &target)
      #expect(doubles == want)
      var floats = [Float](repeating: -1, count: want.count)
      var single = floats.mutableSpan
      try tensor.read(rows: rows, into: &single)
      #expect(floats == want.map { Float($0) })
    }
  }

  /// The second is PyTorch's `channels_last`, the fourth repeats one number.
  @Test(arguments: [
    ([4, 3, 2, 2], [12, 4, 2, 1]), ([4, 3, 2, 2], [12, 1, 6, 3]), ([4, 3, 1, 1], [3, 1, 77, 5]),
    ([4, 3, 1, 1], [0, 0, 0, 0]), ([4, 3, 1, 1], [9, 3, 1, 1]), ([4, 6], [1, 4]),
  ])
  func axesTakenTogetherKeepTheirNumbers(shape: [Int], strides: [Int]) throws {
    let tensor = try tensor(shape, strides, offset: 3)
    let flat = try tensor.flattenedRows()
    #expect(flat.shape == [shape[0], shape.dropFirst().reduce(1, *)])
    let numbers: [Double] = try flat.elements()
    #expect(numbers == oracle(tensor, rows: 0..<shape[0]))
  }

  @Test func sliceDropsTheFirstAxis() throws {
    let stacked = try TensorFile(path: Fixture.path("stacked-f.npy")).soleTensor()
    let whole: [Double] = try stacked.elements()
    for index in 0..<2 {
      let part = stacked.slice(index)
      let values: [Double] = try part.elements()
      #expect(part.shape == [4, 3])
      #expect(values == Array(whole[index * 12..<(index + 1) * 12]))
      let number: [Double] = try part.slice(3).slice(2).elements()
      #expect(number == [whole[index * 12 + 11]])
    }
  }

  /// Strides of an empty or single index are never multiplied out, however large a file says they are.
  @Test func uselessStridesDoNoHarm() throws {
    let empty = try tensor([0, 5], [1 << 62, 1 << 62])
    let none: [Double] = try empty.elements()
    #expect(none.isEmpty)
    empty.release(rows: 0..<0)
    #expect(try tensor([2, 0], [1 << 62, 1]).slice(1).elementCount == 0)
    let single = try tensor([1, 1], [Int.max, Int.max], offset: 4)
    let one: [Double] = try single.elements()
    #expect(one == [4])
    single.release(rows: 0..<1)
    var rows = [Float](repeating: 0, count: 1)
    var target = rows.mutableSpan
    try single.read(rows: 0..<1, into: &target)
    #expect(rows == [4])
  }

  @Test func contiguityIsSeen() throws {
    #expect(try tensor([3, 4], [4, 1]).isContiguous)
    #expect(try tensor([1, 4], [77, 1]).isContiguous)
    #expect(try !tensor([3, 4], [1, 3]).isContiguous)
  }

  @Test func releasedRowsReadTheSame() throws {
    try Fixture.withDirectory { directory in
      for (name, layout) in [("c", "False"), ("f", "True")] {
        let path = directory + "/\(name).npy"
        try Fixture.write(
          BrokenFile.npy(
            "{'descr': '<f4', 'fortran_order': \(layout), 'shape': (3000, 8), }",
            data: (0..<96_000).map { UInt8(truncatingIfNeeded: $0 &* 7) & 0x3F }), path)
        let tensor = try TensorFile(path: path).soleTensor()
        let before: [Float] = try tensor.elements()
        tensor.adviseSequential()
        tensor.release(rows: 0..<3000)
        tensor.release(rows: 1000..<2500)
        tensor.release(rows: 5..<5)
        tensor.adviseRandom()
        let after: [Float] = try tensor.elements()
        #expect(before == after)
      }
    }
  }

  @Test func viewsBeyondTheirStorageAreRefused() {
    func fault(_ shape: [Int], _ strides: [Int], offset: Int = 0) -> TensorFileError? {
      do {
        _ = try tensor(shape, strides, offset: offset, stored: 10)
        return nil
      } catch { return error as? TensorFileError }
    }
    let place = TensorFileError.Place(path: "memory", item: "t")
    #expect(fault([10], [1]) == nil)
    #expect(fault([11], [1]) == .storageExceeded(place, expected: 11, found: 10))
    #expect(fault([2], [1], offset: 9) == .storageExceeded(place, expected: 11, found: 10))
    #expect(
      fault([2, 2], [Int.max, 1]) == .storageExceeded(place, expected: Int.max, found: 10)
        || fault([2, 2], [Int.max, 1]) == .sizeOverflow(place, shape: [2, 2]))
    #expect(fault([2, -1], [1, 1]) == .invalidShape(place, found: "(2, -1)"))
    #expect(fault([2], [-1]) == .invalidShape(place, found: "strides (-1)"))
    #expect(fault([1 << 40, 1 << 40], [0, 0]) == .sizeOverflow(place, shape: [1 << 40, 1 << 40]))
    #expect(
      fault([1 << 40], [0]) == .tooMany(place, what: "elements in a repeating view", limit: 10, found: 1 << 40))
  }
}
