/// GGUF's numbered element types: how many elements a block holds, and its bytes.
enum GGUFElementType {
  struct Block {
    let type: ElementType
    let elements: Int
    let bytes: Int
  }

  /// The type behind a number in a file; nil for a number that is not known.
  static func block(_ number: UInt32) -> Block? {
    switch number {
    case 0: Block(type: .float32, elements: 1, bytes: 4)
    case 1: Block(type: .float16, elements: 1, bytes: 2)
    case 24: Block(type: .signed(bytes: 1), elements: 1, bytes: 1)
    case 25: Block(type: .signed(bytes: 2), elements: 1, bytes: 2)
    case 26: Block(type: .signed(bytes: 4), elements: 1, bytes: 4)
    case 27: Block(type: .signed(bytes: 8), elements: 1, bytes: 8)
    case 28: Block(type: .float64, elements: 1, bytes: 8)
    case 30: Block(type: .bfloat16, elements: 1, bytes: 2)
    default:
      quantised[number].map {
        Block(type: .other(name: $0.name, bits: nil), elements: $0.elements, bytes: $0.bytes)
      }
    }
  }

  /// Whether a name is one of the quantised types.
  static func isQuantised(_ name: String) -> Bool { quantised.values.contains { $0.name == name } }

  private static let quantised: [UInt32: (name: String, elements: Int, bytes: Int)] = [
    2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    29: ("IQ1_M", 256, 56), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
  ]
}
