import Foundation

/// libFuzzer's loop: it makes inputs and calls back with each.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ callback: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// The reader that the variable READER names; “list” prints the names.
private let reader: FuzzedReader = {
  let name = ProcessInfo.processInfo.environment["READER"] ?? ""
  let known = FuzzedReader.allCases.map(\.rawValue)
  if name == "list" {
    print(known.joined(separator: "\n"))
    exit(0)
  }
  guard let reader = FuzzedReader(rawValue: name) else {
    let names = known.joined(separator: " ")
    FileHandle.standardError.write(
      Data("reader-fuzz: READER: expected one of \(names), found “\(name)”\n".utf8))
    exit(64)
  }
  return reader
}()

/// Inputs given to the reader, and their bytes; told at the end.
nonisolated(unsafe) private var given = (inputs: 0, bytes: 0)

private func tell() {
  let line =
    "\(reader.rawValue): \(given.inputs) inputs, \(given.bytes) bytes, \(clock() / CLOCKS_PER_SEC) s of a processor\n"
  FileHandle.standardError.write(Data(line.utf8))
}

/// Gives one input to the reader: it is read, or refused by an error of the program's own on one line.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  given.inputs += 1
  given.bytes += count
  do {
    try reader.read(Array(UnsafeBufferPointer(start: start, count: count)))
  } catch {
    let text = "\(error)"
    guard FuzzedReader.isOwn(error), !text.contains(where: \.isNewline), text.utf8.count < 4000 else {
      FileHandle.standardError.write(Data("an error of another kind, or of several lines: \(text)\n".utf8))
      abort()
    }
  }
  return 0
}

@main
struct ReaderFuzz {
  static func main() {
    _ = reader
    atexit { tell() }
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    exit(runFuzzer(&count, &arguments) { start, count in testOneInput(start, count) })
  }
}
