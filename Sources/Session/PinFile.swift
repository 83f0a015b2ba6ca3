internal import Linux
internal import Policy
internal import Profile

/// A pin file: first what we wrote of the profile and the program, in lines of fixed length, then what
/// the relay wrote of the server, of which the monitor reads no byte (`PinBook`).
///
/// ```
/// anchorhold pins 1
/// profile DIGEST
/// server DIGEST FINGERPRINT
/// tools DIGEST
/// instructions DIGEST
///
/// ```
struct PinFile: Equatable, Sendable {
  /// SHA-256 of the profile's text when this was written.
  var profile: PinDigest
  /// The program and what else is pinned with it.
  var server: ServerPins
  /// The digests of all tools and of the instructions, none of what has not been seen.
  var tools: PinDigest, instructions: PinDigest
  /// What the relay wrote.
  var body: [UInt8]

  /// The largest pin file, in bytes.
  static let largest = 64 << 20
  /// The largest part of the relay in one.
  static let largestBody = largest - 1024
  /// The lines above the relay's.
  static let lines = 6

  /// Whether something of the server has not been seen yet.
  var isIncomplete: Bool { tools == .none || instructions == .none }

  /// The whole file.
  var bytes: [UInt8] {
    var output = Array("anchorhold pins 1\nprofile ".utf8)
    output += profile.text + Array("\nserver ".utf8) + server.contents.text + [0x20]
    output += server.fingerprint.text + Array("\ntools ".utf8) + tools.text
    output += Array("\ninstructions ".utf8) + instructions.text + [0x0A, 0x0A]
    return output + body
  }

  init(
    profile: PinDigest, server: ServerPins, tools: PinDigest, instructions: PinDigest,
    body: [UInt8]
  ) {
    self.profile = profile
    self.server = server
    self.tools = tools
    self.instructions = instructions
    self.body = body
  }

  /// Reads the lines that are ours; nil when they are not as we write them.
  init?(_ bytes: [UInt8]) {
    var rest = bytes[...]
    func skip(_ words: String) -> Bool {
      guard rest.starts(with: words.utf8) else { return false }
      rest = rest.dropFirst(words.utf8.count)
      return true
    }
    func digest() -> PinDigest? {
      defer { rest = rest.dropFirst(PinDigest.textLength) }
      return PinDigest(text: rest.prefix(PinDigest.textLength))
    }
    guard skip("anchorhold pins 1\nprofile "), let profile = digest(), skip("\nserver "),
      let contents = digest(), skip(" "), let fingerprint = digest(), skip("\ntools "),
      let tools = digest(), skip("\ninstructions "), let instructions = digest(), skip("\n\n")
    else { return nil }
    self.init(
      profile: profile, server: ServerPins(contents: contents, fingerprint: fingerprint),
      tools: tools, instructions: instructions, body: Array(rest))
  }

  /// Reads the file of a directory; nil when there is none.
  ///
  /// Throws for a link, for anything else that is no file, for one that others can write or that
  /// belongs to a stranger, and for one that is not as we write them.
  static func read(_ place: PinPlace, in directory: Int32) throws(SessionError) -> PinFile? {
    let path = place.path
    func refuse(_ why: String, _ hint: String) -> SessionError {
      SessionError("cannot use the pin file \(quotedPath(path)): \(why)", hint: hint)
    }
    let kind: FileKind
    do {
      kind = try Files.status(place.name, followLinks: false, in: directory).kind
    } catch .noSuchFile { return nil } catch {
      throw SessionError("look at the pin file \(quotedPath(path))", error)
    }
    if kind == .symbolicLink {
      throw refuse("it is a symbolic link", "name the file itself, or remove the link")
    }
    // Not followed and not waited for, whatever it may be by now.
    let file = try doing("open the pin file \(quotedPath(path))") { () throws(Errno) in
      try Files.open(place.name, [.noFollow, .nonblocking], in: directory)
    }
    let status = try doing("look at the pin file \(quotedPath(path))") { () throws(Errno) in
      try Files.status(of: file.rawValue)
    }
    guard status.kind == .regular else { throw refuse("it is no file", "remove it") }
    guard status.user == Process.user || status.user == 0 else {
      throw refuse("it belongs to user \(status.user)", "make pins of your own")
    }
    guard status.mode & 0o022 == 0 else {
      throw refuse(
        "others can write to it",
        "if its contents are yours, chmod go-w \(quotedPath(path)); else remove it")
    }
    let bytes = try doing("read the pin file \(quotedPath(path))") { () throws(Errno) in
      try Descriptor.readAll(file.rawValue, maximum: largest)
    }
    guard let pins = PinFile(bytes) else { throw malformed(place, line: nil) }
    return pins
  }

  /// The error for a file that is not as we write them.
  static func malformed(_ place: PinPlace, line: Int?) -> SessionError {
    let line = line.map { ":\($0)" } ?? ""
    return SessionError(
      "the pin file \(quotedPath(place.path + line)) is damaged",
      hint: "put back a copy of it; or remove it, and look with anchorhold tools PROFILE at what "
        + "the server says now before you --approve it")
  }
}
