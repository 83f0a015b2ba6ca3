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
    var reading = Reading(survey)
    while true {
      guard let read = try reading.readOn() else { continue }
      self = read
      return
    }
  }

  init(contents: PinDigest, fingerprint: PinDigest) {
    self.contents = contents
    self.fingerprint = fingerprint
  }

  /// Reading the contents of what was found, a part at a time: they may be large, and who reads them may
  /// have others to look after.
  struct Reading: ~Copyable {
    /// So many bytes are read at a time; of directories and links as many entries.
    private static let part = 1 << 20, entries = 64

    private let survey: Survey
    private var next = 0
    private var file: FileDescriptor?
    private var hash = Digest.Stream()
    /// All names and contents; each part with its length before it.
    private var manifest: [UInt8] = []

    init(_ survey: Survey) { self.survey = survey }

    /// Reads on; nil while there is more to read.
    mutating func readOn() throws(SessionError) -> ServerPins? {
      try doing("read what is pinned of the server", hint: ServerPins.hint) { () throws(Errno) in
        var left = Reading.part
        var entries = Reading.entries
        while left > 0, entries > 0 {
          guard next < survey.files.count else { return pins }
          try readEntry(&left)
          entries -= 1
        }
        return nil
      }
    }

    private var pins: ServerPins {
      ServerPins(
        contents: PinDigest(Digest.sha256(manifest.span)),
        fingerprint: survey.isSettled ? survey.fingerprint : .none)
    }

    /// Takes the next file, directory or link, or what comes next of a file.
    private mutating func readEntry(_ left: inout Int) throws(Errno) {
      let entry = survey.files[next]
      if let file = file.take() {
        if try add(file.rawValue, &left) { next += 1 } else { self.file = .some(file) }
        return
      }
      manifest += Array("\(entry.kind):\(entry.path.utf8.count):\(entry.path)".utf8)
      switch entry.kind {
      case "link":
        let target = try Files.linkTarget(entry.path)
        manifest += Array("\(target.utf8.count):\(target)".utf8)
      case "file", "program":
        let file = try Files.open(entry.path, [.noFollow, .nonblocking, .noTerminal])
        guard try Files.status(of: file.rawValue).kind == .regular else { throw .stale }
        hash = Digest.Stream()
        self.file = .some(file)
        return
      default: break
      }
      next += 1
    }

    /// Whether all of the file is read.
    private mutating func add(_ file: Int32, _ left: inout Int) throws(Errno) -> Bool {
      var buffer = [UInt8](repeating: 0, count: 1 << 18)
      while left > 0 {
        let count = try Descriptor.read(file, into: &buffer, from: 0)
        if count == 0 {
          manifest += hash.finish()
          return true
        }
        hash.add(buffer, count)
        left -= count
      }
      return false
    }
  }

  private static let hint = "what is pinned must be readable; pins: off pins nothing"

  /// The files that were found, in the order of their names.
  struct Survey {
    fileprivate var files: [(path: String, kind: String)] = []
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
  }
}
