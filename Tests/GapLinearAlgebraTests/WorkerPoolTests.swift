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

  @Test func noPiecesAreNoWork() throws {
    #expect(try WorkerPool(threads: 2).map(0) { _, piece in piece } == [])
  }
}
