public import Linux
internal import Profile

/// What a plan must know of the machine's control groups.
public struct ControlGroupFacts: Sendable, Hashable {
  /// A place where a session's group may be made, and where it comes from.
  public struct Candidate: Sendable, Hashable {
    /// The group that it would be made in.
    public var state: ControlGroupState
    /// Who names it.
    public var origin: Origin
    /// Whether this process may move its children there: into a group, from this process's own, only
    /// who may write to what encloses both.
    public var isReachable: Bool

    /// Makes a candidate.
    public init(_ state: ControlGroupState, _ origin: Origin, isReachable: Bool = true) {
      self.state = state
      self.origin = origin
      self.isReachable = isReachable
    }
  }

  /// Who names a place.
  public enum Origin: Sendable, Hashable {
    /// The command line.
    case explicit
    /// It is the directory that is set aside for this program.
    case setAside
    /// The caller is in it, or below it.
    case callers
  }

  /// Where version 2 is mounted, and the caller's own group.
  public var view: ControlGroupView
  /// The places to look at, the first choice first.
  public var candidates: [Candidate]
  /// The place that the command line names; then it is the only one.
  public var explicit: String?

  /// Makes facts.
  public init(
    view: ControlGroupView = ControlGroupView(), candidates: [Candidate] = [],
    explicit: String? = nil
  ) {
    self.view = view
    self.candidates = candidates
    self.explicit = explicit
  }

  /// The name of the directory, at the top of the hierarchy, that is set aside for this program.
  public static let directoryName = "anchorhold"

  /// The facts of this machine; `explicit` is the place that the command line names.
  public static func current(
    mounts: [Mount], user: UInt32, explicit: String?
  ) -> ControlGroupFacts {
    let view = ControlGroupView(mounts: mounts)
    guard let mount = view.mount else { return ControlGroupFacts(view: view, explicit: explicit) }
    func candidate(_ path: String, _ origin: Origin) -> Candidate? {
      guard let state = ControlGroupState(path) else { return nil }
      let common = commonAncestor(view, path)
      let isReachable = common.map { Files.mayAccess($0 + "/cgroup.procs", writing: true) } ?? false
      return Candidate(state, origin, isReachable: isReachable)
    }
    if let explicit {
      return ControlGroupFacts(
        view: view, candidates: [candidate(explicit, .explicit)].compactMap(\.self),
        explicit: explicit)
    }
    let own = "\(mount)/\(directoryName)"
    let setAside = (user == 0 ? [own] : ["\(own)/\(user)", own]).compactMap {
      candidate($0, .setAside)
    }
    let callers = ancestors(view).compactMap { candidate($0, .callers) }
    return ControlGroupFacts(view: view, candidates: setAside + callers)
  }

  /// The directories of the caller's own group and of those that enclose it, from the inside out.
  static func ancestors(_ view: ControlGroupView) -> [String] {
    guard let mount = view.mount, let own = view.own, own.utf8.first == UInt8(ascii: "/"),
      !own.utf8.elementsEqual("/..".utf8), !own.utf8.starts(with: "/../".utf8)
    else { return [] }
    var parts = own.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    var paths: [String] = []
    while true {
      paths.append(([mount] + parts).joined(separator: "/"))
      if parts.popLast() == nil { return paths }
    }
  }

  /// The directory of the innermost group that holds the caller's own and the one at `path`.
  static func commonAncestor(_ view: ControlGroupView, _ path: String) -> String? {
    ancestors(view).first { Paths.isWithin(path, $0) }
  }
}

/// The control group of one session: where it is made, and what it holds.
public struct ControlGroupPlan: Sendable, Hashable {
  /// One of its files, and what the kernel shows in it once it is written.
  public struct Setting: Sendable, Hashable {
    /// The file's name, for example "memory.max".
    public var name: String
    /// Its value.
    public var value: String
  }

  /// The directory that it is made in.
  public var parent: String
  /// The path of that below the top of the hierarchy, as `/proc/PID/cgroup` has it for the caller.
  public var parentInHierarchy: String
  /// Who names the place.
  public var origin: ControlGroupFacts.Origin
  /// Controllers that `parent` has still to be told to give.
  public var enable: [String]
  /// What is written, in this order, before a process is in it.
  public var settings: [Setting]

  /// Replaces the value of one setting.
  public mutating func set(_ name: String, _ value: String) {
    for index in settings.indices where Paths.equal(settings[index].name, name) {
      settings[index].value = value
    }
  }

  /// The beginning of the name of every session's group; sixteen digits follow.
  public static let prefix = "anchorhold-"
  /// The period in which the kernel counts processors' time, in microseconds.
  static let period: UInt64 = 100_000

  /// Decides for `limits`; throws why there is none. `processes` counts init as well.
  static func decide(
    _ limits: Profile.Limits, _ facts: ControlGroupFacts
  ) throws(Reason) -> ControlGroupPlan {
    guard let mount = facts.view.mount else {
      throw Reason("the kernel's control groups (version 2) are not mounted")
    }
    if let path = facts.explicit, facts.candidates.isEmpty || !Paths.isWithin(path, mount) {
      throw Reason("\(path) is no control group of version 2")
    }
    let wanted = ["memory", "pids"] + (limits.cpu == nil ? [] : ["cpu"])
    var reasons: [Reason] = []
    for candidate in facts.candidates {
      do {
        let path = candidate.state.path
        let enable = try examine(candidate, wanted, isRoot: Paths.equal(path, mount))
        return ControlGroupPlan(
          parent: path, parentInHierarchy: String(path.dropFirst(mount.count)),
          origin: candidate.origin, enable: enable, settings: settings(limits))
      } catch { reasons.append(error) }
    }
    throw reasons.first ?? Reason("there is no control group that this caller may use")
  }

  /// Why a session has no control group.
  struct Reason: Error, Hashable {
    var text: String
    init(_ text: String) { self.text = text }
  }

  /// The controllers that have to be switched on; throws why the place is none.
  private static func examine(
    _ candidate: ControlGroupFacts.Candidate, _ wanted: [String], isRoot: Bool
  ) throws(Reason) -> [String] {
    let state = candidate.state
    func has(_ names: [String], _ name: String) -> Bool {
      names.contains { Paths.equal($0, name) }
    }
    if let missing = wanted.first(where: { !has(state.controllers, $0) }) {
      throw Reason("the control group \(state.path) has no \(missing) controller")
    }
    guard state.isWritable else {
      throw Reason("the caller may not make control groups in \(state.path)")
    }
    guard candidate.isReachable else {
      throw Reason(
        "the caller's own control group is outside of what was given to it with \(state.path)")
    }
    guard state.canKill else { throw Reason("this kernel has no cgroup.kill") }
    let off = wanted.filter { !has(state.enabled, $0) }
    guard !off.isEmpty else { return [] }
    // What is shared with others is not ours to change; what was set aside for us is.
    guard candidate.origin != .callers, state.mayEnable else {
      throw Reason(
        "the control group \(state.path) does not give the \(off[0]) controller to groups in it")
    }
    guard isRoot || !state.hasProcesses else {
      throw Reason("processes are in the control group \(state.path) itself")
    }
    return off
  }

  private static func settings(_ limits: Profile.Limits) -> [Setting] {
    // The kernel counts whole pages.
    var settings = [
      Setting(name: "memory.max", value: "\(limits.memory & ~4095)"),
      Setting(name: "memory.swap.max", value: "0"),
      Setting(name: "memory.oom.group", value: "1"),
      // Init is one of them.
      Setting(name: "pids.max", value: "\(limits.processes + 1)"),
    ]
    if let cpu = limits.cpu {
      settings.append(
        Setting(name: "cpu.max", value: "\(cpu.value * (period / 100)) \(period)"))
    }
    return settings
  }
}
