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
  }

  /// The names, in the order of the docs.
  static let all: [Name] = [
    Name(name: ".git", because: "Git runs what it configures"),
    Name(name: ".gitconfig", because: "Git runs what it configures"),
    Name(name: ".envrc", because: "direnv runs it"),
    Name(name: ".vscode", because: "editors run its tasks"),
    Name(name: ".idea", because: "editors run its configurations"),
    Name(name: ".mcp.json", because: "MCP clients start its servers"),
    Name(name: ".claude", because: "agents run its hooks"),
    Name(name: ".cursor", because: "agents run its hooks and servers"),
    Name(name: ".ssh", because: "SSH trusts its keys and runs its commands"),
    Name(name: ".profile", because: "shells run it"),
    Name(name: ".bashrc", because: "shells run it"),
    Name(name: ".bash_profile", because: "shells run it"),
    Name(name: ".bash_login", because: "shells run it"),
    Name(name: ".zshenv", because: "shells run it"),
    Name(name: ".zprofile", because: "shells run it"),
    Name(name: ".zshrc", because: "shells run it"),
    Name(name: ".zlogin", because: "shells run it"),
  ]
}

/// What is protected in the trees that a profile grants for writing.
///
/// *Limits.* A mount needs something to be mounted on: a name that is not there cannot be closed
/// without making it on the host, or closing the whole directory. It is noted, or refused.
extension GrantCollector {
  /// Protects what the profile says; after what it grants for writing was added.
  mutating func protect(_ filesystem: Profile.Filesystem) {
    let refuses = filesystem.missingProtection == .refuse
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
      if filesystem.protectsDefaults {
        protectNames(in: top.real, entry, hidden: hidden, refuses: refuses)
      } else {
        notes.append(
          "in \(top.real) nothing is protected that filesystem.protect does not name: "
            + "protect_defaults is false")
      }
    }
    for entry in filesystem.protect { protect(entry, hidden: hidden, refuses: refuses) }
  }

  /// Where a path leads; nil where that is a fault, or is not there, which others report.
  private func realPath(_ path: String) -> String? {
    do { return try resolver.resolve(path).real } catch { return nil }
  }

  private mutating func protectNames(
    in top: String, _ entry: Profile.PathGrant, hidden: [String], refuses: Bool
  ) {
    var missing: [String] = []
    for name in ProtectedNames.all {
      let path = "\(top)/\(name.name)"
      // What is hidden is closed altogether.
      if hidden.contains(where: { Paths.equal($0, path) }) { continue }
      if writable.contains(where: { Paths.equal($0, path) }) {
        notes.append("\(path) is not protected: filesystem.write names it")
        continue
      }
      let found: ResolvedPath
      do throws(PathError) { found = try resolver.resolve(path, followLast: false) } catch {
        if case .missing = error {
          missing.append(name.name)
        } else {
          refuse(.notHere, "protect", path, describe(error), nil, entry)
        }
        continue
      }
      switch found.status.kind {
      case .regular, .directory:
        keep(path, found.status, "by default: \(name.because)", entry)
      // The name itself could be replaced, whatever is done about what it leads to.
      case .symbolicLink: leaveOpen(path, "it is a symbolic link", entry, refuses: refuses)
      default:
        leaveOpen(path, "it is neither a file nor a directory", entry, refuses: refuses)
      }
    }
    if missing.isEmpty { return }
    let names = missing.joined(separator: ", ")
    if refuses {
      refuse(
        .notHere, "protect", top, "in it nothing is at \(names)",
        "create them, or write protect_missing: note", entry)
    } else {
      notes.append(
        "not protected in \(top), because nothing is there yet and the server can make them: "
          + names)
    }
  }

  private mutating func leaveOpen(
    _ path: String, _ why: String, _ entry: Profile.PathGrant, refuses: Bool
  ) {
    if refuses {
      return refuse(
        .notHere, "protect", path, "\(why), which the server can replace",
        "put a file or directory there, or write protect_missing: note", entry)
    }
    notes.append("\(path) is not protected: \(why), which the server can replace")
  }

  private mutating func protect(
    _ entry: Profile.PathGrant, hidden: [String], refuses: Bool
  ) {
    var needed = entry
    if refuses { needed.isOptional = false }
    let way = entry.isOptional ? "protect_missing: note" : "{path: …, optional: true}"
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

  /// Makes a real path read-only, and holds the directories in which it lies: all of them up to
  /// the outermost tree that the server can write, because it could move any of them away.
  private mutating func keep(
    _ path: String, _ status: FileStatus, _ reason: String, _ entry: Profile.PathGrant
  ) {
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
