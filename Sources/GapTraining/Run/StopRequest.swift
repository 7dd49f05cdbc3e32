import Synchronization

/// How a run is asked, from another thread, to stop after the step that it is at.
public final class StopRequest: Sendable {
  private struct State {
    /// How many loops are taking steps.
    var served = 0
    var isAsked = false
  }

  private let state = Mutex(State())

  /// Nothing is asked yet.
  public init() {}

  /// Asks the run to stop.
  ///
  /// - Returns: whether it will: it is taking steps, and was not asked before. Elsewhere there is nothing that would be
  ///   saved, and the process may end at once.
  public func ask() -> Bool {
    state.withLock { state in
      guard state.served > 0, !state.isAsked else { return false }
      state.isAsked = true
      return true
    }
  }

  /// Whether somebody asked.
  package var isAsked: Bool { state.withLock { $0.isAsked } }

  /// Steps are taken from here on.
  package func begin() { state.withLock { $0.served += 1 } }

  /// No more steps are taken.
  ///
  /// - Returns: whether somebody asked.
  package func end() -> Bool {
    state.withLock { state in
      state.served -= 1
      return state.isAsked
    }
  }
}
