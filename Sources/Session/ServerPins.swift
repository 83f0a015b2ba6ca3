internal import Audit
internal import Confinement
internal import Linux
internal import Policy
internal import Profile

/// What a server is made of, as far as it is pinned: the program that is executed, and the files and
/// directories that `server.pinned` names.
struct ServerPins: Equatable, Sendable {
  /// The digest of all names and contents.
  var contents: PinDigest
  /// The digest of what the kernel says of these files (numbers, sizes, times): as long as it stays the
  /// same, nothing was changed. None when a file changed so lately that another change could not be
  /// told from that one.
  var fingerprint: PinDigest

  /// The most files that are pinned, and the depth of their directories.
  private static let most = 200_000, deepest = 64
  /// For so long (ns) after a change a file's times may stay the same when it changes again.
  private static let settling: Int64 = 2_000_000_000

  /// Looks at the program and at what else is pinned, and not into them.
  static func survey(
    executable: String, pinned: [Located<String>]
  ) throws(SessionError) -> Survey {
    var survey = Survey()
    for path in [executable] + pinned.map(\.value) {
      let resolved: ResolvedPath
      do { resolved = try PathResolver(HostFiles()).resolve(path) } catch {
        throw SessionError("cannot pin \(quotedPath(path)): it cannot be found", hint: hint)
      }
      // The path that was asked for is a part of it: another link to other contents is a change.
      survey.add(path, "path")
      try doing("look at \(quotedPath(path)), which is pinned", hint: hint) {
        () throws(Errno) in try survey.visit(resolved.real, depth: 0)
      }
    }
    survey.fingerprint = PinDigest(Digest.sha256(survey.facts.span))
    survey.isSettled = survey.latest < Clock.wallMicroseconds() * 1000 - settling
    return survey
  }

  /// What was found by a survey, with its contents; these are read only if it is not as `known`.
  init(_ survey: Survey, known: ServerPins?) throws(SessionError) {
    if let known, known.fingerprint == survey.fingerprint {
      self = known
      return
    }
    contents = try doing("read what is pinned of the server", hint: ServerPins.hint) {
      () throws(Errno) in try survey.contents()
    }
    fingerprint = survey.isSettled ? survey.fingerprint : .none
  }

  init(contents: PinDigest, fingerprint: PinDigest) {
    self.contents = contents
    self.fingerprint = fingerprint
  }

  private static let hint = "what is pinned must be readable; pins: off pins nothing"

  /// The files that were found, in the order of their names.
  struct Survey {
    private var files: [(path: String, kind: String)] = []
    /// What the kernel said of them, and its digest.
    fileprivate var facts: [UInt8] = []
    fileprivate(set) var fingerprint = PinDigest.none
    /// Whether a change from now on will show in it.
    fileprivate(set) var isSettled = false
    /// When the one that was changed last was changed, in nanoseconds since 1970.
    fileprivate var latest: Int64 = 0

    fileprivate mutating func add(_ path: String, _ kind: String) { files.append((path, kind)) }

    fileprivate mutating func visit(_ path: String, depth: Int) throws(Errno) {
      guard files.count < most, depth < deepest else { throw .fileTooLarge }
      let status = try Files.status(path, followLinks: false)
      let times = try Files.times(path)
      latest = max(latest, times.modified, times.changed)
      facts += Array(
        "\(path.utf8.count):\(path):\(status.device):\(status.inode):\(status.size):".utf8)
      facts += Array("\(status.mode):\(times.modified):\(times.changed)\n".utf8)
      switch status.kind {
      case .regular: add(path, status.mode & 0o111 == 0 ? "file" : "program")
      case .symbolicLink: add(path, "link")
      case .directory:
        add(path, "directory")
        for name in try Files.list(path).sorted(by: {
          $0.utf8.lexicographicallyPrecedes($1.utf8)
        }) {
          try visit(path == "/" ? "/" + name : path + "/" + name, depth: depth + 1)
        }
      default: add(path, "other")
      }
    }

    /// The digest of all names and contents; each part with its length before it.
    fileprivate func contents() throws(Errno) -> PinDigest {
      var manifest: [UInt8] = []
      for file in files {
        manifest += Array("\(file.kind):\(file.path.utf8.count):\(file.path)".utf8)
        switch file.kind {
        case "link":
          let target = try Files.linkTarget(file.path)
          manifest += Array("\(target.utf8.count):\(target)".utf8)
        case "file", "program": manifest += try ServerPins.digest(of: file.path)
        default: continue
        }
      }
      return PinDigest(Digest.sha256(manifest.span))
    }
  }

  private static func digest(of path: String) throws(Errno) -> [UInt8] {
    let file = try Files.open(path, [.noFollow, .nonblocking, .noTerminal])
    guard try Files.status(of: file.rawValue).kind == .regular else { throw .stale }
    var hash = Digest.Stream()
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = try Descriptor.read(file.rawValue, into: &buffer, from: 0)
      if count == 0 { return hash.finish() }
      hash.add(buffer, count)
    }
  }
}
