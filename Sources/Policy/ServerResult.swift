internal import Wire

/// What policy needs of a server's `result`, found in one pass over its first level.
struct ServerResult {
  var isError = false
  var resultType: Value?
  var inputRequests: Value?
  var capabilities: Value?
  var tools: Value?
  var nextCursor: Value?

  init(of document: borrowing Document) {
    guard let result = document.result else { return }
    document.forEachMember(of: result) { key, value in
      if document.content(key, equals: Key.isError) {
        isError = value.kind == .true
      } else if document.content(key, equals: Key.tools) {
        tools = value
      } else if document.content(key, equals: Key.nextCursor) {
        nextCursor = value
      } else if document.content(key, equals: Key.resultType) {
        resultType = value
      } else if document.content(key, equals: Key.capabilities) {
        capabilities = value
      } else if document.content(key, equals: Key.inputRequests) {
        inputRequests = value
      }
    }
  }

  /// Why the result may not reach the client: it asks for input of a kind that is denied (all are,
  /// in this version), or is of a type that we do not know and so cannot judge.
  func fault(in document: Document, isStateless: Bool) -> Reason? {
    if let inputRequests, inputRequests.kind != .object || inputRequests.range.count > 2 {
      return .inputDenied
    }
    guard isStateless, let resultType else { return nil }
    if resultType.kind == .string {
      let content = document.content(resultType)
      if document.content(content, equals: "complete")
        || document.content(content, equals: "input_required")
      {
        return nil
      }
    }
    return .resultType
  }

  /// The message with only the capabilities that the profile lets through, nil if those are all.
  ///
  /// - Parameter isDiscovery: in the stateless era a change of the tools is told through a
  ///   subscription, which is denied: then `listChanged` is no promise that can be kept.
  func keepingCapabilities(
    of document: Document, rules: Rules, isDiscovery: Bool
  ) -> [UInt8]? {
    guard let capabilities else { return nil }
    let bytes = document.bytes
    var kept: [UInt8] = [UInt8(ascii: "{")]
    for (key, value) in document.members(of: capabilities) {
      let isTools = document.content(key, equals: Key.tools)
      guard isTools || rules.allowsLogging && document.content(key, equals: Key.logging) else {
        continue
      }
      kept.appendKey(key, of: bytes, first: kept.count == 1)
      if isTools, isDiscovery {
        appendWithoutListChanged(value, of: document, to: &kept)
      } else {
        kept.append(contentsOf: bytes[value.range])
      }
    }
    kept.append(UInt8(ascii: "}"))
    if bytes[capabilities.range].elementsEqual(kept) { return nil }
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    output.append(contentsOf: bytes[..<capabilities.range.lowerBound])
    output.append(contentsOf: kept)
    output.append(contentsOf: bytes[capabilities.range.upperBound...])
    return output
  }

  private func appendWithoutListChanged(
    _ value: Value, of document: Document, to output: inout [UInt8]
  ) {
    guard value.kind == .object else {
      output.append(contentsOf: document.bytes[value.range])
      return
    }
    output.append(UInt8(ascii: "{"))
    let start = output.count
    for (key, member) in document.members(of: value)
    where !document.content(key, equals: Key.listChanged) {
      output.appendKey(key, of: document.bytes, first: output.count == start)
      output.append(contentsOf: document.bytes[member.range])
    }
    output.append(UInt8(ascii: "}"))
  }
}
