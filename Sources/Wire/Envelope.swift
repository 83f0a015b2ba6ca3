/// The members of a JSON-RPC message as they are met, and the rules that hold between them.
struct Envelope: Sendable {
  /// The members that a message may have.
  enum Member { case jsonrpc, id, method, params, result, error, unknown }

  /// A member's name was met twice, so nothing of the envelope can be told.
  var isAmbiguous = false
  private var current = Member.unknown
  private var jsonrpc: Value?
  private var id: Value?
  private var method: Value?
  private var params: Value?
  private var result: Value?
  private var error: Value?

  /// Integers beyond this lose precision in half of the implementations.
  private static let safe: Int64 = (1 << 53) - 1
  /// Longer ids and methods would be held for as long as the request is in flight.
  private static let longestID = 1024
  private static let longestMethod = 256

  /// A key of the message has been read.
  @inline(__always)
  mutating func begin(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Member {
    current =
      switch end - start {
      case 2 where ("id" as StaticString).equals(bytes, start, end): .id
      case 5 where ("error" as StaticString).equals(bytes, start, end): .error
      case 6 where ("method" as StaticString).equals(bytes, start, end): .method
      case 6 where ("params" as StaticString).equals(bytes, start, end): .params
      case 6 where ("result" as StaticString).equals(bytes, start, end): .result
      case 7 where ("jsonrpc" as StaticString).equals(bytes, start, end): .jsonrpc
      default: .unknown
      }
    return current
  }

  /// The value of that key has been read.
  @inline(__always)
  mutating func end(_ kind: ValueKind, _ start: Int, _ end: Int) {
    let value = Value(kind, start..<end)
    switch current {
    case .jsonrpc: jsonrpc = value
    case .id: id = value
    case .method: method = value
    case .params: params = value
    case .result: result = value
    case .error: error = value
    case .unknown: break
    }
  }

  /// Checks the whole message and fills in the document's parts.
  func finish(_ document: inout Document) throws(WireError) {
    let end = document.bytes.count
    guard document.rootKind == .object else {
      throw WireError(document.rootKind == .array ? .batch : .notObject, at: 0)
    }
    guard let jsonrpc, ("\"2.0\"" as StaticString).equals(document.bytes, jsonrpc.range) else {
      throw WireError(.version, at: self.jsonrpc?.range.lowerBound ?? end)
    }
    if let id, id.kind != .null {
      guard let known = usableID(document) else {
        throw WireError(.badID, at: id.range.lowerBound)
      }
      document.id = known
    }
    if method != nil {
      try finishCall(&document)
    } else {
      try finishResponse(&document)
    }
  }

  private func finishCall(_ document: inout Document) throws(WireError) {
    guard result == nil, error == nil else { throw WireError(.memberCombination) }
    guard let method, isMethodUsable(document) else {
      throw WireError(.badMethod, at: method?.range.lowerBound ?? 0)
    }
    document.method = method.range.lowerBound + 1..<method.range.upperBound - 1
    if let params {
      guard params.kind == .object else { throw WireError(.badParams, at: params.range.lowerBound) }
      document.params = params
    }
    if let id, id.kind == .null { throw WireError(.badID, at: id.range.lowerBound) }
    document.kind = id == nil ? .notification : .request
  }

  private func finishResponse(_ document: inout Document) throws(WireError) {
    guard params == nil, (result == nil) != (error == nil) else {
      throw WireError(.memberCombination)
    }
    if let result {
      guard result.kind == .object else { throw WireError(.badResult, at: result.range.lowerBound) }
      guard document.id != nil else { throw WireError(.badID, at: id?.range.lowerBound ?? 0) }
      document.result = result
      document.kind = .result
    } else if let error {
      guard let code = document.member("code", of: error), document.integer(code) != nil,
        let message = document.member("message", of: error), message.kind == .string
      else { throw WireError(.badError, at: error.range.lowerBound) }
      document.error = error
      document.kind = .error
    }
  }

  /// The id, if there is one that we could answer to.
  func usableID(_ document: Document) -> RequestID? {
    guard let id, !isAmbiguous else { return nil }
    switch id.kind {
    case .string where id.range.count - 2 <= Self.longestID:
      return .string(Array(document.bytes[id.range.lowerBound + 1..<id.range.upperBound - 1]))
    case .number:
      guard let value = document.integer(id), value.magnitude <= Self.safe else { return nil }
      return .integer(value)
    default: return nil
    }
  }

  /// The content of `method`, if it is a string that needs no escapes.
  func usableMethod(_ document: Document) -> [UInt8]? {
    guard let method, isMethodUsable(document) else { return nil }
    return Array(document.bytes[method.range.lowerBound + 1..<method.range.upperBound - 1])
  }

  private func isMethodUsable(_ document: Document) -> Bool {
    guard let method, method.kind == .string, method.range.count - 2 <= Self.longestMethod,
      method.range.count > 2
    else { return false }
    var at = method.range.lowerBound
    while at < method.range.upperBound {
      if document.bytes[at] == Canonical.backslash { return false }
      at += 1
    }
    return true
  }
}
