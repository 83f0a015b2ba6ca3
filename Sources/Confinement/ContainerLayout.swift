internal import Linux
internal import Profile

/// What a cell of isolation level container is made of, where neither namespaces nor mounts can be
/// had: Landlock's rules on the files as they are, and private space that is made on the host.
///
/// *Limits.* Landlock adds up rights and cannot take any away below a directory, has no say in what
/// files are called and how large they are, and none in mapping code from a file that can be read.
/// What depends on that is refused here or noted.
struct ContainerLayout {
  private(set) var rules: [CellBlueprint.LandlockRule] = []
  private(set) var notes: [String] = []
  /// The path of the private space; nil when there is none.
  var space: String? { container.space?.path }
  private(set) var container: CellBlueprint.Container
  private(set) var bounding = Plan.noCapabilities
  private(set) var securebits = CellFacts.sealedSecurebits
  /// What the filter of the server decides otherwise than at level full.
  private(set) var filter = SeccompContainer(sharesUser: true, refusesSignals: true)
  /// How many processes and threads count towards the server's limit besides its own.
  let otherTasks: UInt64

  /// The oldest Landlock that holds a file against being emptied (truncate(2)).
  static let oldestLandlock = 3
  /// The oldest Landlock that keeps signals in.
  static let signalLandlock = 6

  /// Nil at level full. What this level cannot hold becomes a fault of `collector`.
  init?<Lookup: FileLookup>(
    _ profile: Profile, grants: [Grant], host: HostFacts, identity: ServerIdentity,
    files: Lookup, _ collector: inout GrantCollector<Lookup>
  ) {
    guard profile.isolation == .container else { return nil }
    let facts = host.container ?? ContainerFacts()
    let isRoot = host.user == 0
    let setsSecurebits = facts.has(.setCapabilities)
    let scopes = host.landlockABI >= ContainerLayout.signalLandlock
    container = CellBlueprint.Container(
      setsSecurebits: setsSecurebits, scopesSignals: scopes,
      initUser: isRoot ? Plan.initIdentifier : identity.user,
      lateFilter: isRoot || !scopes, space: facts.space)
    let tasks = facts.tasks[identity.user] ?? 0
    // Relay, init and keeper have the caller's real id, unless that is root.
    otherTasks = isRoot ? tasks : tasks + 3
    if !setsSecurebits {
      bounding = facts.bounding
      securebits = facts.securebits
    }
    ContainerLayout.refuseSurroundings(host, facts, identity, &collector)
    ContainerLayout.refuseGrants(profile, grants, space: facts.space?.path, &collector)
    addRules(grants, known: .known(abi: host.landlockABI), files, &collector)
    addNotes(facts, isRoot: isRoot)
    noteUnlisted(grants)
    var sharesUser = !isRoot
    if case .standard = profile.user {} else { sharesUser = true }
    filter = SeccompContainer(sharesUser: sharesUser, refusesSignals: !isRoot && !scopes)
  }

  /// Settings of libraries that end a program when they are there and closed, as Node's; where
  /// they are not there, as in a cell with a root of its own, nothing needs them.
  static func grantSettings<Lookup: FileLookup>(
    _ files: Lookup, _ collector: inout GrantCollector<Lookup>
  ) {
    for path in ["/etc/ssl/openssl.cnf"] {
      let status: FileStatus?
      // What cannot be looked at now cannot be opened later either.
      do { status = try files.status(path) } catch { continue }
      guard status?.kind == .regular else { continue }
      collector.add(
        runtime: RuntimeGrant(
          path: path, isDirectory: false, executable: false,
          reason: "OpenSSL ends when it cannot read it", links: []))
    }
  }

  private mutating func addRules<Lookup: FileLookup>(
    _ grants: [Grant], known: LandlockAccess, _ files: Lookup,
    _ collector: inout GrantCollector<Lookup>
  ) {
    for grant in grants {
      rules.append(
        CellBlueprint.LandlockRule(
          path: grant.path, access: grant.landlock.intersection(known), status: grant.status))
    }
    for name in CellTree.devices {
      let path = "/dev/" + name
      guard let status = collector.device(path, files: files) else {
        notes.append("\(path) cannot be opened: there is no such device here")
        continue
      }
      let access: LandlockAccess = [.readFile, .writeFile, .truncate, .deviceControl]
      rules.append(
        CellBlueprint.LandlockRule(path: path, access: access.intersection(known), status: status))
    }
  }

  /// The rule of the private space, for when it has been made.
  static func rule(
    of space: String, _ status: FileStatus, abi: Int32
  ) -> CellBlueprint.LandlockRule {
    let access = Grant.writing.union([.readFile, .readDirectory])
    return CellBlueprint.LandlockRule(
      path: space, access: access.intersection(.known(abi: Int(abi))), status: status)
  }

  private mutating func addNotes(_ facts: ContainerFacts, isRoot: Bool) {
    notes.append(
      "isolation container: there are no namespaces and no mounts of the cell's own, so names, "
        + "sizes and owners of files that are not granted can be seen, and so can the host's name "
        + "and clocks; a file that can be read can be mapped as code")
    if !container.setsSecurebits {
      notes.append(
        "the caller lacks CAP_SETPCAP, so the capability bounding set stays \(bounding) and the "
          + "securebits stay 0x\(String(securebits, radix: 16)); the other four sets are empty, "
          + "and no_new_privs keeps every program from gaining more")
    }
    if !container.scopesSignals, !isRoot {
      notes.append(
        "Landlock here does not keep signals in, so the server can signal nobody but its own "
          + "process group: not even its own children one by one")
    }
    notes.append(
      "limits.processes counts everything that the server's user runs: \(otherTasks) others now"
        + (isRoot ? "" : ", which are added to it"))
    if let space {
      notes.append(
        "temporary space is \(Paths.parent(space))/\(ContainerLayout.spaceName), whose size no "
          + "mount limits, so limits.temporary and limits.temporary_files do not hold; "
          + "limits.file_size bounds single files")
    } else {
      notes.append(
        "there is no temporary space, and TMPDIR is not set: none of "
          + ContainerFacts.places.joined(separator: ", ") + " can be used")
    }
  }

  /// A rule for a directory is one for all below it, so the one of a script is not opened for its
  /// modules' sake.
  private mutating func noteUnlisted(_ grants: [Grant]) {
    var said: Set<[UInt8]> = []
    for grant in grants where Paths.equal(grant.reason, RuntimeDiscovery.besideScript) {
      let directory = Paths.parent(grant.path)
      guard !grants.contains(where: { Paths.isWithin(directory, $0.path) }),
        said.insert(Array(directory.utf8)).inserted
      else { continue }
      notes.append(
        "\(directory) cannot be listed, so a program that looks for modules by listing, as Python "
          + "does, finds none beside the script: grant it in filesystem.read")
    }
  }

  /// What messages call a directory whose name is drawn for each session.
  private static let spaceName = "anchorhold-…"

  /// Where the server starts.
  ///
  /// A directory that is not granted is one that the server may stand in all the same, so that
  /// relative arguments mean what they mean outside; root's server is another user, to whom it may
  /// be closed.
  static func workdir<Lookup: FileLookup>(
    of server: Profile.Server, in tree: CellTree, isRoot: Bool, identity: ServerIdentity,
    files: Lookup, _ collector: inout GrantCollector<Lookup>
  ) -> String {
    let home = tree.ownSpace.flatMap(\.self) ?? "/"
    guard let entry = server.workdir else {
      return server.invokedFrom.flatMap {
        let closed = Passage.firstClosed(
          to: $0, itself: true, user: identity.user, group: identity.group, files: files)
        return !isRoot || closed == nil ? $0 : nil
      } ?? home
    }
    guard let path = collector.resolve(workdir: entry) else { return home }
    if !tree.contains(path) {
      collector.refuse(
        .outside, "start in", entry.value, "the working directory is not granted",
        "grant it in filesystem.read or filesystem.write",
        Profile.PathGrant(entry.value, line: entry.line, column: entry.column))
    }
    return path
  }
}
