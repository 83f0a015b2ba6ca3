internal import Wire

/// Notifications of the server.
extension Window {
  mutating func serverNotification(_ document: Document) -> Decision {
    let method = Method(of: document)
    let features = rules.permissions.features
    if method == .toolsChanged { catalogue.generation += 1 }
    switch method {
    case .progress where rules.permissions.passesAnyProgress: break
    case .progress:
      guard let token = progressToken(document), client.hasToken(token) else {
        return dropped(document, .server, method, .progressUnmatched)
      }
    case .cancelled:
      guard let id = cancelledID(document), server.remove(id) != nil else {
        return dropped(document, .server, method, .cancelUnmatched)
      }
      server.bury(id)
      var event = passed(document, .server, method)
      event.id = id
      return Decision(.forward, event)
    case .resourcesChanged where rules.permissions.resources.isEmpty,
      .resourceUpdated where rules.permissions.resources.isEmpty,
      .promptsChanged where rules.permissions.prompts.isEmpty,
      .acknowledged where !features.subscriptions,
      .elicitationComplete where rules.permissions.hosts.isEmpty:
      return dropped(document, .server, method, .notificationDenied)
    case .toolsChanged, .resourcesChanged, .promptsChanged, .resourceUpdated, .acknowledged:
      if let reason = changeFault(document, method) {
        return dropped(document, .server, method, reason)
      }
      if method == .acknowledged { return acknowledged(document) }
    case .message where features.logging: break
    case .taskStatus where features.tasks, .taskNotification where features.tasks:
      if let reason = noteTask(document, method) {
        return dropped(document, .server, method, reason)
      }
    case .elicitationComplete: break
    case .other where features.extensions && Method.isForeign(document): break
    default: return dropped(document, .server, method, .notificationDenied)
    }
    return Decision(.forward, passed(document, .server, method))
  }

  /// Why a notification of a change may not reach the client: with a handshake it must be of something
  /// that the client may see, without one of a subscription that asked for it.
  func changeFault(_ document: Document, _ method: Method) -> Reason? {
    let permissions = rules.permissions
    let params = Params(of: document, method: method, permissions: permissions)
    let uri = params.uri.flatMap { $0.kind == .string ? document.content($0) : nil }
    if method == .resourceUpdated {
      guard let uri, permissions.resources.line(of: uri, in: document.bytes) != nil else {
        return .unknownResource
      }
    }
    if let subscription = params.subscription {
      guard let id = document.identifier(subscription), let listening = client[id]?.listening else {
        return .noSubscription
      }
      let isAsked =
        switch method {
        case .toolsChanged: listening.tools
        case .resourcesChanged: listening.resources
        case .promptsChanged: listening.prompts
        case .resourceUpdated: uri.map { isBelow($0, listening.uris, in: document.bytes) } ?? false
        default: true
        }
      return isAsked ? nil : .noSubscription
    }
    guard hasHandshake else { return .noSubscription }
    return switch method {
    case .toolsChanged, .resourcesChanged, .promptsChanged: nil
    case .resourceUpdated: permissions.features.subscriptions ? nil : .noSubscription
    default: .noSubscription
    }
  }

  /// Whether a URI is one of these, or below one: a server may tell of a part of what was subscribed.
  func isBelow(_ uri: Range<Int>, _ uris: [[UInt8]], in bytes: [UInt8]) -> Bool {
    uris.contains { known in
      bytes[uri].starts(with: known)
        && (uri.count == known.count || known.last == UInt8(ascii: "/")
          || bytes[uri.lowerBound + known.count] == UInt8(ascii: "/"))
    }
  }

  /// Takes note of what a notification says of a task: why it may not reach the client, nil if it may.
  ///
  /// In the extension it says what `tasks/get` would, the questions to the person among it, and comes
  /// with a subscription that names the task.
  private mutating func noteTask(_ document: Document, _ method: Method) -> Reason? {
    let params = Params(of: document, method: method, permissions: rules.permissions)
    guard let id = params.taskID, id.kind == .string,
      clientTasks.owner(of: document.content(id), in: document.bytes) != nil
    else { return .unknownTask }
    let task = document.bytes[document.content(id)]
    if method == .taskNotification {
      guard let subscription = document.identifier(params.subscription),
        client[subscription]?.listening?.tasks.contains(where: { $0.elementsEqual(task) }) ?? false
      else { return .noSubscription }
    }
    if let all = document.params, let reason = outcomeFault(of: all, in: document) {
      return reason
    }
    guard let requests = params.inputRequests else { return nil }
    if let reason = inputFault(of: requests, in: document) { return reason }
    if method == .taskNotification {
      remember(Ask(.tasksUpdate, Array(task), requests, of: document))
    }
    return nil
  }

  /// An acknowledgement passes with no more in it than its subscription asked for and the profile lets
  /// through.
  func acknowledged(_ document: Document) -> Decision {
    var params = Params(
      of: document, method: .acknowledged, permissions: rules.permissions)
    if let granted = params.notifications {
      // That there is such a subscription is known by now.
      let asked = document.identifier(params.subscription).flatMap { client[$0]?.listening }
      var listening = Listening()
      let kept =
        granted.kind == .object
        ? listened(granted, of: document, &listening, asked: asked ?? Listening()) : [0x7B, 0x7D]
      if !document.bytes[granted.range].elementsEqual(kept) { params.replace(granted, by: kept) }
    }
    return sent(document, params, passed(document, .server, .acknowledged))
  }
}
