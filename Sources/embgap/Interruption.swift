import ArgumentParser
import EmbeddingGap
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What SIGINT and SIGTERM do.
///
/// Both are blocked in every thread, and one thread waits for them: what it does on their arrival is not bound to what a
/// signal handler may do. A run that is taking steps is asked to save after its step; anything else ends at once, after
/// what was half-written is removed. A second signal ends a run at once, too: what it saved before is whole.
enum Interruption {
  private struct State {
    /// The run that can be asked to stop.
    var run: StopRequest?
    /// What is left, and how to go on.
    var hint: @Sendable () -> String = { "nothing was written" }
    var isLeaving = false
  }

  private static let state = Mutex(State())

  /// Blocks the signals and begins to wait for them; before other threads are there.
  ///
  /// A signal that whoever started the process had it ignore (`nohup`, a shell's background job) stays ignored. So does
  /// the signal of a file that grows beyond a limit: the failed write is reported.
  static func watch() {
    _ = signal(SIGXFSZ, SIG_IGN)
    let watched = [SIGINT, SIGTERM].filter { number in
      var action = sigaction()
      _ = unsafe sigaction(number, nil, &action)
      return unsafe action.__sigaction_handler.sa_handler == nil
    }
    guard !watched.isEmpty else { return }
    var set = signals(watched)
    _ = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    var thread = pthread_t()
    _ = unsafe pthread_create(&thread, nil, { _ in Interruption.wait() }, nil)
  }

  private static func signals(_ numbers: [Int32]) -> sigset_t {
    var set = sigset_t()
    _ = unsafe sigemptyset(&set)
    for number in numbers { _ = unsafe sigaddset(&set, number) }
    return set
  }

  /// Says what a signal finds from here on.
  ///
  /// - Parameters:
  ///   - run: asked to stop, where it is taking steps.
  ///   - hint: what is left when the process ends at once, and how to go on.
  static func expect(_ run: StopRequest? = nil, hint: @escaping @Sendable () -> String) {
    state.withLock { state in
      state.run = run
      state.hint = hint
    }
  }

  /// The process ends with what the calling thread has to say: of two threads that end it, the first to get here does.
  static func beginLeaving() {
    let isFirst = state.withLock { state in
      defer { state.isLeaving = true }
      return !state.isLeaving
    }
    while !isFirst { sleep(1) }
  }

  private static func wait() -> Never {
    var blocked = sigset_t()
    _ = unsafe pthread_sigmask(SIG_BLOCK, nil, &blocked)
    var set = signals([SIGINT, SIGTERM].filter { unsafe sigismember(&blocked, $0) == 1 })
    while true {
      var number: Int32 = 0
      guard unsafe sigwait(&set, &number) == 0 else { continue }
      let (run, hint) = state.withLock { ($0.run, $0.hint) }
      let name = number == SIGINT ? "SIGINT" : "SIGTERM"
      if let run, run.ask() {
        if isatty(STDERR_FILENO) == 1 {
          standardError("\r\u{1B}[K\(name): ends after this step; again to end at once\n")
        }
        continue
      }
      beginLeaving()
      StagedOutput.discardAll {
        standardError("embgap: interrupted by \(name): \(hint())\n")
        _exit(Failure.interrupted.rawValue)
      }
    }
  }
}
