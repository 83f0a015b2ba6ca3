import Foundation
import Testing

@testable import Confinement
@testable import Linux
@testable import Profile

/// Where a session's control group is made, and when there is none.
@Suite("Control groups")
struct ControlGroupTests {
  private static let all = ["cpuset", "cpu", "io", "memory", "pids"]

  private func state(
    _ path: String, _ enabled: [String] = ["memory", "pids", "cpu"], writable: Bool = true,
    mayEnable: Bool = false, hasProcesses: Bool = false, controllers: [String] = all
  ) -> ControlGroupState {
    ControlGroupState(
      path: path, controllers: controllers, enabled: enabled, isWritable: writable,
      mayEnable: mayEnable, hasProcesses: hasProcesses)
  }

  private func facts(_ candidates: [ControlGroupFacts.Candidate]) -> ControlGroupFacts {
    ControlGroupFacts(
      view: ControlGroupView(mount: "/sys/fs/cgroup", own: "/user.slice/a/b"),
      candidates: candidates)
  }

  private func reason(_ facts: ControlGroupFacts, _ limits: Profile.Limits = .init()) -> String? {
    do { _ = try ControlGroupPlan.decide(limits, facts) } catch { return error.text }
    return nil
  }

  @Test("the first place that can be used is taken, with whole pages and init counted")
  func choice() throws {
    let plan = try ControlGroupPlan.decide(
      .init(memory: 100_000_001, processes: 64, cpu: Located(150)),
      facts([
        .init(state("/sys/fs/cgroup/anchorhold", writable: false), .setAside),
        .init(state("/sys/fs/cgroup/user.slice/a", hasProcesses: false), .callers),
        .init(state("/sys/fs/cgroup/user.slice"), .callers),
      ]))
    #expect(plan.parent == "/sys/fs/cgroup/user.slice/a")
    #expect(plan.parentInHierarchy == "/user.slice/a")
    #expect(plan.enable == [])
    #expect(
      plan.settings.map { "\($0.name)=\($0.value)" } == [
        "memory.max=99999744", "memory.swap.max=0", "memory.oom.group=1", "pids.max=65",
        "cpu.max=150000 100000",
      ])
  }

  @Test("what was set aside may be told to give controllers, what is shared with others may not")
  func enabling() throws {
    let path = "/sys/fs/cgroup/anchorhold"
    let off = state(path, ["pids"], mayEnable: true)
    #expect(
      try ControlGroupPlan.decide(.init(), facts([.init(off, .setAside)])).enable == ["memory"])
    #expect(
      reason(facts([.init(off, .callers)]))
        == "the control group \(path) does not give the memory controller to groups in it")
    #expect(
      reason(facts([.init(state(path, [], mayEnable: true, hasProcesses: true), .explicit)]))
        == "processes are in the control group \(path) itself")
  }

  @Test("each thing that is missing is said")
  func reasons() {
    let path = "/sys/fs/cgroup/x"
    #expect(
      reason(ControlGroupFacts()) == "the kernel's control groups (version 2) are not mounted")
    #expect(reason(facts([])) == "there is no control group that this caller may use")
    #expect(
      reason(facts([.init(state(path, controllers: ["pids"]), .callers)]))
        == "the control group \(path) has no memory controller")
    #expect(
      reason(facts([.init(state(path, writable: false), .callers)]))
        == "the caller may not make control groups in \(path)")
    #expect(
      reason(facts([.init(state(path), .setAside, isReachable: false)]))
        == "the caller's own control group is outside of what was given to it with \(path)")
    let noCPU = state(path, controllers: ["memory", "pids"])
    #expect(reason(facts([.init(noCPU, .callers)])) == nil)
    #expect(
      reason(facts([.init(noCPU, .callers)]), .init(cpu: Located(50)))
        == "the control group \(path) has no cpu controller")
    #expect(
      reason(
        ControlGroupFacts(
          view: ControlGroupView(mount: "/sys/fs/cgroup", own: "/"), explicit: "/srv"))
        == "/srv is no control group of version 2")
  }

  @Test("the caller's own groups are looked at from the inside out, also in a container")
  func ancestors() {
    func paths(_ own: String?) -> [String] {
      ControlGroupFacts.ancestors(ControlGroupView(mount: "/sys/fs/cgroup", own: own))
    }
    #expect(
      paths("/a/b") == ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"])
    #expect(paths("/") == ["/sys/fs/cgroup"])
    #expect(paths("/../other") == [])
    #expect(paths(nil) == [])
    let view = ControlGroupView(mount: "/sys/fs/cgroup", own: "/user/own")
    #expect(
      ControlGroupFacts.commonAncestor(view, "/sys/fs/cgroup/user/x") == "/sys/fs/cgroup/user")
    #expect(ControlGroupFacts.commonAncestor(view, "/sys/fs/cgroup/users") == "/sys/fs/cgroup")
    #expect(ControlGroupFacts.commonAncestor(view, "/srv") == nil)
  }

  @Test("the line of version 2 is found among those of version 1")
  func unified() {
    let text = "12:pids:/x\n1:name=systemd:/y\n0::/user.slice/a b\n"
    #expect(ControlGroupView.unified(text) == "/user.slice/a b")
    #expect(ControlGroupView.unified("1:name=systemd:/y\n") == nil)
  }

  /// Where control groups of version 2 are, if this process may make some.
  static var writableMount: String? {
    let mounts = try? ProcessState(Linux.Process.identifier).mounts()
    let mount = mounts.flatMap { ControlGroupView(mounts: $0).mount }
    return mount.flatMap { Files.mayAccess($0, writing: true) ? $0 : nil }
  }

  @Test(
    "what a killed session left is removed, and never what another one holds or is in",
    .enabled(if: writableMount != nil, "needs control groups of version 2 that may be written"))
  func sweep() throws {
    let mount = try #require(Self.writableMount)
    let top = mount + "/sweep-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: top, withIntermediateDirectories: false)
    defer { rmdir(top) }
    let parent = try Files.open(top, [.readOnly, .directory])
    func left() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: top).filter { $0.contains("hold-") }
        .sorted()
    }
    let names = (0..<3).map { "anchorhold-000000000000000\($0)" }
    for name in [names[0], names[1], "anchorhold-mine"] {
      try FileManager.default.createDirectory(
        atPath: "\(top)/\(name)", withIntermediateDirectories: false)
    }
    let keeper = try Keeper.start(
      [Kept(.controlGroup, parent: parent.rawValue, name: names[2])],
      KeeperSettings(filter: try SeccompProgram.keeper().instructions))
    let sleeper = Foundation.Process()
    sleeper.executableURL = URL(filePath: "/bin/sleep")
    sleeper.arguments = ["600"]
    try sleeper.run()
    try ControlGroupFile.write(
      "\(sleeper.processIdentifier)", to: "cgroup.procs",
      in: try Files.open("\(top)/\(names[1])", [.readOnly, .directory]).release())
    // Young ones may be about to be used.
    try ControlGroupFile.sweep(parent.rawValue, path: top, prefix: "anchorhold-")
    #expect(try left().count == 4)
    try ControlGroupFile.sweep(parent.rawValue, path: top, prefix: "anchorhold-", age: 0)
    #expect(try left() == [names[1], names[2], "anchorhold-mine"])
    kill(sleeper.processIdentifier, SIGKILL)
    sleeper.waitUntilExit()
    try keeper.finish()
    try ControlGroupFile.sweep(parent.rawValue, path: top, prefix: "anchorhold-", age: 0)
    #expect(try left() == ["anchorhold-mine"])
    rmdir(top + "/anchorhold-mine")
  }
}
