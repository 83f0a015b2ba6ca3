internal import Audit
internal import Confinement
internal import Linux
internal import Policy
internal import Wire

/// Writes what was decided into the audit file, one write for all that was read together.
struct RelayRecorder: ~Copyable {
  private var file: AuditFile<DescriptorSink>
  private var encoder: RecordEncoder
  private var limiter = RecordLimiter()
  /// The time of the messages that were read at `stamped`: those of one read share it.
  private var stamp = Timestamp(microseconds: 0)
  private var stamped: Int64 = .min
  /// Whether the last write failed.
  private(set) var isFailing = false

  init(_ configuration: RelayConfiguration) {
    file = AuditFile(DescriptorSink(configuration.audit))
    encoder = RecordEncoder(
      session: configuration.session, sequence: configuration.firstSequence,
      arguments: configuration.arguments)
  }

  /// Whether the file ends in half a line.
  var isTorn: Bool { file.isTorn }
  /// The number of the next record.
  var sequence: Int64 { encoder.sequence }
  /// Goes on after records that somebody else wrote to the same file, whole.
  mutating func resume(at sequence: Int64) {
    encoder.resume(at: sequence)
    file.markWhole()
  }

  /// Goes on after half a line that somebody else wrote to the same file.
  mutating func resumeTorn() { file.markTorn() }

  /// Whether counts wait for the end of their second.
  var hasCounts: Bool { limiter.hasCounts }

  /// Adds the record of a decision; beyond the rate, what costs its writer nothing is only counted.
  ///
  /// `document` is what the event's arguments lie in; any will do where it has none.
  mutating func add(_ event: borrowing Event, _ document: borrowing Document, at now: Int64) {
    if event.isUnbounded,
      !limiter.admit(Self.count(of: event), bytes: event.bytesIn, at: now)
    {
      return
    }
    var record = MessageRecord(
      kind: Self.kind(event.name), side: event.side, verdict: event.verdict.rawValue,
      rule: event.rule, bytesIn: event.bytesIn, method: event.method, id: event.id,
      tool: event.tool)
    record.reason = event.reason
    record.bytesOut = event.bytesOut
    record.removed = event.removed
    record.hidden = event.hidden
    record.cut = event.cut
    record.changed = event.changed
    record.changedInstructions = event.changedInstructions
    record.duration = event.duration
    record.outcome = event.outcome?.rawValue
    record.arguments = event.arguments
    if now != stamped {
      stamped = now
      stamp = .now
    }
    encoder.append(record, of: document, at: stamp)
  }

  /// Counts what could not be recorded by itself, to be told of as soon as something can be.
  mutating func count(_ event: borrowing Event, at now: Int64) {
    limiter.count(Self.count(of: event), bytes: event.bytesIn, at: now)
  }

  /// Counts lines of the server's stderr beyond the rate that is recorded.
  mutating func countStderr(lines: Int, bytes: Int, at now: Int64) {
    limiter.count(
      RecordLimiter.Count(kind: .stderr, side: .server, reason: nil), bytes: bytes, at: now,
      times: lines)
  }

  /// Adds the record of a refused system call.
  mutating func addDenial(
    _ entry: DenialCounts.Entry, during: [(id: RequestID, tool: [UInt8])]
  ) {
    let call = entry.call
    encoder.append(
      DenialRecord(
        call: call.name, number: call.number, errno: DeniedCall.name(ofError: entry.errno),
        allow: call.remedy, why: call.reason, during: during),
      at: .now)
  }

  /// Counts refused system calls that have no record of their own.
  mutating func countDenials(_ call: DeniedCall, _ times: Int, at now: Int64) {
    limiter.count(
      RecordLimiter.Count(kind: .denial, side: .server, reason: nil, call: call.name), bytes: 0,
      at: now, times: times)
  }

  private static func count(of event: borrowing Event) -> RecordLimiter.Count {
    let method = event.reason == nil ? event.method : nil
    return RecordLimiter.Count(
      kind: kind(event.name), side: event.side, reason: event.reason,
      method: method.flatMap { String(validating: $0, as: UTF8.self) })
  }

  /// Gives back storage that many records at once needed.
  mutating func shrink() { encoder.shrink() }

  /// Adds a line of the server's stderr.
  mutating func addStderr(_ line: [UInt8], size: Int) {
    encoder.appendStderr(line.span, size: size, at: .now)
  }

  /// Whether records wait to be written.
  var isPending: Bool { size > 0 }
  /// The bytes of the records that wait to be written.
  var size: Int { encoder.bytes.count }

  /// Writes what was added; returns up to which byte of it whole records are in the file now,
  /// `Int.max` if all are.
  mutating func commit(at now: Int64, isLast: Bool = false) -> Int {
    var counted: [RecordLimiter.Count] = []
    let added = encoder.bytes.count
    if limiter.hasCounts, isLast || limiter.isDue(at: now) {
      counted = limiter.take()
      encoder.append(counted, at: .now)
    }
    guard !encoder.bytes.isEmpty else { return .max }
    defer { encoder.clear() }
    let written = Self.write(encoder.bytes, to: &file)
    isFailing = written < encoder.bytes.count
    if isFailing {
      // What was counted still waits to be told.
      for count in counted {
        limiter.count(count, bytes: count.bytes, at: now, times: count.count)
      }
    }
    return written >= added ? .max : written
  }

  /// Writes lines; returns the bytes of those that are in the file.
  private static func write(
    _ lines: [UInt8], to file: inout AuditFile<DescriptorSink>
  ) -> Int {
    do {
      try file.write(lines.span)
      return lines.count
    } catch .short(let written, _) {
      return lines[..<written].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    } catch {
      return 0
    }
  }

  private static func kind(_ name: Event.Name) -> RecordKind {
    switch name {
    case .request: .request
    case .response: .response
    case .notification: .notification
    case .refusal: .refusal
    case .drop: .drop
    }
  }
}
