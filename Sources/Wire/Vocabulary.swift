/// Known keys, to be compared with keys that only look like them.
///
/// Sources: the schemas of the five MCP revisions 2024-11-05 to 2026-07-28 (every first-level
/// member of `params` and of results) and JSON-RPC 2.0.
struct Vocabulary: Sendable {
  /// The keys as they must be written, one after the other, by length.
  private var exact: [UInt8] = []
  /// The same keys folded (ASCII letters in lower case; no known key has anything else to fold).
  private var folded: [UInt8] = []
  /// Where the keys of a length begin in both.
  private var starts: [Int] = []

  /// The longest key.
  var longest: Int { starts.count - 2 }

  init(_ keys: [String]) {
    let sorted = keys.map { Array($0.utf8) }.sorted { $0.count < $1.count }
    let longest = sorted.last?.count ?? 0
    for length in 0...longest {
      starts.append(exact.count)
      for key in sorted where key.count == length {
        exact += key
        folded += key.map { $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0 }
      }
    }
    starts.append(exact.count)
  }

  /// Whether a key folds to a known one without being it.
  @inline(__always)
  func isLookAlike(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int, scratch: inout [UInt8]
  ) -> Bool {
    // Most keys are what they seem to be.
    if isKnown(bytes, start, end) { return false }
    var plain = true
    var at = start
    while at < end {
      let byte = bytes[at]
      // Space is trimmed, a backslash begins an escape.
      if byte &- 0x21 > 0x5d || byte == Canonical.backslash { plain = false }
      at += 1
    }
    if plain { return matches(bytes, start, end, of: bytes, start, end) }
    return Fold.key(bytes, start, end, longest: longest, into: &scratch)
      && matches(scratch.span, 0, scratch.count, of: bytes, start, end)
  }

  private func isKnown(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    let length = end - start
    guard length > 0, length <= longest else { return false }
    let first = bytes[start]
    var at = starts[length]
    let stop = starts[length + 1]
    while at < stop {
      if exact[at] == first, isExactly(at, length, bytes, start, end) { return true }
      at += length
    }
    return false
  }

  /// Whether a key, folded but for the case of ASCII letters, is a known one that the key as it
  /// came is not.
  private func matches(
    _ fold: Span<UInt8>, _ from: Int, _ to: Int,
    of bytes: Span<UInt8>, _ start: Int, _ end: Int
  ) -> Bool {
    let length = to - from
    guard length > 0, length <= longest else { return false }
    let first = Self.lower(fold[from])
    var at = starts[length]
    let stop = starts[length + 1]
    while at < stop {
      if folded[at] == first {
        var index = 1
        while index < length, folded[at + index] == Self.lower(fold[from + index]) { index += 1 }
        if index == length { return !isExactly(at, length, bytes, start, end) }
      }
      at += length
    }
    return false
  }

  private func isExactly(
    _ at: Int, _ length: Int, _ bytes: Span<UInt8>, _ start: Int, _ end: Int
  ) -> Bool {
    guard end - start == length else { return false }
    var index = 0
    while index < length {
      if exact[at + index] != bytes[start + index] { return false }
      index += 1
    }
    return true
  }

  @inline(__always)
  private static func lower(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
  }

  /// Whether a member of an object folds to a known key without being it.
  func areLookAlikes(in object: Value, of document: Document) -> Bool {
    var scratch: [UInt8] = []
    var found = false
    document.forEachMember(of: object) { key, _ in
      found =
        found
        || isLookAlike(document.bytes.span, key.lowerBound, key.upperBound, scratch: &scratch)
    }
    return found
  }

  /// The members of the envelope.
  static let envelope = Vocabulary(["jsonrpc", "id", "method", "params", "result", "error"])

  /// The first-level members of `params`, `result` and `error`.
  static let payload = Vocabulary([
    "_meta", "action", "argument", "arguments", "cacheScope", "capabilities", "clientInfo", "code",
    "completion", "content", "contents", "context", "createdAt", "cursor", "data", "description",
    "elicitationId", "includeContext", "inputRequests", "inputResponses", "instructions",
    "isError", "lastUpdatedAt", "level", "logger", "maxTokens", "message", "messages", "metadata",
    "mode", "model", "modelPreferences", "name", "nextCursor", "notifications", "pollInterval",
    "progress", "progressToken", "prompts", "protocolVersion", "reason", "ref", "requestId",
    "requestState", "requestedSchema", "resourceTemplates", "resources", "resultType", "role",
    "roots", "serverInfo", "status", "statusMessage", "stopReason", "stopSequences",
    "structuredContent", "supportedVersions", "systemPrompt", "task", "taskId", "tasks",
    "temperature", "toolChoice", "tools", "total", "ttl", "ttlMs", "uri", "url",
  ])

  /// The members of `_meta` that the protocol itself reads.
  static let meta = Vocabulary([
    "progressToken", "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/logLevel",
    "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/related-task",
    "io.modelcontextprotocol/serverInfo", "io.modelcontextprotocol/subscriptionId",
  ])
}

/// Keys of objects deeper in a message that decisions are made by: the decoder holds only the first
/// levels against what is known.
public struct KnownKeys: Sendable {
  private let keys: Vocabulary

  private init(_ keys: Vocabulary) { self.keys = keys }

  /// Whether an object has a member whose key a careless reader would take for one of these.
  public func areLookAlikes(in object: Value, of document: Document) -> Bool {
    keys.areLookAlikes(in: object, of: document)
  }

  /// Whether a key, by its canonical content, is one that a careless reader would take for one of these.
  public func isLookAlike(_ key: Range<Int>, in bytes: [UInt8]) -> Bool {
    var scratch: [UInt8] = []
    return keys.isLookAlike(bytes.span, key.lowerBound, key.upperBound, scratch: &scratch)
  }

  /// Of a request inside a result (`inputRequests`).
  public static let request = KnownKeys(Vocabulary(["method", "params"]))
  /// Of the `params` of such a request.
  public static let params = KnownKeys(Vocabulary.payload)
  /// Of the `data` of the error that asks for a visit.
  public static let visits = KnownKeys(Vocabulary(["elicitations"]))
  /// Of what `completion/complete` refers to.
  public static let reference = KnownKeys(Vocabulary(["type", "name", "uri"]))
  /// Of what `subscriptions/listen` asks for.
  public static let subscription = KnownKeys(
    Vocabulary([
      "toolsListChanged", "promptsListChanged", "resourcesListChanged", "resourceSubscriptions",
      "taskIds",
    ]))
  /// Of an entry of a list.
  public static let entry = KnownKeys(
    Vocabulary([
      "name", "title", "description", "inputSchema", "outputSchema", "annotations", "execution",
      "icons", "_meta", "uri", "uriTemplate", "mimeType", "size", "arguments", "taskId", "status",
    ]))
}
