#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What some work needs of disk and memory, estimated before it begins from shapes and counts alone.
///
/// Goals, in this order: work that surely does not fit is refused before its first hour and not after it; work that fits
/// is never refused, so that what is not known is left out; the message says which part is the large one. Numbers are
/// Doubles, since a configuration can ask for more than an Int holds.
package struct ResourceNeeds: Sendable {
  /// One thing that takes room.
  package struct Part: Sendable, Equatable {
    package let name: String
    package let bytes: Double
    /// What makes it smaller.
    package let hint: String

    package init(name: String, bytes: Double, hint: String) {
      self.name = name
      self.bytes = bytes
      self.hint = hint
    }
  }

  package var disk: [Part]
  package var memory: [Part]

  package init(disk: [Part] = [], memory: [Part] = []) {
    self.disk = disk
    self.memory = memory
  }

  /// What there is too little of.
  package struct Shortage: Sendable, Equatable {
    package enum Kind: Sendable { case disk, memory }
    package let kind: Kind
    /// Such as "about 12 bytes of disk (checkpoints 12)".
    package let needed: String
    /// Bytes that are there: a number alone.
    package let found: String
    package let hint: String
  }

  /// What there is too little of; nil where everything is there.
  ///
  /// - Parameters:
  ///   - directory: where the work writes; it, or folders above it, may not be there yet.
  ///   - group: whose memory it takes.
  package func shortage(in directory: String, group: ControlGroup = ControlGroup()) -> Shortage? {
    shortage(free: Self.free(directory), memory: group.availableMemory.map { Double($0) })
  }

  /// The same against known numbers of bytes; nil where the system does not tell.
  package func shortage(free: Double?, memory available: Double?) -> Shortage? {
    Self.shortage(.disk, disk, free) ?? Self.shortage(.memory, memory, available)
  }

  private static func shortage(_ kind: Shortage.Kind, _ parts: [Part], _ found: Double?) -> Shortage? {
    let needed = parts.reduce(0) { $0 + $1.bytes }
    guard let found, needed > found else { return nil }
    let list = parts.map { "\($0.name) \(text($0.bytes))" }.joined(separator: ", ")
    let hint = parts.max { $0.bytes < $1.bytes }?.hint ?? ""
    return Shortage(
      kind: kind, needed: "about \(text(needed)) bytes of \(kind == .disk ? "disk" : "memory") (\(list))",
      found: text(found), hint: "\(hint); --ignore-limits begins all the same")
  }

  /// Bytes that may be written where a directory lies or will lie.
  private static func free(_ directory: String) -> Double? {
    var folder = directory.isEmpty ? "." : directory
    while true {
      var status = statvfs()
      if unsafe statvfs(folder, &status) == 0 { return Double(status.f_bavail) * Double(status.f_frsize) }
      guard folder != ".", folder != "/" else { return nil }
      folder = parent(of: folder)
    }
  }

  /// The directory that a path lies in.
  package static func parent(of path: String) -> String {
    var parts = path.split(separator: "/", omittingEmptySubsequences: true)
    if !parts.isEmpty { parts.removeLast() }
    if path.hasPrefix("/") { return "/" + parts.joined(separator: "/") }
    return parts.isEmpty ? "." : parts.joined(separator: "/")
  }

  /// Bytes of the files that lie in a folder; what is not there or cannot be looked at counts as nothing.
  package static func bytes(in folder: String) -> Double {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.reduce(0) { total, name in
      let size = (try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.size] as? Int) ?? 0
      return total + Double(size)
    }
  }

  /// A whole number, however large.
  private static func text(_ bytes: Double) -> String {
    bytes < 9e18 ? "\(Int(bytes.rounded()))" : "\(bytes)"
  }
}
