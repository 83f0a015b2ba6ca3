import Foundation
import Testing

@testable import Confinement
@testable import Linux

/// A keeper of a directory below a scratch one, and what was put there.
@Suite("The keeper")
struct KeeperTests {
  let scratch: String
  let parent: Int32
  let settings: KeeperSettings

  init() throws {
    scratch = NSTemporaryDirectory() + "anchorhold-keeper-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    parent = try Files.open(scratch, [.readOnly, .directory]).release()
    settings = KeeperSettings(filter: try SeccompProgram.keeper().instructions)
  }

  private func left() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: scratch).sorted()
  }

  private func end() throws {
    try Descriptor.close(parent)
    try FileManager.default.removeItem(atPath: scratch)
  }

  /// A tree that is hard to remove: closed and read-only directories, links out of it, and a depth
  /// that no path holds.
  private func fill(_ directory: Int32) throws {
    try "kept".write(toFile: scratch + "/outside", atomically: false, encoding: .utf8)
    #expect(mkdirat(directory, "closed", 0o700) == 0)
    for name in ["moved-0", "closed/file", "-rf", "new\nline", "\u{e9}"] {
      try Files.open(name, [.writeOnly, .create], in: directory).close()
    }
    #expect(symlinkat("../outside", directory, "link") == 0)
    #expect(symlinkat("..", directory, "upwards") == 0)
    #expect(linkat(directory, "../outside", directory, "hard", 0) == 0)
    #expect(mkfifoat(directory, "fifo", 0o600) == 0)
    #expect(fchmodat(directory, "closed", 0, 0) == 0)
    var below = try Descriptor.duplicate(directory)
    let long = String(repeating: "d", count: 200)
    for _ in 0..<100 {
      #expect(mkdirat(below.rawValue, long, 0o700) == 0)
      below = try Files.open(long, [.readOnly, .directory], in: below.rawValue)
    }
    try Files.open("last", [.writeOnly, .create], in: below.rawValue).close()
    #expect(fchmod(below.rawValue, 0o500) == 0)
  }

  @Test("what it made is there until the end, and then nothing of it")
  func orderly() throws {
    let keeper = try Keeper.start(
      [
        Kept(.directory, parent: parent, name: "one"),
        Kept(.directory, parent: parent, name: "two", mode: 0o750),
      ], settings)
    #expect(try left() == ["one", "two"])
    #expect(try Files.status(scratch + "/one").mode & 0o7777 == 0o700)
    #expect(try Files.status(of: keeper.directories[1]).mode & 0o7777 == 0o750)
    try fill(keeper.directories[0])
    try keeper.finish()
    #expect(try left() == ["outside"])
    #expect(try String(contentsOfFile: scratch + "/outside", encoding: .utf8) == "kept")
    try end()
  }

  @Test("a name that is taken is an error, and nothing was made or removed")
  func taken() throws {
    try FileManager.default.createDirectory(
      atPath: scratch + "/two/inner", withIntermediateDirectories: true)
    #expect(throws: Errno.fileExists) {
      let keeper = try Keeper.start(
        [
          Kept(.directory, parent: parent, name: "one"),
          Kept(.directory, parent: parent, name: "two"),
        ], settings)
      try keeper.finish()
    }
    #expect(try left() == ["two"])
    #expect(throws: Errno.invalidArgument) {
      try Keeper.start([Kept(.directory, parent: parent, name: "two/new")], settings).finish()
    }
    try end()
  }

  @Test("what somebody put in its place is not removed")
  func replaced() throws {
    let keeper = try Keeper.start([Kept(.directory, parent: parent, name: "one")], settings)
    try FileManager.default.moveItem(atPath: scratch + "/one", toPath: scratch + "/away")
    try FileManager.default.createDirectory(
      atPath: scratch + "/one/theirs", withIntermediateDirectories: true)
    var met: Errno?
    do { try keeper.finish() } catch { met = error }
    #expect(met == .stale)
    #expect(FileManager.default.fileExists(atPath: scratch + "/one/theirs"))
    try end()
  }

  @Test("it hears no signal that can be blocked, and when it is killed its work is done for it")
  func signals() throws {
    let keeper = try Keeper.start([Kept(.directory, parent: parent, name: "one")], settings)
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGALRM, 32, 33, 64] {
      try Process.signal(child: keeper.process, signal)
    }
    let status = try String(contentsOfFile: "/proc/\(keeper.process)/status", encoding: .utf8)
    // Everything but SIGKILL and SIGSTOP, which nothing blocks.
    #expect(status.contains("SigBlk:\tfffffffffffbfeff"))
    let comparison = KeeperComparison("keeper", process: keeper.process, facts: keeper.facts)
    for check in try comparison.checks() { #expect(check.holds, "\(check)") }
    #expect(try left() == ["one"])
    try fill(keeper.directories[0])
    #expect(try !Keeper.Watch.anyEnded([keeper.watch]))
    try Process.signal(child: keeper.process, SIGKILL)
    var isGone = false
    for _ in 0..<1000 where !isGone {
      isGone = try Keeper.Watch.anyEnded([keeper.watch])
      usleep(10_000)
    }
    #expect(isGone)
    try keeper.finish()
    #expect(try left() == ["outside"])
    try end()
  }

  static var hierarchy: String? {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].first {
      FileManager.default.fileExists(atPath: $0 + "/cgroup.procs") && access($0, W_OK) == 0
    }
  }

  @Test(
    "a control group goes with everything in it",
    .enabled(if: hierarchy != nil, "needs control groups that may be written"))
  func controlGroup() throws {
    let hierarchy = try #require(Self.hierarchy)
    let top = try Files.open(hierarchy, [.readOnly, .directory])
    let name = try Kept.unforeseeableName("anchorhold-test-")
    let keeper = try Keeper.start([Kept(.controlGroup, parent: top.rawValue, name: name)], settings)
    let sleeper = Foundation.Process()
    sleeper.executableURL = URL(filePath: "/bin/sleep")
    sleeper.arguments = ["600"]
    try sleeper.run()
    try Data("\(sleeper.processIdentifier)".utf8).write(
      to: URL(filePath: "\(hierarchy)/\(name)/cgroup.procs"))
    try keeper.finish()
    sleeper.waitUntilExit()
    #expect(sleeper.terminationReason == .uncaughtSignal && sleeper.terminationStatus == SIGKILL)
    #expect(!FileManager.default.fileExists(atPath: "\(hierarchy)/\(name)"))
    try end()
  }
}
