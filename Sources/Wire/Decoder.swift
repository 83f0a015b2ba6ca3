/// Decodes lines strictly, in one pass, to canonical bytes.
///
/// The rules are RFC 8259 and I-JSON (RFC 7493) and some of our own: no raw CR anywhere, no
/// duplicate key at any depth, bounded depth. Nothing recurses, so the stack needed does not
/// depend on the input; beside the output, a key costs four to five bytes while its object is open.
///
/// *Limits*: numbers are checked for their form only and kept as they are written; noncharacters
/// and U+007F are allowed in strings.
public struct Decoder: Sendable {
  /// What one message may cost.
  public let limits: WireLimits
  /// The containers around the innermost one.
  private var outer: [Container] = []
  private var keys = KeyTracker()
  private var folded: [UInt8] = []
  private let envelopeKeys = Vocabulary.envelope
  private let payloadKeys = Vocabulary.payload
  private let metaKeys = Vocabulary.meta
  private var envelope = Envelope()
  private var index = MemberIndex()
  /// The first refusal that does not keep us from reading on, so that the id can be told.
  private var deferred: WireError?

  /// An array or object that has begun.
  private struct Container {
    var start: UInt32
    var keyMark: UInt32
    var isObject: Bool
    var scope: Scope
  }

  /// Which vocabulary the keys of an object are held against.
  private enum Scope { case none, envelope, payload, error, meta }

  /// A decoder whose working storage is reused from message to message.
  public init(limits: WireLimits) {
    self.limits = limits
  }

  /// The bytes that are reserved for the keys of open objects.
  var keyStorage: Int { keys.storage }

  /// Gives back the storage that large messages needed; call it when nothing is happening.
  public mutating func shrink() {
    keys.shrink()
    folded = []
  }

  /// Decodes one line (without its LF) as a JSON-RPC 2.0 message.
  ///
  /// On an error the document's contents are unspecified.
  public mutating func decode(
    _ line: Span<UInt8>, into document: inout Document
  ) throws(WireError) {
    try run(line, into: &document, scope: .envelope)
    do throws(WireError) {
      try envelope.finish(&document)
    } catch {
      throw describe(deferred ?? error, document)
    }
    if let deferred { throw describe(deferred, document) }
  }

  /// Decodes any one JSON value under the same rules, without the envelope.
  ///
  /// The document then has `bytes` and `root` only. On an error its contents are unspecified.
  public mutating func decodeValue(
    _ text: Span<UInt8>, into document: inout Document
  ) throws(WireError) {
    try run(text, into: &document, scope: .none)
    if let deferred { throw deferred }
  }

  /// Adds what can be told of a message that was sound JSON to the reason why it is refused.
  private func describe(_ error: WireError, _ document: Document) -> WireError {
    guard !envelope.isAmbiguous else { return error }
    var error = error
    error.id = envelope.usableID(document)
    error.method = envelope.usableMethod(document)
    return error
  }

  private mutating func run(
    _ input: Span<UInt8>, into document: inout Document, scope: Scope
  ) throws(WireError) {
    document.clear()
    if !outer.isEmpty { outer.removeAll(keepingCapacity: true) }
    if keys.count > 0 { keys.removeAll() }
    envelope = Envelope()
    index.clear()
    deferred = nil
    guard input.count <= limits.maxSize else { throw WireError(.oversize, at: limits.maxSize) }
    // The canonical form is never longer than the input; the slack lets the scanner store
    // whole words.
    var kind = ValueKind.null
    var texts = TextNotes()
    try document.bytes.append(addingCapacity: input.count + 16) { out throws(WireError) in
      kind = try pass(input, to: &out, scope: scope, &texts)
    }
    document.rootKind = kind
    document.texts = texts
    swap(&document.index, &index)
  }

  /// The whole pass: reads one value and what is around it.
  private mutating func pass(
    _ input: Span<UInt8>, to out: inout OutputSpan<UInt8>, scope rootScope: Scope,
    _ texts: inout TextNotes
  ) throws(WireError) -> ValueKind {
    var at = 0
    var scope = rootScope
    var depth = 0
    // The innermost container; of no meaning at depth 0.
    var current = Container(start: 0, keyMark: 0, isObject: false, scope: .none)
    value: while true {
      Self.skipSpace(input, &at)
      guard at < input.count else {
        throw WireError(out.count == 0 ? .empty : .truncated, at: at)
      }
      var start = out.count
      var kind: ValueKind
      let byte = input[at]
      switch byte {
      case Canonical.quote:
        try Lexeme.string(input, &at, &out, &texts.mayBeUnseen)
        texts.longest = max(texts.longest, out.count - start)
        kind = .string
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        let isObject = byte == UInt8(ascii: "{")
        guard depth < limits.maxDepth else { throw WireError(.depth, at: at) }
        out.append(byte)
        at += 1
        Self.skipSpace(input, &at)
        // In ASCII both closing brackets are two above their opening ones.
        if at < input.count, input[at] == byte + 2 {
          out.append(byte + 2)
          at += 1
          kind = isObject ? .object : .array
        } else {
          if depth > 0 { outer.append(current) }
          depth += 1
          current = Container(
            start: UInt32(truncatingIfNeeded: start),
            keyMark: UInt32(truncatingIfNeeded: keys.count), isObject: isObject,
            scope: isObject ? scope : .none)
          scope = isObject ? try key(input, &at, &out, current.scope, &texts) : .none
          continue value
        }
      case UInt8(ascii: "t"):
        try Lexeme.literal("true", input, &at, &out)
        kind = .true
      case UInt8(ascii: "f"):
        try Lexeme.literal("false", input, &at, &out)
        kind = .false
      case UInt8(ascii: "n"):
        try Lexeme.literal("null", input, &at, &out)
        kind = .null
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        try Lexeme.number(input, &at, &out)
        kind = .number
      default: throw WireError(Lexeme.reason(control: byte), at: at)
      }
      // A value has ended at `out.count`; close what ends with it.
      while depth > 0 {
        switch current.scope {
        case .envelope: envelope.end(kind, start, out.count)
        case .payload, .error: index.end(Int(current.start), kind, start, out.count)
        case .meta, .none: break
        }
        Self.skipSpace(input, &at)
        guard at < input.count else { throw WireError(.truncated, at: at) }
        let byte = input[at]
        if byte == UInt8(ascii: ",") {
          out.append(byte)
          at += 1
          scope = current.isObject ? try key(input, &at, &out, current.scope, &texts) : .none
          continue value
        }
        guard byte == (current.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
          throw WireError(Lexeme.reason(control: byte), at: at)
        }
        if current.isObject, !keys.close(Int(current.keyMark), out.span) {
          if current.scope == .envelope { envelope.isAmbiguous = true }
          refuse(.duplicateKey, at)
        }
        out.append(byte)
        at += 1
        kind = current.isObject ? .object : .array
        start = Int(current.start)
        depth -= 1
        if depth > 0 { current = outer.removeLast() }
      }
      Self.skipSpace(input, &at)
      guard at == input.count else {
        let reason = Lexeme.reason(control: input[at])
        throw WireError(reason == .syntax ? .trailing : reason, at: at)
      }
      return kind
    }
  }

  /// A key and its colon; returns the scope of its value.
  @inline(__always)
  private mutating func key(
    _ input: Span<UInt8>, _ at: inout Int, _ out: inout OutputSpan<UInt8>, _ object: Scope,
    _ texts: inout TextNotes
  ) throws(WireError) -> Scope {
    Self.skipSpace(input, &at)
    guard at < input.count else { throw WireError(.truncated, at: at) }
    guard input[at] == Canonical.quote else {
      throw WireError(Lexeme.reason(control: input[at]), at: at)
    }
    let start = out.count + 1
    try Lexeme.string(input, &at, &out, &texts.mayBeUnseen)
    keys.append(start, rest: input.count - at)
    var scope = Scope.none
    if object != .none { scope = known(object, out.span, start, out.count - 1, at) }
    Self.skipSpace(input, &at)
    guard at < input.count else { throw WireError(.truncated, at: at) }
    guard input[at] == UInt8(ascii: ":") else {
      throw WireError(Lexeme.reason(control: input[at]), at: at)
    }
    out.append(UInt8(ascii: ":"))
    at += 1
    return scope
  }

  /// Holds a key against the vocabulary of its object; returns the scope of its value.
  private mutating func known(
    _ scope: Scope, _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ at: Int
  ) -> Scope {
    switch scope {
    case .none: return .none
    case .envelope:
      switch envelope.begin(bytes, start, end) {
      case .params, .result: return .payload
      case .error: return .error
      case .jsonrpc, .id, .method: return .none
      case .unknown:
        let alike = envelopeKeys.isLookAlike(bytes, start, end, scratch: &folded)
        refuse(alike ? .foldedKey : .unknownMember, at)
        return .none
      }
    case .payload, .error:
      index.begin(start, end)
      if payloadKeys.isLookAlike(bytes, start, end, scratch: &folded) { refuse(.foldedKey, at) }
      return scope == .payload && ("_meta" as StaticString).equals(bytes, start, end)
        ? .meta : .none
    case .meta:
      if metaKeys.isLookAlike(bytes, start, end, scratch: &folded) { refuse(.foldedKey, at) }
      return .none
    }
  }

  private mutating func refuse(_ reason: WireReason, _ at: Int) {
    if deferred == nil { deferred = WireError(reason, at: at) }
  }

  /// White space of RFC 8259 but for CR, which one widespread implementation reads as the end of
  /// the line.
  @inline(__always)
  private static func skipSpace(_ input: Span<UInt8>, _ at: inout Int) {
    while at < input.count {
      let byte = input[at]
      guard byte == 0x20 || byte == 0x09 || byte == 0x0a else { return }
      at += 1
    }
  }
}
