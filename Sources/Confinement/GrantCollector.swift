internal import Linux
internal import Profile

/// Gathers what the profile and the runtime grant, resolved, and refuses what must not be granted:
/// a fault does not end the search for the next.
struct GrantCollector<Lookup: FileLookup> {
  let resolver: PathResolver<Lookup>
  private let guarded: GuardedPaths
  private let unwritable: GuardedPaths
  private let mounts: HostMounts
  private let variables: [Profile.PathVariable]
  private let isolation: Isolation
  /// The real paths of what the profile grants for writing.
  private(set) var writable: [String] = []
  private var grants: [Grant] = []
  /// Directories that must not be moved away, for the sake of what is protected in them.
  private var holding: [Grant] = []
  private(set) var links: [PathLink] = []
  var notes: [String] = []
  private(set) var faults: [PlanError.Fault] = []
  private(set) var dangers: [Danger] = []
  private(set) var needlessDangers: [Profile.PathGrant] = []
  /// What is to be protected and is not there: something must keep its place.
  var places: [String] = []

  /// Begins with what the profile grants for writing: a session may have changed what is there.
  init(
    files: Lookup, guarded: [String], unwritable: [String], mounts: [Mount],
    variables: [Profile.PathVariable], write: [Profile.PathGrant], isolation: Isolation = .full
  ) {
    self.variables = variables
    self.isolation = isolation
    resolver = PathResolver(files)
    self.guarded = GuardedPaths(guarded, resolver: resolver)
    self.unwritable = GuardedPaths(unwritable, resolver: resolver)
    self.mounts = HostMounts(mounts)
    for entry in write {
      // What cannot be resolved is refused, or skipped, when its grant is added.
      do { writable.append(try resolver.resolve(entry.path).real) } catch { continue }
    }
    for entry in write { add(profile: entry, access: .write) }
  }

  /// Refuses a way over links that an earlier session of this server may have made; true if the
  /// way is refused.
  private mutating func refuseWritable(
    _ links: [PathLink], _ verb: String, _ path: String, _ hint: String,
    _ entry: Profile.PathGrant? = nil
  ) -> Bool {
    for link in links {
      guard let place = writable.first(where: { Paths.isWithin(link.path, $0) }) else { continue }
      refuse(
        .never, verb, path,
        "the way leads over the link \(link.path), which the server can write, in \(place)", hint,
        entry)
      return true
    }
    return false
  }

  mutating func add(runtime grant: RuntimeGrant) {
    let resolved: ResolvedPath
    do { resolved = try resolver.resolve(grant.path) } catch {
      refuse(.notHere, "grant", grant.path, describe(error), nil)
      return
    }
    guard
      !refuseWritable(
        grant.links + resolved.links, "grant", grant.path,
        "keep the server's program out of filesystem.write")
    else { return }
    links.append(contentsOf: grant.links)
    links.append(contentsOf: resolved.links)
    append(
      Grant(
        path: resolved.real, status: resolved.status, access: .read,
        executable: grant.executable, reason: grant.reason), as: grant.path)
  }

  mutating func add(profile entry: Profile.PathGrant, access: Grant.Access) {
    // As it is written too: what cannot be granted cannot be on any machine.
    if let (why, hint) = reserved(entry.path, access) {
      refuse(.never, "grant", entry.path, why, hint, entry)
      return
    }
    if Dangers.why(entry.path, access, files: resolver.files) != nil, entry.danger == nil {
      _ = allowDanger(entry.path, access, as: entry.path, entry)
      return
    }
    guard let resolved = find(entry, to: "grant", "create it, or write {path: …, optional: true}")
    else { return }
    if !Paths.equal(resolved.real, entry.path) {
      notes.append("\(entry.path) leads to \(resolved.real)")
    }
    links.append(contentsOf: resolved.links)
    append(
      Grant(
        path: resolved.real, status: resolved.status, access: access, executable: false,
        reason: entry.line > 0
          ? "filesystem.\(access.rawValue), line \(entry.line)" : "filesystem.\(access.rawValue)"),
      as: entry.path, entry)
  }

  /// The real path of something to hide; nil if nothing is there, which is a fault unless it is
  /// optional.
  mutating func resolveHidden(_ entry: Profile.PathGrant) -> ResolvedPath? {
    let hint = "create an empty file there, or write {path: …, optional: true}"
    guard let resolved = find(entry, to: "hide", hint) else { return nil }
    if !Paths.equal(resolved.real, entry.path) {
      notes.append("\(entry.path) leads to \(resolved.real), which is hidden")
    }
    return resolved
  }

  /// The real path of what the profile names; nil if that is a fault, or optional and not there.
  mutating func find(
    _ entry: Profile.PathGrant, to verb: String, _ hint: String
  ) -> ResolvedPath? {
    do {
      let found = try resolver.resolve(entry.path)
      let advice = "write the real path, or grant less in filesystem.write"
      return refuseWritable(found.links, verb, entry.path, advice, entry) ? nil : found
    } catch {
      if case .missing(let place) = error, entry.isOptional {
        notes.append("cannot \(verb) \(entry.path), which is optional: nothing is at \(place)")
        return nil
      }
      let advice = isMissing(error) ? mend(entry.path) ?? hint : nil
      refuse(kind(error), verb, entry.path, describe(error), advice, entry)
      return nil
    }
  }

  /// What to do about a missing path that came from the command line.
  private func mend(_ path: String) -> String? {
    let variable = variables.first {
      $0.isSet && Paths.isWithin(path, $0.path) && isMissing($0.path)
    }
    return variable.map { "correct --set \($0.name)=\(shellQuoted($0.path)), or create it" }
  }

  /// The character device at `path`; nil when there is none. What cannot be looked at is a fault.
  mutating func device(_ path: String, files: Lookup) -> FileStatus? {
    do {
      let status = try files.status(path)
      return status?.kind == .characterDevice ? status : nil
    } catch {
      refuse(.notHere, "look at", path, "\(error)", nil)
      return nil
    }
  }

  /// Where the server starts: the kernel goes to the real path, whatever links were written. Nil
  /// is a fault: nothing is there, or no directory.
  ///
  /// What the cell has of its own is not looked for on the host.
  mutating func resolve(workdir: Located<String>) -> String? {
    let path = workdir.value
    let entry = Profile.PathGrant(path, line: workdir.line, column: workdir.column)
    if isolation == .full, CellTree.writable.contains(where: { Paths.equal(path, $0) }) {
      return path
    }
    guard let resolved = find(entry, to: "start in", "create it, or name another workdir")
    else { return nil }
    guard resolved.status.kind == .directory else {
      refuse(.never, "start in", path, "not a directory", nil, entry)
      return nil
    }
    return resolved.real
  }

  /// What is at the path whose owner the server is to run as. Nil is a fault: nothing is there, or
  /// the server could put something else there, with the owner that it wants for its next session.
  mutating func resolve(owner: Located<String>) -> ResolvedPath? {
    let entry = Profile.PathGrant(owner.value, line: owner.line, column: owner.column)
    let verb = ServerIdentity.verb
    guard let found = find(entry, to: verb, "create it, or name another path") else { return nil }
    // A grant itself is mounted in the cell, and what is mounted cannot be moved away.
    let place = writable.first {
      Paths.isWithin(found.real, $0) && !Paths.equal(found.real, $0)
    }
    guard let place else { return found }
    refuse(
      .never, verb, owner.value, "the server can put something else there, in \(place)",
      "name \(place) itself, or a path outside of filesystem.write", entry)
    return nil
  }

  /// Remembers why the plan cannot be made.
  mutating func refuse(_ fault: PlanError.Fault) { faults.append(fault) }

  /// Remembers what cannot be done with a path, and why.
  mutating func refuse(
    _ kind: PlanError.Fault.Kind, _ verb: String, _ path: String, _ why: String, _ hint: String?,
    _ entry: Profile.PathGrant? = nil
  ) {
    faults.append(
      PlanError.Fault(
        kind: kind, message: "cannot \(verb) \(quotedPath(path)): \(why)", hint: hint,
        line: entry?.line ?? 0, column: entry?.column ?? 0))
  }

  /// All grants, parents before children, one for each path: of two for the same path the stronger
  /// access, and execution if one of them needs it; what is protected is read-only, and what is
  /// written is never executed: a server could leave itself a program. What the nearest enclosing
  /// grant gives anyway is left out.
  func merged() -> [Grant] {
    let sorted = sortedByPath(grants)
    var unique: [Grant] = []
    for grant in sorted {
      guard let last = unique.indices.last, Paths.equal(unique[last].path, grant.path) else {
        unique.append(grant)
        continue
      }
      if grant.access == .write { unique[last].access = .write }
      if grant.role == .protected { unique[last].role = .protected }
      if unique[last].role == .protected { unique[last].access = .read }
      unique[last].executable =
        (unique[last].executable || grant.executable) && unique[last].access == .read
      unique[last].reason += "; \(grant.reason)"
    }
    for place in holding where !unique.contains(where: { Paths.equal($0.path, place.path) }) {
      unique.append(place)
    }
    var result: [Grant] = []
    for grant in sortedByPath(unique) {
      // Sorted by bytes, an enclosing directory comes before what is in it, and of two that
      // enclose it the nearer one later.
      let enclosing = result.last { Paths.isWithin(grant.path, $0.path) }
      if let enclosing, isNeedless(grant, in: enclosing) { continue }
      result.append(grant)
    }
    return result
  }

  /// Whether the grant around another gives what it is for.
  private func isNeedless(_ grant: Grant, in enclosing: Grant) -> Bool {
    switch grant.role {
    case .granted:
      enclosing.attributes == grant.attributes
        && !holding.contains { Paths.equal($0.path, grant.path) }
    case .protected: enclosing.access == .read && !grant.executable
    case .holding: enclosing.access == .read
    }
  }

  /// Paths are compared as bytes: two spellings that Unicode calls equal are two files.
  private func sortedByPath(_ grants: [Grant]) -> [Grant] {
    grants.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  /// Makes something read-only in the trees that are granted for writing, and keeps the
  /// directories on the way to it in their places.
  mutating func keep(_ protected: Grant, holding directories: [Grant]) {
    grants.append(protected)
    for place in directories where !holding.contains(where: { Paths.equal($0.path, place.path) }) {
      holding.append(place)
    }
  }

  private mutating func append(
    _ grant: Grant, as written: String, _ entry: Profile.PathGrant? = nil
  ) {
    if let (why, hint) = reserved(grant.path, grant.access) {
      refuse(.never, "grant", grant.path, why, hint, entry)
      return
    }
    guard allowDanger(grant.path, grant.access, as: written, entry) else { return }
    if let mount = mounts.interface(in: grant.path),
      !Dangers.expects(mount, in: grant.path)
    {
      refuse(
        .never, "grant", written,
        "\(mount.path) is a mount of type \(mount.type), the kernel's or the host's own interface",
        "unmount it, or grant what is meant beside it", entry)
      return
    }
    switch grant.status.kind {
    case .regular, .directory: grants.append(grant)
    default:
      refuse(.never, "grant", written, "only files and directories can be granted", nil, entry)
    }
  }

  /// Whether a grant opens no more than its path says, or is wanted as dangerous; a fault if not.
  private mutating func allowDanger(
    _ path: String, _ access: Grant.Access, as written: String, _ entry: Profile.PathGrant?
  ) -> Bool {
    let place = guarded.reached(by: path, access)
    // What a profile does not say itself is no choice of anybody's.
    if let place, access == .write || entry == nil {
      refuse(
        .never, "grant", written, "it would let the server reach \(place)",
        "profiles and audit logs must stay out of what a server sees; move one of them", entry)
      return false
    }
    guard let entry else { return true }
    let why =
      place.map { "it would let the server read \($0)" }
      ?? Dangers.why(path, access, files: resolver.files)
    switch (why, entry.danger) {
    case (nil, nil): break
    case (nil, _?): needlessDangers.append(entry)
    case (let why?, nil):
      let plain = Paths.equal(path, written) ? "" : ", which leads to \(path)"
      refuse(
        .never, "grant", written + plain, why,
        "if it is meant, write {path: \(quotedPath(written)), dangerous: true, reason: WHY}", entry)
      return false
    case (let why?, let reason?):
      dangers.append(
        Danger(path: path, access: access, why: why, reason: reason, line: entry.line))
    }
    return true
  }

  /// Refuses grants through which a server could write where profiles are found; after what is
  /// protected is known, because that may keep it from there.
  mutating func refuseUnwritable(_ write: [Profile.PathGrant]) {
    let kept = places + grants.filter { $0.role == .protected }.map(\.path)
    for entry in write {
      let real: String
      // What cannot be resolved was refused, or skipped, when its grant was added.
      do { real = try resolver.resolve(entry.path).real } catch { continue }
      let open = unwritable.all(reachedBy: real).first { place in
        !kept.contains { Paths.isWithin(place, $0) && Paths.isWithin($0, real) }
      }
      guard let open else { continue }
      refuse(
        .never, "grant", entry.path, "it would let the server write profiles in \(open)",
        "a server must not choose what is started next; grant less, or protect that place", entry)
    }
  }

  /// Whether the server can write what a path leads to, or put it there.
  func canWrite(_ path: String) -> Bool {
    var real = path
    do { real = try resolver.resolve(path).real } catch { real = path }
    return (writable + CellTree.writable).contains {
      Paths.isWithin(real, $0) || Paths.isWithin(path, $0)
    }
  }

  /// Why no cell can hold a path of the host, and what to do; nil if one can.
  private func reserved(
    _ path: String, _ access: Grant.Access
  ) -> (why: String, hint: String?)? {
    if path.utf8.count == 1 { return ("the whole file system cannot be granted", nil) }
    for place in ["/proc", "/dev"] where Paths.isWithin(path, place) {
      return (
        "nothing below \(place) can be granted",
        "the cell has its own; the host's holds the kernel's interfaces, not files"
      )
    }
    if access == .write, Paths.isWithin(path, "/sys") {
      return ("nothing below /sys can be granted for writing", "grant it for reading")
    }
    if isolation == .container {
      for place in ContainerFacts.places where Paths.isWithin(place, path) {
        return (
          "the private temporary space of every cell lies in \(place)",
          "grant what is meant below \(path)"
        )
      }
      return nil
    }
    // Mounted over it, the grant would take the private space away without a word.
    for place in CellTree.writable where Paths.isWithin(place, path) {
      return ("the cell has a \(place) of its own", "grant what is meant below \(path)")
    }
    return nil
  }

  private func kind(_ error: PathError) -> PlanError.Fault.Kind {
    switch error {
    case .missing, .failed: .notHere
    case .tooManyLinks, .relative: .never
    }
  }

  private func isMissing(_ path: String) -> Bool {
    do throws(PathError) {
      _ = try resolver.resolve(path)
      return false
    } catch { return isMissing(error) }
  }

  private func isMissing(_ error: PathError) -> Bool {
    if case .missing = error { true } else { false }
  }

  func describe(_ error: PathError) -> String {
    switch error {
    case .missing(let place): "nothing is at \(place)"
    case .failed(let place, let errno): "cannot look at \(place): \(errno)"
    case .tooManyLinks: "too many symbolic links"
    case .relative: "not an absolute path"
    }
  }
}
