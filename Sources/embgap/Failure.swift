import ArgumentParser
import EmbeddingGap

/// An error as a user meets it: one line and an exit code.
struct Failure {
  let message: String
  let code: ExitCode

  /// The input is bad.
  static let badData = ExitCode(65)
  /// The input is missing.
  static let missingInput = ExitCode(66)
  /// The program is wrong.
  static let bug = ExitCode(70)
  /// Somebody stopped it; it can be gone on with.
  static let interrupted = ExitCode(75)
  /// The output cannot be written.
  static let cannotWrite = ExitCode(73)

  /// nil for errors of the command line itself, which the argument parser words.
  init?(_ error: any Error) {
    switch error {
    case let error as TensorFileError:
      self.init(error.description, error.isMissingInput ? Self.missingInput : Self.badData)
    case DatasetError.cannotWrite: self.init("\(error)", Self.cannotWrite)
    case let error as DatasetError:
      self.init(error.description, error.isMissingInput ? Self.missingInput : Self.badData)
    case let error as ModelError:
      if case .cannotWrite = error {
        self.init(error.description, Self.cannotWrite)
      } else {
        self.init(error.description, error.isMissingInput ? Self.missingInput : Self.badData)
      }
    case let error as TrainingError:
      switch error.root {
      case .cannotWrite: self.init(error.description, Self.cannotWrite)
      case .interrupted: self.init(error.description, Self.interrupted)
      default: self.init(error.description, error.isMissingInput ? Self.missingInput : Self.badData)
      }
    case let error as TokenizerError:
      self.init(error.description, error.isMissingInput ? Self.missingInput : Self.badData)
    case let error as ImageError:
      self.init(error.description, error.isMissingInput ? Self.missingInput : Self.badData)
    case MetricError.tooManyDimensions: self.init("\(error)", ExitCode.validationFailure)
    case let error as MetricError: self.init(error.description, Self.badData)
    case let error as ReportError:
      if case .cannotWrite = error {
        self.init(error.description, Self.cannotWrite)
      } else if case .noSuchFigure = error {
        self.init(error.description, ExitCode.validationFailure)
      } else {
        self.init(error.description, error.isMissingInput ? Self.missingInput : Self.badData)
      }
    case let error as PlotError:
      if case .cannotWrite = error {
        self.init(error.description, Self.cannotWrite)
      } else {
        self.init(error.description, Self.badData)
      }
    case let error as LinearAlgebraError: self.init(error.description, Self.bug)
    default: return nil
    }
  }

  private init(_ message: String, _ code: ExitCode) {
    self.message = message
    self.code = code
  }
}
