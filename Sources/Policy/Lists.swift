internal import Wire

/// A kind of list that is gathered, filtered and given as one.
struct ListKind: Sendable {
  /// The method that asks for it.
  let method: Method
  /// The member of the result that holds the entries.
  let key: StaticString
  /// The member of an entry by which it is allowed or not; no two entries have the same.
  let identity: StaticString

  /// The list of tools.
  static let tools = ListKind(.toolsList, key: "tools", identity: "name")

  private init(_ method: Method, key: StaticString, identity: StaticString) {
    self.method = method
    self.key = key
    self.identity = identity
  }

  /// The list that a method asks for, nil if it asks for none.
  init?(_ method: Method) {
    self.method = method
    switch method {
    case .toolsList: (key, identity) = ("tools", "name")
    case .resourcesList: (key, identity) = ("resources", "uri")
    case .templatesList: (key, identity) = ("resourceTemplates", "uriTemplate")
    case .promptsList: (key, identity) = ("prompts", "name")
    case .tasksList: (key, identity) = ("tasks", "taskId")
    default: return nil
    }
  }
}

extension Window {
  /// Whether an entry of a list may be shown, by the canonical content of its identity.
  func shows(_ range: Range<Int>, in bytes: [UInt8], _ kind: ListKind) -> Bool {
    let permissions = rules.permissions
    return switch kind.method {
    case .toolsList: rules.tools.entry(range, in: bytes) != nil
    case .resourcesList: permissions.resources.line(of: range, in: bytes) != nil
    case .templatesList: permissions.resources.line(ofTemplate: range, in: bytes) != nil
    case .promptsList: permissions.prompts.line(of: range, in: bytes) != nil
    case .tasksList: clientTasks.owner(of: range, in: bytes) != nil
    default: false
    }
  }
}
