internal import Wire

/// Requests of the client for resources, prompts, completion, subscriptions and tasks, and the answers
/// that go back with a request of the stateless era.
extension Window {
  /// Refuses what is not of an era or version that the profile lets through; a handshake is begun with
  /// the newest version that it does.
  mutating func era(
    _ document: Document, _ request: Refused, _ params: inout Params
  ) -> Decision? {
    let permissions = rules.permissions
    switch permissions.era {
    case .handshake where request.method == .discover:
      // As a server answers that knows no such method; the client then begins a handshake.
      return refuse(request, .versionDenied, code: ErrorCode.methodNotFound, "Method not found")
    case .stateless where request.method == .initialize:
      return refuse(
        request, .versionDenied, code: ErrorCode.methodNotFound,
        "Method not found: this session has no handshake")
    default: break
    }
    guard let version = params.version else {
      if permissions.era == .stateless, request.method != .discover, !params.isStateless {
        return unsupported(request, nil, document)
      }
      return nil
    }
    let isDenied =
      version.kind != .string
      || !permissions.allows(version: document.content(version), in: document.bytes)
      || params.isStateless && permissions.era == .handshake
    guard isDenied else { return nil }
    guard request.method == .initialize, let newest = permissions.versions.last else {
      return params.isStateless ? unsupported(request, version, document) : nil
    }
    params.replace(version, by: [UInt8(ascii: "\"")] + newest + [UInt8(ascii: "\"")])
    return nil
  }

  /// Refuses a request for its version, as revision 2026-07-28 has it.
  private func unsupported(
    _ request: Refused, _ version: Value?, _ document: Document
  ) -> Decision {
    let answer = Replies.unsupportedVersion(
      id: request.id, requested: version, of: document, supported: rules.permissions.versions)
    return refusal(of: request, .versionDenied, answer)
  }

  /// `resources/read`, `resources/subscribe` and `resources/unsubscribe`.
  mutating func resource(
    _ document: Document, _ request: Refused, _ params: Params, at now: Int64
  ) -> Decision {
    guard let uri = params.uri, uri.kind == .string else {
      return refuse(
        request, .badParams, code: ErrorCode.invalidParams, "Invalid params: a uri is needed")
    }
    let content = document.content(uri)
    guard let line = rules.permissions.resources.line(of: content, in: document.bytes) else {
      // The code that revisions with a handshake give a resource that is not there.
      return refusal(
        of: request, .unknownResource,
        Replies.unknown(
          "Resource not found: ", id: request.id,
          code: request.isStateless ? ErrorCode.invalidParams : ErrorCode.resourceNotFound,
          name: content, of: document.bytes))
    }
    var (request, params) = (request, params)
    request.rule = line
    let subject = Array(document.bytes[content])
    return answering(document, &request, &params, subject: subject, at: now)
  }

  /// `prompts/get`.
  mutating func prompt(
    _ document: Document, _ request: Refused, _ params: Params, at now: Int64
  ) -> Decision {
    guard let name = params.name, name.kind == .string else {
      return refuse(
        request, .badParams, code: ErrorCode.invalidParams,
        "Invalid params: prompts/get needs the name of a prompt")
    }
    let content = document.content(name)
    guard let line = rules.permissions.prompts.line(of: content, in: document.bytes) else {
      return refusal(
        of: request, .unknownPrompt,
        Replies.unknown("Unknown prompt: ", id: request.id, name: content, of: document.bytes))
    }
    var (request, params) = (request, params)
    request.rule = line
    return answering(
      document, &request, &params, subject: Array(document.bytes[content]), at: now)
  }

  /// `completion/complete`, of what the client may see.
  mutating func completion(
    _ document: Document, _ request: Refused, _ params: Params, at now: Int64
  ) -> Decision {
    var request = request
    guard let ref = params.ref, let type = document.member("type", of: ref), type.kind == .string,
      !KnownKeys.reference.areLookAlikes(in: ref, of: document)
    else {
      return refuse(
        request, .badParams, code: ErrorCode.invalidParams, "Invalid params: a ref is needed")
    }
    let permissions = rules.permissions
    let isPrompt = document.content(document.content(type), equals: "ref/prompt")
    let isResource = document.content(document.content(type), equals: "ref/resource")
    let subject = document.member(isPrompt ? "name" : "uri", of: ref)
    guard isPrompt || isResource, let subject, subject.kind == .string else {
      return refuse(
        request, .badParams, code: ErrorCode.invalidParams,
        "Invalid params: a ref is to a prompt or a resource")
    }
    let content = document.content(subject)
    let line =
      isPrompt
      ? permissions.prompts.line(of: content, in: document.bytes)
      : permissions.resources.line(ofTemplate: content, in: document.bytes)
    guard let line else {
      return refusal(
        of: request, isPrompt ? .unknownPrompt : .unknownResource,
        Replies.unknown(
          isPrompt ? "Unknown prompt: " : "Unknown resource: ", id: request.id, name: content,
          of: document.bytes))
    }
    request.rule = line
    return pass(document, request, params, at: now)
  }

  /// `subscriptions/listen`: what is denied is not asked for.
  mutating func listen(
    _ document: Document, _ request: Refused, _ params: Params, at now: Int64
  ) -> Decision {
    guard let filter = params.notifications, filter.kind == .object else {
      return refuse(
        request, .badParams, code: ErrorCode.invalidParams,
        "Invalid params: notifications must be an object")
    }
    var params = params
    var listening = Listening()
    let kept = listened(filter, of: document, &listening)
    if !document.bytes[filter.range].elementsEqual(kept) { params.replace(filter, by: kept) }
    return pass(document, request, params, listening: listening, at: now)
  }

  /// What of a subscription the profile lets through, and what that is; of an acknowledgement, no more
  /// than was asked for.
  func listened(
    _ filter: Value, of document: Document, _ listening: inout Listening,
    asked: Listening? = nil
  ) -> [UInt8] {
    let permissions = rules.permissions
    var output: [UInt8] = [UInt8(ascii: "{")]
    for (key, value) in document.members(of: filter) {
      let isURIs = document.content(key, equals: "resourceSubscriptions")
      if isURIs || document.content(key, equals: "taskIds") {
        guard value.kind == .array,
          isURIs ? !permissions.resources.isEmpty : permissions.features.tasks
        else { continue }
        let known = asked.map { Set(isURIs ? $0.uris : $0.tasks) }
        let kept = document.kept(value) { content in
          known?.contains(Array(document.bytes[content]))
            ?? (isURIs
              ? permissions.resources.line(of: content, in: document.bytes) != nil
              : clientTasks.owner(of: content, in: document.bytes) != nil)
        }
        if isURIs { listening.uris = kept.contents } else { listening.tasks = kept.contents }
        output.appendKey(key, of: document.bytes, first: output.count == 1)
        output.append(contentsOf: kept.array)
        continue
      }
      let isGranted = value.kind == .true
      if document.content(key, equals: "toolsListChanged") {
        listening.tools = isGranted
        if isGranted, asked?.tools == false { continue }
      } else if document.content(key, equals: "resourcesListChanged") {
        guard !permissions.resources.isEmpty else { continue }
        listening.resources = isGranted
        if isGranted, asked?.resources == false { continue }
      } else if document.content(key, equals: "promptsListChanged") {
        guard !permissions.prompts.isEmpty else { continue }
        listening.prompts = isGranted
        if isGranted, asked?.prompts == false { continue }
      } else if !permissions.features.extensions
        || KnownKeys.subscription.isLookAlike(key, in: document.bytes)
      {
        continue
      }
      output.appendKey(key, of: document.bytes, first: output.count == 1)
      output.append(contentsOf: document.bytes[value.range])
    }
    output.append(UInt8(ascii: "}"))
    return output
  }

  /// `tasks/get`, `tasks/result`, `tasks/cancel` and `tasks/update`: of a task that a request of the
  /// client made, which also says the tool that the record names.
  mutating func task(
    _ document: Document, _ request: Refused, _ params: Params, at now: Int64
  ) -> Decision {
    guard let id = params.taskID, id.kind == .string,
      let owner = clientTasks.owner(of: document.content(id), in: document.bytes)
    else {
      if let id = params.taskID, id.kind == .string,
        past.tasks.owner(of: document.content(id), in: document.bytes) != nil
      {
        return refuse(
          request, .taskLost, code: ErrorCode.invalidParams,
          "Invalid params: no such task: it was lost when the server ended and was started again")
      }
      return refuse(
        request, .unknownTask, code: ErrorCode.invalidParams, "Invalid params: no such task")
    }
    var (request, params) = (request, params)
    request.tool = owner.tool
    request.rule = owner.rule
    let subject = Array(document.bytes[document.content(id)])
    return answering(document, &request, &params, subject: subject, at: now)
  }

  /// Sends a request on that may carry answers to what an earlier result asked for.
  mutating func answering(
    _ document: Document, _ request: inout Refused, _ params: inout Params, subject: [UInt8],
    at now: Int64
  ) -> Decision {
    if let input = params.inputResponses, input.kind != .object || input.range.count > 2 {
      guard let ask = asked(input, of: document, request.method, subject) else {
        return refuse(request, .unaskedInput, "the request carries input that nobody asked for")
      }
      if let kept = answers(input, of: document, to: ask) { params.replace(input, by: kept) }
    }
    guard request.method == .toolsCall else {
      return pass(document, request, params, subject: subject, at: now)
    }
    if meter.isOn, let refusal = overdraft(document, params, &request) { return refusal }
    return pass(document, request, params, at: now)
  }

  /// The questions that these are answers to, which must all have been asked about the same thing.
  func asked(
    _ input: Value, of document: Document, _ method: Method, _ subject: [UInt8]
  ) -> Ask? {
    guard input.kind == .object else { return nil }
    return asks.last { ask in
      guard ask.subject == subject, ask.method == method else { return false }
      return document.members(of: input).allSatisfy { key, _ in
        ask.questions.contains { $0.key.elementsEqual(document.bytes[key]) }
      }
    }
  }

  /// The answers with only those roots that the server sees; nil if nothing changes.
  private func answers(_ input: Value, of document: Document, to ask: Ask) -> [UInt8]? {
    guard rules.permissions.roots == .allow, ask.questions.contains(where: \.isRoots) else {
      return nil
    }
    var output: [UInt8] = [UInt8(ascii: "{")]
    for (key, value) in document.members(of: input) {
      output.appendKey(key, of: document.bytes, first: output.count == 1)
      let question = ask.questions.first { $0.key.elementsEqual(document.bytes[key]) }
      if question?.isRoots ?? false, let kept = rootsKept(of: value, in: document) {
        output.append(contentsOf: kept.bytes)
      } else {
        output.append(contentsOf: document.bytes[value.range])
      }
    }
    output.append(UInt8(ascii: "}"))
    return document.bytes[input.range].elementsEqual(output) ? nil : output
  }
}

extension Document {
  /// The strings of an array that `keeps` says yes to, by their content, up to `Bounds.remembered`.
  fileprivate func kept(
    _ list: Value, _ keeps: (Range<Int>) -> Bool
  ) -> (array: [UInt8], contents: [[UInt8]]) {
    var array: [UInt8] = [UInt8(ascii: "[")]
    var contents: [[UInt8]] = []
    for element in elements(of: list) where element.kind == .string {
      guard contents.count < Bounds.remembered else { break }
      guard keeps(content(element)) else { continue }
      contents.append(Array(bytes[content(element)]))
      if array.count > 1 { array.append(UInt8(ascii: ",")) }
      array.append(contentsOf: bytes[element.range])
    }
    array.append(UInt8(ascii: "]"))
    return (array, contents)
  }
}
