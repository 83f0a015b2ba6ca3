internal import Wire

/// A server that failed is followed by another one in the same session.
///
/// The client keeps its session: what it was told of version and features must go on to hold. What the
/// new server has to know is told it in the client's own words; what cannot be had again is said.
extension Window {
  // MARK: what is remembered

  /// Takes note of a request of the client that another server would have to be told of.
  mutating func remember(
    _ document: Document, _ request: Refused, _ params: Params, _ subject: [UInt8]?
  ) {
    switch request.method {
    case .initialize:
      let line = params.needsRewrite ? params.rewritten(document) : document.bytes
      var place: Range<Int>?
      if let range = document.params?.range {
        place = range.lowerBound..<line.count - (document.bytes.count - range.upperBound)
      }
      past.handshake = Past.Handshake(
        line: line, params: place, waits: request.id, isUnsent: past.isAway)
      past.isInitialized = false
    case .setLevel:
      let level = document.params.flatMap { document.member("level", of: $0) }
      guard let level, level.kind == .string, level.range.count <= Bounds.shown else { return }
      past.level = Array(document.bytes[document.content(level)])
    case .subscribe:
      if let subject, past.subscriptions.count < Bounds.remembered {
        past.subscriptions.insert(subject)
      }
    case .unsubscribe: if let subject { past.subscriptions.remove(subject) }
    default: break
    }
  }

  /// Forgets the handshake that the client's request with this id began: it will not be answered, and
  /// another request may come to bear its id.
  mutating func forgetHandshake(_ id: RequestID) {
    if past.handshake?.waits == id { past.handshake = nil }
  }

  /// Takes note of what the server agreed on.
  mutating func note(_ document: Document, answers pending: Pending, _ id: RequestID) {
    guard pending.method == .initialize, past.handshake?.waits == id else { return }
    past.handshake?.waits = nil
    guard document.kind == .result else {
      past.handshake = nil
      return
    }
    let result = ServerResult(of: document)
    let agreed = version(of: result, in: document) ?? []
    past.handshake?.version = agreed
    past.handshake?.features = Past.Features(result, of: document)
  }

  private func version(of result: ServerResult, in document: Document) -> [UInt8]? {
    result.version.flatMap {
      $0.kind == .string ? Array(document.bytes[document.content($0)]) : nil
    }
  }

  // MARK: the end of one server

  /// Answers what the client still waits for of a server that another one follows, and tells it that
  /// the server's own questions are void. Later requests wait for the next server.
  ///
  /// Only an `initialize` stays in flight: it is put to the next server as it is.
  public mutating func serverPaused(reason: StaticString, at now: Int64) -> [Decision] {
    var decisions: [Decision] = []
    clock = now
    ending = nil
    gathers.removeAll()
    own.removeAll()
    catalogue.forget()
    past.replay = nil
    // What a server said that is gone is no word of the next one.
    past.isAgreed = false
    past.refusal = nil
    past.isAway = true
    past.handshake?.isUnsent = false
    var handshake: (id: RequestID, pending: Pending)?
    if let id = past.handshake?.waits {
      if client[id]?.method == .initialize, let pending = client.remove(id) {
        handshake = (id, pending)
      } else {
        past.handshake = nil
      }
    }
    decisions = answerWaiting(reason, at: now)
    client.forgetTombstones()
    if let (id, pending) = handshake { client.insert(id, pending) }
    // Their ids stay taken: the next server's first questions may bear the same ones, and an answer
    // that is still on its way must not be taken for an answer to those.
    for (id, _) in server.removeAll() {
      server.bury(id)
      let line = Replies.cancelled(id: id)
      decisions.append(notice(.cancelled, line, toClient: true))
    }
    past.lost.subscriptions = past.subscriptions.count
    past.lost.tasks = clientTasks.count
    past.subscriptions.removeAll()
    past.tasks.insert(all: clientTasks)
    clientTasks = TaskTable()
    serverTasks = TaskTable()
    return decisions
  }

  /// What could not be restored of the server that ended last.
  public var lost: Loss { past.lost }

  /// A message of our own: its record, and where it goes.
  private func notice(
    _ method: Method, _ line: [UInt8], id: RequestID? = nil, toClient: Bool
  ) -> Decision {
    var event = Event(
      id == nil ? .notification : .request, toClient ? .server : .client,
      toClient ? .answer : .rewrite, bytesIn: 0)
    event.method = method.name
    event.id = id
    event.reason = (toClient ? Reason.serverRestarted : .replayed).rawValue
    event.bytesOut = line.count
    return Decision(.drop, event, extra: [toClient ? .client(line) : .server(line)])
  }

  // MARK: the beginning of the next

  /// What the next server is told first, before anything that the client has sent since.
  public mutating func resume(at now: Int64) -> (decisions: [Decision], state: Resumption) {
    guard let handshake = past.handshake else { return done([], at: now) }
    if let id = handshake.waits {
      // It may wait with everything else that the client sent since.
      past.handshake?.isUnsent = false
      if handshake.isUnsent { return done([], at: now) }
      return done([notice(.initialize, handshake.line, id: id, toClient: false)], at: now)
    }
    let id = newID()
    past.replay = Past.Replay(handshake: id)
    let params = handshake.params.map { handshake.line[$0] }
    let line = Replies.request(id: id, method: .initialize, params: params)
    return ([notice(.initialize, line, id: id, toClient: false)], .waits)
  }

  private mutating func done(
    _ decisions: [Decision], at now: Int64
  ) -> (decisions: [Decision], state: Resumption) {
    past.isAway = false
    // What waits is sent on now: its time begins.
    client.beginTimes(at: now)
    catalogue.lookup?.due = now + rules.ownTimeout
    return (decisions, .done)
  }

  /// The answer of a server that was started again to a request of our own.
  mutating func replayed(
    _ document: Document, _ replay: Past.Replay, _ id: RequestID, at now: Int64
  ) -> Decision {
    var event = Event(.response, .server, .rewrite, bytesIn: document.bytes.count)
    event.id = id
    event.reason = Reason.replayed.rawValue
    event.outcome = document.kind == .result ? .ok : .error
    guard replay.handshake == id else {
      // What becomes of the level of log messages is nothing that a session could end for.
      past.replay?.level = nil
      event.method = Method.setLevel.name
      return Decision(.drop, event)
    }
    event.method = Method.initialize.name
    past.replay?.handshake = nil
    let result = ServerResult(of: document)
    var fault: Reason?
    if document.kind != .result {
      fault = .handshakeRefused
    } else if version(of: result, in: document) != past.handshake?.version {
      fault = .handshakeVersion
    }
    if let fault {
      event.verdict = .drop
      event.reason = fault.rawValue
      past.refusal = fault
      return Decision(.drop, event)
    }
    past.isAgreed = true
    past.handshake?.features.formUnion(Past.Features(result, of: document))
    return Decision(.drop, event)
  }

  /// What follows from the answer to the handshake, once it has come; to be asked after each message of a
  /// server of which ``resume(at:)`` said that it waits.
  public mutating func resumed(at now: Int64) -> (decisions: [Decision], state: Resumption) {
    if let fault = past.refusal {
      past.refusal = nil
      return ([], .refused(fault))
    }
    guard past.isAgreed else { return ([], .waits) }
    past.isAgreed = false
    var decisions: [Decision] = []
    guard past.isInitialized, let handshake = past.handshake else { return done([], at: now) }
    decisions.append(
      notice(.initialized, Replies.notification(.initialized), toClient: false))
    if let level = past.level, rules.permissions.features.logging, handshake.features.logging {
      let id = newID()
      past.replay?.level = id
      let params = Array(#"{"level":""#.utf8) + level + Array(#""}"#.utf8)
      let line = Replies.request(id: id, method: .setLevel, params: params[...])
      decisions.append(notice(.setLevel, line, id: id, toClient: false))
    }
    decisions += changes(handshake.features)
    return done(decisions, at: now)
  }

  /// What the client is told: its lists may be others, and what is lost.
  private func changes(_ features: Past.Features) -> [Decision] {
    let permissions = rules.permissions
    var decisions: [Decision] = []
    var changed: [Method] = []
    if features.tools { changed.append(.toolsChanged) }
    if features.resources, !permissions.resources.isEmpty { changed.append(.resourcesChanged) }
    if features.prompts, !permissions.prompts.isEmpty { changed.append(.promptsChanged) }
    for method in changed {
      decisions.append(notice(method, Replies.notification(method), toClient: true))
    }
    if permissions.features.logging, features.logging, past.wantsWarnings {
      let line = Replies.restarted(past.lost)
      decisions.append(notice(.message, line, toClient: true))
    }
    return decisions
  }
}

extension Past {
  /// Whether a warning is of the level that the client asked for; without one servers send what they
  /// like.
  fileprivate var wantsWarnings: Bool {
    guard let level else { return true }
    return ["debug", "info", "notice", "warning"].contains { level.elementsEqual($0.utf8) }
  }
}

extension Past.Features {
  init(_ result: ServerResult, of document: Document) {
    guard let declared = result.capabilities, declared.kind == .object else { return }
    document.forEachMember(of: declared) { key, _ in
      if document.content(key, equals: Key.tools) {
        tools = true
      } else if document.content(key, equals: Key.resources) {
        resources = true
      } else if document.content(key, equals: Key.prompts) {
        prompts = true
      } else if document.content(key, equals: Key.logging) {
        logging = true
      }
    }
  }

  /// What either of two servers has: a list that is gone has changed as well.
  mutating func formUnion(_ other: Past.Features) {
    tools = tools || other.tools
    resources = resources || other.resources
    prompts = prompts || other.prompts
    logging = logging && other.logging
  }
}
