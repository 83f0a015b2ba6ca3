public import Wire

/// Writes records as JSON Lines into storage that it reuses.
///
/// Every text in a record is bounded and escaped, whoever wrote it. A number that two records of one
/// session do not have between them is a record that could not be written.
public struct RecordEncoder: Sendable {
  /// Complete lines, each with its LF, since the last ``clear()``.
  public private(set) var bytes: [UInt8] = []
  /// The number that the next record gets.
  public private(set) var sequence: Int64
  private let arguments: ArgumentDetail
  /// `","session":"…","seq":`, which follows the fraction of the second in every record.
  private var session: [UInt8] = []
  /// `{"time":"YYYY-MM-DDTHH:MM:SS.` of the second that `second` counts.
  private var start: [UInt8] = []
  private var second: Int64 = .min
  /// Of the arguments that were recorded last.
  private var digest = [UInt8](repeating: 0, count: Digest.size)

  /// An encoder for the records of one session that one process writes.
  public init(session: String, sequence: Int64 = 0, arguments: ArgumentDetail = .shape) {
    self.sequence = sequence
    self.arguments = arguments
    self.session.appendASCII(#"Z","session":"#)
    self.session.appendQuoted(session, limit: RecordLimits.name)
    self.session.appendASCII(#","seq":"#)
    bytes.reserveCapacity(4_096)
  }

  /// Goes on with this number, because another process has written records of the session.
  public mutating func resume(at sequence: Int64) { self.sequence = sequence }

  /// Forgets the lines that have been written, and keeps the storage.
  public mutating func clear() { bytes.removeAll(keepingCapacity: true) }

  /// Gives back storage that many records at once needed, if none wait.
  public mutating func shrink() {
    if bytes.isEmpty, bytes.capacity > 64 << 10 { bytes = [] }
  }

  /// Appends the record of a message; `document` is what `record.arguments` lies in.
  public mutating func append(
    _ record: borrowing MessageRecord, of document: borrowing Document, at time: Timestamp
  ) {
    refresh(time)
    let method = record.method.map(Self.escaped)
    let tool = record.tool.map(Self.escaped)
    var size = Self.fixedSize + start.count + session.count
    size += (method?.count ?? 0) + (tool?.count ?? 0) + record.verdict.utf8.count
    size += (record.reason?.utf8.count ?? 0) + (record.outcome?.utf8.count ?? 0)
    let name = record.id?.content.map(Self.escaped)
    size += name?.count ?? 0
    let (start, session, sequence) = (start, session, sequence)
    bytes.append(addingCapacity: size) { out in
      out.append(bytes: start.span)
      out.append(digits: UInt64(time.nanoseconds / 1_000), width: 6)
      out.append(bytes: session.span)
      out.append(decimal: sequence)
      out.append(text: #","kind":""#)
      out.append(name: record.kind.rawValue)
      out.append(text: record.side == .client ? #"","side":"client""# : #"","side":"server""#)
      if let method { out.append(#","method":""#, quoted: method) }
      if let name {
        out.append(#","id":""#, quoted: name)
      } else if let id = record.id {
        out.append(#","id":"#, id.number)
      }
      if let tool { out.append(#","tool":""#, quoted: tool) }
      out.append(text: #","verdict":""#)
      out.append(name: record.verdict)
      out.append(#"","rule":"#, Int64(record.rule))
      if let reason = record.reason {
        out.append(text: #","reason":""#)
        out.append(name: reason)
        out.append(UInt8(ascii: "\""))
      }
      out.append(#","bytes_in":"#, Int64(record.bytesIn))
      out.append(#","bytes_out":"#, Int64(record.bytesOut))
      if let removed = record.removed { out.append(#","removed":"#, Int64(removed)) }
      if let hidden = record.hidden { out.append(#","hidden":"#, Int64(hidden)) }
      if let cut = record.cut { out.append(#","cut":"#, Int64(cut)) }
      if let outcome = record.outcome {
        out.append(text: #","outcome":""#)
        out.append(name: outcome)
        out.append(UInt8(ascii: "\""))
      }
      if let duration = record.duration { out.append(#","duration_us":"#, duration) }
    }
    self.sequence += 1
    if let changed = record.changed { append(changed: changed.names, of: changed.count) }
    if record.changedInstructions { bytes.appendASCII(#","changed_instructions":true"#) }
    if let value = record.arguments { appendArguments(value, of: document) }
    end()
  }

  private mutating func append(changed names: [[UInt8]], of count: Int) {
    appendNumber(#","changed":"#, Int64(count))
    bytes.appendASCII(#","changed_tools":["#)
    for (index, name) in names.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.appendQuoted(name.span, as: .canonical, limit: RecordLimits.name)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  /// Appends the record of a message that could not be decoded.
  public mutating func append(_ record: borrowing MessageRecord, of _: Void?, at time: Timestamp) {
    append(record, of: Document(), at: time)
  }

  /// More than the keys and numbers of a message's record take.
  private static let fixedSize = 512

  /// Canonical string content as a record shows it; most is shown as it is.
  private static func escaped(_ content: [UInt8]) -> [UInt8] {
    if content.span.isShownWhole(limit: RecordLimits.name) { return content }
    var shown: [UInt8] = []
    shown.appendEscaped(content.span, as: .canonical, limit: RecordLimits.name)
    return shown
  }

  /// Appends the record of a line of the server's stderr; `size` is the length of the whole line,
  /// of which `line` may be the beginning.
  public mutating func appendStderr(_ line: Span<UInt8>, size: Int, at time: Timestamp) {
    begin(.stderr, at: time)
    appendNumber(#","bytes_in":"#, Int64(size))
    bytes.appendASCII(#","text":"#)
    bytes.appendQuoted(line, as: .raw, limit: RecordLimits.line)
    end()
  }

  /// Appends the record of a system call that was refused.
  public mutating func append(_ denial: borrowing DenialRecord, at time: Timestamp) {
    begin(.denial, at: time)
    bytes.append(UInt8(ascii: ","))
    bytes.appendMembers([
      .init("call", .text(denial.call)),
      .init("number", denial.number.map { .integer(Int64($0)) } ?? .null),
      .init("errno", .text(denial.errno)),
      .init("allow", denial.allow.map { .text($0) } ?? .null),
      .init("why", .text(denial.why)),
    ])
    bytes.appendASCII(#","during":["#)
    for (index, request) in denial.during.prefix(DenialRecord.mostCalls).enumerated() {
      bytes.appendASCII(index > 0 ? #",{"id":"# : #"{"id":"#)
      if let content = request.id.content {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: Self.escaped(content))
        bytes.append(UInt8(ascii: "\""))
      } else {
        bytes.appendDecimal(request.id.number)
      }
      bytes.appendASCII(#","tool":""#)
      bytes.append(contentsOf: Self.escaped(request.tool))
      bytes.appendASCII(#""}"#)
    }
    bytes.append(UInt8(ascii: "]"))
    appendNumber(#","in_flight":"#, Int64(denial.during.count))
    end()
  }

  /// Appends the counts of what was not written one by one.
  public mutating func append(_ counts: [RecordLimiter.Count], at time: Timestamp) {
    begin(.counts, at: time)
    bytes.appendASCII(#","counts":["#)
    for (index, count) in counts.enumerated() {
      bytes.appendASCII(index > 0 ? #",{"kind":""# : #"{"kind":""#)
      bytes.appendName(count.kind.rawValue)
      bytes.appendASCII(count.side == .client ? #"","side":"client""# : #"","side":"server""#)
      if let reason = count.reason {
        bytes.appendASCII(#","reason":""#)
        bytes.appendName(reason)
        bytes.append(UInt8(ascii: "\""))
      }
      if let method = count.method {
        bytes.appendASCII(#","method":""#)
        bytes.appendName(method)
        bytes.append(UInt8(ascii: "\""))
      }
      if let call = count.call {
        bytes.appendASCII(#","call":""#)
        bytes.appendName(call)
        bytes.append(UInt8(ascii: "\""))
      }
      appendNumber(#","count":"#, Int64(count.count))
      appendNumber(#","bytes_in":"#, Int64(count.bytes))
      bytes.append(UInt8(ascii: "}"))
    }
    bytes.append(UInt8(ascii: "]"))
    end()
  }

  /// Appends the record of the session's start.
  public mutating func append(_ start: SessionStart, at time: Timestamp) {
    append(.sessionStart, start.members, at: time)
  }

  /// Appends the record of a server that failed and is to be started again.
  public mutating func append(_ end: ServerEnd, at time: Timestamp) {
    append(.serverEnd, end.members, at: time)
  }

  /// Appends the record of a server that was started again.
  public mutating func append(_ start: ServerRestart, at time: Timestamp) {
    append(.serverRestart, start.members, at: time)
  }

  /// Appends the record of the session's end.
  public mutating func append(_ end: SessionEnd, at time: Timestamp) {
    append(.sessionEnd, end.members, at: time)
  }

  private mutating func append(
    _ kind: RecordKind, _ members: [Detail.Member], at time: Timestamp
  ) {
    begin(kind, at: time)
    bytes.append(UInt8(ascii: ","))
    bytes.appendMembers(members)
    end()
  }
}

extension RecordEncoder {
  /// Writes down the second anew if it is another one.
  private mutating func refresh(_ time: Timestamp) {
    guard time.seconds != second else { return }
    second = time.seconds
    start.removeAll(keepingCapacity: true)
    start.appendASCII(#"{"time":""#)
    start.appendSecond(of: time)
    start.append(UInt8(ascii: "."))
  }

  /// Begins a record with the fields that all have.
  private mutating func begin(_ kind: RecordKind, at time: Timestamp) {
    refresh(time)
    bytes.append(contentsOf: start)
    bytes.appendPadded(time.nanoseconds / 1_000, width: 6)
    bytes.append(contentsOf: session)
    bytes.appendDecimal(sequence)
    bytes.appendASCII(#","kind":""#)
    bytes.appendName(kind.rawValue)
    bytes.append(UInt8(ascii: "\""))
    sequence += 1
  }

  private mutating func end() {
    bytes.append(UInt8(ascii: "}"))
    bytes.append(0x0A)
  }

  private mutating func appendNumber(_ key: StaticString, _ number: Int64) {
    bytes.appendASCII(key)
    bytes.appendDecimal(number)
  }

  private mutating func appendArguments(_ value: Value, of document: borrowing Document) {
    guard arguments != .none else { return }
    Digest.sha256(document.bytes.span.extracting(value.range), into: &digest)
    let digest = digest
    bytes.append(addingCapacity: 64 + 2 * Digest.size) { out in
      out.append(#","arguments":{"bytes":"#, Int64(value.range.count))
      out.append(text: #","sha256":""#)
      out.append(hex: digest.span)
      out.append(UInt8(ascii: "\""))
    }
    if arguments == .full {
      bytes.appendASCII(#","value":"#)
      bytes.appendVisible(document.bytes.span.extracting(value.range))
    } else {
      bytes.appendShape(value, of: document)
    }
    bytes.append(UInt8(ascii: "}"))
  }
}

extension OutputSpan<UInt8> {
  /// Appends a key and a number.
  @inline(__always)
  fileprivate mutating func append(_ key: StaticString, _ number: Int64) {
    append(text: key)
    append(decimal: number)
  }

  /// Appends a key with the quote that begins its value, and the value, which needs no escape.
  @inline(__always)
  fileprivate mutating func append(_ key: StaticString, quoted content: [UInt8]) {
    append(text: key)
    append(bytes: content.span)
    append(UInt8(ascii: "\""))
  }
}
