import Foundation
import GapLinearAlgebra
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
  private struct Fault: Error, Equatable { let piece: Int }

  @Test(arguments: [1, 2, 5])
  func resultsComeInTheOrderOfThePieces(threads: Int) throws {
    #expect(
      try WorkerPool(threads: threads).map(1000) { _, piece in piece * piece } == (0..<1000).map { $0 * $0 })
  }

  @Test(arguments: [1, 4])
  func theLowestFaultIsThrown(threads: Int) {
    #expect(throws: Fault(piece: 3)) {
      try WorkerPool(threads: threads).forEach(100) { _, piece in if piece >= 3 { throw Fault(piece: piece) } }
    }
  }

  @Test func workersTellScratchApart() throws {
    let busy = Mutex(Set<Int>())
    let clashes = Atomic(0)
    try WorkerPool(threads: 4).forEach(2000) { worker, _ in
      if worker < 0 || worker >= 4 || !busy.withLock({ $0.insert(worker).inserted }) {
        clashes.add(1, ordering: .relaxed)
      }
      busy.withLock { _ = $0.remove(worker) }
    }
    #expect(clashes.load(ordering: .relaxed) == 0)
  }

  /// A pool within a pool's piece, and several callers at a time: each piece once, whoever works.
  @Test func jobsWithinJobsAndBesideThem() throws {
    let counts = (0..<4 * 8 * 16).map { _ in Counter() }
    try WorkerPool(threads: 4).forEach(4) { _, outer in
      try WorkerPool(threads: 2).forEach(8) { _, middle in
        try WorkerPool(threads: 2).forEach(16) { _, inner in
          counts[(outer * 8 + middle) * 16 + inner].value.add(1, ordering: .relaxed)
        }
      }
    }
    #expect(counts.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
  }

  /// Threads that have gone to sleep between two jobs wake up for the next.
  @Test(arguments: [0, 3_000, 20_000]) func jobsAfterAWhile(microseconds: Int) throws {
    for round in 0..<20 {
      usleep(UInt32(microseconds))
      let sum = try WorkerPool(threads: 2).map(round + 2) { _, piece in piece }.reduce(0, +)
      #expect(sum == (round + 1) * (round + 2) / 2)
    }
  }

  private final class Counter: Sendable { let value = Atomic(0) }

  @Test func noPiecesAreNoWork() throws {
    #expect(try WorkerPool(threads: 2).map(0) { _, piece in piece } == [])
  }
}
