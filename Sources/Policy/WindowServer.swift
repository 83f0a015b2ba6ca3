internal import Wire

/// What the server sends.
extension Window {
  /// Of the server's requests only `ping` reaches the client, and only in the era that has it.
  mutating func serverRequest(_ document: Document, at now: Int64) -> Decision {
    guard let id = document.id else { return dropped(document, .server, .other, .nullID) }
    let method = Method(of: document)
    if server.isTaken(id) {
      return told(
        document, method, .idInUse, ErrorCode.invalidRequest,
        "Invalid request: this id is still in use")
    }
    guard method == .ping, hasHandshake else {
      return told(document, method, .methodDenied, ErrorCode.methodNotFound, "Method not found")
    }
    guard server.count < rules.inFlight else {
      return told(
        document, method, .inFlightLimit, ErrorCode.refused, "Too many requests are in flight")
    }
    let meta = document.params.flatMap { document.member("_meta", of: $0) }
    let token = meta.flatMap { document.member("progressToken", of: $0) }
    server.insert(
      id,
      Pending(
        method: method, isStateless: false, rule: 0, started: now,
        token: document.identifier(token)))
    var event = passed(document, .server, method)
    event.name = .request
    event.id = id
    return Decision(.forward, event)
  }

  /// The decision to answer a server's request with an error.
  private func told(
    _ document: Document, _ method: Method, _ reason: Reason, _ code: Int, _ text: StaticString
  ) -> Decision {
    guard let id = document.id else { return dropped(document, .server, method, reason) }
    let answer = Replies.error(id: id, code: code, text: text)
    var event = Event(.refusal, .server, .refuse, bytesIn: document.bytes.count)
    event.id = id
    event.method = document.shown(method)
    event.reason = reason.rawValue
    event.bytesOut = answer.count
    return Decision(.answer(answer), event)
  }

  mutating func serverNotification(_ document: Document) -> Decision {
    let method = Method(of: document)
    switch method {
    case .progress:
      guard let token = progressToken(document), client.hasToken(token) else {
        return dropped(document, .server, method, .progressUnmatched)
      }
    case .cancelled:
      guard let id = cancelledID(document), server.remove(id) != nil else {
        return dropped(document, .server, method, .cancelUnmatched)
      }
      server.bury(id)
      var event = passed(document, .server, method)
      event.id = id
      return Decision(.forward, event)
    case .toolsChanged:
      // Without a handshake it belongs to a subscription, and those are denied.
      guard hasHandshake else { return dropped(document, .server, method, .noSubscription) }
    case .message:
      guard rules.allowsLogging else {
        return dropped(document, .server, method, .notificationDenied)
      }
    default: return dropped(document, .server, method, .notificationDenied)
    }
    return Decision(.forward, passed(document, .server, method))
  }

  mutating func serverResponse(_ document: Document, at now: Int64) -> Decision {
    guard let id = document.id else { return dropped(document, .server, .other, .nullID) }
    if !own.isEmpty, let asker = own.removeValue(forKey: id) {
      return page(document, of: asker, at: now)
    }
    // While we ask for further pages the client's own request has been answered already.
    let isGathered = !gathers.isEmpty && gathers[id] != nil
    guard !isGathered, let pending = client.remove(id) else {
      let reason: Reason = client.exhume(id) ? .late : .unmatched
      return dropped(document, .server, .other, reason)
    }
    var event = answered(document, .server, id, pending, at: now)
    if document.kind == .error { return failed(document, id, pending, event) }
    let result = ServerResult(of: document)
    if let fault = result.fault(in: document, isStateless: pending.isStateless) {
      return refused(id, pending, fault, event)
    }
    switch pending.method {
    case .toolsList:
      var gather = Gather(
        seed: seed, isStateless: pending.isStateless, limit: rules.maxList)
      return add(result, of: document, to: &gather, id, pending, event)
    case .initialize, .discover:
      let line = result.keepingCapabilities(
        of: document, rules: rules, isDiscovery: pending.method == .discover)
      guard let line else { return Decision(.forward, event) }
      return replaced(line, .capabilities, event)
    default:
      if result.isError { event.outcome = .toolError }
      return Decision(.forward, event)
    }
  }

  /// The decision to send something else than the server's message to the client.
  func replaced(_ line: [UInt8], _ reason: Reason, _ event: Event) -> Decision {
    var event = event
    event.verdict = .rewrite
    event.reason = reason.rawValue
    event.bytesOut = line.count
    return Decision(.replace(line), event)
  }

  /// An error passes, but for the one by which a server asks for a visit to an address.
  private func failed(
    _ document: Document, _ id: RequestID, _ pending: Pending, _ event: Event
  ) -> Decision {
    guard !asksForVisit(document) else { return refused(id, pending, .inputDenied, event) }
    return Decision(.forward, event)
  }

  /// Whether an error is `URL_ELICITATION_REQUIRED` of the revision 2025-11-25.
  func asksForVisit(_ document: Document) -> Bool {
    let code = document.error.flatMap { document.member("code", of: $0) }
    return code.flatMap { document.integer($0) } == -32042
  }

  /// Gives the client a refusal in place of an answer that may not reach it.
  func refused(
    _ id: RequestID, _ pending: Pending, _ reason: Reason, _ event: Event
  ) -> Decision {
    let text: StaticString =
      switch reason {
      case .inputDenied:
        "the server asked for input from the user, which this profile does not allow"
      case .badList: "the server gave something that is not a list of tools"
      case .answerSize: "the server's answer is larger than messages.max_size"
      case .resultSize: "the result is larger than text.max_result; ask for less at once"
      default: "the server gave a result of an unknown type"
      }
    let request = Refused(
      id: id, method: pending.method, tool: pending.tool, isStateless: pending.isStateless,
      rule: pending.rule, bytesIn: event.bytesIn)
    var decision = refuse(request, reason, text)
    decision.event.side = .server
    decision.event.duration = event.duration
    decision.event.outcome = event.outcome
    if case .answer(let line) = decision.action { decision.action = .replace(line) }
    return decision
  }
}
