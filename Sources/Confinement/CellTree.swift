internal import Linux
internal import Profile

/// Lays out the cell's file system: which directories, files, links and mounts, in which order.
struct CellTree {
  private(set) var grants: [Grant]
  private(set) var hidden: [String] = []
  private(set) var notes: [String] = []
  private(set) var actions: [CellBlueprint.Action] = []
  /// What of the host the actions mount over.
  private(set) var covered: [CellBlueprint.Covered] = []
  /// The private space of a cell of isolation level container, which has none of `writable`.
  var ownSpace: String??
  private let links: [PathLink]
  private let temporarySize: UInt64
  /// What is there already, as bytes: Unicode calls different names equal.
  private var made: Set<[UInt8]> = []

  /// Device files that every cell has, if the host has them.
  static let devices = ["null", "zero", "full", "random", "urandom"]

  /// Each private space holds `temporarySize` bytes, rounded up to the kernel's pages.
  init(grants: [Grant], links: [PathLink], temporarySize: UInt64) {
    self.grants = grants
    self.links = links
    self.temporarySize = (temporarySize + 4095) & ~4095
  }

  mutating func build<Lookup: FileLookup>(
    hide: [Profile.PathGrant], invokedFrom: String? = nil,
    collector: inout GrantCollector<Lookup>, files: Lookup
  ) {
    addTemporarySpace()
    addDevices(files, &collector)
    addDirectory("/proc")
    actions.append(
      .proc(path: "/proc", attributes: [.readOnly, .noSetID, .noDevices, .noExecution]))
    for grant in grants {
      addMountPoint(grant.path, isDirectory: grant.status.kind == .directory)
      if isNested(grant.path) {
        covered.append(CellBlueprint.Covered(path: grant.path, status: grant.status))
      }
      actions.append(
        .bind(
          path: grant.path, source: grant.path, status: grant.status,
          attributes: grant.attributes))
    }
    noteMovable()
    noteReplaceable()
    addSystemFiles()
    for link in links { addLink(link) }
    // An empty directory of that name, so that relative arguments mean what they mean outside. The
    // kernel's own files cannot be added to.
    if let invokedFrom, !contains(invokedFrom), !Paths.isWithin(invokedFrom, "/proc") {
      addDirectory(invokedFrom)
    }
    for entry in hide {
      guard let target = collector.resolveHidden(entry) else { continue }
      cover(target, entry, &collector, files: files)
    }
  }

  /// Whether something of the plan is at `path` or encloses it.
  func contains(_ path: String) -> Bool {
    Paths.equal(path, "/") || made.contains(Array(path.utf8))
      // Private space is empty: nothing below it is there when the server starts.
      || space.contains { Paths.equal(path, $0) }
      || grants.contains { Paths.isWithin(path, $0.path) }
      || links.contains { Paths.isWithin(path, $0.path) }
      // Without mounts nothing is made for what is granted in a directory; the host's own is there.
      || ownSpace != nil && grants.contains { Paths.isWithin($0.path, path) }
  }

  private var space: [String] {
    guard let ownSpace else { return CellTree.writable }
    return ownSpace.map { [$0] } ?? []
  }

  /// Whether `path` is hidden, or below something that is.
  func hides(_ path: String) -> Bool { hidden.contains { Paths.isWithin(path, $0) } }

  func landlockRules(known: LandlockAccess) -> [CellBlueprint.LandlockRule] {
    // Landlock adds the rights of all rules on the way to a file and cannot take any away: what is
    // protected or only read in a writable tree is closed by its mount alone.
    var rules: [CellBlueprint.LandlockRule] = []
    func allow(_ path: String, _ access: LandlockAccess) {
      rules.append(CellBlueprint.LandlockRule(path: path, access: access.intersection(known)))
    }
    // A link has no rights of its own, and what is neither file nor directory is only kept in its place.
    for grant in grants where grant.status.kind == .regular || grant.status.kind == .directory {
      allow(grant.path, grant.landlock)
    }
    for path in CellTree.writable {
      allow(path, Grant.writing.union([.readFile, .readDirectory]))
    }
    allow("/proc", [.readFile, .readDirectory])
    allow("/etc", [.readFile, .readDirectory])
    allow("/dev", .readDirectory)
    for case .bind(let path, _, let status, _) in actions
    where status.kind == .characterDevice && Paths.isWithin(path, "/dev") {
      allow(path, [.readFile, .writeFile, .truncate, .deviceControl])
    }
    return rules
  }

  /// Private space of the server's own, gone with the cell.
  static let writable = ["/tmp", Plan.home, "/dev/shm"]

  private mutating func addTemporarySpace() {
    for path in CellTree.writable {
      addDirectory(path)
      actions.append(
        .temporary(
          path: path, size: temporarySize, mode: 0o700,
          attributes: [.noSetID, .noDevices, .noExecution]))
    }
  }

  private mutating func addDevices<Lookup: FileLookup>(
    _ files: Lookup, _ collector: inout GrantCollector<Lookup>
  ) {
    for name in CellTree.devices {
      let path = "/dev/" + name
      guard let status = collector.device(path, files: files) else {
        notes.append("\(path) is not in the cell: the host has no such device")
        continue
      }
      addMountPoint(path, isDirectory: false)
      actions.append(
        .bind(path: path, source: path, status: status, attributes: [.noSetID, .noExecution]))
    }
    for (name, target) in [
      ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
      ("stderr", "/proc/self/fd/2"),
    ] {
      addLink(PathLink(path: "/dev/" + name, target: target))
    }
  }

  private mutating func addSystemFiles() {
    let user = "server:x:\(Plan.insideIdentifier):\(Plan.insideIdentifier)"
    let nobody = "nobody:x:65534:65534"
    let texts: [(String, String)] = [
      ("/etc/passwd", "\(user)::\(Plan.home):/bin/sh\n\(nobody)::/:/bin/false\n"),
      ("/etc/group", "server:x:\(Plan.insideIdentifier):\nnogroup:x:65534:\n"),
      ("/etc/hosts", "127.0.0.1 localhost \(Plan.hostName)\n::1 localhost\n"),
      ("/etc/resolv.conf", "# no network\n"),
      ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ]
    for (path, text) in texts where !isCovered(path) {
      addAncestors(of: path)
      if made.insert(Array(path.utf8)).inserted {
        actions.append(.file(path: path, mode: 0o444, content: [UInt8](text.utf8)))
      }
    }
  }

  /// Makes a link again unless it is there already because a grant encloses it.
  private mutating func addLink(_ link: PathLink) {
    guard !isCovered(link.path) else { return }
    addAncestors(of: link.path)
    if made.insert(Array(link.path.utf8)).inserted {
      actions.append(.link(path: link.path, target: link.target))
    }
  }

  private mutating func cover<Lookup: FileLookup>(
    _ target: ResolvedPath, _ entry: Profile.PathGrant, _ collector: inout GrantCollector<Lookup>,
    files: Lookup
  ) {
    guard isCovered(target.real) else {
      return collector.refuse(
        .outside, "hide", entry.path, "nothing above it is granted, so there is nothing to hide",
        "remove the line", entry)
    }
    // What is mounted below a hidden place could not be reached, and would not be as planned.
    if let other = hidden.first(where: {
      Paths.isWithin(target.real, $0) || Paths.isWithin($0, target.real)
    }) {
      return collector.refuse(
        .never, "hide", entry.path,
        Paths.isWithin(target.real, other)
          ? "\(other) is hidden already, with everything below" : "\(other) below it is hidden too",
        "keep the wider line of the two", entry)
    }
    if let place = movable(target.real) {
      return collector.refuse(
        .never, "hide", entry.path,
        "the server can write to \(place) and move away what it lies in",
        "hide the directory directly in \(place), or grant less for writing", entry)
    }
    hidden.append(target.real)
    covered.append(CellBlueprint.Covered(path: target.real, status: target.status))
    if target.status.kind == .directory {
      // Empty, and its mode lets nobody in.
      actions.append(
        .temporary(
          path: target.real, size: 4096, mode: 0,
          attributes: [.readOnly, .noSetID, .noDevices, .noExecution]))
      return
    }
    let null: FileStatus?
    do { null = try files.status("/dev/null") } catch {
      return collector.refuse(.notHere, "look at", "/dev/null", "\(error)", nil)
    }
    guard let null, null.kind == .characterDevice else {
      return collector.refuse(
        .notHere, "hide", entry.path, "hiding a file needs /dev/null", nil, entry)
    }
    notes.append(
      "\(target.real) is hidden until the host replaces that file, as many programs do when they "
        + "save it: better keep it in a directory of its own and hide that")
    // A device where devices do not open: the name stays, opening it is refused.
    actions.append(
      .bind(
        path: target.real, source: "/dev/null", status: null,
        attributes: [.readOnly, .noSetID, .noDevices, .noExecution]))
  }

  /// The writable grant in which the server could move away a directory above `path`, and leave
  /// something else in its place to be hidden the next time; nil if it cannot. What it cannot move
  /// is what is mounted: the grant, and what is hidden directly in it.
  private func movable(_ path: String) -> String? {
    grants.first {
      $0.access == .write && Paths.isWithin(path, $0.path)
        && !Paths.equal(Paths.parent(path), $0.path)
    }?.path
  }

  /// Notes what is read-only for this session and not for the next one: the server can move away a
  /// directory above it and leave another in its place.
  private mutating func noteMovable() {
    for grant in grants where grant.access == .read && grant.role == .granted {
      guard let around = grants.last(where: { Paths.isWithin(grant.path, $0.path) && $0 != grant }),
        around.access == .write, !Paths.equal(Paths.parent(grant.path), around.path)
      else { continue }
      notes.append(
        "\(grant.path) is read-only while a session lasts: the server can write to \(around.path), "
          + "move away what it lies in, and write to it in the next session")
    }
  }

  /// Notes the protected files; of a protected directory the host can replace what it likes.
  private mutating func noteReplaceable() {
    let files = grants.filter { $0.role == .protected && $0.status.kind != .directory }
    if files.isEmpty { return }
    notes.append(
      "\(files.map(\.path).joined(separator: ", ")): protected until the host replaces that file, "
        + "as many programs do when they save it")
  }

  /// Whether the place where `path` is mounted is one of an enclosing grant's.
  private func isNested(_ path: String) -> Bool {
    grants.contains { !Paths.equal($0.path, path) && Paths.isWithin(path, $0.path) }
  }

  private func isCovered(_ path: String) -> Bool {
    grants.contains { Paths.isWithin(path, $0.path) }
  }

  private mutating func addMountPoint(_ path: String, isDirectory: Bool) {
    if isNested(path) { return }  // the enclosing tree has it
    if isDirectory {
      addDirectory(path)
      return
    }
    addAncestors(of: path)
    if made.insert(Array(path.utf8)).inserted {
      actions.append(.file(path: path, mode: 0o444, content: []))
    }
  }

  private mutating func addDirectory(_ path: String) {
    addAncestors(of: path)
    if made.insert(Array(path.utf8)).inserted {
      actions.append(.directory(path: path, mode: 0o755))
    }
  }

  private mutating func addAncestors(of path: String) {
    for ancestor in Paths.ancestors(of: path) where !isCovered(ancestor) {
      if made.insert(Array(ancestor.utf8)).inserted {
        actions.append(.directory(path: ancestor, mode: 0o755))
      }
    }
  }
}
