import ArgumentParser

@main
struct Embgap: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "embgap")
}
