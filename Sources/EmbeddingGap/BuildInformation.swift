import GapImages
import GapLinearAlgebra
import GapPlot
import GapReport
import GapTensorFiles

/// What this build is made of and works with: what a report of a fault should name.
public enum BuildInformation {
  /// One item a line: version, compiler, libraries, features of the processor that are made use of.
  public static var lines: [String] {
    ["embgap " + embeddingGapVersion, "Swift " + swift]
      + LinearAlgebraLibraries.versions + ImageLibraries.versions + DrawingLibraries.versions
      + CompressionLibraries.versions + ["processor: " + processor]
  }

  private static var processor: String {
    let features = LinearAlgebraLibraries.processorFeatures
    return features.isEmpty
      ? "no vector extensions beyond the baseline" : features.joined(separator: ", ")
  }

  /// Of the compiler, which tells no more than what it is at least.
  private static var swift: String {
    #if compiler(>=6.5)
      return "6.5 or later"
    #elseif compiler(>=6.4)
      return "6.4"
    #elseif compiler(>=6.3)
      return "6.3"
    #else
      return "6.2"
    #endif
  }
}
