internal import Wire

/// Lists: pages are gathered, filtered and given as one.
extension Window {
  /// Takes in a page; then asks for the next, or answers the client.
  mutating func add(
    _ page: ServerResult, of document: Document, to gather: inout Gather, _ id: RequestID,
    _ pending: Pending, _ event: Event
  ) -> Decision {
    var event = event
    let kind = gather.kind
    guard
      gather.add(
        document, tools: rules.tools, known: catalogue.definitions,
        pins: kind.method == .toolsList ? pins : nil,
        shows: { shows($0, in: document.bytes, kind) })
    else {
      return refused(id, pending, .badList, event)
    }
    event.removed = gather.removed
    gather.tell(&event)
    let others = gathers.values.reduce(0) { $0 + $1.held }
    let next = gather.next(
      after: page, of: document, besides: others, budget: Window.gathered * rules.maxSize)
    if let next {
      return ask(next, of: document, for: &gather, id, pending, event)
    }
    // A page is not the list: where the client gathers, we ask for the whole of it ourselves.
    if kind.method == .toolsList, !rules.permissions.keepsPages {
      guard conclude(gather) else { return refused(id, pending, .pinChanged, event) }
      learn(gather.definitions, of: pending.generation)
    }
    if kind.method == .toolsList, rules.permissions.keepsPages, gather.hasChangedTools {
      // What a page says counts for the calls that come after it.
      catalogue.generation += 1
    }
    if gather.isWhole(document, page) { return Decision(.forward, event) }
    return replaced(gather.answer(id: id), gather.trouble ?? .listFiltered, event)
  }

  /// How many messages of the largest size the lists in the making may hold together.
  private static let gathered = 4

  /// Asks for the next page with a request of our own; the client waits on.
  private mutating func ask(
    _ cursor: Range<Int>, of document: Document, for gather: inout Gather, _ id: RequestID,
    _ pending: Pending, _ event: Event
  ) -> Decision {
    var event = event
    let followUp = newID()
    gather.own = followUp
    own[followUp] = id
    gathers[id] = gather
    // Back among the requests in flight: it was taken out as answered.
    var pending = pending
    pending.due = clock + rules.ownTimeout
    client.insert(id, pending)
    event.verdict = .rewrite
    event.reason = Reason.listPage.rawValue
    event.bytesOut = 0
    event.outcome = nil
    let line = Replies.nextPage(
      pending.method, id: followUp, cursor: cursor, of: document.bytes, meta: pending.meta)
    return Decision(.drop, event, extra: [.server(line)])
  }

  /// An id that no request has. The client cannot know it; the server, which saw the last one, can
  /// tell the next, but only it could answer that anyway.
  mutating func newID() -> RequestID {
    while true {
      ownCount += 1
      let id = RequestID.string(prefix + Array(String(ownCount).utf8))
      if !client.isTaken(id) { return id }
    }
  }

  /// The answer to one of our own requests, made for the client's request `asker`.
  mutating func page(_ document: Document, of asker: RequestID, at now: Int64) -> Decision {
    guard var gather = gathers.removeValue(forKey: asker), let pending = client.remove(asker)
    else {
      return dropped(document, .server, .other, .unmatched)
    }
    var event = answered(document, .server, asker, pending, at: now)
    if document.kind == .error {
      guard let error = document.error else {
        return dropped(document, .server, .other, .unmatched)
      }
      guard !asksForVisit(document) else {
        return refused(asker, pending, .inputDenied, event)
      }
      let line = Replies.error(id: asker, sameAs: error, of: document)
      event.bytesOut = line.count
      return replaced(line, .listPage, event)
    }
    let result = ServerResult(of: document)
    if let fault = fault(of: result, in: document, isStateless: pending.isStateless) {
      return refused(asker, pending, fault, event)
    }
    guard !pending.isStateless || !result.asksForInput(document) else {
      return refused(asker, pending, .inputDenied, event)
    }
    return add(result, of: document, to: &gather, asker, pending, event)
  }
}
