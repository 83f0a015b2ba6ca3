import Foundation
import Linux
import Profile
import Testing

@testable import Confinement

/// The comparison of a plan with what a process sees, on this test's own process.
@Suite("what is mounted is what was planned")
struct MountComparisonTests {
  /// Where the layout differs from the plan.
  static func differences(_ plan: Plan) throws -> [Substring] {
    let own = ProcessState(ProcessInfo.processInfo.processIdentifier)
    let checks = try MountComparison(plan: plan).checks(try own.mounts(), process: own.process)
    let layout = try #require(checks.first { $0.name == "layout" })
    return layout.observed.split(separator: " ")
  }

  @Test("a file in the place of the one that was planned is noticed")
  func replaced() throws {
    let directory = try RuntimeRealTests.scratch()
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appending(path: "data").path
    let hidden = directory.appending(path: "tree/key").path
    try RuntimeRealTests.write("old", URL(filePath: path))
    try RuntimeRealTests.write("key", URL(filePath: hidden))
    var profile = Profile(name: "p")
    profile.server.command = [Located("/bin/true")]
    profile.filesystem.read = [
      Profile.PathGrant(path), Profile.PathGrant(directory.appending(path: "tree").path),
    ]
    profile.filesystem.hide = [Profile.PathGrant(hidden)]
    let plan = try Plan(
      profile: profile, runtime: RuntimeDiscovery(),
      host: HostFacts(user: 1, group: 1, landlockABI: 6), guarded: [], files: HostFiles())
    // Nothing is hidden from this process: the key itself is where /dev/null should be.
    let before = try Self.differences(plan)
    #expect(!before.contains { $0 == path })
    #expect(before.contains { $0 == hidden })
    // Another file under the old name, as programs save; the first one is kept, so that its number
    // is not given away again.
    try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
    try RuntimeRealTests.write("new", URL(filePath: path))
    #expect(try Self.differences(plan).contains { $0 == path })
  }
}
