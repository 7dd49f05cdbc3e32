import GapLinearAlgebra
import Testing

@Suite struct SeededGeneratorTests {
  @Test func aStreamIsNamedBySeedPurposeAndIndex() {
    func first(_ seed: UInt64, _ purpose: String, _ index: UInt64) -> UInt64 {
      var generator = SeededGenerator(seed: seed, purpose: purpose, index: index)
      return generator.next()
    }
    #expect(first(1, "a", 0) == first(1, "a", 0))
    let streams = [first(1, "a", 0), first(2, "a", 0), first(1, "b", 0), first(1, "a", 1)]
    #expect(Set(streams).count == 4)
  }

  @Test func samplesAreDistinctAscendingAndEvenlySpread() {
    var hits = [Int](repeating: 0, count: 20)
    for seed in 0..<4000 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let sample = generator.sample(5, of: 20)
      #expect(sample == Array(Set(sample)).sorted() && sample.count == 5)
      for i in sample { hits[i] += 1 }
    }
    // Each is chosen in a quarter of 4,000 draws; five standard deviations are 137.
    #expect(hits.allSatisfy { abs($0 - 1000) <= 137 })
    var generator = SeededGenerator(seed: 1)
    #expect(generator.sample(9, of: 4) == [0, 1, 2, 3])
  }

  @Test func permutationsHoldEveryIndexOnce() {
    var generator = SeededGenerator(seed: 3)
    #expect(generator.permutation(of: 100).sorted() == (0..<100).map { Int32($0) })
  }

  @Test func normalNumbersHaveMeanZeroAndVarianceOne() {
    var generator = SeededGenerator(seed: 4)
    let numbers = (0..<100_000).map { _ in generator.normal() }
    let mean = numbers.reduce(0, +) / 100_000
    let variance = numbers.reduce(0) { $0 + $1 * $1 } / 100_000
    #expect(abs(mean) <= 5 / 100_000.0.squareRoot())
    #expect(abs(variance - 1) <= 5 * (2 / 100_000.0).squareRoot())
  }
}
