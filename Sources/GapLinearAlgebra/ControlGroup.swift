#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What the system allows the group of processes that this one is in: a container, a batch job.
///
/// Both versions of Linux' control groups are read, and of a group and those above it the tightest limit counts. A group
/// whose folder is not to be seen (the path of a host, read inside a container) is passed over: the container's own then
/// lies at the top. Elsewhere nothing limits.
package struct ControlGroup: Sendable {
  private let root: String

  /// - Parameter root: in front of `/proc` and `/sys`.
  package init(root: String = "") { self.root = root }

  /// Processors' worth of time that the group gets, such as 1.5; nil without a limit.
  package var processors: Double? {
    var shares = folders(of: nil).compactMap { folder -> Double? in
      let words = words(folder + "/cpu.max")
      guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]) else { return nil }
      return share(quota, period)
    }
    shares += folders(of: "cpu").compactMap { folder in
      guard let quota = number(folder + "/cpu.cfs_quota_us"), let period = number(folder + "/cpu.cfs_period_us")
      else { return nil }
      return share(Double(quota), Double(period))
    }
    return shares.min()
  }

  private func share(_ quota: Double, _ period: Double) -> Double? {
    quota > 0 && period > 0 ? quota / period : nil
  }

  /// Bytes of memory that the group may still take; nil without a limit.
  ///
  /// What the system can give back by forgetting files counts as free.
  package var freeMemory: Int? {
    var free = folders(of: nil).compactMap { folder in
      left(
        limit: number(folder + "/memory.max"), used: number(folder + "/memory.current"),
        statistics: folder + "/memory.stat", ["inactive_file", "active_file"])
    }
    free += folders(of: "memory").compactMap { folder in
      left(
        limit: number(folder + "/memory.limit_in_bytes"), used: number(folder + "/memory.usage_in_bytes"),
        statistics: folder + "/memory.stat", ["total_inactive_file", "total_active_file"])
    }
    return free.min()
  }

  /// Version 1 says “no limit” by a number beyond all memory.
  private static let unlimited = 1 << 60

  private func left(limit: Int?, used: Int?, statistics: String, _ files: [String]) -> Int? {
    guard let limit, let used, limit < Self.unlimited else { return nil }
    let lines = text(statistics).split(separator: "\n").map { $0.split(separator: " ") }
    let kept = lines.filter { $0.count == 2 && files.contains(String($0[0])) }.compactMap { Int($0[1]) }
    return max(0, limit - used + min(used, kept.reduce(0, +)))
  }

  /// Bytes of addresses that this process may still take (`ulimit -v`), but for what threads and libraries take later; nil
  /// without a limit.
  package var freeAddresses: Int? {
    let limits = text("/proc/self/limits").split(separator: "\n").first { $0.hasPrefix("Max address space") }
    guard let limit = limits?.split(separator: " ").dropFirst(3).first.flatMap({ Int($0) }) else { return nil }
    let taken = text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("VmSize:") }
    let used = taken?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    return max(0, limit - used * 1024 - Self.addressesTakenLater)
  }

  /// For the product library's buffers and the threads' stacks, which are there when they are first used.
  ///
  /// As measured with two threads; with less, the library waits for ever.
  private static let addressesTakenLater = 288 << 20

  /// Bytes of memory that are there to be taken: of the machine, of the group, and of what the process may have; nil where
  /// the system does not tell.
  package var availableMemory: Int? {
    let line = text("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    let machine = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    return [machine, freeMemory, freeAddresses].compactMap { $0 }.min()
  }

  /// Bytes of memory that the process could have if nothing else ran: the machine's with its swap, the group's limit, and
  /// what is left of the addresses; nil where the system does not tell.
  package var largestMemory: Int? {
    let machine = text("/proc/meminfo").split(separator: "\n").filter {
      $0.hasPrefix("MemTotal:") || $0.hasPrefix("SwapTotal:")
    }.compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
    let limits =
      folders(of: nil).compactMap { number($0 + "/memory.max") }
      + folders(of: "memory").compactMap { number($0 + "/memory.limit_in_bytes") }
    var all = limits.filter { $0 < Self.unlimited } + (freeAddresses.map { [$0] } ?? [])
    if !machine.isEmpty { all.append(machine.reduce(0, +) * 1024) }
    return all.min()
  }

  /// Folders of the group and those above it.
  ///
  /// - Parameter controller: of version 1; nil for version 2.
  private func folders(of controller: String?) -> [String] {
    for line in text("/proc/self/cgroup").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3 else { continue }
      let names = parts[1].split(separator: ",").map(String.init)
      guard controller.map({ names.contains($0) }) ?? parts[1].isEmpty else { continue }
      let mounts =
        controller == nil
        ? ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        : ["/sys/fs/cgroup/" + parts[1], "/sys/fs/cgroup/" + (controller ?? "")]
      var path = parts[2] == "/" ? "" : parts[2]
      var folders = mounts
      while !path.isEmpty {
        folders += mounts.map { $0 + path }
        path = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
      }
      return folders
    }
    return []
  }

  private func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: root + path) ?? Data(), as: UTF8.self)
  }

  private func words(_ path: String) -> [Substring] { text(path).split { $0 == " " || $0 == "\n" } }

  private func number(_ path: String) -> Int? { words(path).first.flatMap { Int($0) } }
}
