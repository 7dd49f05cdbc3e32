/// A rectangle of a row-major matrix in a buffer.
package struct Block<Element: BitwiseCopyable & Sendable>: Sendable {
  package let buffer: Buffer<Element>
  /// Index of the first element.
  package let offset: Int
  package let rows: Int
  package let columns: Int
  /// Elements between the starts of two rows.
  package let stride: Int

  /// A rectangle that must lie inside the buffer.
  @inlinable package init(
    _ buffer: Buffer<Element>, offset: Int = 0, rows: Int, columns: Int, stride: Int? = nil
  ) {
    self.buffer = buffer
    self.offset = offset
    self.rows = rows
    self.columns = columns
    self.stride = stride ?? columns
    precondition(rows >= 0 && columns >= 0 && self.stride >= columns && offset >= 0)
    precondition(offset + extent <= buffer.count, "the block reaches beyond its buffer")
  }

  @inlinable package var extent: Int { rows == 0 ? 0 : (rows - 1) * stride + columns }

  /// The rows `range` of this block.
  @inlinable package func rows(_ range: Range<Int>) -> Block {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    return Block(
      buffer, offset: offset + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  /// The columns `range` of this block.
  @inlinable package func columns(_ range: Range<Int>) -> Block {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns)
    return Block(buffer, offset: offset + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  /// Reads one row.
  @inlinable package func row<R, E: Error>(_ index: Int, _ body: (Span<Element>) throws(E) -> R) throws(E) -> R
  {
    precondition(index >= 0 && index < rows)
    let start = offset + index * stride
    return try buffer.read(start..<start + columns, body)
  }

  /// Writes one row.
  @inlinable package func writeRow<R, E: Error>(
    _ index: Int, _ body: (inout MutableSpan<Element>) throws(E) -> R
  ) throws(E) -> R {
    precondition(index >= 0 && index < rows)
    let start = offset + index * stride
    return try buffer.write(start..<start + columns, body)
  }
}

extension Block {
  /// Whether both are the same place in the same memory.
  package func isSame(as other: Block) -> Bool {
    buffer === other.buffer && offset == other.offset && rows == other.rows && columns == other.columns
      && stride == other.stride
  }

  /// Copies the rows of `other`, of the same shape.
  package func copy(_ other: Block) {
    precondition(other.rows == rows && other.columns == columns)
    let isDense = isDense && other.isDense
    let runs = isDense ? 1 : rows
    let count = isDense ? rows * columns : columns
    guard count > 0 else { return }
    for i in 0..<runs {
      unsafe buffer.pointer(at: offset + i * stride, reaching: count).update(
        from: other.buffer.pointer(at: other.offset + i * other.stride, reaching: count), count: count)
    }
  }

  /// Whether rows follow each other without a gap.
  package var isDense: Bool { stride == columns || rows <= 1 }
}

/// Matrix products on one thread, over blocks of row-major buffers.
package enum Products {
  /// `c = a bᵀ`: a [m, k], b [n, k], c [m, n], the inner products of rows.
  @inlinable package static func inner<T: ProductScalar>(_ a: Block<T>, _ b: Block<T>, into c: Block<T>) {
    precondition(a.columns == b.columns && c.rows == a.rows && c.columns == b.rows)
    guard c.rows > 0, c.columns > 0 else { return }
    unsafe T.innerProducts(
      m: Int32(a.rows), n: Int32(b.rows), k: Int32(a.columns),
      a: a.buffer.pointer(at: a.offset, reaching: a.extent), aStride: Int32(a.stride),
      b: b.buffer.pointer(at: b.offset, reaching: b.extent), bStride: Int32(b.stride),
      beta: 0, c: c.buffer.pointer(at: c.offset, reaching: c.extent), cStride: Int32(c.stride))
  }

  /// `c += a bᵀ`: a [m, k], b [n, k], c [m, n].
  @inlinable package static func addInner<T: ProductScalar>(_ a: Block<T>, _ b: Block<T>, to c: Block<T>) {
    precondition(a.columns == b.columns && c.rows == a.rows && c.columns == b.rows)
    guard c.rows > 0, c.columns > 0 else { return }
    unsafe T.innerProducts(
      m: Int32(a.rows), n: Int32(b.rows), k: Int32(a.columns),
      a: a.buffer.pointer(at: a.offset, reaching: a.extent), aStride: Int32(a.stride),
      b: b.buffer.pointer(at: b.offset, reaching: b.extent), bStride: Int32(b.stride),
      beta: 1, c: c.buffer.pointer(at: c.offset, reaching: c.extent), cStride: Int32(c.stride))
  }

  /// `c = a b`, or `c += a b` with `adding`: a [m, k], b [k, n], c [m, n].
  @inlinable package static func product<T: ProductScalar>(
    _ a: Block<T>, _ b: Block<T>, into c: Block<T>, adding: Bool = false
  ) {
    precondition(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns)
    guard c.rows > 0, c.columns > 0 else { return }
    unsafe T.products(
      m: Int32(a.rows), n: Int32(b.columns), k: Int32(a.columns),
      a: a.buffer.pointer(at: a.offset, reaching: a.extent), aStride: Int32(a.stride),
      b: b.buffer.pointer(at: b.offset, reaching: b.extent), bStride: Int32(b.stride),
      beta: adding ? 1 : 0, c: c.buffer.pointer(at: c.offset, reaching: c.extent), cStride: Int32(c.stride))
  }

  /// `c += aᵀ b`: a [k, m], b [k, n], c [m, n], sums over rows.
  @inlinable package static func addCross<T: ProductScalar>(_ a: Block<T>, _ b: Block<T>, to c: Block<T>) {
    precondition(a.rows == b.rows && c.rows == a.columns && c.columns == b.columns)
    guard a.rows > 0, c.rows > 0, c.columns > 0 else { return }
    unsafe T.addCrossProducts(
      m: Int32(a.columns), n: Int32(b.columns), k: Int32(a.rows),
      a: a.buffer.pointer(at: a.offset, reaching: a.extent), aStride: Int32(a.stride),
      b: b.buffer.pointer(at: b.offset, reaching: b.extent), bStride: Int32(b.stride),
      c: c.buffer.pointer(at: c.offset, reaching: c.extent), cStride: Int32(c.stride))
  }

  /// The upper triangle of `c += aᵀ a`: a [k, n], c [n, n], sums over rows; what lies below is left as it is.
  @inlinable package static func addGram<T: ProductScalar>(_ a: Block<T>, to c: Block<T>) {
    precondition(c.rows == a.columns && c.columns == a.columns)
    guard a.rows > 0, c.rows > 0 else { return }
    unsafe T.addUpperGram(
      n: Int32(a.columns), k: Int32(a.rows),
      a: a.buffer.pointer(at: a.offset, reaching: a.extent), aStride: Int32(a.stride),
      c: c.buffer.pointer(at: c.offset, reaching: c.extent), cStride: Int32(c.stride))
  }

  /// A sum over rows: `c += aᵀ b`, or the upper triangle of `c += aᵀ a`.
  package struct CrossSum<T: ProductScalar>: Sendable {
    let a: Block<T>
    /// nil for a itself.
    let b: Block<T>?
    let c: Block<T>

    package static func cross(_ a: Block<T>, _ b: Block<T>, to c: Block<T>) -> Self { Self(a: a, b: b, c: c) }
    package static func gram(_ a: Block<T>, to c: Block<T>) -> Self { Self(a: a, b: nil, c: c) }

    /// Tiles of even sides: a tile packs both its factors, which costs less the larger it is.
    fileprivate var tiles: [Tile] {
      Tile.covering(
        rows: c.rows, columns: c.columns, side: Self.side(c.rows), columnSide: Self.side(c.columns),
        upperOnly: b == nil)
    }

    private static func side(_ count: Int) -> Int {
      let tiles = max(1, (count + 383) / 384)
      return max(16, (count + tiles * 16 - 1) / (tiles * 16) * 16)
    }

    fileprivate func add(_ tile: Tile) {
      let target = c.rows(tile.rows).columns(tile.columns)
      if b == nil, tile.rows == tile.columns { return addGram(a.columns(tile.rows), to: target) }
      addCross(a.columns(tile.rows), (b ?? a).columns(tile.columns), to: target)
    }
  }

  /// Several such sums at once, in tiles over the pool, whole tiles before halves.
  package static func add<T: ProductScalar>(_ sums: [CrossSum<T>], on pool: WorkerPool) throws {
    let all = sums.flatMap { sum in sum.tiles.map { (sum, $0) } }
    let halves = all.filter { $0.b == nil && $1.rows == $1.columns }
    let tiles = all.filter { !($0.b == nil && $1.rows == $1.columns) } + halves
    try pool.forEach(tiles.count) { _, piece in tiles[piece].0.add(tiles[piece].1) }
  }

  /// `c += aᵀ b` in tiles over the pool.
  package static func addCross<T: ProductScalar>(
    _ a: Block<T>, _ b: Block<T>, to c: Block<T>, on pool: WorkerPool
  ) throws {
    try add([.cross(a, b, to: c)], on: pool)
  }

  /// `c = a bᵀ` in tiles over the pool.
  @inlinable package static func inner<T: ProductScalar>(
    _ a: Block<T>, _ b: Block<T>, into c: Block<T>, upperOnly: Bool = false, on pool: WorkerPool
  ) throws {
    let tiles = Tile.covering(rows: c.rows, columns: c.columns, side: 256, upperOnly: upperOnly)
    try pool.forEach(tiles.count) { _, piece in
      let tile = tiles[piece]
      inner(a.rows(tile.rows), b.rows(tile.columns), into: c.rows(tile.rows).columns(tile.columns))
    }
  }

  /// Copies the upper triangle of a square block onto its lower one.
  @inlinable package static func mirrorUpper<T>(_ c: Block<T>) {
    precondition(c.rows == c.columns)
    for i in 0..<c.rows {
      for j in 0..<i { c.buffer[c.offset + i * c.stride + j] = c.buffer[c.offset + j * c.stride + i] }
    }
  }
}

/// One rectangle of a larger matrix.
package struct Tile: Sendable, Equatable {
  package let rows: Range<Int>
  package let columns: Range<Int>

  @inlinable package init(rows: Range<Int>, columns: Range<Int>) {
    self.rows = rows
    self.columns = columns
  }

  /// The tiles of a matrix, row by row of tiles; with `upperOnly`, without those strictly below the diagonal.
  @inlinable package static func covering(
    rows: Int, columns: Int, side: Int, columnSide: Int? = nil, upperOnly: Bool = false
  ) -> [Tile] {
    var tiles: [Tile] = []
    for r in stride(from: 0, to: rows, by: side) {
      for c in stride(from: 0, to: columns, by: columnSide ?? side) where !upperOnly || c >= r {
        tiles.append(
          Tile(rows: r..<min(r + side, rows), columns: c..<min(c + (columnSide ?? side), columns)))
      }
    }
    return tiles
  }
}
