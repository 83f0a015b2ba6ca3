internal import Audit
internal import Confinement
internal import Linux
internal import Profile

/// Where the pins of a profile are: one file for each profile, with what it was given for its variables.
struct PinPlace: Equatable, Sendable {
  /// The directory that is expected to be there, or is made like any other.
  let base: String
  /// The directories below it, which are ours alone; none for a file that was named.
  let components: [String]
  /// The file's name.
  let name: String

  /// The directory of the file.
  var directory: String {
    base.isEmpty ? "/" : ([base] + components).joined(separator: "/")
  }
  /// The file.
  var path: String { base.isEmpty ? "/" + name : directory + "/" + name }
  /// Whether somebody said where the file is.
  var isGiven: Bool { components.isEmpty }

  /// The place of a request's pins.
  ///
  /// The file is named after the profile and a digest of what makes it this one: its path, the values
  /// of its variables, and a command of the command line with the directory it was given in. So two
  /// profiles of one name, or one profile for two repositories, never share their pins.
  init(_ request: SessionRequest) throws(SessionError) {
    if let path = request.pinFile {
      let start = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
      base = start == path.startIndex ? "" : String(path[..<start])
      components = []
      name = String(path[path.utf8.index(after: start)...])
      return
    }
    name = "\(request.profile.name)-\(PinPlace.identity(request)).pins"
    components = ["anchorhold", "pins"]
    if let state = PinPlace.absolute("XDG_STATE_HOME"), PinPlace.isOurs(state) {
      base = state
    } else if Process.user == 0 {
      base = "/var/lib"
    } else if let home = PinPlace.absolute("HOME") {
      base = home + "/.local/state"
    } else {
      throw SessionError(
        "cannot find a place for the pins: HOME is not an absolute path",
        hint: "set HOME or XDG_STATE_HOME, or write pins: off in the profile")
    }
  }

  /// Whether this is root's, for root: a caller's own state that came along in the environment (sudo -E)
  /// would be closed to its owner by what root makes in it. Of what is not there, what it would be in
  /// counts.
  private static func isOurs(_ state: String) -> Bool {
    guard Process.user == 0 else { return true }
    var path = state[...]
    while true {
      do { return try Files.status(path.isEmpty ? "/" : String(path)).user == 0 } catch {
        guard let end = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return false }
        path = path[..<end]
      }
    }
  }

  private static func absolute(_ variable: String) -> String? {
    Process.environment(variable).flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
  }

  /// 32 hexadecimal digits; each part with its length before it, so that no two sets are spelled alike.
  private static func identity(_ request: SessionRequest) -> String {
    var parts = [request.profilePath ?? "", request.profile.name]
    for variable in request.profile.variables { parts += [variable.name, variable.value] }
    if let first = request.profile.server.command.first, first.line == 0 {
      parts.append(request.profile.server.invokedFrom ?? "")
      parts += request.profile.server.command.map(\.value)
    }
    var bytes: [UInt8] = []
    for part in parts { bytes += Array("\(part.utf8.count):".utf8) + Array(part.utf8) }
    let digits = Array("0123456789abcdef")
    let digest = Digest.sha256(bytes.span).prefix(16)
    return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  /// What no cell may reach of the pins: they would be the server's own word.
  static func guarded(_ request: SessionRequest) throws(SessionError) -> [String] {
    guard request.profile.pins != .off else { return [] }
    let place = try PinPlace(request)
    return [place.isGiven ? place.path : place.directory]
  }

  // MARK: - The directory

  /// Opens the directory, so that it can be listed and locked; makes it where it is missing and is ours.
  /// Nil where it is not there and is not made.
  func open(making: Bool) throws(SessionError) -> FileDescriptor? {
    var path = base.isEmpty ? "/" : base
    if making, !isGiven { try makeBase() }
    try checkLinks()
    if isGiven { try checkWay() }
    do {
      var directory = try Files.open(path, [.directory])
      try check(directory.rawValue, path)
      for component in components {
        path += "/" + component
        if making { try make(path) }
        let next = try Files.open(component, [.directory, .noFollow], in: directory.rawValue)
        try check(next.rawValue, path)
        directory = next
      }
      return directory
    } catch let error as SessionError {
      throw error
    } catch let error as Errno {
      if error == .noSuchFile, !making { return nil }
      throw SessionError("open the directory \(quotedPath(path)) of the pins", error, hint: hint)
    } catch {
      throw SessionError("cannot open the directory \(quotedPath(path)) of the pins", hint: hint)
    }
  }

  /// What a person can do where pins cannot be kept.
  var hint: String {
    isGiven
      ? "see docs/pins.md for what the directory of a pin file must be"
      : "make pins elsewhere with anchorhold tools PROFILE --approve --pins FILE and give run "
        + "--pins FILE, or write pins: off in the profile"
  }

  /// Ours alone may write below ours; a directory that was named may be root's, too.
  private func check(_ directory: Int32, _ path: String) throws(SessionError) {
    if !isGiven, path.utf8.elementsEqual(base.utf8) { return }
    let status = try doing("look at \(quotedPath(path))") { () throws(Errno) in
      try Files.status(of: directory)
    }
    guard status.user == Process.user || isGiven && status.user == 0 else {
      throw SessionError(
        "cannot keep pins in \(quotedPath(path)): it belongs to another user", hint: hint)
    }
    guard status.mode & 0o022 == 0 else {
      throw SessionError(
        "cannot keep pins in \(quotedPath(path)): others can write to it",
        hint: isGiven
          ? "name a file in a directory that only you or root can write to"
          : "chmod go-w \(quotedPath(path))")
    }
  }

  /// Whoever owns a link on the way can let it lead elsewhere, to where there are no pins yet.
  private func checkLinks() throws(SessionError) {
    // A directory that is not there is found out by opening it.
    for link in resolvedBase?.links ?? [] {
      let status = try doing("look at \(quotedPath(link.path))") { () throws(Errno) in
        try Files.status(link.path, followLinks: false)
      }
      guard status.user == Process.user || status.user == 0 else {
        throw SessionError(
          "cannot keep pins below \(quotedPath(link.path)): the link belongs to another user",
          hint: "name the directory without this link")
      }
    }
  }

  /// Whoever can write to a directory on the way to a file that was named can put another in its place.
  private func checkWay() throws(SessionError) {
    // A directory that is not there is found out by opening it.
    guard let real = resolvedBase?.real else { return }
    var path = ""
    for component in [""] + real.utf8.split(separator: 0x2F).map({ "\(Substring($0))" }) {
      path += component.isEmpty ? "" : "/" + component
      let place = path.isEmpty ? "/" : path
      let status = try doing("look at \(quotedPath(place))") { () throws(Errno) in
        try Files.status(place)
      }
      let isOpen = status.mode & 0o022 != 0 && status.mode & 0o1000 == 0
      guard status.user == Process.user || status.user == 0, !isOpen else {
        throw SessionError(
          "cannot keep pins below \(quotedPath(place)): others can write to it",
          hint: "name a file in a directory that only you or root can write to")
      }
    }
  }

  private var resolvedBase: ResolvedPath? {
    do { return try PathResolver(HostFiles()).resolve(base.isEmpty ? "/" : base) } catch {
      return nil
    }
  }

  private func makeBase() throws(SessionError) {
    var path = ""
    for component in base.utf8.split(separator: 0x2F) {
      path += "/\(Substring(component))"
      // Those that are there stay as they are, also where we could not make them.
      do { if try Files.status(path).kind == .directory { continue } } catch {}
      try make(path)
    }
  }

  private func make(_ path: String) throws(SessionError) {
    do { try Files.makeDirectory(path, mode: 0o700) } catch .fileExists { return } catch {
      throw SessionError("make the directory \(quotedPath(path)) of the pins", error, hint: hint)
    }
  }
}
