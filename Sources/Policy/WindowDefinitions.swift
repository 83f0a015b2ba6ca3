internal import Schema
public import Wire

/// Calls are held to what the server says of its tools; where that is not known, it is asked first.
extension Window {
  /// Keeps a call until the server's tools are known, and asks for them unless that was done.
  mutating func hold(
    _ document: Document, _ request: Refused, _ params: Params, at now: Int64
  ) -> Decision {
    if let ending { return refuseEnded(request, ending) }
    guard client.count < rules.inFlight else {
      return refuse(
        request, .inFlightLimit, "too many requests are in flight, try again when one is answered")
    }
    guard catalogue.heldBytes + document.bytes.count <= rules.maxSize else {
      return refuse(request, .heldLimit, "too much waits for the server's list of tools")
    }
    if let meta = params.meta, params.isStateless, meta.range.count > Bounds.meta {
      return refuse(request, .tooLong, "_meta is too long")
    }
    client.insert(
      request.id,
      Pending(
        method: request.method, tool: request.tool, isStateless: params.isStateless,
        rule: request.rule, started: now))
    catalogue.hold(request.id, document, at: now)
    var event = Event(.request, .client, .rewrite, bytesIn: request.bytesIn)
    event.id = request.id
    event.method = request.method.name
    event.tool = request.tool
    event.rule = request.rule
    event.reason = Reason.held.rawValue
    guard catalogue.lookup == nil else { return Decision(.drop, event) }
    event.mustRecordBefore = true
    let meta = params.isStateless ? params.metaWithoutToken(document) : nil
    let line = look(isStateless: params.isStateless, meta: meta, at: clock)
    return Decision(.drop, event, extra: [.server(line)])
  }

  /// Asks the server for its tools; gives the request.
  private mutating func look(
    isStateless: Bool, meta: [UInt8]?, repeats: Int = 0, at now: Int64
  ) -> [UInt8] {
    let id = newID()
    catalogue.lookup = Catalogue.Lookup(
      own: id,
      gather: Gather(
        .tools, seed: seed, isStateless: isStateless, rules: rules, for: nil, keepsPages: false,
        pins: pins),
      generation: catalogue.generation, isStateless: isStateless, meta: meta, started: now,
      due: now + rules.ownTimeout, repeats: repeats)
    return Replies.toolList(id: id, meta: meta)
  }

  /// The server's answer to that: a page, or nothing of use.
  mutating func looked(
    _ document: Document, _ lookup: Catalogue.Lookup, at now: Int64
  ) -> Decision {
    let size = document.bytes.count
    let result = ServerResult(of: document)
    guard document.kind == .result, result.inputRequests == nil,
      fault(of: result, in: document, isStateless: lookup.isStateless) == nil
    else { return lookedInVain(lookup, size: size, .noList, at: now) }
    var lookup = lookup
    var gather = lookup.gather
    let kind = gather.kind
    let isList = gather.add(
      document, tools: rules.tools, known: catalogue.definitions, pins: pins
    ) {
      shows($0, in: document.bytes, kind)
    }
    guard isList else { return lookedInVain(lookup, size: size, .badList, at: now) }
    var event = lookupEvent(lookup, size: size, at: now)
    event.removed = gather.removed
    gather.tell(&event)
    // Twice, because what is pinned is kept beside what is allowed.
    let next = gather.next(after: result, of: document, besides: 0, budget: 2 * rules.maxSize)
    // Nobody waits any more: the next call asks again.
    guard catalogue.first != nil else {
      catalogue.lookup = nil
      return Decision(.drop, event)
    }
    if let next {
      lookup.own = newID()
      lookup.gather = gather
      lookup.due = now + rules.ownTimeout
      catalogue.lookup = lookup
      let line = Replies.nextPage(
        .toolsList, id: lookup.own, cursor: next, of: document.bytes, meta: lookup.meta)
      return Decision(.drop, event, extra: [.server(line)])
    }
    guard lookup.generation == catalogue.generation else {
      // They changed while we asked: what we have may be of before or after. A server whose tools
      // change at each look would have us ask, and record it, for ever.
      guard lookup.repeats < Bounds.lookups else {
        return lookedInVain(lookup, size: size, .noList, at: now)
      }
      let line = look(
        isStateless: lookup.isStateless, meta: lookup.meta, repeats: lookup.repeats + 1, at: now)
      return Decision(.drop, event, extra: [.server(line)])
    }
    guard conclude(gather) else {
      return lookedInVain(lookup, size: size, .pinChanged, at: now)
    }
    catalogue.lookup = nil
    learn(gather.definitions, of: lookup.generation)
    event.outcome = .ok
    return Decision(.drop, event)
  }

  /// The server gave no list: what waits for it is refused.
  mutating func lookedInVain(
    _ lookup: Catalogue.Lookup, size: Int, _ reason: Reason, at now: Int64
  ) -> Decision {
    var event = lookupEvent(lookup, size: size, at: now)
    event.reason = reason.rawValue
    event.outcome = .error
    catalogue.fail(
      .noList, "the server did not give its list of tools, so the call was not checked")
    return Decision(.drop, event)
  }

  private func lookupEvent(_ lookup: Catalogue.Lookup, size: Int, at now: Int64) -> Event {
    var event = Event(.response, .server, .rewrite, bytesIn: size)
    // Of the call that asked: if the record cannot be written, it is the call that is refused.
    event.id = catalogue.first
    event.method = Method.toolsList.name
    event.reason = Reason.ownList.rawValue
    event.duration = now - lookup.started
    return event
  }

  /// Takes in what a whole list said of the tools.
  mutating func learn(_ definitions: Definitions, of generation: Int) {
    guard rules.tools.needsDefinitions else { return }
    catalogue.learn(definitions, of: generation)
  }

  /// Whether there may be one: see ``release(at:)``.
  public var mayRelease: Bool { catalogue.hasNext || consents.hasNext }

  /// The decision on a call that has waited, nil when none can be made now; to be asked for after
  /// every other decision until it is nil.
  public mutating func release(at now: Int64) -> (document: Document, decision: Decision)? {
    clock = now
    while let (id, held) = catalogue.next() {
      guard let pending = client.remove(id) else { continue }
      if let (reason, text) = catalogue.failure {
        consents.revoke(call: id)
        let request = Refused(
          id: id, method: pending.method, tool: pending.tool, isStateless: pending.isStateless,
          rule: pending.rule, bytesIn: held.document.bytes.count)
        return (held.document, refuse(request, reason, text))
      }
      catalogue.isReleasing = true
      defer { catalogue.isReleasing = false }
      let decision = clientRequest(held.document, at: held.at)
      if !catalogue.holds(id) { consents.revoke(call: id) }
      return (held.document, decision)
    }
    return releaseAnswered(at: now)
  }

  /// The refusal of a call by what the server says of its tool, nil if it may pass.
  func refusal(
    of request: Refused, by definition: ToolDefinition, _ document: Document, _ params: Params
  ) -> Decision? {
    if let fault = definition.fault {
      return refuse(request, unusable: fault)
    }
    if definition.output != nil, params.isTask, rules.permissions.features.tasks {
      return refuse(
        request, .badArguments, "results of this tool are checked, so it cannot become a task")
    }
    return definition.violation(document, params.arguments).map { refuse(request, $0) }
  }

  /// Whether a result has structured content that fits.
  func fits(_ output: Schema, _ document: Document) -> Bool {
    guard let content = document.result.flatMap({ document.member("structuredContent", of: $0) })
    else { return false }
    return output.check(document, content, steps: Bounds.schemaSteps) == .valid
  }
}
