internal import Audit
internal import Linux
internal import Policy
internal import Profile

/// The pins of one session, as the monitor keeps them: read before anything runs, written when the relay
/// has seen what there was not before.
final class Pinning {
  let isStrict: Bool
  let place: PinPlace
  /// What was pinned when the session began; nil on the first use.
  let found: PinFile?
  /// What the server is made of now: of the first use only what shows without reading it, because
  /// most starts should not have to wait for that.
  private let survey: ServerPins.Survey
  private let server: ServerPins?
  private let profile: PinDigest
  /// What makes a survey.
  private let executable: String, pinned: [Located<String>]
  /// Whether what is written is what somebody approved, and whether that is the program, too.
  private let approves: Bool, approvesServer: Bool
  /// Where the relay writes what it saw; nil where nothing can be written, or nothing is missing.
  private let memory: FileDescriptor?
  /// What the relay saw and is not written yet, because ``reading`` has not come to its end.
  private var seen: (numbers: [Int64], body: [UInt8]) = ([], [])
  private var reading: ServerPins.Reading?
  /// What is to be said of the pins in the record.
  private(set) var notes: [String] = []

  /// Whether the program, or what else is pinned with it, is not as it was.
  var isServerChanged: Bool { found?.server.contents != server?.contents }
  /// Whether the profile is not as it was when its pins were written.
  var isProfileChanged: Bool { found.map { $0.profile != profile } ?? false }

  /// Reads the pins of a request; nil if the profile has none.
  ///
  /// Throws where they cannot be used, where they are missing and cannot be written although the profile
  /// is strict, and where it is strict and the program is not as pinned.
  static func open(
    _ request: SessionRequest, executable: String
  ) throws(SessionError) -> Pinning? {
    let mode = request.profile.pins
    guard mode != .off else { return nil }
    let isStrict = mode == .strict
    let place = try PinPlace(request)
    var found: PinFile?
    if let directory = try place.open(making: false) {
      found = try PinFile.read(place, in: directory.rawValue)
    }
    let survey = try ServerPins.survey(
      executable: executable, pinned: request.profile.server.pinned)
    var server: ServerPins?
    if let found { server = try ServerPins(survey, known: found.server) }
    var memory: FileDescriptor?
    var notes = ["pins: \(mode.rawValue), in \(place.path)"]
    if request.tools.map({ $0.approves != nil }) ?? found?.isIncomplete ?? true {
      do throws(SessionError) {
        memory = try room(place)
      } catch {
        if isStrict && found == nil && !request.inspects || request.tools?.approves != nil {
          throw error
        }
        notes.append("pins: what is seen for the first time is not pinned: \(error.message)")
      }
    }
    let pinning = Pinning(
      request, executable, place: place, found: found, survey: survey, server: server,
      memory: memory, notes: notes)
    try pinning.judgeProgram(request)
    return pinning
  }

  private init(
    _ request: SessionRequest, _ executable: String, place: PinPlace, found: PinFile?,
    survey: ServerPins.Survey, server: ServerPins?, memory: consuming FileDescriptor?,
    notes: [String]
  ) {
    isStrict = request.profile.pins == .strict
    approves = request.tools?.approves != nil
    approvesServer = request.tools?.approvesServer ?? false
    profile = PinDigest(Digest.sha256(request.profileText.span))
    self.executable = executable
    pinned = request.profile.server.pinned
    self.survey = survey
    self.place = place
    self.found = found
    self.server = server
    self.memory = memory
    self.notes = notes
  }

  /// Where the relay can write, if a pin file can be made after: found out now and not when there is
  /// something to write.
  private static func room(_ place: PinPlace) throws(SessionError) -> FileDescriptor {
    guard try place.open(making: true) != nil else {
      throw SessionError(
        "cannot keep pins in \(quotedPath(place.directory)): there is no such directory",
        hint: place.hint)
    }
    guard Files.mayWrite(place.directory) else {
      throw SessionError(
        "cannot keep pins in \(quotedPath(place.directory)): it cannot be written",
        hint: place.hint)
    }
    return try doing("make room for the pins") { () throws(Errno) in
      try Files.inMemory("anchorhold-pins", size: PinFile.largestBody)
    }
  }

  private func judgeProgram(_ request: SessionRequest) throws(SessionError) {
    if found == nil { notes.append("pins: this is the first use") }
    if isProfileChanged { notes.append("pins: the profile is not as it was when they were made") }
    guard isServerChanged else {
      if let found, let server, found.server != server { renew(found, server) }
      return
    }
    let what =
      request.profile.server.pinned.isEmpty
      ? "the program \(quotedPath(executable)) is"
      : "the program \(quotedPath(executable)), or what is pinned with it, is"
    notes.append("pins: \(what) not as pinned")
    let hint = "if that was meant to change, \(request.toolsCommand) --approve @server"
    if isStrict, !request.inspects { throw SessionError("\(what) not as pinned", hint: hint) }
    if !request.inspects { Diagnostics.warning("\(what) not as pinned", hint: hint) }
  }

  /// Looks at the program again before it is started again: one that is not as it was when the session
  /// began has not been compared with its pins.
  func judgeAgain() throws(SessionError) {
    let now = try ServerPins.survey(executable: executable, pinned: pinned)
    guard now.fingerprint != survey.fingerprint else { return }
    let text =
      "the program \(quotedPath(executable)), or what is pinned with it, changed in the session"
    if isStrict { throw SessionError(text, hint: "start the session again") }
    Diagnostics.warning(text)
  }

  /// Notes the times of files whose contents are as pinned, so that they need not be read again. What
  /// cannot be written is read again next time.
  private func renew(_ found: PinFile, _ server: ServerPins) {
    var next = found
    next.server = server
    do { _ = try write(next) } catch { return }
  }

  // MARK: - The relay's part

  /// The error for what the relay found damaged in its part of the file, from this line of it on.
  static func damaged(_ request: SessionRequest, _ line: Int64) throws(SessionError) -> SessionError
  {
    PinFile.malformed(
      try PinPlace(request), line: line > 0 ? Int(clamping: line) &+ PinFile.lines : nil)
  }

  /// The descriptor that the relay writes to, -1 for none.
  var output: Int32 {
    switch memory {
    case .some(let file): file.rawValue
    case .none: -1
    }
  }

  /// What the relay is given.
  var settings: RelayPins {
    RelayPins(
      isStrict: isStrict, body: found?.body ?? [], tools: found?.tools ?? .none,
      instructions: found?.instructions ?? .none, output: output)
  }

  /// Takes what the relay saw: the digests of all tools and of the instructions are `numbers`. It is
  /// written at once, or else after ``readOn()`` has read what the server is made of.
  ///
  /// Where another session has written meanwhile, its pins stay; throws if it saw something else.
  func keep(_ numbers: [Int64]) throws(SessionError) {
    guard output >= 0, numbers.count == 8 else {
      throw SessionError("the relay pinned what it was not asked for")
    }
    let body = try doing("read the new pins") { () throws(Errno) in
      // The file is larger; how far the relay wrote is where it is in it.
      let size = try Files.position(of: output)
      let body = try Descriptor.read(output, at: 0, maximum: size)
      guard body.count == size else { throw .fileTooLarge }
      return body
    }
    if let found, !approvesServer { return try write(numbers, body, found.server) }
    let survey = try surveyNow()
    if let server, server.fingerprint == survey.fingerprint {
      return try write(numbers, body, server)
    }
    seen = (numbers, body)
    reading = .some(ServerPins.Reading(survey))
  }

  /// Whether something is still to be read before the pins are written.
  var isReading: Bool {
    switch reading {
    case .some: true
    case .none: false
    }
  }

  /// Reads a part of that; after the last one the pins are written.
  func readOn() throws(SessionError) {
    guard var reading = reading.take() else { return }
    guard let server = try reading.readOn() else {
      self.reading = .some(reading)
      return
    }
    try write(seen.numbers, seen.body, server)
    seen = ([], [])
  }

  /// Leaves it unread, and the pins unwritten.
  func stopReading() { reading = nil }

  private func write(
    _ numbers: [Int64], _ body: [UInt8], _ server: ServerPins
  ) throws(SessionError) {
    let next = PinFile(
      profile: approves ? profile : found?.profile ?? profile, server: server,
      tools: PinDigest(numbers: Array(numbers[..<4])),
      instructions: PinDigest(numbers: Array(numbers[4...])), body: body)
    guard let other = try write(next) else { return }
    if approves {
      throw SessionError(
        "the pins changed while they were looked at", hint: "look again before you approve")
    }
    func differs(_ one: PinDigest, _ other: PinDigest) -> Bool {
      one != .none && other != .none && one != other
    }
    guard differs(next.tools, other.tools) || differs(next.instructions, other.instructions) else {
      return
    }
    throw SessionError(
      "another session pinned other tools or instructions than this one saw",
      hint: "the server does not say the same to everybody; look at what it says")
  }

  /// What the server was made of when it was started.
  private func surveyNow() throws(SessionError) -> ServerPins.Survey {
    let survey = try ServerPins.survey(executable: executable, pinned: pinned)
    guard survey.fingerprint == self.survey.fingerprint else {
      throw SessionError(
        "the program \(quotedPath(executable)), or what is pinned with it, changed in the session",
        hint: "start the session again")
    }
    return survey
  }

  /// Writes the file, if it is still as it was when the session began; else gives what is there now.
  func write(_ next: PinFile) throws(SessionError) -> PinFile? {
    let action = "write the pin file \(quotedPath(place.path))"
    guard let directory = try place.open(making: true) else {
      throw SessionError("cannot \(action): its directory is gone", hint: place.hint)
    }
    // Until the directory is closed: a second of ours waits, reads what we wrote and compares.
    try doing(action, hint: place.hint) { () throws(Errno) in
      try Files.lock(directory.rawValue)
    }
    let current = try PinFile.read(place, in: directory.rawValue)
    if let current, current != found { return current }
    try doing(action, hint: place.hint) { () throws(Errno) in
      try Files.writeWhole(
        next.bytes, name: place.name, in: directory.rawValue, replacing: current != nil)
    }
    return nil
  }
}

/// What the relay is given of the pins.
struct RelayPins: Sendable {
  /// Whether what is not as pinned is held back.
  var isStrict: Bool
  /// What a relay of before wrote; empty on the first use.
  var body: [UInt8]
  /// The digests of all tools and of the instructions in it.
  var tools: PinDigest, instructions: PinDigest
  /// Where new pins go, a file in memory; -1 if nothing is missing.
  var output: Int32
}

extension RelayPins {
  /// For who only wants to see what a server offers whose profile pins nothing; nil for a session.
  static func none(_ request: SessionRequest) -> RelayPins? {
    request.inspects
      ? RelayPins(
        isStrict: false, body: [], tools: .none, instructions: .none, output: -1) : nil
  }
}

extension SessionRequest {
  /// The command that shows what changed, as somebody would type it.
  var toolsCommand: String {
    let name = profilePath.map { shellQuoted($0) } ?? profile.name
    return "anchorhold tools \(name)\(profile.variables.isEmpty ? "" : " --set …")"
  }
}
