internal import Wire

/// What policy needs of a client message's `params`, found in one pass over it.
struct Params {
  var name: Value?
  var arguments: Value?
  var cursor: Value?
  var inputResponses: Value?
  var meta: Value?
  /// The token that progress of this request will carry.
  var token: RequestID?
  /// Whether the message is of the stateless era: it names its protocol version itself.
  var isStateless = false
  /// Whether something is to be taken out before the message may go on.
  var needsRewrite = false
  /// Why the message cannot go on at all.
  var fault: Reason?

  private let method: Method
  private let allowsLogging: Bool

  init(of document: borrowing Document, method: Method, allowsLogging: Bool) {
    self.method = method
    self.allowsLogging = allowsLogging
    guard let params = document.params else { return }
    document.forEachMember(of: params) { key, value in note(key, value, of: document) }
    guard let meta else { return }
    document.forEachMember(of: meta) { key, value in noteMeta(key, value, of: document) }
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
    } else if method == .initialize, document.content(key, equals: Key.capabilities) {
      noteCapabilities(value)
    } else if method == .toolsCall, document.content(key, equals: Key.task) {
      needsRewrite = true
    }
  }

  private mutating func noteMeta(_ key: Range<Int>, _ value: Value, of document: Document) {
    if document.content(key, equals: Key.progressToken) {
      token = document.identifier(value)
    } else if document.content(key, equals: Key.protocolVersion) {
      isStateless = true
    } else if document.content(key, equals: Key.clientCapabilities) {
      noteCapabilities(value)
    } else if !allowsLogging, document.content(key, equals: Key.logLevel) {
      needsRewrite = true
    }
  }

  /// None of the client's capabilities is let through by this version, known or not: the list of
  /// what may stay is empty.
  private mutating func noteCapabilities(_ value: Value) {
    if value.kind != .object {
      fault = .badCapabilities
    } else if value.range.count > 2 {
      needsRewrite = true
    }
  }

  /// The message without what the profile denies, everything else byte for byte.
  func rewritten(_ document: Document) -> [UInt8] {
    guard let params = document.params else { return document.bytes }
    let bytes = document.bytes
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    output.append(contentsOf: bytes[..<params.range.lowerBound])
    output.append(UInt8(ascii: "{"))
    let start = output.count
    for (key, value) in document.members(of: params) {
      if method == .toolsCall, document.content(key, equals: Key.task) { continue }
      output.appendKey(key, of: bytes, first: output.count == start)
      if method == .initialize, document.content(key, equals: Key.capabilities) {
        output.append(contentsOf: [UInt8(ascii: "{"), UInt8(ascii: "}")])
      } else if document.content(key, equals: Key.meta) {
        appendMeta(value, of: document, to: &output)
      } else {
        output.append(contentsOf: bytes[value.range])
      }
    }
    output.append(UInt8(ascii: "}"))
    output.append(contentsOf: bytes[params.range.upperBound...])
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
    let bytes = document.bytes
    guard meta.kind == .object else {
      output.append(contentsOf: bytes[meta.range])
      return
    }
    output.append(UInt8(ascii: "{"))
    let start = output.count
    for (key, value) in document.members(of: meta) {
      if !allowsLogging, document.content(key, equals: Key.logLevel) { continue }
      output.appendKey(key, of: bytes, first: output.count == start)
      if document.content(key, equals: Key.clientCapabilities) {
        output.append(contentsOf: [UInt8(ascii: "{"), UInt8(ascii: "}")])
      } else {
        output.append(contentsOf: bytes[value.range])
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
