internal import Wire

/// The methods that are told apart; all others are alike to the policy.
enum Method: Int, CaseIterable, Sendable {
  case toolsCall
  case toolsList
  case initialize
  case discover
  case ping
  case setLevel
  case resourcesList
  case templatesList
  case promptsList
  case cancelled
  case progress
  case initialized
  case toolsChanged
  case message
  case other

  /// The name on the wire; of `other`, nothing.
  var name: [UInt8] { Method.names[rawValue] }

  private static let names: [[UInt8]] = [
    "tools/call", "tools/list", "initialize", "server/discover", "ping", "logging/setLevel",
    "resources/list", "resources/templates/list", "prompts/list", "notifications/cancelled",
    "notifications/progress", "notifications/initialized", "notifications/tools/list_changed",
    "notifications/message", "",
  ].map { Array($0.utf8) }

  /// The method of a message, compared byte for byte.
  init(of document: borrowing Document) {
    // The one that matters for speed, before all others.
    if document.methodIs("tools/call") {
      self = .toolsCall
      return
    }
    guard let range = document.method else {
      self = .other
      return
    }
    let text = document.bytes[range]
    let index = Method.names.firstIndex { $0.elementsEqual(text) }
    self = index.flatMap(Method.init(rawValue:)) ?? .other
  }
}

/// The names of members that policy looks at.
enum Key {
  static let name: StaticString = "name"
  static let description: StaticString = "description"
  static let arguments: StaticString = "arguments"
  static let meta: StaticString = "_meta"
  static let task: StaticString = "task"
  static let inputResponses: StaticString = "inputResponses"
  static let inputRequests: StaticString = "inputRequests"
  static let cursor: StaticString = "cursor"
  static let nextCursor: StaticString = "nextCursor"
  static let capabilities: StaticString = "capabilities"
  static let tools: StaticString = "tools"
  static let logging: StaticString = "logging"
  static let listChanged: StaticString = "listChanged"
  static let cacheScope: StaticString = "cacheScope"
  static let resultType: StaticString = "resultType"
  static let isError: StaticString = "isError"
  static let progressToken: StaticString = "progressToken"
  static let protocolVersion: StaticString = "io.modelcontextprotocol/protocolVersion"
  static let clientCapabilities: StaticString = "io.modelcontextprotocol/clientCapabilities"
  static let logLevel: StaticString = "io.modelcontextprotocol/logLevel"
}

extension Document {
  /// The canonical content of a string, without its quotes.
  func content(_ value: Value) -> Range<Int> {
    value.range.lowerBound + 1..<value.range.upperBound - 1
  }

  /// The id or token that a value is, nil if it is neither a string nor an integer, or too long.
  func identifier(_ value: Value?) -> RequestID? {
    guard let value, value.range.count <= Bounds.identifier + 2 else { return nil }
    switch value.kind {
    case .string: return .string(Array(bytes[content(value)]))
    case .number: return integer(value).map { .integer($0) }
    default: return nil
    }
  }
}

/// What is kept of messages, and so bounds the memory of a session.
enum Bounds {
  /// Bytes of a progress token, or of the name of a tool that may be called, as of an id.
  static let identifier = 1_024
  /// Bytes of a name that a record may want to show.
  static let shown = 256
  /// Bytes of the `_meta` of a list request, which its follow-up requests repeat.
  static let meta = 65_536
  /// Pages of one list.
  static let pages = 100
  /// Cancelled requests that are remembered, each direction.
  static let tombstones = 1_024
}
