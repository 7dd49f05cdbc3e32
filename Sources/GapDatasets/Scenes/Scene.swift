/// An object of a scene.
public struct SceneObject: Sendable, Equatable {
  /// What it looks like.
  public enum Shape: String, Sendable, CaseIterable {
    case circle, square, triangle, cross, ring
  }

  /// What it is painted with.
  public enum Color: String, Sendable, CaseIterable {
    case red, green, blue, yellow, purple, cyan, white

    /// Red, green and blue, 0…1.
    var components: (Double, Double, Double) {
      switch self {
      case .red: (0.86, 0.12, 0.12)
      case .green: (0.12, 0.68, 0.18)
      case .blue: (0.14, 0.24, 0.88)
      case .yellow: (0.93, 0.86, 0.14)
      case .purple: (0.58, 0.16, 0.70)
      case .cyan: (0.13, 0.82, 0.86)
      case .white: (0.97, 0.97, 0.97)
      }
    }
  }

  /// How far it reaches.
  public enum Size: String, Sendable, CaseIterable {
    case small, large

    /// Radii in pixels.
    var radii: ClosedRange<Double> {
      switch self {
      case .small: 3.0...3.6
      case .large: 5.0...5.8
      }
    }
  }

  /// What it looks like.
  public let shape: Shape
  /// What it is painted with.
  public let color: Color
  /// How far it reaches.
  public let size: Size
  /// Centre, in pixels from the left.
  public let x: Double
  /// Centre, in pixels from the top.
  public let y: Double
  /// In pixels.
  let radius: Double
  /// In radians.
  let angle: Double
  /// What is added to red, green and blue.
  let jitter: [Double]

  /// Such as "small red circle".
  var phrase: String { "\(size.rawValue) \(color.rawValue) \(shape.rawValue)" }

  /// Whether both have the same size, colour and shape.
  func looksLike(_ other: SceneObject) -> Bool { phrase == other.phrase }
}

/// One to three objects on a grey ground.
///
/// Two objects lie clearly beside or clearly above each other; three come from left to right.
public struct Scene: Sendable, Equatable {
  /// Pixels along each side of its picture.
  public static let side = 32

  /// In the order in which they are named: of three, from left to right.
  public let objects: [SceneObject]
  /// Grey of the ground at its centre, and how it changes to the right and down, 0…1 over the whole side.
  let ground: (level: Double, right: Double, down: Double)
  /// Of the noise.
  let seed: UInt64
  /// Its place in the stream of scenes.
  let index: UInt64

  /// Where the first of two objects lies, seen from the second.
  public enum Relation: String, Sendable, CaseIterable {
    case left, right, above, below

    var phrase: String {
      switch self {
      case .left: "to the left of"
      case .right: "to the right of"
      case .above: "above"
      case .below: "below"
      }
    }
  }

  /// nil but for scenes of two objects.
  public var relation: Relation? {
    guard objects.count == 2 else { return nil }
    let (dx, dy) = (objects[0].x - objects[1].x, objects[0].y - objects[1].y)
    if abs(dx) > abs(dy) { return dx < 0 ? .left : .right }
    return dy < 0 ? .above : .below
  }

  /// What the scene says, whichever way it is put: equal for scenes that no caption tells apart.
  public var meaning: String {
    guard let relation else { return objects.map(\.phrase).joined(separator: ", ") }
    switch relation {
    case .left, .above: return "\(objects[0].phrase) \(relation.rawValue) \(objects[1].phrase)"
    case .right: return "\(objects[1].phrase) \(Relation.left.rawValue) \(objects[0].phrase)"
    case .below: return "\(objects[1].phrase) \(Relation.above.rawValue) \(objects[0].phrase)"
    }
  }

  /// Whether both give the same picture and words.
  public static func == (a: Scene, b: Scene) -> Bool {
    a.objects == b.objects && a.ground == b.ground && a.seed == b.seed && a.index == b.index
  }
}
