internal import Confinement
internal import Linux

/// The control group of one session: made and removed by a keeper, limited before anything is in it.
struct SessionGroup: ~Copyable {
  private let keeper: Keeper
  private let plan: ControlGroupPlan
  private let name: String

  /// Its directory.
  var descriptor: Int32 { keeper.directories[0] }
  /// What removes it.
  var watch: Keeper.Watch { keeper.watch }
  /// Its path on the host.
  var path: String { "\(plan.parent)/\(name)" }

  /// Makes the group; `skip` is honoured in the test build only. Call only while single-threaded.
  static func make(_ plan: ControlGroupPlan, skip: CellStep?) throws(SessionError) -> SessionGroup {
    let hint = "limits.cgroup: off does without; anchorhold doctor says more"
    let parent = try doing("open the control group \"\(plan.parent)\"", hint: hint) {
      () throws(Errno) in try Files.open(plan.parent, [.readOnly, .directory])
    }
    if !plan.enable.isEmpty {
      let words = plan.enable.map { "+\($0)" }.joined(separator: " ")
      try doing("switch on \(words) in \"\(plan.parent)\"", hint: hint) { () throws(Errno) in
        try ControlGroupFile.write(words, to: "cgroup.subtree_control", in: parent.rawValue)
      }
    }
    // What a session left behind that was killed together with its keeper; it does no harm.
    do {
      try ControlGroupFile.sweep(
        parent.rawValue, path: plan.parent, prefix: ControlGroupPlan.prefix)
    } catch { _ = error }
    let name = try doing("name the control group") { () throws(Errno) in
      try Kept.unforeseeableName(ControlGroupPlan.prefix)
    }
    let settings = try KeeperSettings.confining(skip)
    let keeper = try doing("make a control group in \"\(plan.parent)\"", hint: hint) {
      () throws(Errno) in
      try Keeper.start(
        [Kept(.controlGroup, parent: parent.rawValue, name: name, mode: 0o755)], settings)
    }
    let group = SessionGroup(keeper: keeper, plan: plan, name: name)
    if skip != .groupLimits || !Cell.canSkipSteps {
      for setting in plan.settings {
        try doing("set \(setting.name) to \(setting.value)", hint: hint) { () throws(Errno) in
          try ControlGroupFile.write(setting.value, to: setting.name, in: group.descriptor)
        }
      }
    }
    return group
  }

  private init(keeper: consuming Keeper, plan: ControlGroupPlan, name: String) {
    self.keeper = keeper
    self.plan = plan
    self.name = name
  }

  /// The limits as the kernel has them, and that the processes `members` of the cell are in it.
  func checks(_ members: [(name: String, process: Int32)]) throws(Errno) -> [SealCheck] {
    var checks = try located(members)
    for setting in plan.settings {
      checks.append(
        SealCheck(
          "control_group.\(setting.name)", expected: setting.value,
          observed: try ControlGroupFile.read(setting.name, in: descriptor)))
    }
    return checks
  }

  /// What is in force of its keeper's confinement.
  func keeperChecks() throws(SessionError) -> [SealCheck] { try keeper.checks("group_keeper") }

  /// That the processes `members` are in it.
  func located(_ members: [(name: String, process: Int32)]) throws(Errno) -> [SealCheck] {
    var checks: [SealCheck] = []
    for member in members {
      let text = try ProcessState(member.process).text("cgroup")
      checks.append(
        SealCheck(
          "\(member.name).control_group", expected: "\(plan.parentInHierarchy)/\(name)",
          observed: ControlGroupView.unified(text) ?? "none"))
    }
    return checks
  }

  /// Kills every process in it at once.
  func kill() throws(Errno) { try ControlGroupFile.write("1", to: "cgroup.kill", in: descriptor) }

  /// What the kernel counted in it.
  func events() throws(Errno) -> ControlGroupEvents {
    ControlGroupEvents(
      memoryKills: try ControlGroupFile.count("oom_kill", of: "memory.events", in: descriptor),
      refusedProcesses: try ControlGroupFile.count("max", of: "pids.events", in: descriptor),
      memoryPeak: peak())
  }

  /// Not on every kernel (memory.peak is of Linux 5.19).
  private func peak() -> UInt64? {
    do { return UInt64(try ControlGroupFile.read("memory.peak", in: descriptor)) } catch {
      return nil
    }
  }

  /// The end: waits until everything in it is gone, and it as well.
  consuming func finish() throws(Errno) { try keeper.finish() }
}

/// What a control group's limits did in a session.
struct ControlGroupEvents {
  /// How many processes the kernel killed for want of memory.
  var memoryKills: UInt64
  /// How often a process or thread was refused because there were as many as may be.
  var refusedProcesses: UInt64
  /// The most memory that was used at once, in bytes; nil when the kernel does not say.
  var memoryPeak: UInt64?
}
