import GapLinearAlgebra

/// Makes scenes; the same seed gives the same scenes, and scene i does not depend on how many are made.
public struct SceneGenerator: Sendable {
  private let seed: UInt64

  /// - Parameter seed: names the stream of scenes.
  public init(seed: UInt64) { self.seed = seed }

  /// How many of 100 scenes have one, two and three objects.
  private static let shares = [25, 45, 30]
  /// Pixels between two objects, at least.
  private static let distance = 1.0
  /// How much longer than the other the axis is along which two objects lie.
  private static let clarity = 1.6
  /// Pixels between the centres of neighbours among three, across.
  private static let step = 3.0
  /// Placements that are tried before other objects are drawn.
  private static let attempts = 50

  /// Scene number `index`.
  public func scene(_ index: Int) -> Scene {
    var random = SeededGenerator(seed: seed, purpose: "scene", index: UInt64(index))
    let draw = random.index(below: 100)
    let count = draw < Self.shares[0] ? 1 : draw < Self.shares[0] + Self.shares[1] ? 2 : 3
    let ground = (
      level: 0.25 + 0.3 * random.uniform(), right: 0.16 * (random.uniform() - 0.5),
      down: 0.16 * (random.uniform() - 0.5)
    )
    while true {
      if let objects = Self.objects(count, &random) {
        return Scene(objects: objects, ground: ground, seed: seed, index: UInt64(index))
      }
    }
  }

  private static func objects(_ count: Int, _ random: inout SeededGenerator) -> [SceneObject]? {
    let kinds = (0..<count).map { _ in
      (
        pick(SceneObject.Shape.allCases, &random), pick(SceneObject.Color.allCases, &random),
        pick(SceneObject.Size.allCases, &random)
      )
    }
    for _ in 0..<attempts {
      let objects = kinds.map { place($0, &random) }
      if isClear(objects) { return count == 3 ? objects.sorted { $0.x < $1.x } : objects }
    }
    return nil
  }

  private static func pick<T>(_ all: [T], _ random: inout SeededGenerator) -> T {
    all[random.index(below: all.count)]
  }

  private static func place(
    _ kind: (SceneObject.Shape, SceneObject.Color, SceneObject.Size), _ random: inout SeededGenerator
  ) -> SceneObject {
    let radii = kind.2.radii
    let radius = radii.lowerBound + (radii.upperBound - radii.lowerBound) * random.uniform()
    let room = Double(Scene.side) - 2 * (radius + 0.5)
    return SceneObject(
      shape: kind.0, color: kind.1, size: kind.2, x: radius + 0.5 + room * random.uniform(),
      y: radius + 0.5 + room * random.uniform(), radius: radius, angle: 0.5 * (random.uniform() - 0.5),
      jitter: (0..<3).map { _ in 0.1 * (random.uniform() - 0.5) })
  }

  /// Whether objects lie apart, and so that their order can be told.
  private static func isClear(_ objects: [SceneObject]) -> Bool {
    for (i, a) in objects.enumerated() {
      for b in objects[(i + 1)...] {
        let (dx, dy) = (abs(a.x - b.x), abs(a.y - b.y))
        if (dx * dx + dy * dy).squareRoot() < a.radius + b.radius + distance || a.looksLike(b) { return false }
        if objects.count == 2, max(dx, dy) < clarity * min(dx, dy) { return false }
        if objects.count == 3, dx < step { return false }
      }
    }
    return true
  }
}
