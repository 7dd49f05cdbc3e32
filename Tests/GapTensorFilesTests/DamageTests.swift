import Testing

@testable import GapTensorFiles

/// Whatever the bytes are, a reader throws one of its own errors on one line, or succeeds.
///
/// It never traps.
@Suite struct DamageTests {
  static let small = [
    "version-1.npy", "version-2.npy", "little-f2-f.npy", "stored.npz", "deflated.npz", "descriptor.npz",
    "zip64.npz",
    "types.safetensors", "views.pt", "views-deflated.pt", "nested.pt", "protocol-5.pt", "views-legacy.pt",
    "nested-legacy.pt", "protocol-4-legacy.pt", "mixed.gguf", "aligned.gguf",
    "sharded/model.safetensors.index.json",
  ]

  /// Whether opening and reading ended well.
  private func survive(_ bytes: [UInt8], _ name: String) -> Bool {
    do {
      let file = try Fixture.open(bytes, as: Fixture.path(name))
      try Fixture.readAll(file)
      for tensor in file.tensors where !tensor.shape.isEmpty { tensor.release(rows: 0..<tensor.shape[0]) }
      _ = file.metadata.map(\.value.description)
      return true
    } catch let error as TensorFileError {
      let text = error.description
      #expect(!text.contains { $0.isNewline } && text != "unknown fault" && text.utf8.count < 3000)
      return false
    } catch {
      Issue.record("\(name): an error of another kind: \(error)")
      return false
    }
  }

  @Test(arguments: small) func truncatedAtEveryByte(_ name: String) throws {
    let bytes = try Fixture.bytes(name)
    #expect(survive(bytes, name))
    // The padding after GGUF data, and the line feed that may end an index, are not needed.
    let slack = name.hasSuffix(".gguf") ? 32 : 0
    for count in 1..<bytes.count {
      let survived = survive(Array(bytes.prefix(count)), name)
      if count < bytes.count - slack { #expect(!survived, "\(name) cut to \(count) bytes") }
    }
  }

  @Test(arguments: small) func everyByteFlipped(_ name: String) throws {
    let bytes = try Fixture.bytes(name)
    for place in bytes.indices {
      for mask: UInt8 in [0x01, 0x80, 0xFF] {
        var changed = bytes
        changed[place] ^= mask
        _ = survive(changed, name)
      }
    }
  }

  @Test func randomMutations() throws {
    var random = SplitMix(state: 20_240_917)
    let files = try Self.small.map { ($0, try Fixture.bytes($0)) }
    for _ in 0..<6000 {
      let (name, original) = files[Int(random.next() % UInt64(files.count))]
      var bytes = original
      for _ in 0...random.next() % 6 {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 5 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][Int(random.next() % 5)]
        case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        case 3 where bytes.count > 9: bytes.remove(at: place)
        default:
          for i in place..<min(place + 8, bytes.count) { bytes[i] = 0xFF }
        }
      }
      _ = survive(bytes, name)
    }
  }

  /// A small seeded generator (Steele, Lea, Flood 2014).
  struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
  }
}
