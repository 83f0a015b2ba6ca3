public import Wire

/// What a record is about: the field `kind`.
public enum RecordKind: String, CaseIterable, Sendable {
  /// The session began; holds the seal.
  case sessionStart = "session-start"
  /// A request was decided on.
  case request
  /// A response was matched with its request.
  case response
  /// A notification was decided on.
  case notification
  /// A message was refused and its sender told so.
  case refusal
  /// A message was dropped and nobody was told.
  case drop
  /// What is beyond the rate that is written one by one, counted.
  case counts
  /// A line of the server's stderr.
  case stderr
  /// A system call of the server was refused.
  case denial
  /// The server failed, and another one is to follow.
  case serverEnd = "server-end"
  /// The server was started again, in a new cell.
  case serverRestart = "server-restart"
  /// The session ended.
  case sessionEnd = "session-end"
}

/// How much of a call's arguments a record holds: the profile's `audit.arguments`.
public enum ArgumentDetail: Sendable {
  /// Nothing.
  case none
  /// The keys, types and lengths at the first level, and the digest of all.
  case shape
  /// The arguments themselves, and the digest.
  case full
}

/// What a record says of one message.
public struct MessageRecord: ~Copyable, Sendable {
  /// `request`, `response`, `notification`, `refusal` or `drop`.
  public var kind: RecordKind
  /// Who wrote the message.
  public var side: Side
  /// The method, as the canonical content of its string; of a response, its request's.
  public var method: [UInt8]?
  /// The id of the request or response.
  public var id: RequestID?
  /// The tool of a `tools/call` and its response, as the canonical content of its string.
  public var tool: [UInt8]?
  /// `pass`, `rewrite`, `answer`, `refuse` or `drop`.
  public var verdict: String
  /// The line of the profile that decided, 0 for a rule that is built in.
  public var rule: Int
  /// Why, if not simply allowed: a stable name.
  public var reason: String?
  /// The size of the line as it came, in bytes.
  public var bytesIn: Int
  /// The size of what was sent on or answered, in bytes; 0 if nothing was.
  public var bytesOut: Int
  /// Of a list: how many entries were taken out.
  public var removed: Int?
  /// Unseen characters that were written out or left out, if any.
  public var hidden: Int?
  /// Strings that were cut, if any.
  public var cut: Int?
  /// Tools of a list that are not as they were pinned: how many, and the names of the first, as
  /// canonical string content.
  public var changed: (count: Int, names: [[UInt8]])?
  /// Whether the instructions are not as they were pinned.
  public var changedInstructions = false
  /// Of a response: microseconds since its request.
  public var duration: Int64?
  /// Of a response: `ok`, `tool-error`, `error`.
  public var outcome: String?
  /// The arguments of a `tools/call`, in the document that the encoder is given.
  public var arguments: Value?

  /// A record with the fields that every message has.
  public init(
    kind: RecordKind, side: Side, verdict: String, rule: Int = 0, bytesIn: Int = 0,
    method: [UInt8]? = nil, id: RequestID? = nil, tool: [UInt8]? = nil
  ) {
    self.kind = kind
    self.side = side
    self.verdict = verdict
    self.rule = rule
    self.bytesIn = bytesIn
    self.method = method
    self.id = id
    self.tool = tool
    self.bytesOut = 0
  }
}
