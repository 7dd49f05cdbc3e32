import CGapKernels
import Dispatch
import Synchronization

import class Foundation.Thread

/// Threads that stay, one for each processor but the caller's, and look out for a moment before they sleep.
///
/// A training step hands out work some two hundred times. Dispatch wakes a sleeping thread each time, which took 50 µs to
/// 250 µs where it was measured; a thread that is awake begins after less than 1 µs.
final class WorkerCrew: Sendable {
  static let shared = WorkerCrew(helpers: processorCount() - 1)

  /// What is to be done.
  ///
  /// Safe without a lock: written by the caller who has taken the crew, before it is posted and after all who have a part
  /// are through; read by these alone, in between.
  private nonisolated(unsafe) var job: (@Sendable (_ worker: Int) -> Void)?
  /// The job's number and how many workers it has, in one: a helper that has no part looks at nothing else, since nobody
  /// waits for it.
  private let posted = Atomic(0)
  private static let numberUnit = 1 << 16
  /// Helpers that have not finished the job.
  private let unfinished = Atomic(0)
  private let isTaken = Atomic(false)
  private let helpers: [Lookout]
  /// Helpers whose thread runs: the system may refuse one.
  private let started = Atomic(0)
  private let caller = Lookout()

  init(helpers count: Int) {
    helpers = (0..<max(0, count)).map { _ in Lookout() }
    for helper in helpers.indices {
      let thread = Thread { [self] in serve(as: helper + 1) }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  /// Whether all helpers are there.
  var isComplete: Bool { started.load(ordering: .acquiring) == helpers.count }

  /// Calls `body` for every worker in `0..<workers`, each on a thread of its own, 0 on the calling one.
  ///
  /// Where the crew is busy (called from within a job, or from another thread meanwhile), too small or not complete,
  /// Dispatch's threads do it.
  func run(_ workers: Int, _ body: @Sendable (_ worker: Int) -> Void) {
    guard workers <= min(helpers.count + 1, Self.numberUnit - 1), isComplete,
      !isTaken.exchange(true, ordering: .acquiring)
    else {
      return DispatchQueue.concurrentPerform(iterations: workers, execute: body)
    }
    defer { isTaken.store(false, ordering: .releasing) }
    withoutActuallyEscaping(body) { body in
      unfinished.store(workers - 1, ordering: .relaxed)
      unsafe job = body
      let number = posted.load(ordering: .relaxed) / Self.numberUnit + 1
      posted.store(number * Self.numberUnit + workers, ordering: .sequentiallyConsistent)
      for helper in helpers.prefix(workers - 1) { helper.wake() }
      body(0)
      caller.wait { unfinished.load(ordering: .sequentiallyConsistent) == 0 }
      unsafe job = nil
    }
  }

  private func serve(as worker: Int) -> Never {
    started.add(1, ordering: .acquiringAndReleasing)
    var last = 0
    while true {
      helpers[worker - 1].wait { posted.load(ordering: .sequentiallyConsistent) != last }
      last = posted.load(ordering: .sequentiallyConsistent)
      guard worker < last % Self.numberUnit else { continue }
      work(as: worker)
      if unfinished.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { caller.wake() }
    }
  }

  /// Does the worker's part of the job; on return, nothing of the job is held any more.
  @inline(never)
  private func work(as worker: Int) { unsafe job?(worker) }
}

/// Where one thread waits for something that others bring about.
private final class Lookout: Sendable {
  private let isAsleep = Atomic(false)
  private let bell = DispatchSemaphore(value: 0)

  /// Looks this often before it sleeps: a fraction of a millisecond, longer than most gaps between two jobs of a step.
  private static let looks = 1 << 14

  /// Returns when `isReady` says so.
  ///
  /// - Parameter isReady: reads what others write, sequentially consistent on both sides; whoever makes it true calls
  ///   `wake` afterwards.
  func wait(until isReady: () -> Bool) {
    while true {
      for _ in 0..<Self.looks {
        if isReady() { return }
        gap_pause()
      }
      isAsleep.store(true, ordering: .sequentiallyConsistent)
      // Ready meanwhile, and nobody rang: back. Had somebody, the bell would have to be heard.
      if isReady(), isAsleep.exchange(false, ordering: .sequentiallyConsistent) { return }
      bell.wait()
    }
  }

  func wake() {
    if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { bell.signal() }
  }
}
