internal import Linux
internal import Profile

/// One search for what a command needs: look-ups, and what was found so far.
struct RuntimeSearch<Lookup: FileLookup> {
  let request: RuntimeRequest
  let files: Lookup
  private let memory: PathMemory<Lookup>
  /// The homes that are never granted as a whole, and the caller's own.
  let homes: HomeDirectories
  /// What was found so far, in the order found; `finished()` removes what is covered twice.
  var grants: [RuntimeGrant] = []
  var environment: [(String, String)] = []
  var findings: [String] = []
  /// Real paths of libraries and programs that were looked into already.
  var visited: Set<PathKey> = []
  /// Libraries whose tables were read, by real path.
  var images: [PathKey: ELF] = [:]
  /// Read when the first library is not in a default directory.
  var loaderCache: LoaderCache??

  init(_ request: RuntimeRequest, _ files: Lookup) throws(RuntimeError) {
    let memory = PathMemory(files)
    self.request = request
    self.files = files
    self.memory = memory
    homes = HomeDirectories(
      home: request.home, user: request.user, accounts: try Self.accounts(files, memory)
    ) { path in
      do { return try memory.resolve(path, depth: 0)?.real } catch { return nil }
    }
  }

  /// The text of `/etc/passwd`; empty if there is none. One that cannot be read is an error: what
  /// it would have said of homes is not known.
  private static func accounts(
    _ files: Lookup, _ memory: PathMemory<Lookup>
  ) throws(RuntimeError) -> [UInt8] {
    let path = "/etc/passwd"
    guard try memory.resolve(path, depth: 0) != nil else { return [] }
    let text: [UInt8]
    do { text = try files.read(path, at: 0, maximum: mostAccounts + 1) } catch {
      throw .failed(path: path, why: "\(error)")
    }
    guard text.count <= mostAccounts else {
      throw .failed(path: path, why: "it is larger than \(mostAccounts >> 20) MiB")
    }
    return text
  }

  /// The largest `/etc/passwd`, in bytes.
  private static var mostAccounts: Int { 16 << 20 }

  // MARK: look-ups

  /// Follows `path`; nil if nothing is there.
  func resolve(_ path: String) throws(RuntimeError) -> ResolvedPath? {
    guard path.utf8.first == UInt8(ascii: "/") else {
      throw .failed(path: path, why: "not an absolute path")
    }
    return try memory.resolve(path, depth: 0)
  }

  /// Follows `path` to something that may be missing: what we may not look at, the server may not
  /// either, so it counts as nothing.
  func resolveIfSeen(_ path: String) -> ResolvedPath? {
    do { return try resolve(path) } catch { return nil }
  }

  /// Whether a regular file is at `path`, links followed.
  func isFile(_ path: String) -> Bool { resolveIfSeen(path)?.status.kind == .regular }

  /// Whether a directory is at `path`, links followed.
  func isDirectory(_ path: String) -> Bool { resolveIfSeen(path)?.status.kind == .directory }

  /// The first bytes of a file.
  func head(_ path: String, _ maximum: Int = 4096) throws(RuntimeError) -> [UInt8] {
    do { return try files.read(path, at: 0, maximum: maximum) } catch {
      throw .failed(path: path, why: "\(error)")
    }
  }

  /// The lines of a small text file; what is not UTF-8 is left out.
  func lines(_ path: String, _ maximum: Int = 65536) throws(RuntimeError) -> [String] {
    try head(path, maximum).split(separator: UInt8(ascii: "\n")).compactMap {
      String(validating: $0, as: UTF8.self)
    }
  }

  /// The names in a directory that `matches` accepts, sorted; none if it cannot be read.
  func names(in directory: String, where matches: (String.UTF8View) -> Bool) -> [String] {
    do { return try files.list(directory).filter { matches($0.utf8) }.sorted() } catch {
      return []
    }
  }

  /// Finds a command: as a path if it has a `/`, otherwise in the search path.
  func find(_ command: String) throws(RuntimeError) -> String {
    guard !command.isEmpty else { throw .notFound(command: command, lookedIn: []) }
    if command.utf8.contains(UInt8(ascii: "/")) {
      let path = Paths.absolute(command, from: request.workingDirectory)
      let seen: ResolvedPath?
      do { seen = try resolve(path) } catch .failed(_, let why) {
        throw .notExecutable(path: path, why: why)
      }
      guard let found = seen else { throw .notFound(command: command, lookedIn: [path]) }
      try requireExecutable(path, found)
      return path
    }
    var refused: RuntimeError?
    for directory in request.searchPath where directory.utf8.first == UInt8(ascii: "/") {
      let path = Paths.join(directory, command)
      guard let found = resolveIfSeen(path) else { continue }
      do {
        try requireExecutable(path, found)
        return path
      } catch { refused = refused ?? error }
    }
    throw refused ?? .notFound(command: command, lookedIn: request.searchPath)
  }

  private func requireExecutable(_ path: String, _ found: ResolvedPath) throws(RuntimeError) {
    guard found.status.kind == .regular else {
      throw .notExecutable(path: path, why: "not a regular file")
    }
    guard found.status.mode & 0o111 != 0 else {
      throw .notExecutable(path: path, why: "no execute permission")
    }
  }

  // MARK: grants

  /// Grants what is at `path`, and the links to it.
  ///
  /// - Throws: `.missing` if nothing is there, `.tooWide` for a directory that holds far more
  ///   than one program, unless `wide` says that this is known.
  @discardableResult
  mutating func grant(
    _ path: String, executable: Bool, _ reason: String, neededBy: String, wide: Bool = false
  ) throws(RuntimeError) -> ResolvedPath {
    guard let found = try resolve(path) else { throw .missing(path: path, neededBy: neededBy) }
    let isDirectory = found.status.kind == .directory
    guard isDirectory || found.status.kind == .regular else {
      throw .failed(path: path, why: "neither a file nor a directory")
    }
    if isDirectory, !wide, isTooWide(found.real) {
      throw .tooWide(path: found.real, neededBy: neededBy)
    }
    grants.append(
      RuntimeGrant(
        path: found.real, isDirectory: isDirectory, executable: executable, reason: reason,
        links: found.links))
    return found
  }

  /// Grants what is at `path` if it is there and not too wide; a finding says what was left out.
  /// Returns whether it was granted.
  @discardableResult
  mutating func grantIfThere(
    _ path: String, executable: Bool, _ reason: String, neededBy: String
  ) throws(RuntimeError) -> Bool {
    do {
      try grant(path, executable: executable, reason, neededBy: neededBy)
      return true
    } catch {
      switch error {
      case .missing: return false
      case .tooWide(let path, _):
        findings.append("\(path) (\(reason)) is not granted: it holds far more than the program")
        return false
      case .failed(let path, let why):
        findings.append("\(path) (\(reason)) is not granted: \(why)")
        return false
      default: throw error
      }
    }
  }

  /// Grants the directory at `path` if it is there and lies below `root` once links are followed:
  /// what was installed in `root` may place a link there, and must not choose where it leads.
  @discardableResult
  mutating func grantIfThere(
    _ path: String, within root: String, executable: Bool, _ reason: String, neededBy: String
  ) throws(RuntimeError) -> Bool {
    guard let found = resolveIfSeen(path), let root = resolveIfSeen(root) else { return false }
    guard Paths.isBelow(found.real, root.real) else {
      findings.append("\(path) (\(reason)) is not granted: it leads to \(found.real)")
      return false
    }
    return try grantIfThere(path, executable: executable, reason, neededBy: neededBy)
  }

  /// Directories that are shared by everything on the machine, and home directories and what they
  /// lie in. `path` is without links.
  func isTooWide(_ path: String) -> Bool {
    let shared = [
      "/", "/usr", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share", "/usr/bin", "/usr/sbin",
      "/usr/local", "/usr/local/lib", "/usr/local/bin", "/usr/local/share", "/usr/src", "/var/lib",
      "/var/tmp", "/var/cache", "/var/log",
    ]
    if shared.contains(where: { Paths.equal($0, path) }) { return true }
    if Paths.components(path).count <= 1 { return true }
    if homes.isWithin(path) || homes.isShared(path) { return true }
    // A home directory of an account that is not in /etc/passwd.
    let components = Paths.components(path)
    return components.count == 2 && Paths.equal(components[0], "home")
  }

  /// The grants without what lies below a granted directory, and the links without those that a
  /// granted directory holds already.
  func finished() -> [RuntimeGrant] {
    let directories = grants.filter(\.isDirectory)
    var kept: [RuntimeGrant] = []
    var index: [PathKey: Int] = [:]
    var links: [(link: PathLink, owner: PathKey)] = []
    for grant in grants {
      var owner = grant.path
      if let cover = directories.first(where: {
        Paths.isBelow(grant.path, $0.path) && ($0.executable || !grant.executable)
      }) {
        owner = cover.path
        // The widest directory is the one that is kept.
        for directory in directories where Paths.isBelow(owner, directory.path) {
          if directory.executable || !cover.executable { owner = directory.path }
        }
      } else if let known = index[PathKey(grant.path)] {
        kept[known].executable = kept[known].executable || grant.executable
      } else {
        index[PathKey(grant.path)] = kept.count
        var bare = grant
        bare.links = []
        kept.append(bare)
      }
      for link in grant.links { links.append((link, PathKey(owner))) }
    }
    var seen: Set<PathKey> = []
    for (link, owner) in links {
      if directories.contains(where: { Paths.isBelow(link.path, $0.path) }) { continue }
      guard seen.insert(PathKey(link.path)).inserted, let place = index[owner] else { continue }
      kept[place].links.append(link)
    }
    return kept
  }
}
