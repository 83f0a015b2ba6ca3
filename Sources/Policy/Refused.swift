internal import Schema
internal import Wire

/// A request that is refused: what its answer and its record need.
struct Refused {
  var id: RequestID
  var method: Method
  /// The tool of a call, as canonical content.
  var tool: [UInt8]?
  var isStateless: Bool
  var rule: Int
  var bytesIn: Int
  /// What results must be, if they are checked.
  var output: Schema?
  /// Of a call: the number of its tool's entry, and what it was counted for.
  var entry: Int32 = -1
  /// See `entry`.
  var charge = Meter.Charge.none
  /// What the person has agreed to, if they were asked.
  var agreed: Consent.Subject?
  /// What they answered, if the answer came with the call.
  var consent: Reason?
}

extension Window {
  /// Refuses a request that is of a kind that passes: a call with a result that the model reads,
  /// any other with an error.
  func refuse(_ request: Refused, _ reason: Reason, _ text: StaticString) -> Decision {
    let answer =
      request.method == .toolsCall
      ? Replies.toolRefusal(
        id: request.id, text: "Refused by anchorhold: ", detail: text, reason: reason,
        rule: request.rule, stateless: request.isStateless)
      : Replies.error(
        id: request.id, code: ErrorCode.refused, text: "Refused by anchorhold: ", detail: text)
    return refusal(of: request, reason, answer)
  }

  /// Refuses a request because the server is gone.
  func refuseEnded(_ request: Refused, _ ending: StaticString) -> Decision {
    let text: StaticString = "The server ended before it answered: "
    let answer =
      request.method == .toolsCall
      ? Replies.toolRefusal(
        id: request.id, text: text, detail: ending, reason: .serverEnded, rule: 0,
        stateless: request.isStateless)
      : Replies.error(
        id: request.id, code: ErrorCode.serverEnded, text: text, detail: ending)
    return refusal(of: request, .serverEnded, answer)
  }

  /// Refuses a request with a JSON-RPC error.
  func refuse(_ request: Refused, _ reason: Reason, code: Int, _ text: StaticString) -> Decision {
    refusal(of: request, reason, Replies.error(id: request.id, code: code, text: text))
  }

  /// The decision to refuse a client's request with this answer.
  func refusal(of request: Refused, _ reason: Reason, _ answer: [UInt8]) -> Decision {
    var event = Event(.refusal, .client, .refuse, bytesIn: request.bytesIn)
    event.id = request.id
    event.method = request.method == .other ? nil : request.method.name
    event.tool = request.tool
    event.rule = request.rule
    event.reason = reason.rawValue
    event.bytesOut = answer.count
    return Decision(.answer(answer), event)
  }
}

extension Document {
  /// The method as a record shows it: of a known one the shared name, of others a bounded copy.
  func shown(_ known: Method) -> [UInt8] {
    guard known == .other, let range = method else { return known.name }
    return Array(bytes[range].prefix(Bounds.shown))
  }
}
