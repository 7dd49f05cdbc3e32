import Foundation
import Synchronization
import Testing

@testable import GapLinearAlgebra

/// A crew larger than most machines': jobs that need all of it, some of it, nobody of it, one after the other.
@Suite struct WorkerCrewTests {
  private final class Counter: Sendable { let value = Atomic(0) }

  @Test func everyWorkerWorksOnceHoweverManyAreWanted() {
    let crew = WorkerCrew(helpers: 7)
    while !crew.isComplete { usleep(100) }
    for round in 0..<4_000 {
      let workers = [8, 2, 3, 1, 5, 2, 8, 4][round % 8]
      let counts = (0..<8).map { _ in Counter() }
      crew.run(workers) { worker in counts[worker].value.add(1, ordering: .relaxed) }
      let found = counts.map { $0.value.load(ordering: .relaxed) }
      #expect(found == (0..<8).map { $0 < workers ? 1 : 0 }, "job \(round)")
      // Now and then long enough for helpers to fall asleep.
      if round % 500 == 0 { usleep(20_000) }
    }
  }

  @Test func moreWorkersThanThereAreHelpers() {
    let count = Counter()
    WorkerCrew(helpers: 1).run(5) { _ in count.value.add(1, ordering: .relaxed) }
    WorkerCrew(helpers: 0).run(3) { _ in count.value.add(1, ordering: .relaxed) }
    #expect(count.value.load(ordering: .relaxed) == 8)
  }
}
