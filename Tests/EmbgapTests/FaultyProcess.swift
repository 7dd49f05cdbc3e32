import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// A command that is run with `Tests/Shims/faults.c` in front of the C library: it dies, or its disk fills, at a chosen
/// call.
enum FaultyProcess {
  struct Outcome {
    let code: Int32
    let wasKilled: Bool
    let errors: String
  }

  /// The shim, compiled once.
  private static let shim: Result<String, any Error> = Result {
    let library = try CommandTests.scratch() + "/faults.so"
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "sh", "-c",
      "for c in clang cc gcc; do command -v $c >/dev/null && exec $c -shared -fPIC -O1 -o '\(library)'"
        + " '\(CommandTests.repository)/Tests/Shims/faults.c' -ldl -lpthread; done; exit 1",
    ]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "a C compiler makes Tests/Shims/faults.c")
    return library
  }

  /// Runs the command, whose faults are told to the shim.
  static func run(_ arguments: [String], faults: [String: String]) throws -> Outcome {
    let (process, errors) = try start(arguments, faults: faults)
    process.waitUntilExit()
    return try outcome(process, errors)
  }

  /// Starts the command; with no faults, without the shim.
  static func start(_ arguments: [String], faults: [String: String] = [:]) throws -> (Process, errors: String) {
    let process = Process()
    // Whoever runs the tests may ignore signals, and children would, too.
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["--default-signal=INT,TERM", CommandTests.command] + arguments
    var environment = ProcessInfo.processInfo.environment
    if !faults.isEmpty { environment["LD_PRELOAD"] = try shim.get() }
    for (key, value) in faults { environment["FAULT_" + key] = value }
    process.environment = environment
    let errors = try CommandTests.scratch() + "/errors"
    _ = FileManager.default.createFile(atPath: errors, contents: nil)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
    try process.run()
    return (process, errors)
  }

  static func outcome(_ process: Process, _ errors: String) throws -> Outcome {
    Outcome(
      code: process.terminationStatus,
      wasKilled: process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL,
      errors: try String(contentsOfFile: errors, encoding: .utf8))
  }

  /// How many calls below a directory the command makes when nothing goes wrong, and which of them is the last write.
  static func calls(_ arguments: [String], root: String) throws -> (count: Int, lastWrite: Int) {
    let count = try CommandTests.scratch() + "/count"
    let outcome = try run(arguments, faults: ["ROOT": root, "COUNT": count])
    try #require(outcome.code == 0, "\(outcome.errors)")
    let text = try String(contentsOfFile: count, encoding: .utf8)
    let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    try #require(numbers.count == 2, "\(text)")
    return (numbers[0], numbers[1])
  }
}

/// All files of a directory, without what a clock says.
struct DirectoryContents: Equatable {
  let files: [String: Data]

  /// - Parameters:
  ///   - leftOut: names that are not looked at.
  ///   - replacing: a text that stands in files, such as the directory's own path, and what is read in its place.
  init(_ directory: String, without leftOut: Set<String> = [], replacing: (String, String)? = nil) throws {
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
      let path = directory + "/" + name
      let kind = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
      guard kind == .typeRegular, !leftOut.contains(name) else { continue }
      var data = try Data(contentsOf: URL(filePath: path))
      if ["json", "jsonl", "yaml", "svg"].contains(URL(filePath: name).pathExtension) {
        var text = String(decoding: data, as: UTF8.self)
        text.replace(/"seconds[a-z_]*" ?: ?[-0-9.e]+/, with: "")
        if let (old, new) = replacing { text.replace(old, with: new) }
        data = Data(text.utf8)
      }
      if name.contains("tfevents") { data = Self.withoutTimes(data) }
      files[name] = data
    }
    self.files = files
  }

  /// The messages of an event file without framing, whose checksums are of all bytes, and without `wall_time`, which is
  /// the first field of a message where it is not zero.
  private static func withoutTimes(_ data: Data) -> Data {
    var (rest, messages) = ([UInt8](data)[...], Data())
    while rest.count >= 16 {
      let length = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      guard rest.count >= length + 16 else { break }
      let message = rest.dropFirst(12).prefix(length)
      messages += message.first == 9 ? message.dropFirst(9) : message
      rest = rest.dropFirst(length + 16)
    }
    return messages + rest
  }

  /// Names of files that are in one alone, or differ.
  func differences(_ other: DirectoryContents) -> [String] {
    Set(files.keys).union(other.files.keys).filter { files[$0] != other.files[$0] }.sorted()
  }
}
