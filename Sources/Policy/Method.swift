internal import Wire

/// The methods that are told apart: every one of the five revisions and of the tasks' extension; all
/// others are alike to the policy.
enum Method: Int, CaseIterable, Sendable {
  case toolsCall
  case toolsList
  case initialize
  case discover
  case ping
  case setLevel
  case resourcesList
  case templatesList
  case resourcesRead
  case subscribe
  case unsubscribe
  case promptsList
  case promptsGet
  case complete
  case listen
  case tasksGet
  case tasksResult
  case tasksList
  case tasksCancel
  case tasksUpdate
  case sampling
  case elicitation
  case rootsList
  case cancelled
  case progress
  case initialized
  case toolsChanged
  case resourcesChanged
  case promptsChanged
  case rootsChanged
  case resourceUpdated
  case message
  case acknowledged
  case elicitationComplete
  case taskStatus
  case taskNotification
  case other

  /// The name on the wire; of `other`, nothing.
  var name: [UInt8] { Method.names[rawValue] }

  private static let names: [[UInt8]] = [
    "tools/call", "tools/list", "initialize", "server/discover", "ping", "logging/setLevel",
    "resources/list", "resources/templates/list", "resources/read", "resources/subscribe",
    "resources/unsubscribe", "prompts/list", "prompts/get", "completion/complete",
    "subscriptions/listen", "tasks/get", "tasks/result", "tasks/list", "tasks/cancel",
    "tasks/update",
    "sampling/createMessage", "elicitation/create", "roots/list", "notifications/cancelled",
    "notifications/progress", "notifications/initialized", "notifications/tools/list_changed",
    "notifications/resources/list_changed", "notifications/prompts/list_changed",
    "notifications/roots/list_changed", "notifications/resources/updated",
    "notifications/message", "notifications/subscriptions/acknowledged",
    "notifications/elicitation/complete", "notifications/tasks/status", "notifications/tasks", "",
  ].map { Array($0.utf8) }

  private static let table: NameTable = {
    var table = NameTable()
    for name in names { _ = table.insert(name) }
    return table
  }()

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
    self.init(range, in: document.bytes)
  }

  /// Whether the name of a method that is not known may pass at all, where what is not known does:
  /// plain ASCII as names of methods are written, and not a known one in other letters, which a
  /// server that reads freely could take for that one.
  static func isForeign(_ document: borrowing Document) -> Bool {
    guard let range = document.method, range.count <= Bounds.shown else { return false }
    var folded: [UInt8] = []
    for byte in document.bytes[range] {
      let lower = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
      let isPlain =
        (0x61...0x7A).contains(lower) || (0x30...0x39).contains(lower)
        || [0x24, 0x2D, 0x2E, 0x2F, 0x3A, 0x5F].contains(lower)
      guard isPlain else { return false }
      folded.append(lower)
    }
    return !folded.isEmpty && !lowerNames.contains(folded)
  }

  private static let lowerNames = Set(
    names.map { $0.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } })

  /// The method of this name.
  init(_ range: Range<Int>, in bytes: [UInt8]) {
    self = Method.table.number(of: range, in: bytes).flatMap(Method.init(rawValue:)) ?? .other
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
  static let instructions: StaticString = "instructions"
  static let progressToken: StaticString = "progressToken"
  static let completions: StaticString = "completions"
  static let elicitation: StaticString = "elicitation"
  static let extensions: StaticString = "extensions"
  static let form: StaticString = "form"
  static let method: StaticString = "method"
  static let mode: StaticString = "mode"
  static let notifications: StaticString = "notifications"
  static let params: StaticString = "params"
  static let plainProtocolVersion: StaticString = "protocolVersion"
  static let prompts: StaticString = "prompts"
  static let ref: StaticString = "ref"
  static let resources: StaticString = "resources"
  static let roots: StaticString = "roots"
  static let sampling: StaticString = "sampling"
  static let subscribe: StaticString = "subscribe"
  static let supportedVersions: StaticString = "supportedVersions"
  static let taskID: StaticString = "taskId"
  static let tasks: StaticString = "tasks"
  static let ttl: StaticString = "ttlMs"
  static let uri: StaticString = "uri"
  static let url: StaticString = "url"
  static let subscription: StaticString = "io.modelcontextprotocol/subscriptionId"
  static let tasksExtension: StaticString = "io.modelcontextprotocol/tasks"
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
  /// Results whose questions wait to be answered, and questions of one result.
  static let asks = 64
  static let questions = 64
  /// Questions of ours that the person can have before them, and bytes of one.
  static let openQuestions = 8
  static let question = 16_384
  /// Bytes of a URI.
  static let uri = 8_192
  /// URIs or tasks of a subscription, subscriptions with a handshake, tasks of each direction, and names
  /// of tools with breakers of their own.
  static let remembered = 1_024
  /// How long (ms) a client may keep what we filtered: with another profile it would be another.
  static let longestCache: Int64 = 60_000
  /// Bytes of a name that a record may want to show.
  static let shown = 256
  /// Bytes of the `_meta` of a list request, which its follow-up requests repeat.
  static let meta = 65_536
  /// Steps of one match with a pattern of the profile, and of one check against a schema.
  static let patternSteps = 4_000_000
  static let schemaSteps = 4_000_000
  /// Tools whose definitions are kept, and bytes that their compiled schemas take together.
  static let definitions = 4_096
  static let schemas = 16 << 20
  /// Steps that compiling the schemas of one list takes together.
  static let compileSteps = 8_000_000
  /// How often the list of tools is asked for anew for a call, because the tools changed meanwhile.
  static let lookups = 8
  /// Pages of one list.
  static let pages = 100
  /// Cancelled requests that are remembered, each direction.
  static let tombstones = 1_024
}
