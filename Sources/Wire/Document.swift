/// The kinds of JSON value.
public enum ValueKind: Sendable {
  case object, array, string, number, `true`, `false`, null
}

/// A value inside a `Document`.
public struct Value: Sendable, Equatable {
  /// What it is.
  public let kind: ValueKind
  // Half as large as a range of `Int`: a decision carries many values.
  @usableFromInline let start: UInt32
  @usableFromInline let end: UInt32

  /// Where it is in `Document.bytes`, with its quotes or brackets.
  @inlinable @inline(__always)
  public var range: Range<Int> { Int(start)..<Int(end) }

  /// A message that is larger than 4 GiB traps; none may be (`messages.max_size`).
  @inline(__always)
  init(_ kind: ValueKind, _ range: Range<Int>) {
    self.kind = kind
    start = UInt32(range.lowerBound)
    end = UInt32(range.upperBound)
  }
}

/// One decoded message: its canonical bytes and where the parts of the envelope are in them.
///
/// A document is meant to be reused: decoding into it keeps its storage.
///
/// Canonical means: no white space, strings with the fewest escapes, numbers as they were
/// written, members in the order in which they came. Equal strings have equal bytes.
public struct Document: Sendable {
  /// The canonical message without LF; exactly this is what may be forwarded.
  public internal(set) var bytes: [UInt8] = []
  /// What the message is.
  public internal(set) var kind: MessageKind = .notification
  /// The id of a request or response, nil for notifications and for `null` in an error response.
  public internal(set) var id: RequestID?
  /// The content of `method`, without quotes; it holds no escapes.
  public internal(set) var method: Range<Int>?
  /// The `params` object.
  public internal(set) var params: Value?
  /// The `result` object.
  public internal(set) var result: Value?
  /// The `error` object.
  public internal(set) var error: Value?
  /// What was noted of its strings in passing.
  public internal(set) var texts = TextNotes()
  var rootKind: ValueKind = .null
  /// The members of `params`, `result` or `error`, whichever the message has.
  var index = MemberIndex()

  /// An empty document, to be decoded into.
  public init() {}

  /// The whole message.
  public var root: Value { Value(rootKind, 0..<bytes.count) }

  /// Gives back the storage that a large message needed; the document is then empty.
  public mutating func shrink() { self = Document() }

  mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    kind = .notification
    id = nil
    method = nil
    params = nil
    result = nil
    error = nil
    texts = TextNotes()
    rootKind = .null
    index.clear()
  }

  /// Gives the bytes to `storage` and takes its storage for the next message; what is known of the
  /// message is gone with them.
  ///
  /// For large messages this is cheaper than a copy.
  public mutating func exchange(_ storage: inout [UInt8]) {
    swap(&bytes, &storage)
    clear()
  }
}

/// What the decoder notes of all strings of a message while it copies them, so that those with
/// nothing unusual in them need no second look.
public struct TextNotes: Sendable, Equatable {
  /// False when no key and no string holds an unseen character; true may be wrong.
  public internal(set) var mayBeUnseen = false
  /// The bytes of the longest string that is no key, with its quotes.
  public internal(set) var longest = 0

  /// Nothing unusual.
  public init() {}
}

/// Where the members of one object are, so that a large one need not be walked through again.
struct MemberIndex: Sendable {
  struct Entry: Sendable {
    var key: Range<Int>
    var value: Value
  }

  /// More members than this are walked through.
  private static let most = 32

  private(set) var entries: [Entry] = []
  /// Where the object begins, -1 for none.
  private var owner = -1
  private var isComplete = false
  private var key = 0..<0

  mutating func clear() {
    if !entries.isEmpty { entries.removeAll(keepingCapacity: true) }
    owner = -1
    isComplete = false
  }

  /// A key of an object that begins at `object`.
  @inline(__always)
  mutating func begin(_ start: Int, _ end: Int) { key = start..<end }

  /// The value of that key.
  @inline(__always)
  mutating func end(_ object: Int, _ kind: ValueKind, _ start: Int, _ end: Int) {
    if owner != object {
      entries.removeAll(keepingCapacity: true)
      owner = object
      isComplete = true
    }
    if entries.count < Self.most {
      entries.append(Entry(key: key, value: Value(kind, start..<end)))
    } else {
      isComplete = false
    }
  }

  /// Whether the entries are all members of this object.
  @inline(__always)
  func covers(_ value: Value) -> Bool { isComplete && value.range.lowerBound == owner }
}
