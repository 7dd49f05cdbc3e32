#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

import Synchronization

/// A bar that several threads may tell of their progress.
final class SharedProgress: Sendable {
  private let bar: Mutex<Progress>

  init(quiet: Bool) { bar = Mutex(Progress(quiet: quiet)) }

  func show(_ stage: String, _ share: Double) { bar.withLock { $0.show(stage, share) } }

  func finish() { bar.withLock { $0.finish() } }
}

/// A bar on a terminal that says what is being done and how long it still takes; nothing elsewhere.
final class Progress {
  private let isShown: Bool
  private let started = ContinuousClock.now
  /// When the part began that is being done, and the share it began with: a run that goes on begins in its middle.
  private var part: (started: ContinuousClock.Instant, share: Double)?
  private var lastShare = 0.0
  private var lastShown: ContinuousClock.Instant?
  private var isDrawn = false

  init(quiet: Bool) { isShown = !quiet && isatty(2) == 1 }

  /// Shows the stage and the share done, 0…1, at most ten times a second; silent for the first second.
  ///
  /// A share that is smaller than the one before begins another part, whose time is told apart.
  func show(_ stage: String, _ share: Double) {
    guard isShown else { return }
    let now = ContinuousClock.now
    if part == nil || share < lastShare { part = (now, share) }
    lastShare = share
    let elapsed = started.duration(to: now) / .seconds(1)
    guard elapsed > 1, lastShown.map({ $0.duration(to: now) > .milliseconds(100) }) ?? true else { return }
    lastShown = now
    let filled = Int((share * 24).rounded(.down))
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: 24 - filled)
    let left = part.flatMap { part in
      let gained = share - part.share
      return gained > 0.02 ? part.started.duration(to: now) / .seconds(1) * (1 - share) / gained : nil
    }
    let rest = left.map { $0 < 1 ? "nearly done" : "about \(Self.time($0)) left" } ?? ""
    standardError("\r\u{1B}[K\(bar) \(Int(share * 100))%  \(stage)  \(rest)")
    isDrawn = true
  }

  /// Takes the bar away.
  func finish() {
    if isDrawn { standardError("\r\u{1B}[K") }
    isDrawn = false
  }

  private static func time(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    return whole < 60 ? "\(whole) s" : "\(whole / 60) min \(whole % 60) s"
  }
}
