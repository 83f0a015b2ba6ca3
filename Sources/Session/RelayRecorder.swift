internal import Audit
internal import Linux
internal import Policy
internal import Wire

/// Writes what was decided into the audit file, one write for all that was read together.
struct RelayRecorder: ~Copyable {
  private var file: AuditFile<DescriptorSink>
  private var encoder: RecordEncoder
  private var limiter = DropLimiter()
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
  /// Whether counts of drops wait for the end of their second.
  var hasCounts: Bool { limiter.hasCounts }

  /// Adds the record of a decision; a drop beyond the rate is only counted.
  ///
  /// `document` is what the event's arguments lie in; any will do where it has none.
  mutating func add(_ event: borrowing Event, _ document: borrowing Document, at now: Int64) {
    if event.name == .drop,
      !limiter.admit(
        side: event.side, reason: event.reason ?? "", bytes: event.bytesIn, at: now)
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
    record.duration = event.duration
    record.outcome = event.outcome?.rawValue
    record.arguments = event.arguments
    if now != stamped {
      stamped = now
      stamp = .now
    }
    encoder.append(record, of: document, at: stamp)
  }

  /// Adds a line of the server's stderr.
  mutating func addStderr(_ line: [UInt8], size: Int) {
    encoder.appendStderr(line.span, size: size, at: .now)
  }

  /// Whether records wait to be written.
  var isPending: Bool { size > 0 }
  /// The bytes of the records that wait to be written.
  var size: Int { encoder.bytes.count }

  /// Writes what was added; whether all of it is in the file now.
  mutating func commit(at now: Int64, isLast: Bool = false) -> Bool {
    if limiter.hasCounts, isLast || limiter.isDue(at: now) {
      encoder.append(limiter.take(), at: .now)
    }
    guard !encoder.bytes.isEmpty else { return true }
    isFailing = !Self.write(encoder.bytes, to: &file)
    encoder.clear()
    return !isFailing
  }

  private static func write(
    _ lines: [UInt8], to file: inout AuditFile<DescriptorSink>
  ) -> Bool {
    do {
      try file.write(lines.span)
      return true
    } catch {
      return false
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
