internal import Wire

/// What the server asks of the client, in requests, results and errors, and what the client answers.
extension Window {
  /// Whether the server may make such a request at all.
  func mayAsk(_ method: Method) -> Bool {
    let permissions = rules.permissions
    return switch method {
    case .ping: true
    case .sampling: permissions.sampling
    case .elicitation: permissions.elicitation
    case .rootsList: permissions.roots != .deny
    case .tasksGet, .tasksResult, .tasksCancel: permissions.features.tasks
    case .other: permissions.features.extensions
    default: false
    }
  }

  /// Why the person may not be asked like this; nil if they may.
  func elicitationFault(_ params: Params, of document: Document) -> Reason? {
    // Without a mode it is a form, as before there were two.
    let mode = params.mode
    let isForm =
      mode.map { $0.kind == .string && document.content(document.content($0), equals: Key.form) }
      ?? true
    if isForm {
      // A form with an address is not what it says.
      return rules.permissions.forms && params.url == nil ? nil : .inputDenied
    }
    guard let mode, mode.kind == .string, document.content(document.content(mode), equals: Key.url),
      let url = params.url, url.kind == .string
    else { return .inputDenied }
    return rules.permissions.hosts.allows(address: document.utf8(url)) ? nil : .visitDenied
  }

  /// Remembers what a result asks the client for: the answers come with another request.
  mutating func ask(_ result: ServerResult, of document: Document, _ pending: Pending) {
    guard let requests = result.inputRequests else { return }
    // The call will be made again with more input: it is still the one that was agreed to.
    if let agreed = pending.agreed {
      consents.allow(agreed, call: nil, until: clock + rules.askTimeout)
    }
    // A task is asked about by its id, and answered with tasks/update.
    let method = pending.method == .tasksGet ? Method.tasksUpdate : pending.method
    remember(Ask(method, pending.subject ?? pending.tool, requests, of: document))
  }

  /// Remembers what the client was asked for; the oldest is forgotten.
  mutating func remember(_ ask: Ask) {
    if asks.count >= Bounds.asks { asks.removeFirst() }
    asks.append(ask)
  }

  /// Why the requests that something holds for the client may not reach it, nil if they may.
  func inputFault(of requests: Value, in document: Document) -> Reason? {
    guard requests.kind == .object else { return .inputDenied }
    var reason: Reason?
    var count = 0
    document.forEachMember(of: requests) { key, request in
      count += 1
      if reason == nil { reason = inputFault(request, of: document) }
      if key.count > Bounds.identifier { reason = .inputDenied }
    }
    return reason ?? (count > Bounds.questions ? .inputDenied : nil)
  }

  /// Why a request inside a result may not reach the client, nil if it may.
  private func inputFault(_ request: Value, of document: Document) -> Reason? {
    // The decoder has looked at the first levels of a message alone.
    guard !KnownKeys.request.areLookAlikes(in: request, of: document),
      let name = document.member(Key.method, of: request), name.kind == .string
    else { return .inputDenied }
    switch Method(document.content(name), in: document.bytes) {
    case .sampling: return rules.permissions.sampling ? nil : .inputDenied
    case .rootsList: return rules.permissions.roots == .deny ? .inputDenied : nil
    case .elicitation:
      guard rules.permissions.elicitation,
        let inner = document.member(Key.params, of: request), inner.kind == .object,
        !KnownKeys.params.areLookAlikes(in: inner, of: document)
      else { return .inputDenied }
      let params = Params(within: inner, of: document, .elicitation, rules.permissions)
      return elicitationFault(params, of: document)
    default: return .inputDenied
    }
  }

  /// Whether an error is `URL_ELICITATION_REQUIRED` of the revision 2025-11-25 with a visit that is not
  /// allowed.
  func asksForVisit(_ document: Document) -> Bool {
    document.error.map { asksForVisit($0, in: document) } ?? false
  }

  /// Why what a task of the extension came to may not reach the client: it holds the result or the error
  /// of the request that made it, which is judged like one that came at once, and asks for nothing more.
  func outcomeFault(of task: Value, in document: Document) -> Reason? {
    if let error = document.member("error", of: task), asksForVisit(error, in: document) {
      return .inputDenied
    }
    guard let result = document.member("result", of: task), result.kind == .object else {
      return nil
    }
    let isAsking =
      document.member(Key.inputRequests, of: result) != nil
      || KnownKeys.params.areLookAlikes(in: result, of: document)
    return isAsking ? .inputDenied : nil
  }

  private func asksForVisit(_ error: Value, in document: Document) -> Bool {
    guard let code = document.member("code", of: error), document.integer(code) == -32042
    else { return false }
    guard !rules.permissions.hosts.isEmpty, let data = document.member("data", of: error),
      !KnownKeys.visits.areLookAlikes(in: data, of: document),
      let list = document.member("elicitations", of: data), list.kind == .array
    else { return true }
    var count = 0
    for visit in document.elements(of: list) {
      count += 1
      guard visit.kind == .object, count <= Bounds.questions,
        !KnownKeys.params.areLookAlikes(in: visit, of: document)
      else { return true }
      let params = Params(within: visit, of: document, .elicitation, rules.permissions)
      guard params.mode != nil, elicitationFault(params, of: document) == nil, params.url != nil
      else { return true }
    }
    return false
  }

  /// What the client answered to a request of the server: of roots, those that the server sees.
  mutating func clientAnswer(
    _ document: Document, _ id: RequestID, _ pending: Pending, at now: Int64
  ) -> Decision {
    var event = answered(document, .client, id, pending, at: now)
    guard let result = document.result else { return Decision(.forward, event) }
    if rules.permissions.features.tasks,
      let task = ServerResult(of: document).taskID(in: document)
    {
      serverTasks.insert(Array(document.bytes[task]), pending.owner)
    }
    guard pending.method == .rootsList, rules.permissions.roots == .allow,
      let kept = rootsKept(of: result, in: document),
      kept.removed > 0
    else { return Decision(.forward, event) }
    var line = Array(document.bytes[..<result.range.lowerBound])
    line.append(contentsOf: kept.bytes)
    line.append(contentsOf: document.bytes[result.range.upperBound...])
    event.removed = kept.removed
    return replaced(line, .rootsFiltered, event)
  }
}
