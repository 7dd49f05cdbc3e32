/// Runs a compiled pattern over a text, with its own stack of choices: no recursion but for lookahead and atomic
/// groups, whose nesting the parser bounds.
struct PatternMatcher {
  /// A place to go on from when the present way fails.
  private struct Choice {
    let step: Int
    var position: Int
    /// Down to here the run before the step gives back scalars.
    let lowest: Int
  }

  /// Steps, and steps for each byte of the text, after which states that failed are remembered until there is a match.
  ///
  /// Nothing that fails at a place depends on where a match began. It bounds the work of patterns that nest
  /// quantifiers, which without it take time exponential in the text.
  private static let patience = 20_000
  private static let patienceOfByte = 1024
  /// States, and states for each byte of the text, that are remembered from one start to the next at most.
  private static let (mostStates, statesOfByte) = (1 << 20, 16)

  private let pattern: ScalarPattern
  private var choices: [Choice] = []
  private var stepsTaken = 0
  private var stepsAllowed = 0
  private var failed: Set<UInt64> = []
  /// By step, a run of a set without an upper limit, of which all ways to go on failed when a match began at or before
  /// it: one that begins within it has fewer of the same ways.
  private var failedRuns: [Int: ClosedRange<Int>] = [:]
  /// Those of the match that is being looked for.
  private var newRuns: [Int: ClosedRange<Int>] = [:]
  /// Groups that the present step is in.
  private var depth = 0

  init(_ pattern: ScalarPattern) { self.pattern = pattern }

  /// The matches within a range of the text, and what lies between them, in order and without gaps.
  ///
  /// As in the reference, an empty match right after a match is passed over.
  mutating func parts(of text: Span<UInt8>, in range: Range<Int>, _ body: (Range<Int>, _ isMatch: Bool) -> Void)
  {
    begin(range)
    var covered = range.lowerBound
    var start = range.lowerBound
    var lastEnd: Int?
    while start <= range.upperBound {
      guard let end = matchEnd(text, range, at: start), end != start || lastEnd != end else {
        if start == range.upperBound { break }
        start += text.scalarLength(at: start)
        continue
      }
      if covered < start { body(covered..<start, false) }
      body(start..<end, true)
      (covered, lastEnd) = (end, end)
      if end == start {
        if start == range.upperBound { break }
        start += text.scalarLength(at: start)
      } else {
        start = end
      }
    }
    if covered < range.upperBound { body(covered..<range.upperBound, false) }
  }

  /// The end of the match that starts at a position.
  mutating func match(_ text: Span<UInt8>, _ range: Range<Int>, at position: Int) -> Int? {
    begin(range)
    return matchEnd(text, range, at: position)
  }

  private mutating func begin(_ range: Range<Int>) {
    stepsTaken = 0
    stepsAllowed = Self.patience + Self.patienceOfByte * range.count
    forget()
  }

  private mutating func forget() {
    failed.removeAll()
    failedRuns.removeAll()
    newRuns.removeAll()
  }

  private mutating func matchEnd(_ text: Span<UInt8>, _ range: Range<Int>, at position: Int) -> Int? {
    choices.removeAll(keepingCapacity: true)
    guard let end = run(0, text, range, position) else {
      if !newRuns.isEmpty {
        failedRuns.merge(newRuns) { $1 }
        newRuns.removeAll()
      }
      // Between two starts nothing needs to be known: it only saves the same way twice.
      if failed.count > max(Self.mostStates, Self.statesOfByte * range.count) { failed.removeAll() }
      return nil
    }
    // What led to a match did not fail.
    if !failed.isEmpty { forget() }
    return end
  }

  /// Lookahead and atomic groups: what fails within them says nothing of what is around.
  private mutating func runGroup(_ first: Int, _ text: Span<UInt8>, _ range: Range<Int>, _ start: Int) -> Int? {
    let outer = failed
    failed = []
    depth += 1
    defer {
      failed = outer
      depth -= 1
    }
    return run(first, text, range, start)
  }

  private mutating func run(_ first: Int, _ text: Span<UInt8>, _ range: Range<Int>, _ start: Int) -> Int? {
    let base = choices.count
    defer { choices.removeLast(choices.count - base) }
    var (step, position) = (first, start)
    while true {
      stepsTaken += 1
      let isKnown = stepsTaken > stepsAllowed && !remember(step, position)
      if !isKnown, let next = take(&position, step, text, range) {
        if next == Self.finished { return position }
        step = next
      } else if let choice = retreat(to: base, text) {
        (step, position) = choice
      } else {
        return nil
      }
    }
  }

  private static let finished = -1

  /// Notes a state; false if it has been there before, which means that it failed.
  private mutating func remember(_ step: Int, _ position: Int) -> Bool {
    failed.insert(UInt64(step) << 40 | UInt64(position)).inserted
  }

  /// The latest choice above the base, used up by one.
  private mutating func retreat(to base: Int, _ text: Span<UInt8>) -> (Int, Int)? {
    guard choices.count > base else { return nil }
    let last = choices.count - 1
    let choice = choices[last]
    if choice.position > choice.lowest {
      choices[last].position = text.scalarStart(before: choice.position)
    } else {
      choices.removeLast()
    }
    return (choice.step, choice.position)
  }

  /// Does one step; nil if it fails, else the next step.
  @inline(__always)
  private mutating func take(
    _ position: inout Int, _ step: Int, _ text: Span<UInt8>, _ range: Range<Int>
  ) -> Int? {
    switch pattern.steps[step] {
    case .set(let set):
      guard position < range.upperBound else { return nil }
      let (scalar, length) = text.scalar(at: position)
      guard pattern.sets[set].contains(scalar) else { return nil }
      position += length
    case .run(let set, let least, let most, let isPossessive):
      let start = position
      let isEndless = most == .max && depth == 0 && stepsTaken > stepsAllowed
      if isEndless, failedRuns[step]?.contains(start) == true { return nil }
      let lowest = take(&position, set, least, most, text, range.upperBound)
      stepsTaken += position - start
      guard let lowest else { return nil }
      if isEndless { newRuns[step] = start...position }
      if !isPossessive, position > lowest {
        let back = text.scalarStart(before: position)
        choices.append(Choice(step: step + 1, position: back, lowest: lowest))
      }
    case .fork(let first, let second):
      choices.append(Choice(step: second, position: position, lowest: position))
      return first
    case .jump(let target): return target
    case .ahead(let end, let isNegated):
      guard (runGroup(step + 1, text, range, position) == nil) == isNegated else { return nil }
      return end
    case .atomic(let end):
      guard let stop = runGroup(step + 1, text, range, position) else { return nil }
      position = stop
      return end
    case .assertion(let assertion):
      guard holds(assertion, text, range, position) else { return nil }
    case .done: return Self.finished
    }
    return step + 1
  }

  /// Takes scalars of a set as long as there are any; the position after the fewest allowed, nil if there are fewer.
  @inline(__always)
  private func take(
    _ position: inout Int, _ set: Int, _ least: Int, _ most: Int, _ text: Span<UInt8>, _ end: Int
  ) -> Int? {
    var count = 0
    var lowest: Int? = least == 0 ? position : nil
    while count < most, position < end {
      let (scalar, length) = text.scalar(at: position)
      guard pattern.sets[set].contains(scalar) else { break }
      position += length
      count += 1
      if count == least { lowest = position }
    }
    return lowest
  }

  private func holds(
    _ assertion: PatternNode.Assertion, _ text: Span<UInt8>, _ range: Range<Int>, _ position: Int
  ) -> Bool {
    let (isStart, isEnd) = (position == range.lowerBound, position == range.upperBound)
    let lineFeed = UInt8(ascii: "\n")
    switch assertion {
    case .textStart: return isStart
    case .textEnd: return isEnd
    case .textEndOrLastLine:
      return isEnd || position == range.upperBound - 1 && text[position] == lineFeed
    case .lineStart: return isStart || !isEnd && text[position - 1] == lineFeed
    case .lineEnd: return isEnd || text[position] == lineFeed
    case .wordEdge, .noWordEdge:
      let before = !isStart && isWord(text, text.scalarStart(before: position))
      let after = !isEnd && isWord(text, position)
      return (before != after) == (assertion == .wordEdge)
    }
  }

  private func isWord(_ text: Span<UInt8>, _ position: Int) -> Bool {
    !ScalarCategory.of(text.scalar(at: position).value).isDisjoint(with: .word)
  }
}
