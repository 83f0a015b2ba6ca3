internal import Wire

/// What the client sends.
extension Window {
  mutating func clientRequest(_ document: Document, at now: Int64) -> Decision {
    guard let id = document.id else {
      return dropped(document, .client, .other, .nullID)
    }
    let method = Method(of: document)
    var request = Refused(
      id: id, method: method, isStateless: false, rule: 0, bytesIn: document.bytes.count)
    if client.isTaken(id) || !own.isEmpty && own[id] != nil
      || catalogue.isLooking && catalogue.lookup?.own == id
      || past.replay != nil && past.replay?.has(id) ?? false
    {
      // Answered as an invalid message, even if it is a call: the answer must not look like the
      // result of the request that is in flight under this id.
      return refuse(
        request, .idInUse, code: ErrorCode.invalidRequest,
        "Invalid request: this id is still in use")
    }
    var params = Params(of: document, method: method, permissions: rules.permissions)
    request.isStateless = params.isStateless
    if params.fault != nil {
      return refuse(
        request, .badCapabilities, code: ErrorCode.invalidParams,
        "Invalid params: capabilities must be an object")
    }
    if let refusal = era(document, request, &params) { return refusal }
    switch method {
    case .toolsCall:
      var decision = call(document, &request, &params, at: now)
      decision.event.arguments = params.arguments
      return decision
    case .initialize:
      hasHandshake = true
      consents.canAsk = params.canElicit
      return pass(document, request, params, at: now)
    case .discover, .ping: return pass(document, request, params, at: now)
    default: return other(document, request, params, at: now)
    }
  }

  /// Requests that the profile lets through or not by its keys beside `tools`.
  private mutating func other(
    _ document: Document, _ request: Refused, _ params: Params, at now: Int64
  ) -> Decision {
    let permissions = rules.permissions
    let features = permissions.features
    switch request.method {
    case .setLevel where features.logging: return pass(document, request, params, at: now)
    case .toolsList: return list(document, request, params, at: now)
    case .resourcesList where permissions.resources.isEmpty:
      return hidden(request, key: "resources")
    case .templatesList where permissions.resources.isEmpty:
      return hidden(request, key: "resourceTemplates")
    case .promptsList where permissions.prompts.isEmpty: return hidden(request, key: "prompts")
    case .resourcesList, .templatesList, .promptsList:
      return list(document, request, params, at: now)
    case .resourcesRead where !permissions.resources.isEmpty,
      .subscribe where features.subscriptions && !permissions.resources.isEmpty,
      .unsubscribe where features.subscriptions && !permissions.resources.isEmpty:
      return resource(document, request, params, at: now)
    case .promptsGet where !permissions.prompts.isEmpty:
      return prompt(document, request, params, at: now)
    case .complete where features.completion:
      return completion(document, request, params, at: now)
    case .listen where features.subscriptions:
      return listen(document, request, params, at: now)
    case .tasksList where features.tasks: return list(document, request, params, at: now)
    case .tasksGet where features.tasks, .tasksResult where features.tasks,
      .tasksCancel where features.tasks, .tasksUpdate where features.tasks:
      return task(document, request, params, at: now)
    case .other where features.extensions && Method.isForeign(document):
      return pass(document, request, params, at: now)
    default:
      var decision = refuse(
        request, .methodDenied, code: ErrorCode.methodNotFound, "Method not found")
      decision.event.method = document.shown(request.method)
      return decision
    }
  }

  /// `tools/call`: the name must be allowed, byte for byte, handshake or not.
  private mutating func call(
    _ document: Document, _ request: inout Refused, _ params: inout Params, at now: Int64
  ) -> Decision {
    guard let name = params.name, name.kind == .string else {
      return refuse(
        request, .badCall, code: ErrorCode.invalidParams,
        "Invalid params: tools/call needs the name of a tool")
    }
    let content = document.content(name)
    guard let tool = rules.tools.allowed(content, in: document.bytes) else {
      request.tool = Array(document.bytes[content].prefix(Bounds.shown))
      request.rule = rules.toolsLine
      return refusal(
        of: request, .unknownTool,
        Replies.unknown("Unknown tool: ", id: request.id, name: content, of: document.bytes))
    }
    let entry = rules.tools.entries[tool.entry]
    request.tool = tool.name
    request.rule = entry.line
    request.entry = Int32(truncatingIfNeeded: tool.entry)
    var definition: ToolDefinition?
    if entry.needsDefinition {
      guard catalogue.answersNow else { return hold(document, request, params, at: now) }
      definition = catalogue.definitions?.tool(content, in: document.bytes)
      if definition == nil {
        let isHeldBack =
          catalogue.definitions?.holdsBack(content, in: document.bytes) ?? false
        return refusal(
          of: request, isHeldBack ? .pinChanged : .unknownTool,
          Replies.unknown("Unknown tool: ", id: request.id, name: content, of: document.bytes))
      }
    }
    if let arguments = params.arguments, arguments.kind != .object, arguments.kind != .null {
      return refuse(request, .badArguments, "arguments must be an object")
    }
    if let violation = entry.arguments?.violation(document, params.arguments) {
      return refuse(request, violation)
    }
    if let definition {
      if let refusal = refusal(of: request, by: definition, document, params) { return refusal }
      request.output = definition.output
    }
    guard entry.asks else {
      return answering(document, &request, &params, subject: tool.name, at: now)
    }
    // Nobody is asked about a call that could not be made; what it costs is taken when it is sent on.
    if meter.isOn, let refusal = overdraft(document, params, &request, isCharged: false) {
      return refusal
    }
    if let decision = consent(document, &request, &params, at: now) { return decision }
    var decision = answering(document, &request, &params, subject: tool.name, at: now)
    if let reason = request.consent, decision.event.name == .request {
      decision.event.reason = reason.rawValue
    }
    return decision
  }

  /// A list, which is always asked for from its beginning: the answer is whole.
  private mutating func list(
    _ document: Document, _ request: Refused, _ params: Params, at now: Int64
  ) -> Decision {
    if !rules.permissions.keepsPages, let cursor = params.cursor, cursor.kind != .null,
      cursor.kind != .string || cursor.range.count > 2
    {
      return refuse(
        request, .badCursor, code: ErrorCode.invalidParams,
        "Invalid params: no such cursor, lists are given whole")
    }
    if let meta = params.meta, meta.range.count > Bounds.meta {
      return refuse(
        request, .tooLong, code: ErrorCode.invalidParams, "Invalid params: _meta is too long")
    }
    return pass(document, request, params, at: now)
  }

  /// Sends a request on, without what the profile denies, and waits for its answer.
  ///
  /// - Parameters:
  ///   - subject: what the request is about, if it is no tool.
  ///   - listening: of a subscription, what was let through for it.
  mutating func pass(
    _ document: Document, _ request: Refused, _ params: Params, subject: [UInt8]? = nil,
    listening: Listening? = nil, at now: Int64
  ) -> Decision {
    if let ending { return refuseEnded(request, ending) }
    guard client.count < rules.inFlight else {
      return refuse(
        request, .inFlightLimit, "too many requests are in flight, try again when one is answered")
    }
    var pending = Pending(
      method: request.method, name: request.method == .other ? document.shown(.other) : nil,
      tool: request.tool, isStateless: params.isStateless,
      rule: request.rule, started: now, token: params.token, subject: subject,
      listening: listening, output: request.output, agreed: request.agreed,
      meta: ListKind(request.method) == nil ? nil : params.rewrittenMeta(document))
    if client.heldBytes + pending.size > rules.maxSize {
      return refuse(
        request, .heldLimit, "too much is in flight, try again when a request is answered")
    }
    if rules.restarts { remember(document, request, params, subject) }
    pending.generation = catalogue.generation
    pending.charge = request.charge
    if request.entry >= 0, rules.tools.hasTimeouts {
      pending.timeout = rules.tools.entries[Int(request.entry)].timeout
      if pending.timeout > 0 { pending.due = clock + pending.timeout }
    }
    client.insert(request.id, pending)
    var event = Event(.request, .client, .pass, bytesIn: request.bytesIn)
    event.id = request.id
    event.method = document.shown(request.method)
    event.tool = request.tool
    event.rule = request.rule
    event.bytesOut = request.bytesIn
    event.mustRecordBefore = true
    return sent(document, params, event)
  }

  /// The decision to send a message on, rewritten if need be.
  func sent(
    _ document: Document, _ params: Params, _ event: consuming Event
  ) -> Decision {
    guard params.needsRewrite else { return Decision(.forward, event) }
    let line = params.rewritten(document)
    event.verdict = .rewrite
    event.reason = Reason.capabilities.rawValue
    event.bytesOut = line.count
    return Decision(.replace(line), event)
  }

  /// A list that the profile hides is empty: to a client an error would look like a broken server.
  private func hidden(_ request: Refused, key: StaticString) -> Decision {
    let answer = Answers.emptyList(id: request.id, key: key, stateless: request.isStateless)
    var decision = refusal(of: request, .hiddenList, answer)
    decision.event.name = .request
    decision.event.verdict = .answer
    return decision
  }

  mutating func clientNotification(_ document: Document) -> Decision {
    let method = Method(of: document)
    switch method {
    case .initialized:
      past.isInitialized = true
      // The next server hears it from us, after its own handshake.
      if past.isAway, let handshake = past.handshake, handshake.waits == nil {
        var event = passed(document, .client, .initialized)
        event.verdict = .rewrite
        event.reason = Reason.replayed.rawValue
        event.bytesOut = 0
        return Decision(.drop, event)
      }
    case .rootsChanged where rules.permissions.roots != .deny: break
    case .other where rules.permissions.features.extensions && Method.isForeign(document): break
    case .taskStatus:
      guard let id = document.params.flatMap({ document.member(Key.taskID, of: $0) }),
        id.kind == .string, serverTasks.owner(of: document.content(id), in: document.bytes) != nil
      else { return dropped(document, .client, method, .unknownTask) }
    case .cancelled: return clientCancelled(document)
    case .progress where rules.permissions.passesAnyProgress: break
    case .progress:
      guard let token = progressToken(document), server.hasToken(token) else {
        return dropped(document, .client, method, .progressUnmatched)
      }
    default: return dropped(document, .client, method, .notificationDenied)
    }
    return clientNotified(document, method)
  }

  /// Sends a client's notification on.
  private func clientNotified(_ document: Document, _ method: Method) -> Decision {
    let params = Params(of: document, method: method, permissions: rules.permissions)
    if let fault = params.fault { return dropped(document, .client, method, fault) }
    return sent(document, params, passed(document, .client, method))
  }

  /// A cancellation passes if its request is in flight; the answer may come late and is dropped.
  private mutating func clientCancelled(_ document: Document) -> Decision {
    guard let id = cancelledID(document), client[id] != nil else {
      return dropped(document, .client, .cancelled, .cancelUnmatched)
    }
    // Not before the notification is known to be sound: it must not be dropped and take effect.
    var decision = clientNotified(document, .cancelled)
    guard decision.event.name != .drop else { return decision }
    ended(client.remove(id), .unknown)
    forgetHandshake(id)
    decision.event.id = id
    if let question = consents.withdraw(call: id) {
      // Nor does anybody need the answer of the person.
      server.bury(question.id)
      decision.extra.append(.client(Replies.cancelled(id: question.id)))
      decision.action = .drop
      decision.event.verdict = .rewrite
      decision.event.reason = Reason.asked.rawValue
      decision.event.bytesOut = 0
      return decision
    }
    if catalogue.release(id) != nil {
      // The server never saw the call.
      consents.revoke(call: id)
      decision.action = .drop
      decision.event.verdict = .rewrite
      decision.event.reason = Reason.held.rawValue
      decision.event.bytesOut = 0
      return decision
    }
    guard let gather = gathers.removeValue(forKey: id), let followUp = gather.own else {
      client.bury(id)
      return decision
    }
    // What the server works on is our own request for a further page.
    own[followUp] = nil
    client.bury(followUp)
    let line = Replies.cancelled(id: followUp)
    decision.event.verdict = .rewrite
    decision.event.reason = Reason.listPage.rawValue
    decision.event.bytesOut = line.count
    decision.action = .replace(line)
    return decision
  }

  mutating func clientResponse(_ document: Document, at now: Int64) -> Decision {
    guard let id = document.id else { return dropped(document, .client, .other, .nullID) }
    if consents.isOpen(id) { return consented(document, id, at: now) }
    guard let pending = server.remove(id) else {
      let reason: Reason = server.exhume(id) ? .late : .unmatched
      return dropped(document, .client, .other, reason)
    }
    return clientAnswer(document, id, pending, at: now)
  }
}

/// What both directions share.
extension Window {
  /// The id that `notifications/cancelled` names.
  func cancelledID(_ document: Document) -> RequestID? {
    guard let params = document.params else { return nil }
    return document.identifier(document.member("requestId", of: params))
  }

  /// The token that `notifications/progress` names.
  func progressToken(_ document: Document) -> RequestID? {
    guard let params = document.params else { return nil }
    return document.identifier(document.member("progressToken", of: params))
  }

  /// The decision to drop a message.
  func dropped(
    _ document: Document, _ side: Side, _ method: Method, _ reason: Reason
  ) -> Decision {
    var event = Event(.drop, side, .drop, bytesIn: document.bytes.count)
    event.id = document.id
    event.method = document.method == nil ? nil : document.shown(method)
    event.reason = reason.rawValue
    return Decision(.drop, event)
  }

  /// The event of a notification that passes.
  func passed(_ document: Document, _ side: Side, _ method: Method) -> Event {
    var event = Event(.notification, side, .pass, bytesIn: document.bytes.count)
    event.method = document.shown(method)
    event.bytesOut = document.bytes.count
    return event
  }

  /// The event of a response that passes.
  func answered(
    _ document: Document, _ side: Side, _ id: RequestID, _ pending: Pending, at now: Int64
  ) -> Event {
    var event = Event(.response, side, .pass, bytesIn: document.bytes.count)
    event.id = id
    event.method = pending.name ?? pending.method.name
    event.tool = pending.tool
    event.rule = pending.rule
    event.bytesOut = document.bytes.count
    event.duration = now - pending.started
    event.outcome = document.kind == .error ? .error : .ok
    return event
  }
}
