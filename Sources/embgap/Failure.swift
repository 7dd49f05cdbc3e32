import ArgumentParser
import EmbeddingGap

/// An error as a user meets it: one line and an exit code.
struct Failure {
  let message: String
  let code: ExitCode

  /// 65: the input is bad. 66: it is missing. 73: the output cannot be written. 70: a bug.
  static let badData = ExitCode(65)
  static let missingInput = ExitCode(66)
  static let bug = ExitCode(70)
  static let cannotWrite = ExitCode(73)

  /// nil for errors of the command line itself, which the argument parser words.
  init?(_ error: any Error) {
    switch error {
    case let error as TensorFileError:
      self.init(error.description, error.isMissingInput ? Self.missingInput : Self.badData)
    case let error as DatasetError:
      self.init(error.description, error.isMissingInput ? Self.missingInput : Self.badData)
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
