import Foundation
import GapLinearAlgebra
import TestFolders
import Testing

/// Limits as the system's files say them, in a folder that stands for the root.
@Suite struct ControlGroupTests {
  private static func root(_ files: [String: String]) throws -> ControlGroup {
    let root = try TestFolder.make()
    for (path, text) in files {
      let file = root + path
      try FileManager.default.createDirectory(
        atPath: URL(filePath: file).deletingLastPathComponent().path, withIntermediateDirectories: true)
      try text.write(toFile: file, atomically: false, encoding: .utf8)
    }
    return ControlGroup(root: root)
  }

  private static let memory = "MemTotal: 100 kB\nMemAvailable:   4096 kB\n"

  @Test func theTightestGroupOfVersionTwoCounts() throws {
    let group = try Self.root([
      "/proc/self/cgroup": "0::/jobs/one\n", "/sys/fs/cgroup/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/jobs/cpu.max": "150000 100000\n", "/sys/fs/cgroup/jobs/one/cpu.max": "400000 100000\n",
      "/sys/fs/cgroup/jobs/memory.max": "1000000\n", "/sys/fs/cgroup/jobs/memory.current": "900000\n",
      "/sys/fs/cgroup/jobs/memory.stat": "anon 500000\ninactive_file 100000\nactive_file 50000\n",
      "/sys/fs/cgroup/jobs/one/memory.max": "max\n", "/sys/fs/cgroup/jobs/one/memory.current": "7\n",
      "/proc/meminfo": Self.memory,
    ])
    #expect(group.processors == 1.5)
    #expect(group.freeMemory == 250_000)
    #expect(group.availableMemory == 250_000)
  }

  @Test func aLimitOnAddressesCountsBesideMemory() throws {
    let limits = "Limit  Soft Limit  Hard Limit  Units\nMax address space  4096000000  unlimited  bytes\n"
    let files = [
      "/proc/self/status": "Name: x\nVmSize:\t  100000 kB\n", "/proc/meminfo": "MemAvailable: 9000000 kB\n",
    ]
    let limited = try Self.root(files.merging(["/proc/self/limits": limits]) { $1 })
    #expect(limited.availableMemory == 4_096_000_000 - 102_400_000 - 288 << 20)
    #expect(limited.largestMemory == limited.availableMemory)
    let free = limits.replacingOccurrences(of: "4096000000", with: "unlimited")
    #expect(try Self.root(files.merging(["/proc/self/limits": free]) { $1 }).availableMemory == 9_216_000_000)
  }

  @Test func whatOthersTakeNowIsNoLimitForever() throws {
    let memory = "MemTotal: 5000 kB\nMemAvailable: 10 kB\nSwapTotal: 3000 kB\n"
    #expect(try Self.root(["/proc/meminfo": memory]).largestMemory == 8000 * 1024)
    let group = try Self.root([
      "/proc/meminfo": memory, "/proc/self/cgroup": "0::/one\n", "/sys/fs/cgroup/one/memory.max": "1000000\n",
      "/sys/fs/cgroup/one/memory.current": "900000\n",
    ])
    #expect(group.largestMemory == 1_000_000)
    #expect(try Self.root([:]).largestMemory == nil)
  }

  @Test func versionOneIsRead() throws {
    let group = try Self.root([
      "/proc/self/cgroup": "4:memory:/a/b\n2:cpu,cpuacct:/a\n0::/\n",
      "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "50000\n",
      "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "8388608\n",
      "/sys/fs/cgroup/memory/a/memory.usage_in_bytes": "1000\n",
      "/sys/fs/cgroup/memory/a/memory.stat": "total_inactive_file 100\ntotal_active_file 0\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "/sys/fs/cgroup/memory/memory.usage_in_bytes": "1000\n", "/proc/meminfo": Self.memory,
    ])
    #expect(group.processors == 0.5)
    #expect(group.freeMemory == 8_388_608 - 900)
    #expect(group.availableMemory == 4096 * 1024)
  }

  /// Inside a container the path may be the host's, which is not to be seen.
  @Test func aFolderThatIsNotThereIsPassedOver() throws {
    let group = try Self.root([
      "/proc/self/cgroup": "0::/host/path\n", "/sys/fs/cgroup/cpu.max": "250000 100000\n",
    ])
    #expect(group.processors == 2.5 && group.freeMemory == nil && group.availableMemory == nil)
  }

  @Test func withoutLimitsThereAreNone() throws {
    let none = try Self.root(["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"])
    #expect(none.processors == nil && none.freeMemory == nil)
    #expect(try Self.root([:]).processors == nil)
    #expect(try Self.root(["/proc/self/cgroup": "nonsense\n", "/proc/meminfo": "x"]).availableMemory == nil)
  }

  @Test func thisProcessHasAtLeastOneProcessorAndSomeMemory() {
    #expect(processorCount() >= 1)
    #if os(Linux)
      #expect((ControlGroup().availableMemory ?? 0) > 1 << 20)
    #endif
  }
}
