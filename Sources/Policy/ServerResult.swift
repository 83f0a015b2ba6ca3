internal import Wire

/// What policy needs of a server's `result`, found in one pass over its first level.
struct ServerResult {
  var isError = false
  var resultType: Value?
  var inputRequests: Value?
  var capabilities: Value?
  var supportedVersions: Value?
  var version: Value?
  var instructions: Value?
  private var task: Value?
  private var taskIDValue: Value?
  var nextCursor: Value?

  init(of document: borrowing Document) {
    guard let result = document.result else { return }
    document.forEachMember(of: result) { key, value in
      if document.content(key, equals: Key.isError) {
        isError = value.kind == .true
      } else if document.content(key, equals: Key.nextCursor) {
        nextCursor = value
      } else if document.content(key, equals: Key.resultType) {
        resultType = value
      } else if document.content(key, equals: Key.capabilities) {
        capabilities = value
      } else if document.content(key, equals: Key.inputRequests) {
        inputRequests = value
      } else if document.content(key, equals: Key.task) {
        task = value
      } else if document.content(key, equals: Key.taskID) {
        taskIDValue = value
      } else if document.content(key, equals: Key.plainProtocolVersion) {
        version = value
      } else if document.content(key, equals: Key.instructions) {
        instructions = value
      } else if document.content(key, equals: Key.supportedVersions) {
        supportedVersions = value
      }
    }
  }

  /// Whether the result says that it is none yet, and asks for input, in the stateless era.
  ///
  /// It is the type that counts: questions beside another one, or in the era with a handshake, mean
  /// nothing to a client, and must not keep a result from being looked at as what it is.
  func asksForInput(_ document: Document) -> Bool { isOf("input_required", document) }

  /// Whether the result says that it is a task, which the tasks' extension has.
  func isTask(_ document: Document) -> Bool { isOf("task", document) }

  private func isOf(_ type: StaticString, _ document: Document) -> Bool {
    guard let resultType, resultType.kind == .string else { return false }
    return document.content(document.content(resultType), equals: type)
  }

  /// The id of the task that the request became, as canonical content: in `task` since 2025-11-25, at
  /// the first level in the extension.
  func taskID(in document: Document) -> Range<Int>? {
    let id = task.flatMap { document.member(Key.taskID, of: $0) } ?? taskIDValue
    return id.flatMap { $0.kind == .string ? document.content($0) : nil }
  }

  /// The answer to `initialize` or `server/discover` with only what the profile lets through, nil if
  /// that is all of it. What we filtered is private, and kept for a minute at most.
  func agreed(
    of document: Document, _ permissions: Permissions, isDiscovery: Bool,
    withoutInstructions: Bool
  ) -> [UInt8]? {
    guard let result = document.result else { return nil }
    let bytes = document.bytes
    var output = Array(bytes[..<result.range.lowerBound])
    output.append(UInt8(ascii: "{"))
    let start = output.count
    for (key, value) in document.members(of: result) {
      if withoutInstructions, value == instructions { continue }
      output.appendKey(key, of: bytes, first: output.count == start)
      if value == capabilities {
        output.append(
          contentsOf: Capabilities(permissions: permissions).server(
            value, of: document, isDiscovery: isDiscovery))
      } else if isDiscovery, value == supportedVersions, value.kind == .array {
        appendVersions(value, of: document, permissions, to: &output)
      } else if isDiscovery, document.content(key, equals: Key.cacheScope) {
        output.append(contentsOf: #""private""#.utf8)
      } else if isDiscovery, document.content(key, equals: Key.ttl) {
        output.append(contentsOf: String(document.cappedTTL(value) ?? 0).utf8)
      } else {
        output.append(contentsOf: bytes[value.range])
      }
    }
    output.append(UInt8(ascii: "}"))
    output.append(contentsOf: bytes[result.range.upperBound...])
    return bytes == output ? nil : output
  }

  private func appendVersions(
    _ versions: Value, of document: Document, _ permissions: Permissions, to output: inout [UInt8]
  ) {
    output.append(UInt8(ascii: "["))
    let start = output.count
    for version in document.elements(of: versions)
    where version.kind == .string
      && permissions.allows(version: document.content(version), in: document.bytes)
    {
      if output.count > start { output.append(UInt8(ascii: ",")) }
      output.append(contentsOf: document.bytes[version.range])
    }
    output.append(UInt8(ascii: "]"))
  }
}
