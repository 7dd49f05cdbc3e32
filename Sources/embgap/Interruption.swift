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
/// The handler of both only writes a byte, and one thread waits for it: what it does then is not bound to what a signal
/// handler may do. (Blocking the signals would not do: libraries start threads before `main`, and one that does not block
/// a signal gets it.) A run that is taking steps is asked to save after its step; anything else ends at once, after
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

  /// The ends of the pipe between handler and thread; made before the handler is.
  private static let pipeEnds: (read: Int32, write: Int32)? = {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }()

  /// Begins to wait for the signals.
  ///
  /// A signal that whoever started the process had it ignore (`nohup`, a shell's background job) stays ignored. So does
  /// the signal of a file that grows beyond a limit: the failed write is reported.
  static func watch() {
    _ = signal(SIGXFSZ, SIG_IGN)
    guard pipeEnds != nil else { return }
    for number in [SIGINT, SIGTERM] {
      var action = sigaction()
      guard unsafe sigaction(number, nil, &action) == 0, unsafe action.__sigaction_handler.sa_handler == nil
      else { continue }
      unsafe action.__sigaction_handler.sa_handler = { number in
        let code = errno
        var byte = UInt8(truncatingIfNeeded: number)
        _ = unsafe write(Interruption.pipeEnds?.write ?? -1, &byte, 1)
        errno = code
      }
      action.sa_flags = SA_RESTART
      _ = unsafe sigaction(number, &action, nil)
    }
    var thread = pthread_t()
    _ = unsafe pthread_create(&thread, nil, { _ in Interruption.wait() }, nil)
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
    while true {
      var byte: UInt8 = 0
      guard unsafe read(pipeEnds?.read ?? -1, &byte, 1) == 1 else { continue }
      let number = Int32(byte)
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
