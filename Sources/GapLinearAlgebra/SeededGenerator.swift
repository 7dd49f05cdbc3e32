/// A small, fast random generator whose numbers are the same on every machine: xoshiro256**.
///
/// A stream is named by a seed, a purpose and an index, so that adding one consumer of random numbers changes no
/// other, and parallel pieces draw the same numbers whatever thread runs them.
///
/// - Source: Blackman & Vigna, *Scrambled linear pseudorandom number generators*, ACM TOMS 2021; seeded through
///   splitmix64 as its authors advise.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// Makes the stream `index` of `purpose` under `seed`.
  public init(seed: UInt64, purpose: String = "", index: UInt64 = 0) {
    var mixer = seed
    for byte in purpose.utf8 { mixer = Self.mix(&mixer) ^ UInt64(byte) }
    mixer = Self.mix(&mixer) ^ index
    state = (Self.mix(&mixer), Self.mix(&mixer), Self.mix(&mixer), Self.mix(&mixer))
  }

  private static func mix(_ state: inout UInt64) -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// The next 64 uniform bits.
  public mutating func next() -> UInt64 {
    let scrambled = state.1 &* 5
    let result = ((scrambled << 7) | (scrambled >> 57)) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = (state.3 << 45) | (state.3 >> 19)
    return result
  }

  /// A whole number in `0..<bound`, by multiplication with rejection (Lemire 2019), so without bias.
  public mutating func index(below bound: Int) -> Int {
    precondition(bound > 0)
    let bound = UInt64(bound)
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let threshold = (0 &- bound) % bound
      while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
    }
    return Int(product.high)
  }

  /// A number in [0, 1) with 53 random bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A standard normal number, by the polar method.
  public mutating func normal() -> Double {
    while true {
      let u = 2 * uniform() - 1
      let v = 2 * uniform() - 1
      let s = u * u + v * v
      if s > 0 && s < 1 { return u * (-2 * logarithm(s) / s).squareRoot() }
    }
  }

  /// `count` different numbers from `0..<total`, in ascending order; all of them when `count ≥ total`.
  public mutating func sample(_ count: Int, of total: Int) -> [Int] {
    guard count < total else { return Array(0..<max(total, 0)) }
    // Floyd's algorithm: every subset is equally likely, and memory is O(count).
    var chosen = Set<Int>()
    for last in (total - count)..<total {
      let candidate = index(below: last + 1)
      if !chosen.insert(candidate).inserted { chosen.insert(last) }
    }
    return chosen.sorted()
  }

  /// A random order of `0..<count` (Fisher and Yates).
  public mutating func permutation(of count: Int) -> [Int32] {
    var order = (0..<Int32(count)).map { $0 }
    for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, index(below: i + 1)) }
    return order
  }
}
