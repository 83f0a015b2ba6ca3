internal import Profile
internal import Wire

/// What the client, and so a model, reads of the server's messages.
extension Window {
  /// Takes care of a decision on a server's message: what goes to the client shows everything that
  /// is in it, and is no larger than the profile allows.
  mutating func makeReadable(_ decision: inout Decision, _ document: Document) {
    switch decision.action {
    case .forward:
      // Nearly every message ends here.
      if rules.texts.isPlain(document.texts), document.bytes.count <= rules.maxResult { return }
      if !rules.texts.isPlain(document.texts) { filter(document.bytes, &decision) }
    case .replace(let line): filter(line, &decision)
    case .answer, .drop: break
    }
    for (index, extra) in decision.extra.enumerated() {
      guard case .client(let line) = extra else { continue }
      let (readable, counts) = texts.filter(line)
      if let readable { decision.extra[index] = .client(readable) }
      note(counts, &decision.event)
    }
    limit(&decision, document)
  }

  /// Replaces a message for the client by what may be read of it.
  private mutating func filter(_ line: [UInt8], _ decision: inout Decision) {
    let (readable, counts) = texts.filter(line)
    guard let readable else { return }
    decision.action = .replace(readable)
    decision.event.bytesOut = readable.count
    if decision.event.verdict == .pass { decision.event.verdict = .rewrite }
    if decision.event.reason == nil { decision.event.reason = Reason.text.rawValue }
    note(counts, &decision.event)
  }

  private func note(_ counts: TextCounts, _ event: inout Event) {
    if counts.hidden > 0 { event.hidden = (event.hidden ?? 0) + counts.hidden }
    if counts.cut > 0 { event.cut = (event.cut ?? 0) + counts.cut }
  }

  /// Refuses a result that is too large. Lists have ended where they had to, and without its first
  /// answer no session begins.
  private func limit(_ decision: inout Decision, _ document: Document) {
    let size: Int
    switch decision.action {
    case .forward: size = document.bytes.count
    case .replace(let line): size = line.count
    case .answer, .drop: return
    }
    let event = decision.event
    guard size > rules.maxResult, event.name == .response, document.kind == .result,
      let id = event.id
    else { return }
    let method = Method.allCases.first { $0.name == event.method } ?? .other
    if ListKind(method) != nil || method == .initialize || method == .discover { return }
    // Only an answer of the stateless era says what type it is.
    let isStateless = document.result.flatMap { document.member("resultType", of: $0) } != nil
    var pending = Pending(
      method: method, isStateless: isStateless, rule: event.rule, started: 0, token: nil)
    pending.tool = event.tool
    decision = refused(id, pending, .resultSize, event)
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
    self.init(hidden: hidden, longest: profile.text.maxField ?? profile.messages.maxSize)
  }

  /// Whether a name may be shown as it is: it cannot be changed, because it would name nothing then.
  func shows(name content: Range<Int>, in bytes: [UInt8]) -> Bool {
    hidden == .allow || TextFilter.isReadable(bytes, content)
  }
}
