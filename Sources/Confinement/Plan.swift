public import Linux
public import Profile

/// What a cell will be, worked out before anything is touched: a value that can be printed.
///
/// A plan follows from a profile, what its runtime needs, and facts about the machine. The cell's
/// child path carries it out; ``Seal`` compares the kernel's state with it.
///
/// *Limits.* Memory and processor time are limited per process by this version; there is no
/// control group. Shared memory, files in memory (memfd_create) and temporary space count to no
/// process's data and are outside of `limits.memory`.
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
  /// The mode of a directory that keeps a place.
  public static let placeMode = ProtectedNames.placeMode
  /// Paths that stay read-only although something above them is granted for writing.
  public var protected: [String] { grants.filter { $0.role == .protected }.map(\.path) }
  /// What is to be protected and is not there yet: for each of these real paths an empty directory
  /// must be made, and the plan be made again, before there is a cell.
  public var places: [String]
  /// What was decided on the way and a person may want to know, one sentence each.
  public var notes: [String]
  /// What the server's filter decides otherwise at isolation level container; nil at level full.
  public var containerFilter: SeccompContainer?
  /// Why the server runs as the user that it does.
  public var userReason: String
  /// What the processes of the cell keep in their bounding set and as securebits.
  public var bounding: String, securebits: Int32
  /// Whether the caller can empty the relay's bounding set, and look at its descriptors.
  public var relaySetsBounding: Bool, seesRelay: Bool
  /// Supplementary groups that the kernel will not let an ordinary user drop.
  public var remainingGroups: [UInt32]

  /// The id of the server's user and group in every cell; never 0.
  public static let insideIdentifier: UInt32 = 1000
  /// Root's cells run under host ids from here on, one for each profile name (65,536 of them),
  /// unless the profile's `user` names others.
  public static let firstOutsideIdentifier: UInt32 = 0x7000_0000
  /// The host id of root's relay.
  public static let relayIdentifier: UInt32 = firstOutsideIdentifier + 65_536
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

  static let limitedResources: [ResourceLimit.Resource] = [
    .processorTime, .fileSize, .data, .coreSize, .processes, .openFiles, .lockedMemory,
    .messageQueues,
  ]

  /// Makes a plan.
  ///
  /// - Parameters:
  ///   - runtime: what the command needs, from ``RuntimeDiscovery``.
  ///   - guarded: paths of our own that the cell must not reach: the profile, the audit log.
  /// - Throws: ``PlanError``.
  public init(
    profile: Profile, runtime: RuntimeDiscovery, host: HostFacts, guarded: [String],
    files: some FileLookup
  ) throws(PlanError) {
    var collector = GrantCollector(
      files: files, guarded: guarded, mounts: host.mounts, variables: profile.pathVariables,
      write: profile.filesystem.write, isolation: profile.isolation)
    for grant in runtime.grants { collector.add(runtime: grant) }
    if profile.isolation == .container { ContainerLayout.grantSettings(files, &collector) }
    for entry in profile.filesystem.read { collector.add(profile: entry, access: .read) }
    collector.protect(profile.filesystem, homes: runtime.homes)
    var tree = CellTree(
      grants: collector.merged(), links: collector.links,
      temporarySize: profile.limits.temporary)
    let level = profile.isolation
    if level == .full {
      tree.build(
        hide: profile.filesystem.hide,
        invokedFrom: profile.server.workdir == nil ? profile.server.invokedFrom : nil,
        collector: &collector, files: files)
    }
    let identity = ServerIdentity.of(profile, host: host, files: files, &collector)
    let layout = ContainerLayout(
      profile, grants: tree.grants, host: host, identity: identity, files: files, &collector)
    tree.ownSpace = layout?.space
    let workdir =
      layout == nil
      ? Plan.workdir(of: profile.server, in: tree, &collector)
      : ContainerLayout.workdir(of: profile.server, in: tree, isRoot: host.user == 0, &collector)
    guard collector.faults.isEmpty else { throw PlanError(collector.faults) }
    grants = tree.grants
    hidden = tree.hidden
    places = collector.places
    notes = collector.notes + tree.notes + (layout?.notes ?? [])

    let privileged = host.user == 0
    userReason = identity.reason
    remainingGroups = privileged ? [] : host.supplementaryGroups.sorted()
    relaySetsBounding = host.container?.has(.setCapabilities) ?? privileged
    seesRelay = host.container?.has(.trace) ?? privileged
    bounding = layout?.bounding ?? Plan.noCapabilities
    securebits = layout?.securebits ?? CellFacts.sealedSecurebits
    let limits = Plan.limits(
      profile.limits, besides: layout?.otherTasks, ceilings: host.hardLimits, notes: &notes)
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
      arguments: (runtime.programName.map { [$0] } ?? [])
        + profile.server.command.dropFirst(runtime.programName == nil ? 0 : 1).map(\.value),
      environment: Plan.environment(
        profile: profile, runtime: runtime, host: host, searchPath: Plan.searchPath(runtime, tree),
        home: layout == nil ? Plan.home : layout?.space ?? "/nonexistent",
        temporary: layout == nil ? "/tmp" : layout?.space),
      workingDirectory: workdir, covered: tree.covered,
      deniesWriteExecute: profile.hardening.deniesWriteExecute,
      mitigatesSpeculation: profile.hardening.mitigatesSpeculation)
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
  /// (FNV-1a, 32 bits, folded to 16).
  public static func outsideIdentifier(for name: String) -> UInt32 {
    var hash: UInt32 = 0x811C_9DC5
    for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    return firstOutsideIdentifier + ((hash >> 16) ^ (hash & 0xFFFF))
  }

  private static func limits(
    _ limits: Profile.Limits, besides others: UInt64?, ceilings: [ResourceLimit],
    notes: inout [String]
  ) -> [ResourceLimit] {
    var result: [ResourceLimit] = []
    let wanted: [(ResourceLimit.Resource, UInt64, String)] = [
      (.processorTime, limits.cpuTime ?? ResourceLimit.unlimited, "limits.cpu_time"),
      (.fileSize, limits.fileSize, "limits.file_size"),
      (.data, limits.memory, "limits.memory"),
      // Not 0, which a handler behind a pipe is given the dump in spite of (core(5)).
      (.coreSize, coreSize, "core files"),
      // Init counts as a process of the cell's user namespace; without one, all of the user do.
      (.processes, limits.processes + (others ?? 1), "limits.processes"),
      (.openFiles, limits.openFiles, "limits.open_files"),
      (.lockedMemory, lockedMemory, "locked memory"),
      (.messageQueues, 0, "message queues"),
    ]
    for (resource, value, name) in wanted {
      let ceiling = ceilings.first { $0.resource == resource }?.hard ?? ResourceLimit.unlimited
      if value > ceiling, value != ResourceLimit.unlimited {
        notes.append(
          "\(name) is \(ceiling) and not \(value): the caller's own limit cannot be raised")
      }
      result.append(ResourceLimit(resource, min(value, ceiling)))
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

  private static func environment(
    profile: Profile, runtime: RuntimeDiscovery, host: HostFacts, searchPath: [String],
    home: String, temporary: String?
  ) -> [String] {
    var values: [(String, String)] = [
      ("PATH", searchPath.joined(separator: ":")), ("HOME", home),
      ("USER", "server"), ("LOGNAME", "server"), ("LANG", host.language ?? "C.UTF-8"),
    ]
    if let temporary { values.append(("TMPDIR", temporary)) }
    if let zone = host.timeZone { values.append(("TZ", zone)) }
    for (name, value) in profile.preset.environment { Plan.set(name, value, in: &values) }
    for (name, value) in runtime.environment { Plan.set(name, value, in: &values) }
    for variable in profile.server.environment {
      Plan.set(variable.name, variable.value, in: &values)
    }
    return values.map { "\($0.0)=\($0.1)" }
  }

  private static func set(
    _ name: String, _ value: String, in values: inout [(String, String)]
  ) {
    values.removeAll { Paths.equal($0.0, name) }
    values.append((name, value))
  }
}
