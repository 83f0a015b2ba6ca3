internal import Linux
internal import Profile

/// Names that are read-only at the top of every tree that a profile grants for writing, because
/// programs of the host execute or trust what is there.
///
/// Whole directories where they hold such files: in a read-only directory nothing can be made that
/// is not there yet. Of `.git` it takes no less than all, because Git also believes the configuration
/// that a new `commondir` leads to.
enum ProtectedNames {
  /// A name, and what the host does with it.
  struct Name {
    var name: String
    var because: String
    /// Whether the host looks for it in home directories only.
    var isOfHomes = false
  }

  /// The mode of a directory that keeps a place in one of mode `parent`: sticky, and writable for its
  /// owner alone, which nobody gives a directory by hand.
  ///
  /// Who may not write there cannot open it either: a lock of theirs (flock(2)) would keep it there, or
  /// sessions from beginning. Who may could have made the name themselves.
  static func placeMode(in parent: UInt32) -> UInt32 {
    parent & 0o002 != 0 ? 0o1755 : parent & 0o020 != 0 ? 0o1750 : 0o1700
  }

  /// Whether a session may have made this; a set-gid bit is inherited.
  static func isPlace(_ status: FileStatus) -> Bool {
    status.kind == .directory && [0o1700, 0o1750, 0o1755].contains(status.mode & 0o5777)
  }

  /// The names, in the order of the docs.
  static let all: [Name] =
    [
      Name(name: ".git", because: "Git runs what it configures"),
      Name(name: ".envrc", because: "direnv runs it"),
      Name(name: ".vscode", because: "editors run its tasks"),
      Name(name: ".idea", because: "editors run its configurations"),
      Name(name: ".zed", because: "editors run its tasks"),
      Name(name: ".devcontainer", because: "editors run its commands"),
      Name(name: ".mcp.json", because: "MCP clients start its servers"),
      Name(name: ".claude", because: "agents run its hooks"),
      Name(name: ".cursor", because: "agents run its hooks and servers"),
      Name(name: ".codex", because: "agents run its hooks and servers"),
      Name(name: ".gemini", because: "agents run its servers"),
      Name(name: ".windsurf", because: "agents run its workflows"),
    ]
    + [
      (".gitconfig", "Git runs what it configures"), (".config", "programs run what it configures"),
      (".ssh", "SSH trusts its keys and runs its commands"),
      (".claude.json", "agents start its servers"),
      (".profile", "shells run it"), (".bashrc", "shells run it"),
      (".bash_profile", "shells run it"), (".bash_login", "shells run it"),
      (".bash_logout", "shells run it"), (".zshenv", "shells run it"),
      (".zprofile", "shells run it"), (".zshrc", "shells run it"), (".zlogin", "shells run it"),
      (".zlogout", "shells run it"),
    ].map { Name(name: $0.0, because: $0.1, isOfHomes: true) }
}

/// What is protected in the trees that a profile grants for writing.
///
/// A mount needs something to be mounted on. What is there is mounted over itself, a symbolic link
/// too; for a name that is not there the session makes an empty directory first, which nothing of
/// the host takes for a file of that name, Git does not list, and only `rmdir` takes away again.
extension GrantCollector {
  /// Protects what the profile says; after what it grants for writing was added.
  mutating func protect(_ filesystem: Profile.Filesystem, homes: HomeDirectories?) {
    let missing = filesystem.missingProtection
    let hidden = filesystem.hide.compactMap { realPath($0.path) }
    var tops: [String] = []
    for entry in filesystem.write {
      let top: ResolvedPath
      // What cannot be resolved was refused, or skipped, when its grant was added.
      do { top = try resolver.resolve(entry.path) } catch { continue }
      guard top.status.kind == .directory,
        !tops.contains(where: { Paths.equal($0, top.real) })
      else { continue }
      tops.append(top.real)
      guard filesystem.protectsDefaults else {
        notes.append(
          "in \(top.real) nothing is protected that filesystem.protect does not name: "
            + "protect_defaults is false")
        continue
      }
      let people = homes?.homes(in: top.real) ?? []
      let isHome = people.contains { Paths.equal($0, top.real) }
      // In a tree within a tree the host does not look for names that are not there.
      let isNested = writable.contains {
        Paths.isWithin(top.real, $0) && !Paths.equal($0, top.real)
      }
      protectNames(
        in: top.real, isHome: isHome, entry, hidden: hidden, isNested && !isHome ? nil : missing)
      for home in people.compactMap({ realDirectory($0) })
      where writable.contains(where: { Paths.isWithin(home, $0) })
        && !tops.contains(where: { Paths.equal($0, home) })
      {
        tops.append(home)
        protectNames(in: home, isHome: true, entry, hidden: hidden, missing)
      }
    }
    for entry in filesystem.protect { protect(entry, hidden: hidden, missing) }
    noteHeldPlaces()
  }

  /// Where a path leads; nil where that is a fault, or is not there, which others report.
  private func realPath(_ path: String) -> String? {
    do { return try resolver.resolve(path).real } catch { return nil }
  }

  private func realDirectory(_ path: String) -> String? {
    do {
      let found = try resolver.resolve(path)
      return found.status.kind == .directory ? found.real : nil
    } catch { return nil }
  }

  private mutating func protectNames(
    in top: String, isHome: Bool, _ entry: Profile.PathGrant, hidden: [String],
    _ missing: Profile.MissingProtection?
  ) {
    var absent: [String] = []
    for name in ProtectedNames.all {
      let path = "\(top)/\(name.name)"
      // What is hidden is closed altogether.
      if hidden.contains(where: { Paths.isWithin(path, $0) }) { continue }
      if writable.contains(where: { Paths.equal($0, path) }) {
        notes.append("\(path) is not protected: filesystem.write names it")
        continue
      }
      do throws(PathError) {
        let found = try resolver.resolve(path, followLast: false)
        keep(path, found.status, "by default: \(name.because)", entry)
      } catch {
        guard case .missing = error else {
          refuse(.notHere, "protect", path, describe(error), nil, entry)
          continue
        }
        if !name.isOfHomes || isHome { absent.append(name.name) }
      }
    }
    if absent.isEmpty { return }
    let names = absent.joined(separator: ", ")
    switch missing {
    case nil: return
    case .hold: places += absent.map { "\(top)/\($0)" }
    case .refuse:
      refuse(
        .notHere, "protect", top, "in it nothing is at \(names)",
        "create them, or write protect_missing: hold", entry)
    case .note:
      notes.append(
        "not protected in \(top), because nothing is there yet and the server can make them: "
          + names)
    }
  }

  private mutating func noteHeldPlaces() {
    if places.isEmpty { return }
    notes.append(
      "nothing is there yet, so an empty directory keeps the place while a session lasts: "
        + places.joined(separator: ", "))
  }

  private mutating func protect(
    _ entry: Profile.PathGrant, hidden: [String], _ missing: Profile.MissingProtection
  ) {
    var needed = entry
    if missing == .refuse { needed.isOptional = false }
    if missing == .hold, entry.isOptional, let place = missingPlace(entry) {
      hold(place, for: entry, hidden: hidden)
      return
    }
    let way = entry.isOptional ? "protect_missing: hold" : "{path: …, optional: true}"
    guard let target = find(needed, to: "protect", "create it, or write \(way)") else { return }
    let around = writable.filter { Paths.isWithin(target.real, $0) }
    if around.isEmpty {
      return refuse(
        .outside, "protect", entry.path,
        "nothing above it is granted for writing, so there is nothing to protect",
        "remove the line", entry)
    }
    if around.contains(where: { Paths.equal($0, target.real) }) {
      return refuse(
        .never, "protect", entry.path, "it is granted for writing itself",
        "keep one of the two lines", entry)
    }
    if hidden.contains(where: { Paths.isWithin(target.real, $0) }) {
      return refuse(
        .never, "protect", entry.path, "it is hidden, so the server cannot write it anyway",
        "remove the line", entry)
    }
    guard target.status.kind == .regular || target.status.kind == .directory else {
      return refuse(
        .never, "protect", entry.path, "only files and directories can be protected", nil, entry)
    }
    if !Paths.equal(target.real, entry.path) {
      notes.append("\(entry.path) leads to \(target.real), which is protected")
    }
    let line = entry.line > 0 ? ", line \(entry.line)" : ""
    keep(target.real, target.status, "filesystem.protect\(line)", entry)
  }

  /// The first part of a path that is not there; nil if all of it is.
  private func missingPlace(_ entry: Profile.PathGrant) -> String? {
    do throws(PathError) { _ = try resolver.resolve(entry.path) } catch {
      if case .missing(let place) = error { return place }
    }
    return nil
  }

  /// Keeps the place of something missing: what is below it cannot be made either.
  private mutating func hold(_ place: String, for entry: Profile.PathGrant, hidden: [String]) {
    let above = Paths.parent(place)
    guard writable.contains(where: { Paths.isWithin(above, $0) }),
      !hidden.contains(where: { Paths.isWithin(place, $0) })
    else {
      notes.append("\(entry.path) needs no protection: nothing is at \(place), which is closed")
      return
    }
    // The way there may lead over a link that the server can write, and then elsewhere tomorrow.
    guard Paths.isWithin(entry.path, place) else {
      return refuse(
        .never, "protect", entry.path, "nothing is at \(place), where links lead",
        "write the real path", entry)
    }
    // What lies deeper is closed with the first part that is not there.
    let directory = realStatus(above)
    if let directory, ProtectedNames.isPlace(directory) {
      return keep(above, directory, "filesystem.protect, line \(entry.line)", entry)
    }
    if !places.contains(where: { Paths.equal($0, place) }) { places.append(place) }
  }

  private func realStatus(_ path: String) -> FileStatus? {
    do { return try resolver.resolve(path).status } catch { return nil }
  }

  /// Makes a real path read-only, and holds the directories in which it lies: all of them up to
  /// the outermost tree that the server can write, because it could move any of them away.
  private mutating func keep(
    _ path: String, _ status: FileStatus, _ reason: String, _ entry: Profile.PathGrant
  ) {
    if status.kind == .symbolicLink {
      notes.append(
        "\(path) stays the symbolic link that it is; what it leads to is not protected by that")
    }
    var directories: [Grant] = []
    for place in Paths.ancestors(of: path)
    where writable.contains(where: { Paths.isWithin(place, $0) && !Paths.equal(place, $0) }) {
      do throws(PathError) {
        directories.append(
          Grant(
            path: place, status: try resolver.resolve(place, followLast: false).status,
            access: .write, executable: false, reason: "holds \(path) in its place",
            role: .holding))
      } catch {
        return refuse(.notHere, "protect", entry.path, describe(error), nil, entry)
      }
    }
    keep(
      Grant(
        path: path, status: status, access: .read, executable: false, reason: reason,
        role: .protected), holding: directories)
  }
}
