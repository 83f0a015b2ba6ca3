internal import Profile
internal import Wire

/// Calls are held to what the profile bounds in time and number.
extension Window {
  /// The refusal of a call that is above a bound; nil lets it through and takes what it costs.
  ///
  /// To be asked last, because what is refused after it has cost all the same.
  ///
  /// - Parameter isCharged: whether it is sent on now; else this is a look that costs nothing.
  mutating func overdraft(
    _ document: Document, _ params: Params, _ request: inout Refused, isCharged: Bool = true
  ) -> Decision? {
    // What is refused in a moment all the same is refused for nothing.
    guard request.entry >= 0, ending == nil, client.count < rules.inFlight, let name = params.name
    else { return nil }
    var charge = meter.charge(document.content(name), in: document.bytes, entry: request.entry)
    if let refusal = meter.refusal(
      of: charge, size: request.bytesIn, open: client, at: clock)
    {
      return refuse(request, refusal)
    }
    guard isCharged else { return nil }
    meter.begin(&charge, size: request.bytesIn, at: clock)
    request.charge = charge
    return nil
  }

  private func refuse(_ request: Refused, _ refusal: Meter.Refusal) -> Decision {
    var request = request
    if refusal.rule > 0 { request.rule = refusal.rule }
    let answer = Replies.refusal(
      id: request.id, "Refused by anchorhold: " + refusal.text, refusal.reason, rule: request.rule,
      wait: refusal.wait, stateless: request.isStateless)
    return self.refusal(of: request, refusal.reason, answer)
  }

  /// Takes note of how a call ended; `decision` is what was decided on its answer.
  mutating func ended(_ pending: Pending, _ document: Document, _ decision: Decision) {
    let charge = pending.charge
    let end: CircuitBreaker.End =
      if decision.event.verdict == .refuse {
        .failure
      } else if document.kind == .error {
        // Who asks for what is not there has not met a tool that fails.
        document.errorCode == Int64(ErrorCode.invalidParams) ? .success : .failure
      } else if decision.event.outcome == .toolError {
        meter.countsToolErrors(charge) ? .failure : .success
      } else {
        .success
      }
    meter.end(charge, end, size: decision.event.bytesIn, at: clock)
  }

  /// Takes note of a call that ended without an answer to judge.
  mutating func ended(_ pending: Pending?, _ end: CircuitBreaker.End, size: Int = 0) {
    guard let charge = pending?.charge, charge.isCounted else { return }
    meter.end(charge, end, size: size, at: clock)
  }

  /// A call was not answered in time: the client is told so, and the server that nobody waits.
  mutating func callExpired(_ id: RequestID, _ pending: Pending, at now: Int64) -> Decision {
    client.bury(id)
    ended(pending, .failure)
    let request = Refused(
      id: id, method: pending.method, tool: pending.tool, isStateless: pending.isStateless,
      rule: pending.rule, bytesIn: 0)
    let time = pending.timeout / 1_000_000
    let answer = Replies.refusal(
      id: id,
      "The tool did not answer within \(time) s, and anchorhold cancelled the call; "
        + "it may have had effects all the same", .timeout, rule: pending.rule, wait: nil,
      stateless: pending.isStateless)
    var decision = refusal(of: request, .timeout, answer)
    decision.event.duration = now - pending.started
    decision.event.outcome = .timeout
    decision.extra.append(.notice(Replies.cancelled(id: id)))
    return decision
  }
}

extension Document {
  /// The code of an error.
  fileprivate var errorCode: Int64? {
    error.flatMap { member("code", of: $0) }.flatMap { integer($0) }
  }
}

extension Replies {
  /// The result of a call that is refused for a bound, for the model to read and for programs to tell
  /// apart; `wait` is how long (µs) it must be waited before another attempt makes sense.
  static func refusal(
    id: RequestID, _ text: String, _ reason: Reason, rule: Int, wait: Int64?, stateless: Bool
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","result":{"content":[{"type":"text","text":"#)
    writer.appendString(text.utf8)
    writer.append(#"}],"isError":true,"_meta":{"anchorhold/refused":{"reason":""#)
    writer.append(raw: reason.rawValue.utf8)
    writer.append(#"","rule":"#)
    writer.append(rule)
    if let wait {
      writer.append(#","retry_after_ms":"#)
      writer.append(Int((wait + 999) / 1000))
    }
    writer.append("}}")
    if stateless { writer.append(#","resultType":"complete""#) }
    writer.append("}}")
    return writer.bytes
  }
}
