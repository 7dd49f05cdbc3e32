import Synchronization

/// Runs numbered pieces of work on at most `threads` threads.
///
/// The pieces are the same whatever the number of threads, and callers merge their results in the order of the
/// pieces, so that no number depends on how many threads there were. OpenBLAS runs single-threaded inside a piece:
/// two pools that alternate cost nearly twice the time.
package struct WorkerPool: Sendable {
  package let threads: Int

  /// - Parameter threads: the most threads at work; 0 means one for each processor that this process may use.
  package init(threads: Int = 0) {
    OpenBLAS.useOneThread()
    self.threads = threads > 0 ? threads : processorCount()
  }

  /// Calls `body(worker, piece)` for every piece in `0..<count`; `worker` is below `threads` and tells scratch apart.
  ///
  /// - Throws: the error of the lowest-numbered piece that failed; later pieces may not have run.
  package func forEach(_ count: Int, _ body: @Sendable (_ worker: Int, _ piece: Int) throws -> Void) throws {
    let workers = min(threads, count)
    guard workers > 1 else {
      for piece in 0..<max(count, 0) { try body(0, piece) }
      return
    }
    let next = Atomic(0)
    let failure = Mutex<(piece: Int, error: any Error)?>(nil)
    let hasFailed = Atomic(false)
    WorkerCrew.shared.run(workers) { worker in
      while true {
        let piece = next.add(1, ordering: .relaxed).oldValue
        guard piece < count, !hasFailed.load(ordering: .relaxed) else { return }
        do {
          try body(worker, piece)
        } catch {
          failure.withLock { first in
            if first.map({ piece < $0.piece }) ?? true { first = (piece, error) }
          }
          hasFailed.store(true, ordering: .relaxed)
        }
      }
    }
    if let error = failure.withLock({ $0?.error }) { throw error }
  }

  /// The results of `body` for every piece, in the order of the pieces.
  package func map<R: Sendable>(_ count: Int, _ body: @Sendable (_ worker: Int, _ piece: Int) throws -> R)
    throws
    -> [R]
  {
    let results = Mutex([R?](repeating: nil, count: count))
    try forEach(count) { worker, piece in
      let result = try body(worker, piece)
      results.withLock { $0[piece] = result }
    }
    let all = results.withLock { $0.compactMap { $0 } }
    precondition(all.count == max(count, 0), "every piece has a result")
    return all
  }
}
