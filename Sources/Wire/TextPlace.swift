/// What a string of a message is for, by the key that it stands under.
enum Place {
  /// Something to be read.
  case text
  /// The name of something, or a word of the protocol: never shortened by leaving out.
  case name
  /// A name that may be long, such as an address with data in it.
  case address
  /// Data, or a text: it shows.
  case data
  /// What one side must get back as it wrote it.
  case exact
  /// The message itself, its `params` and `result`, and their `_meta`.
  case root, params, result, meta
}

/// An object or array of a message.
enum Scope {
  case object(Place)
  case array(Place)

  var isObject: Bool { if case .object = self { true } else { false } }

  /// What the strings in an array are for: what the array is for.
  var element: Place {
    switch self {
    case .array(let place):
      switch place {
      case .name, .address, .data: place
      case .root: .root
      case .text, .exact, .params, .result, .meta: .text
      }
    case .object: .text
    }
  }

  /// What the value is for whose key is given.
  func place(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Place {
    func isOne(_ names: [StaticString]) -> Bool {
      for name in names where name.equals(bytes, start, end) { return true }
      return false
    }
    guard case .object(let owner) = self else { return .text }
    switch owner {
    case .root:
      if isOne(Self.envelope) { return .exact }
      if ("params" as StaticString).equals(bytes, start, end) { return .params }
      return ("result" as StaticString).equals(bytes, start, end) ? .result : .text
    case .params where isOne(Self.paramTokens), .result where isOne(Self.resultTokens),
      .meta where isOne(Self.metaTokens):
      return .exact
    case .params, .result:
      if ("_meta" as StaticString).equals(bytes, start, end) { return .meta }
    default: break
    }
    if end - start <= Self.longestName {
      if isOne(Self.names) { return .name }
      if isOne(Self.addresses) { return .address }
      if isOne(Self.data) { return .data }
    }
    return .text
  }

  private static let envelope: [StaticString] = ["jsonrpc", "id", "method"]
  /// Both name what the other side chose: the client's token, and the server's own request.
  private static let paramTokens: [StaticString] = ["progressToken", "requestId"]
  private static let resultTokens: [StaticString] = ["nextCursor", "requestState"]
  private static let metaTokens: [StaticString] = [
    "progressToken", "io.modelcontextprotocol/subscriptionId",
  ]

  private static let names: [StaticString] = [
    "name", "type", "method", "mimeType", "role", "resultType", "protocolVersion", "mode", "status",
    "action", "level", "format", "pattern", "enum", "const", "default", "required", "$ref", "$id",
    "$schema", "$anchor", "$dynamicRef", "taskId", "elicitationId", "cacheScope",
    "supportedVersions", "stopReason", "lang",
  ]
  private static let addresses: [StaticString] = [
    "uri", "url", "src", "href", "uriTemplate", "websiteUrl",
  ]
  private static let data: [StaticString] = ["data", "blob"]
  private static let longestName = 17
}
