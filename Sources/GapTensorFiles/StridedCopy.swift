/// One axis of a view: its size, and the step along it in the stored elements and in the row-major result.
struct StridedAxis {
  var size: Int
  var source: Int
  var target: Int

  /// The fewest axes that describe the same copy: axes of size 1 go, and neighbours that step as one become one.
  static func list(_ shape: [Int], _ strides: [Int]) -> [StridedAxis] {
    var axes: [StridedAxis] = []
    for (axis, targetStride) in TensorShape.rowMajorStrides(shape).enumerated() where shape[axis] != 1 {
      let next = StridedAxis(size: shape[axis], source: strides[axis], target: targetStride)
      if let outer = axes.last, outer.source == next.size * next.source, outer.target == next.size * next.target
      {
        axes[axes.count - 1] = StridedAxis(
          size: outer.size * next.size, source: next.source, target: next.target)
      } else {
        axes.append(next)
      }
    }
    return axes
  }
}

/// Widens a strided view into row-major numbers.
///
/// A view whose last axis is contiguous goes straight to the target, one kernel call per run. Otherwise the runs
/// are taken along whichever axis is contiguous (Fortran order: the rows), 128 elements at a time, and scattered
/// from a small buffer: one block of 128 target rows stays in cache while all columns pass over it.
struct StridedCopy {
  static let block = 128

  let bytes: StoredBytes
  let start: Int
  let first: Int
  let type: ElementType
  let swapped: Bool
  private let run: StridedAxis
  private let outer: [StridedAxis]
  private let width: Int

  init(bytes: StoredBytes, start: Int, first: Int, type: ElementType, swapped: Bool, axes: [StridedAxis]) {
    self.bytes = bytes
    self.start = start
    self.first = first
    self.type = type
    self.swapped = swapped
    var outer = axes
    let chosen = axes.lastIndex { $0.source == 1 } ?? axes.indices.last
    run = chosen.map { outer.remove(at: $0) } ?? StridedAxis(size: 1, source: 1, target: 1)
    self.outer = outer
    width = type.byteCount ?? 0
  }

  func run<T: WorkingNumber>(into target: UnsafeMutablePointer<T>) {
    if run.source == 1, run.target == 1 {
      forEachOuter { source, place in unsafe widen(source, run.size, target + place) }
    } else {
      unsafe withUnsafeTemporaryAllocation(of: T.self, capacity: Self.block) { scratch in
        guard let scratch = scratch.baseAddress else { return }
        for begin in stride(from: 0, to: run.size, by: Self.block) {
          let count = min(Self.block, run.size - begin)
          forEachOuter { source, place in
            unsafe gather(source + begin * run.source, count, scratch)
            let target = unsafe target + place + begin * run.target
            for i in 0..<count { unsafe target[i * run.target] = scratch[i] }
          }
        }
      }
    }
  }

  private func gather<T: WorkingNumber>(_ source: Int, _ count: Int, _ scratch: UnsafeMutablePointer<T>) {
    if run.source == 1 {
      unsafe widen(source, count, scratch)
    } else {
      for i in 0..<count { unsafe widen(source + i * run.source, 1, scratch + i) }
    }
  }

  private func widen<T: WorkingNumber>(_ source: Int, _ count: Int, _ target: UnsafeMutablePointer<T>) {
    unsafe bytes.widen(type, at: start + source * width, count: count, swapped: swapped, into: target)
  }

  /// Visits every index of the outer axes, last one fastest, with its place in the source and in the target.
  private func forEachOuter(_ visit: (_ source: Int, _ target: Int) -> Void) {
    var index = [Int](repeating: 0, count: outer.count)
    var (source, target) = (first, 0)
    while true {
      visit(source, target)
      var axis = outer.count - 1
      while axis >= 0 {
        index[axis] += 1
        source += outer[axis].source
        target += outer[axis].target
        if index[axis] < outer[axis].size { break }
        source -= outer[axis].size * outer[axis].source
        target -= outer[axis].size * outer[axis].target
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
