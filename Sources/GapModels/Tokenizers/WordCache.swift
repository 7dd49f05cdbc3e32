import GapTensorFiles
import Synchronization

/// The tokens of words that came before.
struct WordCache: Sendable {
  private static let mostWords = 1 << 16
  private static let longestWord = 64

  private var words = ByteTable()
  private var tokens: [Int32] = []
  private var ends: [Int] = [0]

  /// Appends the tokens of a word, if it is known.
  func append(_ word: Span<UInt8>, to result: inout [Int32]) -> Bool {
    guard word.count <= Self.longestWord, let number = words.number(of: word) else { return false }
    for index in ends[number]..<ends[number + 1] { result.append(tokens[index]) }
    return true
  }

  /// Keeps the tokens of a word; a full cache starts anew.
  mutating func keep(_ word: Span<UInt8>, _ found: ArraySlice<Int32>) {
    guard word.count <= Self.longestWord else { return }
    if words.count >= Self.mostWords { self = WordCache() }
    guard words.insert(word).isNew else { return }
    tokens += found
    ends.append(tokens.count)
  }
}

/// Holds a tokenizer's cache between calls.
///
/// One caller has it at a time; others meanwhile start with an empty one, so
/// that threads never wait for each other.
final class WordCacheSlot: Sendable {
  private let slot = Mutex<WordCache?>(nil)

  /// Takes the cache out.
  func take() -> WordCache {
    slot.withLock { held in
      defer { held = nil }
      return held ?? WordCache()
    }
  }

  /// Puts the cache back.
  func put(_ cache: WordCache) { slot.withLock { $0 = cache } }
}
