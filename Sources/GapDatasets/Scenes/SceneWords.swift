import GapLinearAlgebra

/// A question about a scene that has one answer.
public struct SceneQuestion: Sendable, Equatable {
  /// What is asked for.
  public enum Kind: String, Sendable, CaseIterable {
    case color, shape, size, count, relation

    /// The answers that there are.
    public var choices: [String] {
      switch self {
      case .color: SceneObject.Color.allCases.map(\.rawValue)
      case .shape: SceneObject.Shape.allCases.map(\.rawValue)
      case .size: SceneObject.Size.allCases.map(\.rawValue)
      case .count: ["one", "two", "three"]
      case .relation: Scene.Relation.allCases.map(\.rawValue)
      }
    }
  }

  /// What is asked for.
  public let kind: Kind
  /// The question, in the words of the captions.
  public let question: String
  /// One word.
  public let answer: String
}

extension Scene {
  /// Ways to put a scene.
  public static let templates = 3

  /// The scene in words, one of `templates` ways.
  public func caption(template: Int) -> String {
    let things = objects.map { "a " + $0.phrase }
    let whole: String
    switch (relation, objects.count) {
    case (let relation?, _): whole = "\(things[0]) \(relation.phrase) \(things[1])"
    case (nil, 1): whole = things[0]
    default: whole = things.joined(separator: " then ")
    }
    switch template {
    case 0: return whole
    case 1: return "there is " + whole
    default: return "this picture shows " + whole
    }
  }

  /// The scene in words, one of the ways drawn by its own random numbers.
  public var caption: String {
    var random = SeededGenerator(seed: seed, purpose: "scene caption", index: index)
    return caption(template: random.index(below: Self.templates))
  }

  /// Every question that has one answer, in a fixed order.
  public var questions: [SceneQuestion] {
    func only(_ count: (SceneObject) -> Bool) -> Bool { objects.filter(count).count == 1 }
    var questions: [SceneQuestion] = []
    func ask(_ kind: SceneQuestion.Kind, _ question: String, _ answer: String) {
      questions.append(SceneQuestion(kind: kind, question: question, answer: answer))
    }
    for object in objects {
      let (shape, color) = (object.shape.rawValue, object.color.rawValue)
      if only({ $0.shape == object.shape }) {
        ask(.color, "what color is the \(shape) ?", color)
        ask(.size, "what size is the \(shape) ?", object.size.rawValue)
      }
      if only({ $0.color == object.color }) { ask(.shape, "what shape is the \(color) object ?", shape) }
    }
    ask(.count, "how many objects are there ?", SceneQuestion.Kind.count.choices[objects.count - 1])
    if let relation, objects[0].shape != objects[1].shape {
      let (a, b) = (objects[0].shape.rawValue, objects[1].shape.rawValue)
      ask(.relation, "where is the \(a) from the \(b) ?", relation.rawValue)
    }
    return questions
  }
}
