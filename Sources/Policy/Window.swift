public import Wire

/// The state of one session: what passes between client and server, and why.
///
/// A client's request reaches the server only if the profile lets its method (and tool) through; a
/// response reaches the other side only if it answers a request in flight. Whatever else the two
/// send stays here.
///
/// *Limits.* What a tool does with its arguments and what its result means to the model is not
/// looked at. A request that the server never answers, or whose answer could not be decoded, stays in
/// flight until its time is over, where it has one; else until it is cancelled or the server ends.
public struct Window: Sendable {
  let rules: Rules
  /// Requests of the client.
  var client: RequestTable
  /// Requests of the server.
  var server: RequestTable
  /// Lists whose next page we asked for, by the id of the client's request.
  var gathers: [RequestID: Gather] = [:]
  /// The client's request behind each request of our own.
  var own: [RequestID: RequestID] = [:]
  /// Tasks that requests of the client made, and of the server.
  var clientTasks = TaskTable()
  var serverTasks = TaskTable()
  /// What results asked the client for, the oldest first.
  var asks: [Ask] = []
  /// What the server says of its tools, and the calls that wait for that.
  var catalogue = Catalogue()
  /// Calls that wait for the person.
  var consents = Consent()
  /// Whether the client has begun a handshake, and so speaks the era that has one.
  var hasHandshake = false
  /// The time of what is being decided.
  var clock: Int64 = 0
  /// What calls have used up.
  var meter: Meter
  /// Why the server is gone.
  var ending: StaticString?
  /// What another server would have to be told, if one may follow; see `WindowRestart.swift`.
  var past = Past()
  /// What makes the server's messages readable.
  var texts: TextFilter
  /// What the server is compared with, nil if with nothing.
  var pins: PinWatch?
  let prefix: [UInt8]
  let seed: UInt64
  var ownCount = 0
  /// What ids and keys of questions to the person begin with.
  let questionPrefix: [UInt8]
  var questionCount = 0

  /// A new session; of `identifierSeed`, at least 24 random bytes, the last eight seed tables whose
  /// layout nobody may foresee, and those before make the ids of our own requests, which the server
  /// sees. `questionSeed`, at least 16 random bytes, makes those of our questions to the person, which
  /// it does not.
  public init(
    rules: Rules, identifierSeed: [UInt8], questionSeed: [UInt8], pins: PinSettings? = nil
  ) {
    self.rules = rules
    self.pins = pins.map { PinWatch($0) }
    texts = TextFilter(rules: rules.texts)
    client = RequestTable(capacity: rules.inFlight)
    server = RequestTable(capacity: rules.inFlight)
    var seed: UInt64 = 0
    for byte in identifierSeed.suffix(8) { seed = seed << 8 | UInt64(byte) }
    self.seed = seed
    meter = Meter(rules, seed: seed)
    prefix = Self.prefix("anchorhold-", identifierSeed.dropLast(8))
    questionPrefix = Self.prefix("anchorhold-ask-", questionSeed[...])
  }

  /// A prefix of ids: these bytes in hexadecimal, between a name and a hyphen.
  private static func prefix(_ name: StaticString, _ random: ArraySlice<UInt8>) -> [UInt8] {
    var prefix: [UInt8] = []
    prefix.appendText(name)
    for byte in random {
      prefix.append(contentsOf: String(byte >> 4, radix: 16).utf8)
      prefix.append(contentsOf: String(byte & 0xF, radix: 16).utf8)
    }
    prefix.append(UInt8(ascii: "-"))
    return prefix
  }

  /// Whether a message of the server may have to be put together anew: because of what is unseen in
  /// it, or because it is a list. Where that is costly to know, true may be wrong.
  public func mayRewrite(_ document: Document) -> Bool {
    if document.texts.mayBeUnseen { return true }
    guard document.kind == .result, let id = document.id else { return false }
    return client[id].map { ListKind($0.method) != nil } ?? true
  }

  /// How many requests of the client are in flight.
  public var inFlight: Int { client.count }

  /// The calls of tools that the server has not answered yet, in the order in which they came: id and
  /// tool, as canonical content.
  public var callsInFlight: [(id: RequestID, tool: [UInt8])] {
    client.waiting.compactMap { id, pending in pending.tool.map { (id: id, tool: $0) } }
  }

  /// Decides on a decoded message; `now` is a monotonic clock in microseconds.
  public mutating func decide(
    _ document: Document, from side: Side, at now: Int64
  ) -> Decision {
    clock = now
    var decision = judge(document, from: side, at: now)
    if side == .server { makeReadable(&decision, document) }
    return decision
  }

  private mutating func judge(
    _ document: Document, from side: Side, at now: Int64
  ) -> Decision {
    switch (document.kind, side) {
    case (.request, .client): clientRequest(document, at: now)
    case (.notification, .client): clientNotification(document)
    case (.result, .client), (.error, .client): clientResponse(document, at: now)
    case (.request, .server): serverRequest(document, at: now)
    case (.notification, .server): serverNotification(document)
    case (.result, .server), (.error, .server): serverResponse(document, at: now)
    }
  }

  /// Decides on a line that could not be decoded; `size` is its length in bytes.
  ///
  /// The client is told; a server's line is dropped, and what it may have answered stays open.
  public mutating func refuse(
    _ error: WireError, from side: Side, size: Int, at now: Int64
  ) -> Decision {
    var event = Event(side == .client ? .refusal : .drop, side, .drop, bytesIn: size)
    event.isUndecoded = true
    event.id = error.id
    event.method = error.method.map { Array($0.prefix(Bounds.shown)) }
    event.reason = error.reason.rawValue
    // A response is not to be answered, however wrong it is.
    let isResponse = error.reason == .badResult || error.reason == .badError
    guard side == .client, !isResponse else {
      event.name = .drop
      return Decision(.drop, event)
    }
    event.verdict = .refuse
    // Only what was a request is answered under its id: the id of a malformed response is one of
    // the server's, and the client may have a request of its own in flight under the same.
    let isRequest = error.method != nil || error.reason == .badMethod
    let text: StaticString = error.code == -32700 ? "Parse error: " : "Invalid request: "
    let answer = Replies.error(
      id: isRequest ? error.id : nil, code: error.code, text: text, name: error.reason.rawValue)
    event.bytesOut = answer.count
    return Decision(.answer(answer), event)
  }

  /// Decides on a line that was too long to be read, once it is known whose answer it was: whoever
  /// waits for it is told, because it will not be given twice. Nil if nobody waits.
  public mutating func oversize(_ id: RequestID, size: Int, at now: Int64) -> Decision? {
    if let lookup = catalogue.lookup, lookup.own == id {
      return lookedInVain(lookup, size: size, .answerSize, at: now)
    }
    var asker = id
    if let other = own.removeValue(forKey: id) {
      gathers[other] = nil
      asker = other
    } else if gathers[id] != nil {
      return nil
    }
    // What the server was not asked it cannot answer, with a long line either.
    guard !isHeld(asker), let pending = client.remove(asker) else { return nil }
    forgetHandshake(asker)
    var event = Event(.response, .server, .pass, bytesIn: size)
    event.duration = now - pending.started
    event.outcome = .error
    clock = now
    ended(pending, .failure, size: size)
    return refused(asker, pending, .answerSize, event)
  }

  /// Takes back the decision to send on a message whose record could not be written: a request is
  /// refused, anything else dropped.
  ///
  /// Only for decisions whose event says `mustRecordBefore`: another may bear an id that is in
  /// flight for an earlier request.
  public mutating func auditFailed(_ document: Document, from side: Side) -> Decision {
    guard side == .client, document.kind == .request, let id = document.id else {
      var event = Event(.drop, side, .drop, bytesIn: document.bytes.count)
      event.id = document.id
      event.reason = Reason.auditFailed.rawValue
      return Decision(.drop, event)
    }
    return auditFailed(id, bytesIn: document.bytes.count)
  }

  /// Takes back the decision to send on the client's request with this id, as
  /// ``auditFailed(_:from:)`` does, for a caller that no longer has the document.
  public mutating func auditFailed(_ id: RequestID, bytesIn: Int) -> Decision {
    let pending = client.remove(id)
    forgetHandshake(id)
    ended(pending, .unknown)
    catalogue.giveUp(on: id)
    if let gather = gathers.removeValue(forKey: id), let followUp = gather.own {
      own[followUp] = nil
    }
    let request = Refused(
      id: id, method: pending?.method ?? .other, tool: pending?.tool,
      isStateless: pending?.isStateless ?? false, rule: 0, bytesIn: bytesIn)
    return refuse(request, .auditFailed, "the call could not be written to the audit log")
  }

  /// Answers what the client still waits for, in the order in which it asked; each decision is an
  /// answer to the client. Later requests are refused likewise.
  ///
  /// - Parameter reason: what became of the server, printable ASCII without quote or backslash,
  ///   such as `exited with status 1`.
  public mutating func serverEnded(reason: StaticString, at now: Int64) -> [Decision] {
    ending = reason
    clock = now
    gathers.removeAll()
    own.removeAll()
    catalogue.clear()
    past.replay = nil
    _ = server.removeAll()
    return answerWaiting(reason, at: now)
  }

  /// Answers what the client still waits for, and takes our questions about it back; the server is gone.
  mutating func answerWaiting(_ reason: StaticString, at now: Int64) -> [Decision] {
    let questions = consents.clear()
    return client.removeAll().map { id, pending in
      ended(pending, .failure)
      let request = Refused(
        id: id, method: pending.method, tool: pending.tool, isStateless: pending.isStateless,
        rule: 0, bytesIn: 0)
      var decision = refuseEnded(request, reason)
      decision.event.duration = now - pending.started
      decision.event.outcome = .serverEnded
      if let question = questions.first(where: { $0.call == id }) {
        decision.extra.append(.client(Replies.cancelled(id: question.id)))
      }
      return decision
    }
  }
}
