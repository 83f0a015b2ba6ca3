internal import Wire

/// What the server sends.
extension Window {
  /// The server's requests, which only the era with a handshake has: each must be one that the profile
  /// lets through.
  mutating func serverRequest(_ document: Document, at now: Int64) -> Decision {
    guard let id = document.id else { return dropped(document, .server, .other, .nullID) }
    let method = Method(of: document)
    if server.isTaken(id) || consents.isOpen(id) {
      return told(
        document, method, .idInUse, ErrorCode.invalidRequest,
        "Invalid request: this id is still in use")
    }
    let params = Params(of: document, method: method, permissions: rules.permissions)
    guard hasHandshake, mayAsk(method), method != .other || Method.isForeign(document) else {
      return told(document, method, .methodDenied, ErrorCode.methodNotFound, "Method not found")
    }
    switch method {
    case .elicitation:
      if let reason = elicitationFault(params, of: document) {
        return told(
          document, method, reason, ErrorCode.invalidParams,
          "Invalid params: the person cannot be asked in this way")
      }
    case .tasksGet, .tasksResult, .tasksCancel:
      guard let task = params.taskID, task.kind == .string,
        serverTasks.owner(of: document.content(task), in: document.bytes) != nil
      else {
        return told(
          document, method, .unknownTask, ErrorCode.invalidParams, "Invalid params: no such task")
      }
    default: break
    }
    guard server.count < rules.inFlight else {
      return told(
        document, method, .inFlightLimit, ErrorCode.refused, "Too many requests are in flight")
    }
    server.insert(
      id,
      Pending(
        method: method, isStateless: false, rule: 0, started: now, token: params.token))
    var event = passed(document, .server, method)
    event.name = .request
    event.id = id
    return sent(document, params, event)
  }

  /// The decision to answer a server's request with an error.
  func told(
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

  mutating func serverResponse(_ document: Document, at now: Int64) -> Decision {
    guard let id = document.id else { return dropped(document, .server, .other, .nullID) }
    if catalogue.isLooking, let lookup = catalogue.lookup, lookup.own == id {
      return looked(document, lookup, at: now)
    }
    if let replay = past.replay, replay.has(id) {
      return replayed(document, replay, id, at: now)
    }
    if !own.isEmpty, let asker = own.removeValue(forKey: id) {
      return page(document, of: asker, at: now)
    }
    // While we ask for further pages the client's own request has been answered already.
    let isGathered = !gathers.isEmpty && gathers[id] != nil
    guard !isGathered, !isHeld(id), let pending = client.remove(id) else {
      let reason: Reason = client.exhume(id) ? .late : .unmatched
      return dropped(document, .server, .other, reason)
    }
    if rules.restarts { note(document, answers: pending, id) }
    let decision = answer(
      document, id, pending, answered(document, .server, id, pending, at: now))
    if pending.charge.isCounted { ended(pending, document, decision) }
    return decision
  }

  /// Decides on the answer to a request of the client that was in flight.
  private mutating func answer(
    _ document: Document, _ id: RequestID, _ pending: Pending, _ event: consuming Event
  ) -> Decision {
    if document.kind == .error { return failed(document, id, pending, event) }
    let result = ServerResult(of: document)
    if let fault = fault(of: result, in: document, isStateless: pending.isStateless) {
      return refused(id, pending, fault, event)
    }
    let asks = pending.isStateless && result.asksForInput(document)
    if pending.output != nil, result.isTask(document) {
      // What it comes to would be got with tasks/get, where nothing is held to the schema.
      return refused(id, pending, .badOutput, event)
    }
    if pending.output == nil, let task = result.taskID(in: document) {
      clientTasks.insert(Array(document.bytes[task]), pending.owner)
    }
    if let kind = ListKind(pending.method) {
      guard !asks else { return refused(id, pending, .inputDenied, event) }
      var gather = Gather(
        kind, seed: seed, isStateless: pending.isStateless, rules: rules, for: id,
        keepsPages: rules.permissions.keepsPages, pins: pins)
      return add(result, of: document, to: &gather, id, pending, event)
    }
    switch pending.method {
    case .initialize, .discover:
      guard !asks else { return refused(id, pending, .inputDenied, event) }
      return agreed(result, of: document, id, pending, event)
    default:
      if pending.method == .tasksGet, let all = document.result,
        let fault = outcomeFault(of: all, in: document)
      {
        return refused(id, pending, fault, event)
      }
      // A task asks beside its status, in the extension.
      if asks || pending.method == .tasksGet { ask(result, of: document, pending) }
      if result.isError {
        event.outcome = .toolError
      } else if let output = pending.output, !asks, !fits(output, document) {
        return refused(id, pending, .badOutput, event)
      }
      return Decision(.forward, event)
    }
  }

  /// Whether a request of the client waits here: what the server was not asked it cannot answer.
  func isHeld(_ id: RequestID) -> Bool { catalogue.holds(id) || consents.holds(id) }

  /// The answer to `initialize` or `server/discover`, without the capabilities and versions that the
  /// profile denies.
  private mutating func agreed(
    _ result: ServerResult, of document: Document, _ id: RequestID, _ pending: Pending,
    _ event: Event
  ) -> Decision {
    let permissions = rules.permissions
    var event = event
    if pending.method == .initialize, let version = result.version {
      guard version.kind == .string,
        permissions.allows(version: document.content(version), in: document.bytes)
      else { return refused(id, pending, .versionDenied, event) }
    }
    let isChanged = pins?.isChanged(instructions: result.instructions, of: document) ?? false
    if isChanged { event.changedInstructions = true }
    let withholds = isChanged && result.instructions != nil && pins?.isStrict == true
    let line = result.agreed(
      of: document, permissions, isDiscovery: pending.method == .discover,
      withoutInstructions: withholds)
    guard let line else {
      if isChanged { event.reason = Reason.pinChanged.rawValue }
      return Decision(.forward, event)
    }
    return replaced(line, isChanged ? .pinChanged : .capabilities, event)
  }

  /// Why the result may not reach the client: it asks for input that the profile denies, or is of a type
  /// that we do not know and so cannot judge.
  func fault(of result: ServerResult, in document: Document, isStateless: Bool) -> Reason? {
    if let requests = result.inputRequests, let reason = inputFault(of: requests, in: document) {
      return reason
    }
    guard isStateless, let type = result.resultType else { return nil }
    if type.kind == .string {
      let content = document.content(type)
      if document.content(content, equals: "complete")
        || document.content(content, equals: "input_required")
        || document.content(content, equals: "task") && rules.permissions.features.tasks
      {
        return nil
      }
    }
    return rules.permissions.features.extensions && type.kind == .string ? nil : .resultType
  }

  /// The decision to send something else than the server's message to the client.
  func replaced(_ line: [UInt8], _ reason: Reason, _ event: Event) -> Decision {
    var event = event
    event.verdict = .rewrite
    event.reason = reason.rawValue
    event.bytesOut = line.count
    return Decision(.replace(line), event)
  }

  /// An error passes, but for the one by which a server asks for a visit to an address that the profile
  /// does not let through.
  private mutating func failed(
    _ document: Document, _ id: RequestID, _ pending: Pending, _ event: Event
  ) -> Decision {
    guard !asksForVisit(document) else { return refused(id, pending, .inputDenied, event) }
    return Decision(.forward, event)
  }

  /// Gives the client a refusal in place of an answer that may not reach it.
  func refused(
    _ id: RequestID, _ pending: Pending, _ reason: Reason, _ event: Event
  ) -> Decision {
    let text: StaticString =
      switch reason {
      case .versionDenied: "the server speaks no version that this profile allows"
      case .inputDenied, .visitDenied:
        "the server asked for input from the user, which this profile does not allow"
      case .badOutput:
        "the result does not fit the outputSchema that the server gives for this tool"
      case .badList: "the server gave something that is not such a list"
      case .pinChanged: "the server's tools changed while they were listed"
      case .answerSize: "the server's answer is larger than messages.max_size"
      case .listSize: "the list is larger than text.max_list"
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
