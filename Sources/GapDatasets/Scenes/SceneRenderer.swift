public import GapImages
import GapLinearAlgebra

extension Scene {
  /// Standard deviation of the noise of a pixel, of 0…1.
  private static let noise = 0.05
  /// Samples along each side of a pixel.
  private static let samples = 4

  /// The picture: side × side pixels, anti-aliased, with noise.
  public func picture() throws -> PNGImage {
    let side = Self.side
    var random = SeededGenerator(seed: seed, purpose: "scene noise", index: index)
    var pixels: [UInt8] = []
    for row in 0..<side {
      for column in 0..<side {
        var color = background(column, row)
        for object in objects {
          let share = object.coverage(column: column, row: row, samples: Self.samples)
          guard share > 0 else { continue }
          let own = object.paint
          for k in 0..<3 { color[k] += share * (own[k] - color[k]) }
        }
        for k in 0..<3 {
          let value = min(max(color[k] + Self.noise * random.normal(), 0), 1)
          pixels.append(UInt8((255 * value).rounded()))
        }
      }
    }
    return try PNGImage(width: side, height: side, channels: .rgb, pixels: pixels)
  }

  private func background(_ column: Int, _ row: Int) -> [Double] {
    let half = Double(Self.side) / 2
    let grey =
      ground.level
      + ground.right * (Double(column) + 0.5 - half) / half + ground.down * (Double(row) + 0.5 - half) / half
    return [grey, grey, grey]
  }
}

extension SceneObject {
  /// Red, green and blue, 0…1.
  var paint: [Double] {
    let (red, green, blue) = color.components
    return zip([red, green, blue], jitter).map { min(max($0 + $1, 0), 1) }
  }

  /// The share of a pixel that the object covers.
  func coverage(column: Int, row: Int, samples: Int) -> Double {
    let reach = radius + 1
    guard abs(Double(column) + 0.5 - x) <= reach, abs(Double(row) + 0.5 - y) <= reach else { return 0 }
    var inside = 0
    for i in 0..<samples {
      for j in 0..<samples {
        let dx = Double(column) + (Double(i) + 0.5) / Double(samples) - x
        let dy = Double(row) + (Double(j) + 0.5) / Double(samples) - y
        let (c, s) = (cosine(angle), sine(angle))
        if contains((c * dx + s * dy) / radius, (c * dy - s * dx) / radius) { inside += 1 }
      }
    }
    return Double(inside) / Double(samples * samples)
  }

  /// Whether a point lies in the shape of radius 1 around 0; y points down.
  private func contains(_ x: Double, _ y: Double) -> Bool {
    let square = x * x + y * y
    switch shape {
    case .circle: return square <= 1
    case .square: return max(abs(x), abs(y)) <= 0.84
    case .ring: return square <= 1 && square >= 0.3
    case .cross: return (abs(x) <= 0.32 && abs(y) <= 1) || (abs(y) <= 0.32 && abs(x) <= 1)
    case .triangle:
      // Equilateral, a corner at the top: below both flanks, above the base.
      return y <= 0.55 && y >= -1.05 + 1.732 * abs(x)
    }
  }
}
