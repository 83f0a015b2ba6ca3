public import Linux
public import Profile

/// What a cell will be, worked out before anything is touched: a value that can be printed.
///
/// A plan follows from a profile, what its runtime needs, and facts about the machine. The cell's
/// child path carries it out; ``Seal`` compares the kernel's state with it.
///
/// *Limits.* Where the caller has no control group, memory is limited for each process, and shared
/// memory, files in memory (memfd_create) and temporary space, which count to no process's data, are
/// outside of `limits.memory`.
public struct Plan: Sendable {
  /// What the child path carries out.
  public var blueprint: CellBlueprint
  /// The host's paths that the cell sees, parents before children.
  public var grants: [Grant]
  /// Paths that are covered although something above them is granted.
  public var hidden: [String]
  /// Those of `protected` that may be another session's way to keep a place.
  public var protectedPlaces: [String] {
    grants.filter { $0.role == .protected && ProtectedNames.isPlace($0.status) }.map(\.path)
  }
  /// The mode of a directory that keeps a place in a directory of mode `parent`.
  public static func placeMode(in parent: UInt32) -> UInt32 {
    ProtectedNames.placeMode(in: parent)
  }
  /// Paths that stay read-only although something above them is granted for writing.
  public var protected: [String] { grants.filter { $0.role == .protected }.map(\.path) }
  /// Grants that could open more than their path says, which the profile wants nevertheless.
  public var dangers: [Danger]
  /// Grants of the profile that are marked as dangerous and are not.
  public var needlessDangers: [Profile.PathGrant]
  /// The session's control group; nil where there is none.
  public var controlGroup: ControlGroupPlan?
  /// Which limit is held by what.
  public var limitHolders: [LimitHolder]
  /// What is to be protected and is not there yet: for each of these real paths an empty directory
  /// must be made, and the plan be made again, before there is a cell.
  public var places: [String]
  /// What was decided on the way and a person may want to know, one sentence each.
  public var notes: [String]
  /// What the server's filter decides otherwise at isolation level container; nil at level full.
  public var containerFilter: SeccompContainer?
  /// Why the server runs as the user that it does.
  public var userReason: String
  /// What becomes of the caller's supplementary groups.
  public internal(set) var groups: SupplementaryGroups
  /// The supplementary groups of the server's process as the kernel will show them; the caller's own
  /// group may be among them.
  public var remainingGroups: [UInt32] { blueprint.mapper == nil ? callersGroups : [] }
  private let callersGroups: [UInt32]
  /// What the processes of the cell keep in their bounding set and as securebits.
  public var bounding: String, securebits: Int32
  /// Whether the caller can empty the relay's bounding set, and look at its descriptors.
  public var relaySetsBounding: Bool, seesRelay: Bool

  /// The id of the server's user and group in every cell; never 0.
  public static let insideIdentifier: UInt32 = 1000
  /// The group in the cell that nothing has: what ``GroupMapper/spare`` is mapped to.
  public static let insideSpareGroup: UInt32 = 1001
  /// Root's cells run under host ids from here on, one for each profile name, unless the profile's
  /// `user` names others. There are so many (2^27) that two names hardly ever get the same: with a
  /// thousand profiles once in 270 machines.
  public static let firstOutsideIdentifier: UInt32 = 0x7000_0000
  /// The host id of root's relay.
  public static let relayIdentifier: UInt32 = firstOutsideIdentifier + (1 << 27)
  /// The real id of the init of root's cells at isolation level container.
  public static let initIdentifier: UInt32 = relayIdentifier + 1
  /// The cell's host name.
  public static let hostName = "cell"
  /// The server's home directory in the cell, private and gone with it.
  public static let home = "/home/server"
  /// Bytes, and files and directories, that the cell's root may hold: its own few, and links.
  public static let rootSize: UInt64 = 4 << 20, rootInodes: UInt64 = 16_384
  /// Bytes that one process may lock into memory, the kernel's own default.
  public static let lockedMemory: UInt64 = 8 << 20

  /// Bytes of a core file: 1 is the one value with which the kernel neither writes a file nor starts
  /// the host's handler of core dumps, which would run outside of the cell (core(5)). The filter
  /// keeps it from being lowered.
  public static let coreSize: UInt64 = 1

  /// By so many processes the limit of the user lies above the control group's, so that it is the
  /// group, which counts what it refuses, that is met first.
  static let behindGroup: UInt64 = 8

  static let limitedResources: [ResourceLimit.Resource] = [
    .processorTime, .fileSize, .data, .coreSize, .processes, .openFiles, .lockedMemory,
    .messageQueues, .nicePriority, .realTimePriority,
  ]

  /// Makes a plan.
  ///
  /// - Parameters:
  ///   - runtime: what the command needs, from ``RuntimeDiscovery``.
  ///   - guarded: paths of our own that the cell must not reach: the profile, the audit log.
  ///   - unwritable: further paths of our own that it must not write: where profiles are found.
  /// - Throws: ``PlanError``.
  public init(
    profile: Profile, runtime: RuntimeDiscovery, host: HostFacts, guarded: [String],
    unwritable: [String] = [], files: some FileLookup
  ) throws(PlanError) {
    var collector = GrantCollector(
      files: files, guarded: guarded, unwritable: unwritable, mounts: host.mounts,
      variables: profile.pathVariables, write: profile.filesystem.write,
      isolation: profile.isolation)
    for grant in runtime.grants { collector.add(runtime: grant) }
    if profile.isolation == .container { ContainerLayout.grantSettings(files, &collector) }
    for entry in profile.filesystem.read { collector.add(profile: entry, access: .read) }
    collector.protect(profile.filesystem, homes: runtime.homes)
    collector.refuseUnwritable(profile.filesystem.write)
    var granted = collector.merged()
    if profile.isolation == .container { ContainerLayout.addExecution(to: &granted) }
    var tree = CellTree(
      grants: granted, links: collector.links,
      temporarySize: profile.limits.temporary)
    let level = profile.isolation
    if level == .full {
      tree.build(
        hide: profile.filesystem.hide,
        invokedFrom: profile.server.workdir == nil ? profile.server.invokedFrom : nil,
        collector: &collector, files: files)
    }
    controlGroup = Plan.controlGroup(profile.limits, host.controlGroups, &collector)
    let identity = ServerIdentity.of(profile, host: host, files: files, &collector)
    let layout = ContainerLayout(
      profile, grants: tree.grants, host: host, identity: identity, files: files, &collector)
    tree.ownSpace = layout?.space
    let workdir =
      layout == nil
      ? Plan.workdir(of: profile.server, in: tree, &collector)
      : ContainerLayout.workdir(
        of: profile.server, in: tree, isRoot: host.user == 0, identity: identity, files: files,
        &collector)
    let arguments =
      (runtime.programName.map { [$0] } ?? [])
      + profile.server.command.dropFirst(runtime.programName == nil ? 0 : 1).map(\.value)
    let environment = CellEnvironment(
      profile: profile, runtime: runtime, host: host, searchPath: Plan.searchPath(runtime, tree),
      home: layout == nil ? Plan.home : layout?.space ?? "/nonexistent",
      temporary: layout == nil ? "/tmp" : layout?.space)
    environment.check(arguments: arguments, workdir: workdir, &collector)
    groups = SupplementaryGroups.of(profile, host: host, files: files, &collector)
    guard collector.faults.isEmpty else { throw PlanError(collector.faults) }
    grants = tree.grants
    hidden = tree.hidden
    places = collector.places
    notes = collector.notes + tree.notes + (layout?.notes ?? [])
    dangers = collector.dangers
    needlessDangers = collector.needlessDangers

    let privileged = host.user == 0
    userReason = identity.reason
    callersGroups = privileged ? [] : host.supplementaryGroups.sorted()
    if let note = groups.note { notes.append(note) }
    relaySetsBounding = host.container?.has(.setCapabilities) ?? privileged
    seesRelay = host.container?.has(.trace) ?? privileged
    bounding = layout?.bounding ?? Plan.noCapabilities
    securebits = layout?.securebits ?? CellFacts.sealedSecurebits
    let limits = Plan.limits(
      profile.limits, isGrouped: controlGroup != nil, besides: layout?.otherTasks,
      ceilings: host.hardLimits, notes: &notes)
    limitHolders = LimitHolder.all(profile.limits, controlGroup)
    let inside = layout == nil ? Plan.insideIdentifier : nil
    blueprint = CellBlueprint(
      privileged: privileged, outsideUser: identity.user, outsideGroup: identity.group,
      insideUser: inside ?? identity.user, insideGroup: inside ?? identity.group,
      hostName: Plan.hostName, rootSize: Plan.rootSize, rootInodes: Plan.rootInodes,
      temporaryInodes: profile.limits.temporaryFiles, actions: tree.actions,
      landlockABI: Int32(host.landlockABI),
      landlockRules: layout?.rules ?? tree.landlockRules(known: .known(abi: host.landlockABI)),
      limits: limits,
      umask: 0o077, executable: runtime.executable,
      arguments: arguments, environment: environment.strings,
      workingDirectory: workdir, covered: tree.covered,
      deniesWriteExecute: profile.hardening.deniesWriteExecute,
      mitigatesSpeculation: profile.hardening.mitigatesSpeculation)
    if case .dropped(let mapper) = groups.fate {
      blueprint.mapper = CellBlueprint.Mapper(
        program: mapper.program, status: mapper.status, insideSpare: Plan.insideSpareGroup,
        outsideSpare: mapper.spare)
    }
    blueprint.container = layout?.container
    containerFilter = layout?.filter
  }

  /// Where the whole of a set of capabilities is empty, as `/proc/PID/status` writes it.
  static let noCapabilities = "0000000000000000"

  /// Where the server starts; the home directory if that is a fault.
  private static func workdir<Lookup: FileLookup>(
    of server: Profile.Server, in tree: CellTree, _ collector: inout GrantCollector<Lookup>
  ) -> String {
    guard let entry = server.workdir else {
      return server.invokedFrom.flatMap { tree.contains($0) && !tree.hides($0) ? $0 : nil } ?? home
    }
    guard let path = collector.resolve(workdir: entry) else { return home }
    let place = Profile.PathGrant(entry.value, line: entry.line, column: entry.column)
    if tree.hides(path) {
      collector.refuse(.never, "start in", entry.value, "it is hidden", nil, place)
    } else if !tree.contains(path) {
      collector.refuse(
        .outside, "start in", entry.value, "the working directory is not in the cell",
        "grant it in filesystem.read or filesystem.write", place)
    }
    return path
  }

  /// The host id of a profile's server when root starts it: stable, from the profile's name
  /// (FNV-1a, 32 bits, folded to 27).
  public static func outsideIdentifier(for name: String) -> UInt32 {
    var hash: UInt32 = 0x811C_9DC5
    for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    return firstOutsideIdentifier + ((hash >> 27) ^ (hash & 0x7FF_FFFF))
  }

  /// The control group, or a fault if there is none and the profile needs one.
  private static func controlGroup<Lookup: FileLookup>(
    _ limits: Profile.Limits, _ facts: ControlGroupFacts, _ collector: inout GrantCollector<Lookup>
  ) -> ControlGroupPlan? {
    if limits.controlGroup.value == .off { return nil }
    do { return try ControlGroupPlan.decide(limits, facts) } catch {
      let (name, line, column): (String, Int, Int)
      if let cpu = limits.cpu {
        (name, line, column) = ("limits.cpu", cpu.line, cpu.column)
      } else if limits.controlGroup.value == .required || facts.explicit != nil {
        let place = limits.controlGroup
        (name, line, column) = ("limits.cgroup", place.line, place.column)
      } else {
        return nil
      }
      collector.refuse(
        PlanError.Fault(
          kind: .notHere, message: "cannot hold \(name): \(error.text)",
          hint: "start it with systemd-run --user --scope -p Delegate=yes, or have root set a "
            + "control group aside (docs/limits.md)", line: line, column: column))
      return nil
    }
  }

  private static func limits(
    _ limits: Profile.Limits, isGrouped: Bool, besides others: UInt64?,
    ceilings: [ResourceLimit], notes: inout [String]
  ) -> [ResourceLimit] {
    var result: [ResourceLimit] = []
    let wanted: [(ResourceLimit.Resource, UInt64, String)] = [
      (.processorTime, limits.cpuTime ?? ResourceLimit.unlimited, "limits.cpu_time"),
      (.fileSize, limits.fileSize, "limits.file_size"),
      (.data, limits.memory, "limits.memory"),
      // Not 0, which a handler behind a pipe is given the dump in spite of (core(5)).
      (.coreSize, coreSize, "core files"),
      // Init counts as a process of the cell's user namespace; without one, all of the user do.
      (
        .processes, limits.processes + (others ?? 1) + (isGrouped ? behindGroup : 0),
        "limits.processes"
      ),
      (.openFiles, limits.openFiles, "limits.open_files"),
      (.lockedMemory, lockedMemory, "locked memory"),
      (.messageQueues, 0, "message queues"),
      // A caller of an audio group may hold some, and would hand it on.
      (.nicePriority, 0, "raised priority"), (.realTimePriority, 0, "real-time priority"),
    ]
    for (resource, value, name) in wanted {
      let ceiling = ceilings.first { $0.resource == resource }?.hard ?? ResourceLimit.unlimited
      if value > ceiling, value != ResourceLimit.unlimited {
        notes.append(
          "\(name) is \(ceiling) and not \(value): the caller's own limit cannot be raised")
      }
      let soft = min(value, ceiling)
      // At the soft limit the kernel sends SIGXCPU, which says what happened; whoever does not hear
      // it is killed a second later.
      let isTime = resource == .processorTime && soft != ResourceLimit.unlimited
      result.append(
        ResourceLimit(resource, soft: soft, hard: isTime ? min(soft + 1, ceiling) : soft))
    }
    return result
  }

  /// The standard directories, and of those that discovery searched the ones that the cell has.
  private static func searchPath(_ runtime: RuntimeDiscovery, _ tree: CellTree) -> [String] {
    let standard = RuntimeDiscovery.standardSearchPath
    return standard
      + runtime.searchPath.filter { directory in
        !standard.contains { Paths.equal($0, directory) } && tree.contains(directory)
      }
  }
}
