/// What the record of a session's start says.
public struct SessionStart: Sendable {
  /// The profile's name.
  public var profile: String
  /// The file that the profile came from, nil for one that is built in.
  public var path: String?
  /// The SHA-256 digest of the profile's text.
  public var digest: [UInt8]
  /// The version of this program.
  public var version: String
  /// The kernel's release, as `uname -r` says it.
  public var kernel: String
  /// The isolation level.
  public var isolation: String
  /// The server's command and its arguments.
  public var command: [String]
  /// Each control with what the plan expected and what the kernel said.
  public var seal: [SealEntry]
  /// Further fields, after the others.
  public var further: [Detail.Member]

  /// A start with the fields that every session has.
  public init(
    profile: String, path: String?, digest: [UInt8], version: String, kernel: String,
    isolation: String, command: [String], seal: [SealEntry], further: [Detail.Member] = []
  ) {
    self.profile = profile
    self.path = path
    self.digest = digest
    self.version = version
    self.kernel = kernel
    self.isolation = isolation
    self.command = command
    self.seal = seal
    self.further = further
  }

  var members: [Detail.Member] {
    let holds = seal.allSatisfy(\.holds)
    return [
      .init("profile", .text(profile)),
      .init("profile_path", path.map { .text($0) } ?? .null),
      .init("profile_sha256", .hexadecimal(digest)),
      .init("version", .text(version)),
      .init("kernel", .text(kernel)),
      .init("isolation", .text(isolation)),
      .init("command", .list(command.map { .text($0) })),
      .init("sealed", .boolean(holds)),
      .init("seal", .list(seal.map(\.detail))),
    ] + further
  }
}

/// One control of the seal: what was to be, and what the kernel said.
public struct SealEntry: Sendable {
  /// The control's name.
  public var name: String
  /// What the plan expected.
  public var expected: Detail
  /// What was read back.
  public var observed: Detail
  /// Whether the control holds.
  public var holds: Bool

  /// One control.
  public init(name: String, expected: Detail, observed: Detail, holds: Bool) {
    self.name = name
    self.expected = expected
    self.observed = observed
    self.holds = holds
  }

  var detail: Detail {
    .object([
      .init("name", .text(name)),
      .init("expected", expected),
      .init("observed", observed),
      .init("ok", .boolean(holds)),
    ])
  }
}

/// What the record of a session's end says.
public struct SessionEnd: Sendable {
  /// Why it ended: a stable name, such as `client-closed`, `server-ended`, `signal`.
  public var reason: String
  /// The server's exit status, nil if a signal ended it.
  public var status: Int32?
  /// The signal that ended the server.
  public var signal: Int32?
  /// How long the session lasted, µs.
  public var duration: Int64
  /// What the server and its children used, such as `user_us`, `system_us`, `max_rss_bytes`.
  public var usage: [Detail.Member]
  /// Counts of the session, such as `requests`, `refusals`, `drops`; nil if they are not known.
  public var counters: [Detail.Member]?
  /// What the session's control group counted; nil if it had none.
  public var controlGroup: [Detail.Member]?
  /// The system calls that were refused, with how often; nil if that was not seen.
  public var denials: [Detail]?
  /// Further fields, after the others.
  public var further: [Detail.Member]

  /// An end with the fields that every session has.
  public init(
    reason: String, status: Int32?, signal: Int32?, duration: Int64,
    usage: [Detail.Member] = [], counters: [Detail.Member]? = [], denials: [Detail]? = [],
    controlGroup: [Detail.Member]? = nil, further: [Detail.Member] = []
  ) {
    self.reason = reason
    self.status = status
    self.signal = signal
    self.duration = duration
    self.usage = usage
    self.counters = counters
    self.controlGroup = controlGroup
    self.denials = denials
    self.further = further
  }

  var members: [Detail.Member] {
    [
      .init("reason", .text(reason)),
      .init("status", status.map { .integer(Int64($0)) } ?? .null),
      .init("signal", signal.map { .integer(Int64($0)) } ?? .null),
      .init("duration_us", .integer(duration)),
      .init("usage", .object(usage)),
      .init("counters", counters.map(Detail.object) ?? .null),
      .init("denials", denials.map(Detail.list) ?? .null),
    ] + further + (controlGroup.map { [.init("control_group", .object($0))] } ?? [])
  }
}

/// What the record of a server says that failed and is to be started again.
public struct ServerEnd: Sendable {
  /// Its exit status, nil if a signal ended it.
  public var status: Int32?
  /// The signal that ended it.
  public var signal: Int32?
  /// How long it ran, µs.
  public var duration: Int64
  /// Which restart of the session follows, from 1, and how long (µs) it waits.
  public var restart: Int64, wait: Int64
  /// Further fields, after the others.
  public var further: [Detail.Member]

  /// An end.
  public init(
    status: Int32?, signal: Int32?, duration: Int64, restart: Int64, wait: Int64,
    further: [Detail.Member]
  ) {
    self.status = status
    self.signal = signal
    self.duration = duration
    self.restart = restart
    self.wait = wait
    self.further = further
  }

  var members: [Detail.Member] {
    [
      .init("status", status.map { .integer(Int64($0)) } ?? .null),
      .init("signal", signal.map { .integer(Int64($0)) } ?? .null),
      .init("duration_us", .integer(duration)),
      .init("restart", .integer(restart)),
      .init("wait_us", .integer(wait)),
    ] + further
  }
}

/// What the record of a server says that was started again.
public struct ServerRestart: Sendable {
  /// Which restart of the session it is, from 1.
  public var restart: Int64
  /// Each control of its cell with what the plan expected and what the kernel said.
  public var seal: [SealEntry]
  /// Further fields, after the others.
  public var further: [Detail.Member]

  /// A restart.
  public init(restart: Int64, seal: [SealEntry], further: [Detail.Member]) {
    self.restart = restart
    self.seal = seal
    self.further = further
  }

  var members: [Detail.Member] {
    [
      .init("restart", .integer(restart)),
      .init("sealed", .boolean(seal.allSatisfy(\.holds))),
      .init("seal", .list(seal.map(\.detail))),
    ] + further
  }
}
