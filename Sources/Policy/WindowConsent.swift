internal import Wire

/// Calls of tools that the profile has the person asked about.
extension Window {
  /// The decision to put a call to the person, or to refuse it because they said no; nil when they
  /// have agreed to it. An answer that came with the call is taken out of it.
  mutating func consent(
    _ document: Document, _ request: inout Refused, _ params: inout Params, at now: Int64
  ) -> Decision? {
    guard let tool = request.tool else { return nil }
    let subject: Consent.Subject
    if let (asked, value, isAlone) = brought(document, params) {
      subject = Consent.Subject(tool, params.arguments, of: document)
      guard isAlone, asked.subject == subject else {
        return refuse(request, .unaskedInput, "the request carries input that nobody asked for")
      }
      params.dropInput()
      let answer =
        asked.deadline <= now ? .unanswered : Consent.Answer(of: value, in: document)
      if let refusal = refusal(of: request, answer) { return refusal }
      if answer == .session { consents.allow(tool: tool) }
      request.agreed = answer == .session ? nil : subject
      request.consent = answer.reason
      return nil
    }
    // Nothing of the call is kept where the tool is agreed to: it may be large.
    if consents.covers(tool: tool) { return nil }
    subject = Consent.Subject(tool, params.arguments, of: document)
    let carriesInput =
      params.inputResponses.map {
        $0.range.count > 2 && asked($0, of: document, request.method, tool) != nil
      } ?? false
    if consents.covers(subject, call: request.id, carriesInput: carriesInput, at: clock) {
      request.agreed = subject
      return nil
    }
    return question(document, request, params, subject, at: now)
  }

  /// The answer to a question of ours that came with a call, and whether nothing else did.
  private mutating func brought(
    _ document: Document, _ params: Params
  ) -> (asked: Consent.Asked, value: Value, isAlone: Bool)? {
    guard params.isStateless, let input = params.inputResponses, input.kind == .object else {
      return nil
    }
    var found: (asked: Consent.Asked, value: Value)?
    var count = 0
    for (key, value) in document.members(of: input) {
      count += 1
      if found == nil, let asked = consents.takeAsked(key, in: document.bytes) {
        found = (asked, value)
      }
    }
    return found.map { ($0.asked, $0.value, count == 1) }
  }

  /// Puts the question: as the result of a call of the stateless era, or as a request of ours, for
  /// which the call waits.
  private mutating func question(
    _ document: Document, _ request: Refused, _ params: Params, _ subject: Consent.Subject,
    at now: Int64
  ) -> Decision {
    if let ending { return refuseEnded(request, ending) }
    guard params.isStateless ? params.canElicit : consents.canAsk else {
      return refuse(
        request, .cannotAsk,
        "the person must be asked first, and this client cannot put a question (elicitation)")
    }
    let text = ConsentText.params(
      profile: rules.name, tool: subject.tool, params.arguments, of: document)
    guard let text else {
      return refuse(
        request, .questionSize,
        "the person must be asked first, and the arguments are too long to be shown")
    }
    // From when it is put on, however long the call has waited for something else.
    let deadline = clock + rules.askTimeout
    guard !params.isStateless else {
      guard consents.countAsked(at: clock) < Bounds.openQuestions else {
        return refuse(request, .questionLimit, Self.tooManyQuestions)
      }
      let key = newQuestion()
      consents.ask(Consent.Asked(key: key, subject: subject, deadline: deadline))
      let answer = Replies.inputRequired(id: request.id, key: key, text)
      var decision = refusal(of: request, .asked, answer)
      decision.event.name = .request
      decision.event.verdict = .answer
      return decision
    }
    guard client.count < rules.inFlight else {
      return refuse(
        request, .inFlightLimit, "too many requests are in flight, try again when one is answered")
    }
    guard consents.questions.count < Bounds.openQuestions,
      consents.heldBytes + document.bytes.count <= rules.maxSize
    else {
      return refuse(request, .questionLimit, Self.tooManyQuestions)
    }
    let id = RequestID.string(newQuestion())
    client.insert(
      request.id,
      Pending(
        method: request.method, tool: request.tool, isStateless: false, rule: request.rule,
        started: now))
    consents.hold(
      Consent.Question(
        id: id, call: request.id, tool: subject.tool, document: document,
        arguments: params.arguments, started: now, deadline: deadline))
    var event = Event(.request, .client, .rewrite, bytesIn: request.bytesIn)
    event.id = request.id
    event.method = request.method.name
    event.tool = request.tool
    event.rule = request.rule
    event.reason = Reason.asked.rawValue
    return Decision(.drop, event, extra: [.client(Replies.question(id: id, text))])
  }

  private static let tooManyQuestions: StaticString =
    "too many calls wait for the person, try again when one is decided"

  /// The client's response to a question of ours.
  mutating func consented(_ document: Document, _ id: RequestID, at now: Int64) -> Decision {
    let answer = document.result.map { Consent.Answer(of: $0, in: document) } ?? .failed
    var event = Event(.response, .client, .rewrite, bytesIn: document.bytes.count)
    event.method = Method.elicitation.name
    event.outcome = document.kind == .error ? .error : .ok
    event.reason = answer.reason.rawValue
    guard let question = consents.answer(id, answer) else { return Decision(.drop, event) }
    event.isOwn = true
    event.id = question.call
    event.tool = question.tool
    event.duration = now - question.started
    return Decision(.drop, event)
  }

  /// The decision on a call whose question was answered, nil when there is none.
  mutating func releaseAnswered(at now: Int64) -> (document: Document, decision: Decision)? {
    while let (question, answer) = consents.next() {
      guard let pending = client.remove(question.call) else { continue }
      let document = question.document
      let request = Refused(
        id: question.call, method: pending.method, tool: pending.tool,
        isStateless: pending.isStateless, rule: pending.rule, bytesIn: document.bytes.count)
      if let refusal = refusal(of: request, answer) { return (document, refusal) }
      if answer == .session { consents.allow(tool: question.tool) }
      // Good for this call, if what was true when the question was put is still true.
      let subject = Consent.Subject(question.tool, question.arguments, of: document)
      consents.allow(subject, call: question.call)
      var decision = clientRequest(document, at: now)
      // It may wait once more, for the server's list of tools.
      if !catalogue.holds(question.call) { consents.revoke(call: question.call) }
      if decision.event.name == .request, decision.event.verdict == .pass {
        decision.event.reason = answer.reason.rawValue
      }
      return (document, decision)
    }
    return nil
  }

  /// The refusal that an answer means, nil if it means none.
  private func refusal(of request: Refused, _ answer: Consent.Answer) -> Decision? {
    let text: StaticString
    switch answer {
    case .once, .session: return nil
    case .declined: text = "the person was asked and did not agree to this call"
    case .failed: text = "the person could not be asked: the client gave no usable answer"
    case .unanswered: text = "the person was asked and did not answer in time"
    }
    return refuse(request, answer.reason, text)
  }

  /// Gives up the question that has waited for too long, nil when there is none: the client is told
  /// that nobody needs the answer, and the call is decided on by ``releaseAnswered(at:)``.
  mutating func questionExpired(at now: Int64) -> Decision? {
    guard let question = consents.expire(at: now) else { return nil }
    server.bury(question.id)
    var event = Event(.response, .client, .drop, bytesIn: 0)
    event.id = question.call
    event.method = Method.elicitation.name
    event.tool = question.tool
    event.reason = Reason.unanswered.rawValue
    event.duration = now - question.started
    event.outcome = .timeout
    event.isOwn = true
    return Decision(.drop, event, extra: [.client(Replies.cancelled(id: question.id))])
  }

  /// An id or key of a question, which nobody but the client learns.
  private mutating func newQuestion() -> [UInt8] {
    while true {
      questionCount += 1
      let name = questionPrefix + Array(String(questionCount).utf8)
      // Nobody can foresee it. Was it guessed, the client would take one question for the other.
      if !server.isTaken(.string(name)) { return name }
    }
  }
}

extension Consent.Answer {
  /// The answer in the result of `elicitation/create`: `accept` counts only with what the form asks
  /// for.
  init(of result: Value, in document: Document) {
    guard let action = document.member("action", of: result), action.kind == .string else {
      self = .failed
      return
    }
    func isOne(_ value: Value?, _ word: StaticString) -> Bool {
      guard let value, value.kind == .string else { return false }
      return document.content(document.content(value), equals: word)
    }
    if isOne(action, "decline") || isOne(action, "cancel") {
      self = .declined
      return
    }
    let choice = document.member("content", of: result).flatMap {
      document.member("allow", of: $0)
    }
    guard isOne(action, "accept") else {
      self = .failed
      return
    }
    self = isOne(choice, "once") ? .once : isOne(choice, "session") ? .session : .failed
  }

  /// What the record calls it.
  var reason: Reason {
    switch self {
    case .once: .consented
    case .session: .consentedSession
    case .declined: .declined
    case .failed: .noConsent
    case .unanswered: .unanswered
    }
  }
}

extension Replies {
  /// A question of ours to the client; `params` are those of `elicitation/create`.
  static func question(id: RequestID, _ params: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","method":"elicitation/create","params":"#)
    writer.append(raw: params)
    writer.append("}")
    return writer.bytes
  }

  /// The result that asks the client for the answer to one question, in the stateless era.
  static func inputRequired(id: RequestID, key: [UInt8], _ params: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","result":{"resultType":"input_required","inputRequests":{""#)
    writer.append(raw: key)
    writer.append(#"":{"method":"elicitation/create","params":{"mode":"form","#)
    writer.append(raw: params.dropFirst())
    writer.append("}}}}")
    return writer.bytes
  }
}
