internal import Wire

/// What policy needs of a message's `params`, found in one pass over it.
struct Params {
  var name: Value?
  var arguments: Value?
  var cursor: Value?
  var inputResponses: Value?
  /// Of a notification of a task: what it asks the client for.
  var inputRequests: Value?
  var uri: Value?
  var ref: Value?
  var taskID: Value?
  /// What `subscriptions/listen` asks for, or its acknowledgement grants.
  var notifications: Value?
  /// How a person is asked, and where sent.
  var mode: Value?
  var url: Value?
  /// The version that `initialize` asks for, or that a request says it is of.
  var version: Value?
  var meta: Value?
  /// The token that progress of this request will carry.
  var token: RequestID?
  /// The subscription that a notification belongs to.
  var subscription: Value?
  /// Whether the message is of the stateless era: it names its protocol version itself.
  var isStateless = false
  /// Whether the request may become a task.
  var isTask = false
  /// Of declared capabilities: whether the client can show a form; looked at only where we ask.
  var canElicit = false
  /// Why the message cannot go on at all.
  var fault: Reason?

  private let method: Method
  private let permissions: Permissions
  /// Whether a member is to be taken out.
  private var takesOut = false
  private var dropsInput = false
  /// Values that go on in another form, by where they begin.
  private var replacements: [(start: Int, bytes: [UInt8])] = []

  init(of document: borrowing Document, method: Method, permissions: Permissions) {
    self.method = method
    self.permissions = permissions
    guard let params = document.params else { return }
    document.forEachMember(of: params) { key, value in note(key, value, of: document) }
    guard let meta else { return }
    document.forEachMember(of: meta) { key, value in noteMeta(key, value, of: document) }
  }

  /// The `params` of a request inside a result, or what stands for them.
  init(
    within params: Value, of document: borrowing Document, _ method: Method,
    _ permissions: Permissions
  ) {
    self.method = method
    self.permissions = permissions
    document.forEachMember(of: params) { key, value in note(key, value, of: document) }
  }

  /// Whether something is taken out or replaced before the message may go on.
  var needsRewrite: Bool { takesOut || dropsInput || !replacements.isEmpty }

  /// Has another value go on in place of this one.
  mutating func replace(_ value: Value, by bytes: [UInt8]) {
    replacements.append((value.range.lowerBound, bytes))
  }

  /// Takes the answers out that came with a request.
  mutating func dropInput() {
    dropsInput = true
    inputResponses = nil
  }

  private mutating func note(_ key: Range<Int>, _ value: Value, of document: Document) {
    if document.content(key, equals: Key.name) {
      name = value
    } else if document.content(key, equals: Key.arguments) {
      arguments = value
    } else if document.content(key, equals: Key.meta) {
      meta = value
    } else if document.content(key, equals: Key.cursor) {
      cursor = value
    } else if document.content(key, equals: Key.inputResponses) {
      inputResponses = value
    } else if document.content(key, equals: Key.task) {
      isTask = true
      if !permissions.features.tasks { takesOut = true }
    } else if method != .toolsCall {
      noteOther(key, value, of: document)
    }
  }

  private mutating func noteOther(_ key: Range<Int>, _ value: Value, of document: Document) {
    if document.content(key, equals: Key.uri) {
      uri = value
    } else if document.content(key, equals: Key.ref) {
      ref = value
    } else if document.content(key, equals: Key.taskID) {
      taskID = value
    } else if document.content(key, equals: Key.inputRequests) {
      inputRequests = value
    } else if document.content(key, equals: Key.notifications) {
      notifications = value
    } else if document.content(key, equals: Key.mode) {
      mode = value
    } else if document.content(key, equals: Key.url) {
      url = value
    } else if method == .initialize, document.content(key, equals: Key.plainProtocolVersion) {
      version = value
    } else if method == .initialize, document.content(key, equals: Key.capabilities) {
      noteCapabilities(value, of: document)
    }
  }

  private mutating func noteMeta(_ key: Range<Int>, _ value: Value, of document: Document) {
    if document.content(key, equals: Key.progressToken) {
      token = document.identifier(value)
    } else if document.content(key, equals: Key.protocolVersion) {
      if method == .initialize {
        // It says its version in its own place, and is not followed by requests that say theirs.
        takesOut = true
      } else {
        isStateless = true
        version = value
      }
    } else if document.content(key, equals: Key.clientCapabilities) {
      noteCapabilities(value, of: document)
    } else if document.content(key, equals: Key.subscription) {
      subscription = value
    } else if !permissions.features.logging, document.content(key, equals: Key.logLevel) {
      takesOut = true
    }
  }

  private mutating func noteCapabilities(_ value: Value, of document: Document) {
    guard value.kind == .object else {
      fault = .badCapabilities
      return
    }
    if permissions.asks { canElicit = Capabilities.canElicit(value, of: document) }
    guard value.range.count > 2 else { return }
    let kept = Capabilities(permissions: permissions).client(value, of: document)
    if !document.bytes[value.range].elementsEqual(kept) { replace(value, by: kept) }
  }

  /// The message without what the profile denies, everything else byte for byte.
  func rewritten(_ document: Document) -> [UInt8] {
    guard let params = document.params else { return document.bytes }
    var output: [UInt8] = []
    output.reserveCapacity(document.bytes.count)
    output.append(contentsOf: document.bytes[..<params.range.lowerBound])
    append(params, of: document, to: &output) { key in
      !permissions.features.tasks && document.content(key, equals: Key.task)
        || dropsInput && document.content(key, equals: Key.inputResponses)
    }
    output.append(contentsOf: document.bytes[params.range.upperBound...])
    return output
  }

  /// The `_meta` object as it goes with a request of ours: progress is for the client's own.
  func metaWithoutToken(_ document: Document) -> [UInt8]? {
    guard let meta, meta.kind == .object else { return nil }
    var output: [UInt8] = []
    append(meta, of: document, to: &output) { key in
      document.content(key, equals: Key.progressToken)
        || !permissions.features.logging && document.content(key, equals: Key.logLevel)
    }
    return output
  }

  /// The `_meta` object as it goes on.
  func rewrittenMeta(_ document: Document) -> [UInt8]? {
    guard let meta else { return nil }
    var output: [UInt8] = []
    appendMeta(meta, of: document, to: &output)
    return output
  }

  private func appendMeta(_ meta: Value, of document: Document, to output: inout [UInt8]) {
    append(meta, of: document, to: &output) { key in
      !permissions.features.logging && document.content(key, equals: Key.logLevel)
        || method == .initialize && document.content(key, equals: Key.protocolVersion)
    }
  }

  /// An object without the members that `omits` names, and with what replaces values.
  private func append(
    _ object: Value, of document: Document, to output: inout [UInt8],
    omits: (Range<Int>) -> Bool
  ) {
    guard object.kind == .object else {
      output.append(contentsOf: document.bytes[object.range])
      return
    }
    output.append(UInt8(ascii: "{"))
    let start = output.count
    for (key, value) in document.members(of: object) where !omits(key) {
      output.appendKey(key, of: document.bytes, first: output.count == start)
      if let other = replacements.first(where: { $0.start == value.range.lowerBound }) {
        output.append(contentsOf: other.bytes)
      } else if value == meta {
        appendMeta(value, of: document, to: &output)
      } else {
        output.append(contentsOf: document.bytes[value.range])
      }
    }
    output.append(UInt8(ascii: "}"))
  }
}

extension [UInt8] {
  /// Appends a member's key with its quotes and colon, and a comma before it unless it is first.
  mutating func appendKey(_ key: Range<Int>, of bytes: [UInt8], first: Bool) {
    if !first { append(UInt8(ascii: ",")) }
    append(UInt8(ascii: "\""))
    append(contentsOf: bytes[key])
    append(UInt8(ascii: "\""))
    append(UInt8(ascii: ":"))
  }
}
