package import GapLayers
import GapLinearAlgebra

/// Rotary positions as a configuration describes them.
package struct RotarySettings: Sendable, Equatable {
  /// How angles are stretched for longer contexts.
  package enum Scaling: Sendable, Equatable {
    case none
    /// Every angle divided by the factor.
    case linear(factor: Double)
    /// Slow angles divided, fast ones kept, a ramp between (Llama 3).
    case llama3(factor: Double, low: Double, high: Double, original: Int)
  }

  package let base: Double
  /// Numbers of a head that are turned.
  package let width: Int
  package let scaling: Scaling

  /// Reads `rope_parameters` (transformers 5) or `rope_theta` and `rope_scaling` (transformers 4).
  package init(_ settings: ModelSettings, headWidth: Int) throws {
    let parameters = try settings.object("rope_parameters") ?? settings.object("rope_scaling")
    base = try parameters?.number("rope_theta") ?? settings.number("rope_theta") ?? 10_000
    let share =
      try parameters?.number("partial_rotary_factor") ?? settings.number("partial_rotary_factor") ?? 1
    let turned = share > 0 && share <= 1 ? Int(Double(headWidth) * share) : 0
    guard base > 0, turned >= 2, turned % 2 == 0 else {
      throw settings.bad(
        "partial_rotary_factor", "an even width of at least 2 of a head of \(headWidth)", String(share))
    }
    width = turned
    scaling = try Self.scaling(parameters, settings)
  }

  private static func scaling(_ parameters: ModelSettings?, _ settings: ModelSettings) throws -> Scaling {
    guard let parameters else { return .none }
    let kind = try parameters.text("rope_type") ?? parameters.text("type") ?? "default"
    func factor(_ key: String) throws -> Double {
      guard let value = try parameters.number(key), value > 0 else {
        throw parameters.bad(key, "a positive number", "none")
      }
      return value
    }
    switch kind {
    case "default": return .none
    case "linear": return .linear(factor: try factor("factor"))
    case "llama3":
      let original =
        try parameters.integer("original_max_position_embeddings") ?? settings.size("max_position_embeddings")
      return .llama3(
        factor: try factor("factor"), low: try factor("low_freq_factor"), high: try factor("high_freq_factor"),
        original: original)
    default:
      throw ModelError.unsupported(
        path: parameters.path, what: "rope_type “\(kind)”", hint: "default, linear and llama3 are")
    }
  }

  /// The angles a position, rounded as the reference rounds them: in single precision throughout.
  package var embedding: RotaryEmbedding {
    RotaryEmbedding(
      frequencies: (0..<width / 2).map { k in
        let exponent = Double(Float(2 * k) / Float(width))
        return Double(scaled(1 / Float(power(base, exponent))))
      })
  }

  private func scaled(_ frequency: Float) -> Float {
    switch scaling {
    case .none: return frequency
    case .linear(let factor): return frequency / Float(factor)
    case .llama3(let factor, let low, let high, let original):
      let wavelength = 2 * Float.pi / frequency
      let context = Float(original)
      if wavelength > context / Float(low) { return frequency / Float(factor) }
      if wavelength < context / Float(high) { return frequency }
      let smooth = (context / wavelength - Float(low)) / (Float(high) - Float(low))
      return (1 - smooth) * frequency / Float(factor) + smooth * frequency
    }
  }
}
