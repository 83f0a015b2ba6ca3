public import Wire

/// What to do with a message.
public enum Action: Equatable, Sendable {
  /// `document.bytes` to the other side.
  case forward
  /// These bytes to the other side instead.
  case replace([UInt8])
  /// These bytes back to the sender.
  case answer([UInt8])
  /// Nothing.
  case drop
}

/// A further line that a decision sends.
public enum Extra: Equatable, Sendable {
  /// To the client.
  case client([UInt8])
  /// To the server.
  case server([UInt8])
  /// To the server: a notification of ours, so that nobody waits for what comes of it.
  case notice([UInt8])
}

/// What was decided on one message.
public struct Decision: Sendable {
  /// What to do with the message.
  public var action: Action
  /// Further lines to send after it, usually none.
  public var extra: [Extra]
  /// What the record says.
  public var event: Event

  init(_ action: Action, _ event: consuming Event, extra: [Extra] = []) {
    self.action = action
    self.event = event
    self.extra = extra
  }
}

/// What the record of a decision says.
public struct Event: Sendable {
  /// What kind of record it is.
  public enum Name: String, CaseIterable, Sendable {
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
  }

  /// What became of the message.
  public enum Verdict: String, CaseIterable, Sendable {
    /// Sent on as it was.
    case pass
    /// Sent on in another form, or kept as a part of an answer that is being gathered.
    case rewrite
    /// Answered by us as allowed: an empty list, our own gathered list.
    case answer
    /// Refused; the sender was told.
    case refuse
    /// Dropped.
    case drop
  }

  /// How a request ended.
  public enum Outcome: String, CaseIterable, Sendable {
    /// With a result.
    case ok
    /// With a tool's result that says `isError: true`.
    case toolError = "tool-error"
    /// With a JSON-RPC error.
    case error
    /// Never: the server ended.
    case serverEnded = "server-ended"
    /// Not in the time that it had.
    case timeout
  }

  /// What kind of record it is.
  public var name: Name
  /// Who wrote the message.
  public var side: Side
  /// The method, as canonical string content; of a response, its request's.
  public var method: [UInt8]?
  /// The id of the request or response.
  public var id: RequestID?
  /// The tool of a call or of its response, as canonical string content.
  public var tool: [UInt8]?
  /// What became of the message.
  public var verdict: Verdict
  /// The line of the profile that decided, 0 for a rule that is built in.
  public var rule: Int
  /// Why, if not simply allowed: a stable name out of ``Reason`` or `WireReason`.
  public var reason: String?
  /// The size of the message as it was decided on, in bytes.
  public var bytesIn: Int
  /// The size of what was sent on or answered, in bytes, without extra lines.
  public var bytesOut: Int
  /// Of a response: microseconds since its request came.
  public var duration: Int64?
  /// Of a response: how the request ended.
  public var outcome: Outcome?
  /// Of a list: how many entries were taken out.
  public var removed: Int?
  /// Unseen characters that were written out or left out of what was sent on, if any.
  public var hidden: Int?
  /// Strings that were cut in what was sent on, if any.
  public var cut: Int?
  /// Tools of a list that are not as they were pinned: how many, and the names of the first, as
  /// canonical string content.
  public var changed: (count: Int, names: [[UInt8]])?
  /// Whether the instructions are not as they were pinned.
  public var changedInstructions = false
  /// Where the arguments of a call are in the document.
  public var arguments: Value?
  /// Whether the message may only be sent on once its record is written; if that fails,
  /// ``Window/auditFailed(_:from:)`` takes the decision back.
  public var mustRecordBefore: Bool
  /// Whether the line could not be decoded.
  var isUndecoded = false
  /// Whether it is about a request of ours to the side, of which there are few.
  var isOwn = false

  /// Whether its writer can send as many as it likes, without anybody's question or answer: such
  /// are recorded one by one up to a rate only.
  public var isUnbounded: Bool {
    switch name {
    case .drop, .notification: true
    case .request: side == .server
    case .response: side == .client && !isOwn
    // A refused answer of the server has had its request.
    case .refusal: side == .server ? duration == nil : isUndecoded
    }
  }

  init(_ name: Name, _ side: Side, _ verdict: Verdict, bytesIn: Int) {
    self.name = name
    self.side = side
    self.verdict = verdict
    self.bytesIn = bytesIn
    rule = 0
    bytesOut = 0
    mustRecordBefore = false
  }
}
