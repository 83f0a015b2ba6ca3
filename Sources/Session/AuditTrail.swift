internal import Audit
internal import Confinement
internal import Linux
internal import Profile

/// The audit file of one session: its place, and the two records that the monitor writes.
struct AuditTrail: ~Copyable {
  /// The session's name: 16 hexadecimal digits, random.
  let session: String
  /// Where the file is.
  let path: String
  private let file: FileDescriptor
  /// When it was made, in microseconds.
  let started = Clock.monotonicMicroseconds()

  /// The descriptor, open for appending; the relay writes through a copy.
  var descriptor: Int32 { file.rawValue }

  /// Where the records of `profile` are kept for the caller.
  static func location(profile: String, user: UInt32) throws(SessionError) -> AuditLocation {
    do {
      return try AuditLocation(
        profile: profile, isRoot: user == 0, stateHome: Process.environment("XDG_STATE_HOME"),
        home: Process.environment("HOME"))
    } catch { throw SessionError(error.message, hint: "set HOME or XDG_STATE_HOME") }
  }

  /// Makes a new file for a session, and the directories above it.
  static func open(_ location: AuditLocation) throws(SessionError) -> AuditTrail {
    let session: String
    do {
      session = AuditTrail.hexadecimal(try Process.randomBytes(8))
    } catch { throw SessionError("name the session", error) }
    do {
      let opened = try location.open(session: session, at: .now)
      let path = opened.path
      return AuditTrail(session: session, path: path, file: opened.takeDescriptor())
    } catch {
      throw SessionError(error.message, hint: "without a record nothing is run")
    }
  }

  /// Writes down why a session did not begin, if nothing is written of it yet. What cannot be written
  /// was said on standard error; nothing of the server ran.
  static func noteFailure(
    _ error: SessionError, path: String, session: String, since start: Int64
  ) {
    do throws(Errno) {
      let file = try Files.open(path, [.writeOnly, .append, .noFollow])
      guard try Files.status(of: file.rawValue).size == 0 else { return }
      var encoder = RecordEncoder(session: session)
      encoder.append(
        SessionEnd(
          reason: "start-failed", status: nil, signal: nil,
          duration: Clock.monotonicMicroseconds() - start, counters: nil, denials: nil,
          further: [
            .init("error", .text(error.message)),
            .init("exit_status", .integer(Int64(error.status))),
          ]), at: .now)
      try Descriptor.writeAll(file.rawValue, encoder.bytes)
    } catch { return }
  }

  private init(session: String, path: String, file: consuming FileDescriptor) {
    self.session = session
    self.path = path
    self.file = file
  }

  /// Writes the first record, with the seal.
  func recordStart(
    _ request: SessionRequest, plan: Plan, checks: [SealCheck], lookedTwice: Bool,
    watch: CellFilter.Watch
  ) throws(SessionError) {
    let kernel = try doing("name the kernel") { () throws(Errno) in try Process.kernelRelease() }
    let start = SessionStart(
      profile: request.profile.name, path: request.profilePath,
      digest: Digest.sha256(request.profileText.span), version: request.version, kernel: kernel,
      isolation: request.profile.isolation.rawValue,
      command: request.profile.server.command.map(\.value),
      seal: AuditTrail.seal(checks),
      further: AuditTrail.cell(plan, lookedTwice: lookedTwice, watch: watch))
    var encoder = RecordEncoder(session: session)
    encoder.append(start, at: .now)
    try write(encoder.bytes)
  }

  private static func seal(_ checks: [SealCheck]) -> [SealEntry] {
    checks.map {
      SealEntry(
        name: $0.name, expected: .text($0.expected), observed: .text($0.observed),
        holds: $0.holds)
    }
  }

  /// What a cell is, for the record of its making.
  private static func cell(
    _ plan: Plan, lookedTwice: Bool, watch: CellFilter.Watch
  ) -> [Detail.Member] {
    [
      .init("looks", .integer(lookedTwice ? 2 : 1)),
      .init("grants", .list(plan.grants.map(AuditTrail.detail))),
      .init(
        "limits",
        .list(
          plan.limitHolders.map {
            .object([
              .init("name", .text($0.name)), .init("value", .text($0.value)),
              .init("holder", .text($0.holder)),
            ])
          })),
      .init("hidden", .list(plan.hidden.map { .text($0) })),
      .init("dangerous", .list(plan.dangers.map(AuditTrail.detail))),
      .init("notes", .list(plan.notes.map { .text($0) })),
      .init("denials_watched", .boolean(watch == .on)),
      .init("denials_unwatched_because", watch == .on ? .null : .text(watch.reason)),
      .init(
        "remaining_groups", .list(plan.remainingGroups.map { .integer(Int64($0)) })),
      .init(
        "remaining_group_names", .list(plan.groups.remaining.map { .text($0.text) })),
    ]
  }

  /// Writes the record of a server that is started again, in whose number `sequence` is; the number of the
  /// next record.
  func recordServerRestart(
    restart: Int64, plan: Plan, checks: [SealCheck], lookedTwice: Bool, watch: CellFilter.Watch,
    sequence: Int64, isTorn: Bool
  ) throws(SessionError) -> Int64 {
    let record = ServerRestart(
      restart: restart, seal: AuditTrail.seal(checks),
      further: AuditTrail.cell(plan, lookedTwice: lookedTwice, watch: watch))
    var encoder = RecordEncoder(session: session, sequence: sequence)
    encoder.append(record, at: .now)
    try write(encoder.bytes, isTorn: isTorn)
    return encoder.sequence
  }

  /// Writes the record of a server that failed and is to be started again; the number of the next.
  func recordServerEnd(
    status: ExitStatus?, usage: ResourceUsage?, denials: [DenialCounts.Entry]?,
    events: ControlGroupEvents?, facts: EndFacts, duration: Int64, restart: Int64, wait: Int64,
    sequence: Int64, isTorn: Bool
  ) throws(SessionError) -> Int64 {
    let (code, signal) = AuditTrail.numbers(of: status)
    let record = ServerEnd(
      status: code, signal: signal, duration: duration, restart: restart, wait: wait,
      further: [
        .init("usage", .object(AuditTrail.usage(usage))),
        .init("denials", denials.map { .list($0.map(AuditTrail.detail)) } ?? .null),
      ] + facts.serverMembers(status)
        + (events.map { [.init("control_group", .object(AuditTrail.counts($0)))] } ?? []))
    var encoder = RecordEncoder(session: session, sequence: sequence)
    encoder.append(record, at: .now)
    try write(encoder.bytes, isTorn: isTorn)
    return encoder.sequence
  }

  private static func numbers(of status: ExitStatus?) -> (code: Int32?, signal: Int32?) {
    switch status {
    case .exited(let value): (value, nil)
    case .signalled(let value): (nil, value)
    case nil: (nil, nil)
    }
  }

  private static func usage(_ usage: ResourceUsage?) -> [Detail.Member] {
    usage.map {
      [
        .init("user_us", .integer($0.userMicroseconds)),
        .init("system_us", .integer($0.systemMicroseconds)),
        .init("max_rss_bytes", .integer($0.maximumResidentKiB * 1024)),
      ]
    } ?? []
  }

  private static func counts(_ events: ControlGroupEvents) -> [Detail.Member] {
    [
      .init("memory_kills", .integer(Int64(clamping: events.memoryKills))),
      .init("processes_refused", .integer(Int64(clamping: events.refusedProcesses))),
      .init(
        "memory_peak_bytes", events.memoryPeak.map { .integer(Int64(clamping: $0)) } ?? .null),
    ]
  }

  private static func detail(of danger: Danger) -> Detail {
    .object([
      .init("path", .text(danger.path)), .init("access", .text(danger.access.rawValue)),
      .init("why", .text(danger.why)), .init("reason", .text(danger.reason)),
      .init("line", .integer(Int64(danger.line))),
    ])
  }

  private static func detail(of grant: Grant) -> Detail {
    .object([
      .init("path", .text(grant.path)), .init("access", .text(grant.access.rawValue)),
      .init("executable", .boolean(grant.executable)), .init("reason", .text(grant.reason)),
    ])
  }

  private static func detail(of denial: DenialCounts.Entry) -> Detail {
    .object([
      .init("call", .text(denial.call.name)),
      .init("number", denial.call.number.map { .integer(Int64($0)) } ?? .null),
      .init("errno", .text(DeniedCall.name(ofError: denial.errno))),
      .init("count", .integer(denial.count)),
    ])
  }

  /// Writes the last record; without `counters` the relay could not say how far it came.
  func recordEnd(
    reason: String, status: ExitStatus?, usage: ResourceUsage?, counters: Counters?,
    denials: [DenialCounts.Entry]?, events: ControlGroupEvents?, facts: EndFacts,
    restarts: Int64?
  ) throws(SessionError) {
    let (code, signal) = AuditTrail.numbers(of: status)
    let end = SessionEnd(
      reason: reason, status: code, signal: signal,
      duration: Clock.monotonicMicroseconds() - started,
      usage: AuditTrail.usage(usage),
      counters: counters.map {
        [
          .init("requests", .integer($0.requests)), .init("refusals", .integer($0.refusals)),
          .init("drops", .integer($0.drops)),
          .init("bytes_to_client", .integer($0.bytesToClient)),
          .init("bytes_to_server", .integer($0.bytesToServer)),
          .init("stderr_bytes", .integer($0.stderrBytes)),
        ]
      },
      denials: denials.map { $0.map(AuditTrail.detail) },
      controlGroup: events.map(AuditTrail.counts),
      further: facts.members(status)
        + (restarts.map { [.init("restarts", .integer($0))] } ?? []))
    var encoder = RecordEncoder(session: session, sequence: counters?.nextSequence ?? -1)
    encoder.append(end, at: .now)
    try write(encoder.bytes, isTorn: counters.map { $0.isTorn != 0 } ?? endsInHalfALine())
  }

  /// Whether the file's last line has no end; what cannot be found out is taken to be so, because
  /// an empty line does less harm than a record that cannot be read.
  func endsInHalfALine() -> Bool {
    do {
      let ours = try Files.open("/proc/self/fd/\(descriptor)", [.readOnly])
      let size = Int64(clamping: try Files.status(of: descriptor).size)
      guard size > 0 else { return false }
      return try Descriptor.read(ours.rawValue, at: size - 1, maximum: 1) != [0x0A]
    } catch { return true }
  }

  private func write(_ bytes: [UInt8], isTorn: Bool = false) throws(SessionError) {
    var file = AuditFile(DescriptorSink(descriptor), isTorn: isTorn)
    do { try file.write(bytes.span) } catch {
      let why =
        switch error {
        case .failed(let number): "\(Errno(rawValue: number))"
        case .short: "\(Errno.noSpace)"
        }
      throw SessionError(
        "cannot write to the audit file \"\(path)\": \(why)",
        hint: "without a record nothing is done; make room or mend the file system")
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}

extension Timestamp {
  /// The moment now, by the wall clock.
  static var now: Timestamp {
    Timestamp(microseconds: Clock.wallMicroseconds())
  }
}
