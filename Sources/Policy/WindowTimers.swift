public import Wire

/// What the passing of time does: requests that were not answered in time.
///
/// The clock is given: whoever runs the window asks when the next ``deadline`` is, waits no longer
/// than that, and then calls ``expire(at:)`` until it gives nothing more.
extension Window {
  /// When ``expire(at:)`` is to be called, on the clock of ``decide(_:from:at:)``; nil while nothing
  /// waits for a time. Nothing need have expired then: a request may have been answered meanwhile.
  public var deadline: Int64? {
    // Who waits for a server that is still to come has all its time before it.
    let due =
      past.isAway
      ? consents.deadline
      : min(client.earliest, lookupDue, consents.deadline)
    return due == .max ? nil : due
  }

  private var lookupDue: Int64 { catalogue.isLooking ? catalogue.lookup?.due ?? .max : .max }

  /// The next decision that is due at `now`, a message from nobody: it is treated like one that was
  /// made on a message of `side`. Nil when none is left; until then ``deadline`` is not later.
  public mutating func expire(at now: Int64) -> (side: Side, decision: Decision)? {
    clock = now
    if let decision = questionExpired(at: now) { return (.client, decision) }
    if past.isAway { return nil }
    if let lookup = catalogue.lookup, lookup.due <= now {
      return (.server, lookupExpired(lookup, at: now))
    }
    guard let (id, pending) = client.takeDue(at: now) else { return nil }
    if let gather = gathers.removeValue(forKey: id) {
      return (.client, pageExpired(gather, id, pending, at: now))
    }
    return (.client, callExpired(id, pending, at: now))
  }

  /// The server did not give its list of tools in time: what waits for it is refused.
  private mutating func lookupExpired(_ lookup: Catalogue.Lookup, at now: Int64) -> Decision {
    var decision = lookedInVain(lookup, size: 0, .timeout, at: now)
    decision.event.verdict = .drop
    decision.event.outcome = .timeout
    client.bury(lookup.own)
    decision.extra.append(.notice(Replies.cancelled(id: lookup.own)))
    return decision
  }

  /// The server did not give a further page of a list in time: the client is told so.
  private mutating func pageExpired(
    _ gather: Gather, _ id: RequestID, _ pending: Pending, at now: Int64
  ) -> Decision {
    let request = Refused(
      id: id, method: pending.method, isStateless: pending.isStateless, rule: pending.rule,
      bytesIn: 0)
    var decision = refuse(
      request, .timeout, code: ErrorCode.timeout,
      "The server did not answer in time: it gave a part of the list alone")
    decision.event.duration = now - pending.started
    decision.event.outcome = .timeout
    if let followUp = gather.own {
      own[followUp] = nil
      client.bury(followUp)
      decision.extra.append(.notice(Replies.cancelled(id: followUp)))
    }
    return decision
  }
}
