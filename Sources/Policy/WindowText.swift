internal import Profile
internal import Wire

/// What the client, and so a model, reads of the server's messages.
extension Window {
  /// Takes care of a decision on a server's message: what goes to the client shows everything that
  /// is in it, and is no larger than the profile allows.
  mutating func makeReadable(_ decision: inout Decision, _ document: Document) {
    var fits = true
    switch decision.action {
    case .forward:
      // Nearly every message ends here.
      if rules.texts.isPlain(document.texts), document.bytes.count <= rules.maxPlain { return }
      if !rules.texts.isPlain(document.texts) { fits = filter(document.bytes, &decision) }
    case .replace(let line): fits = filter(line, &decision)
    case .answer, .drop: break
    }
    for (index, extra) in decision.extra.enumerated() {
      guard case .client(let line) = extra else { continue }
      let (readable, counts) = texts.filter(line)
      if let readable { decision.extra[index] = .client(readable) }
      note(counts, &decision.event)
    }
    limit(&decision, document, fits: fits)
  }

  /// Replaces a message for the client by what may be read of it; false if that is too long to be
  /// written at all.
  private mutating func filter(_ line: [UInt8], _ decision: inout Decision) -> Bool {
    let (readable, counts) = texts.filter(line)
    guard let readable else { return true }
    decision.action = .replace(readable)
    decision.event.bytesOut = readable.count
    if decision.event.verdict == .pass { decision.event.verdict = .rewrite }
    if decision.event.reason == nil { decision.event.reason = Reason.text.rawValue }
    note(counts, &decision.event)
    return !counts.isTooLong
  }

  private func note(_ counts: TextCounts, _ event: inout Event) {
    if counts.hidden > 0 { event.hidden = (event.hidden ?? 0) + counts.hidden }
    if counts.cut > 0 { event.cut = (event.cut ?? 0) + counts.cut }
  }

  /// Refuses what is too large for the client: answers by the profile's bounds, and whatever became
  /// longer than any message may be when it was written out.
  private mutating func limit(_ decision: inout Decision, _ document: Document, fits: Bool) {
    var size = 0
    switch decision.action {
    case .forward: size = document.bytes.count
    case .replace(let line): size = fits ? line.count : .max
    case .answer, .drop: return
    }
    guard size > rules.maxPlain else { return }
    let event = decision.event
    let method = Method.allCases.first { $0.name == event.method } ?? .other
    guard event.name == .response, let id = event.id else {
      if size > rules.maxSize { decision = tooLong(document, event) }
      return
    }
    let reason: Reason
    let most: Int
    if document.kind == .error {
      (most, reason) = (rules.maxResult, .resultSize)
    } else if ListKind(method) != nil {
      // What stands beside its entries: those end where they have to.
      (most, reason) = (rules.maxList, .listSize)
    } else if method == .initialize || method == .discover {
      // Without its first answer no session begins.
      (most, reason) = (rules.maxSize, .answerSize)
    } else {
      (most, reason) = (rules.maxResult, .resultSize)
    }
    guard size > min(most, rules.maxSize) else { return }
    // Only an answer of the stateless era says what type it is.
    let isStateless = document.result.flatMap { document.member("resultType", of: $0) } != nil
    var pending = Pending(
      // An error becomes an error.
      method: document.kind == .error && method == .toolsCall ? .other : method,
      isStateless: isStateless, rule: event.rule, started: 0, token: nil)
    pending.tool = event.tool
    decision = refused(id, pending, size > rules.maxSize ? .answerSize : reason, event)
    decision.event.method = event.method
  }

  /// The decision not to give the client a request or notification of the server, written out.
  private mutating func tooLong(_ document: Document, _ event: Event) -> Decision {
    guard event.name == .request, let id = document.id else {
      var decision = dropped(document, .server, Method(of: document), .answerSize)
      decision.event.id = event.id
      return decision
    }
    _ = server.remove(id)
    return told(
      document, Method(of: document), .answerSize, ErrorCode.refused, "The request is too large")
  }
}

extension TextRules {
  /// The rules of a profile's section `text`.
  init(_ profile: Profile) {
    let hidden: Hidden =
      switch profile.text.hidden {
      case .escape: .escape
      case .remove: .remove
      case .allow: .allow
      }
    self.init(
      hidden: hidden, longest: profile.text.maxField ?? profile.messages.maxSize,
      most: profile.messages.maxSize)
  }

  /// Whether a name may be shown as it is: it cannot be changed, because it would name nothing then.
  func shows(name content: Range<Int>, in bytes: [UInt8]) -> Bool {
    hidden == .allow || TextFilter.isReadable(bytes, content)
  }
}
