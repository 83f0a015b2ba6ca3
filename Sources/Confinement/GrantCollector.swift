internal import Linux
internal import Profile

/// Gathers what the profile and the runtime grant, resolved, and refuses what must not be granted.
struct GrantCollector<Lookup: FileLookup> {
  private let resolver: PathResolver<Lookup>
  private let guarded: [String]
  private var grants: [Grant] = []
  private(set) var links: [PathLink] = []
  private(set) var notes: [String] = []

  init(files: Lookup, guarded: [String]) {
    resolver = PathResolver(files)
    // A guarded path that is not there cannot be resolved, and cannot be reached either.
    var real: [String] = guarded
    for path in guarded {
      do { real.append(try resolver.resolve(path).real) } catch { continue }
    }
    self.guarded = real
  }

  mutating func add(runtime grant: RuntimeGrant) throws(PlanError) {
    let resolved: ResolvedPath
    do { resolved = try resolver.resolve(grant.path) } catch {
      throw .path(grant.path, line: 0, column: 0, why: describe(error), hint: nil)
    }
    links.append(contentsOf: grant.links)
    links.append(contentsOf: resolved.links)
    try append(
      Grant(
        path: resolved.real, status: resolved.status, access: .read,
        executable: grant.executable, reason: grant.reason), line: 0, column: 0)
  }

  mutating func add(
    profile entry: Profile.PathGrant, access: Grant.Access
  ) throws(PlanError) {
    let resolved: ResolvedPath
    do { resolved = try resolver.resolve(entry.path) } catch {
      if case .missing(let place) = error, entry.isOptional {
        notes.append("\(entry.path) is not granted: nothing is at \(place)")
        return
      }
      throw .path(
        entry.path, line: entry.line, column: entry.column, why: describe(error),
        hint: isMissing(error) ? "create it, or write {path: …, optional: true}" : nil)
    }
    if !Paths.equal(resolved.real, entry.path) {
      notes.append("\(entry.path) leads to \(resolved.real)")
    }
    links.append(contentsOf: resolved.links)
    try append(
      Grant(
        path: resolved.real, status: resolved.status, access: access, executable: false,
        reason: entry.line > 0
          ? "filesystem.\(access.rawValue), line \(entry.line)" : "filesystem.\(access.rawValue)"),
      line: entry.line, column: entry.column)
  }

  /// The real path of something to hide.
  mutating func resolveHidden(_ entry: Profile.PathGrant) throws(PlanError) -> ResolvedPath? {
    do {
      let resolved = try resolver.resolve(entry.path)
      if !Paths.equal(resolved.real, entry.path) {
        notes.append("\(entry.path) leads to \(resolved.real), which is hidden")
      }
      return resolved
    } catch {
      if case .missing(let place) = error, entry.isOptional {
        notes.append("\(entry.path) is not hidden: nothing is at \(place)")
        return nil
      }
      throw .path(
        entry.path, line: entry.line, column: entry.column,
        why: "cannot hide it: \(describe(error))",
        hint: isMissing(error)
          ? "create an empty file there, or write {path: …, optional: true}" : nil)
    }
  }

  /// Where the server starts: the kernel goes to the real path, whatever links were written.
  ///
  /// What the cell has of its own is not looked for on the host.
  func resolve(workdir path: String) -> String {
    if CellTree.writable.contains(where: { Paths.equal(path, $0) }) { return path }
    do { return try resolver.resolve(path).real } catch { return path }
  }

  /// All grants, parents before children, one for each path: of two for the same path the stronger
  /// access, and execution if one of them needs it. What the nearest enclosing grant gives anyway
  /// is left out.
  func merged() -> [Grant] {
    // Paths are compared as bytes: two spellings that Unicode calls equal are two files.
    let sorted = grants.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    var unique: [Grant] = []
    for grant in sorted {
      guard let last = unique.indices.last, Paths.equal(unique[last].path, grant.path) else {
        unique.append(grant)
        continue
      }
      if grant.access == .write { unique[last].access = .write }
      unique[last].executable = unique[last].executable || grant.executable
      unique[last].reason += "; \(grant.reason)"
    }
    var result: [Grant] = []
    for grant in unique {
      // Sorted by bytes, an enclosing directory comes before what is in it, and of two that
      // enclose it the nearer one later.
      let enclosing = result.last { Paths.isWithin(grant.path, $0.path) }
      if let enclosing, enclosing.attributes == grant.attributes { continue }
      result.append(grant)
    }
    return result
  }

  private mutating func append(_ grant: Grant, line: Int, column: Int) throws(PlanError) {
    func refusal(_ why: String, _ hint: String?) -> PlanError {
      .path(grant.path, line: line, column: column, why: why, hint: hint)
    }
    if grant.path.utf8.count == 1 {
      throw refusal("the whole file system cannot be granted", nil)
    }
    for place in ["/proc", "/sys", "/dev", "/run"] where Paths.isWithin(grant.path, place) {
      throw refusal(
        "nothing below \(place) can be granted",
        "it holds the kernel's or the host's own interfaces, not files")
    }
    // Mounted over it, the grant would take the private space away without a word.
    for place in CellTree.writable where Paths.isWithin(place, grant.path) {
      throw refusal(
        "the cell has a \(place) of its own", "grant what is meant below \(grant.path)")
    }
    for place in guarded
    where Paths.isWithin(place, grant.path) || Paths.isWithin(grant.path, place) {
      throw refusal(
        "it would let the server reach \(place)",
        "profiles and audit logs must stay out of what a server sees; move one of them")
    }
    switch grant.status.kind {
    case .regular, .directory: grants.append(grant)
    default:
      throw refusal("only files and directories can be granted", nil)
    }
  }

  private func isMissing(_ error: PathError) -> Bool {
    if case .missing = error { true } else { false }
  }

  private func describe(_ error: PathError) -> String {
    switch error {
    case .missing(let place): "nothing is at \(place)"
    case .failed(let place, let errno): "cannot look at \(place): \(errno)"
    case .tooManyLinks: "too many symbolic links"
    case .relative: "not an absolute path"
    }
  }
}
