/// Reads a tree that was found good into a `Profile`.
extension Profile {
  init(_ root: Node, variables: [ProfileLoader.Setting]) {
    self.init(name: root["name"]?.scalar?.text ?? "")
    self.variables = variables
    description = root["description"]?.scalar?.text ?? description
    preset = Self.word(root["extends"]) ?? preset
    isolation = Self.word(root["isolation"]) ?? isolation
    server = Server(root["server"])
    user = User(root["user"])
    if let node = root["user", "groups"], let rule: Groups = Self.word(node) {
      groups = Located(rule, line: node.position.line, column: node.position.column)
    }
    filesystem = Filesystem(
      read: Self.grants(root["filesystem", "read"]),
      write: Self.grants(root["filesystem", "write"]),
      hide: Self.grants(root["filesystem", "hide"]),
      protect: Self.grants(root["filesystem", "protect"]),
      protectsDefaults: root["filesystem", "protect_defaults"]?.scalar?.text != "false",
      missingProtection: Self.word(root["filesystem", "protect_missing"]) ?? .hold)
    let calls = root["syscalls", "add"] ?? root["syscalls"]
    syscalls = Syscalls(
      add: Self.strings(root["syscalls", "add"]), line: calls?.position.line ?? 0)
    limits = Limits(root["limits"])
    hardening.deniesWriteExecute = root["hardening", "write_execute"]?.scalar?.text == "deny"
    hardening.mitigatesSpeculation = root["hardening", "speculation"]?.scalar?.text == "mitigate"
    tools = Tools(root["tools"])
    resources = Self.names(root["resources", "allow"])
    prompts = Self.names(root["prompts", "allow"])
    requests = Requests(root["requests"])
    features = Features(root["features"])
    revisions = Revisions(root["protocol"])
    messages = Messages(root["messages"])
    text = Text(root["text"])
    pins = Self.word(root["pins"]) ?? pins
    audit.arguments = Self.word(root["audit", "arguments"]) ?? audit.arguments
  }

  private static func word<Word: RawRepresentable<String>>(_ node: Node?) -> Word? {
    node?.scalar.flatMap { Word(rawValue: $0.text) }
  }

  fileprivate static func strings(_ node: Node?) -> [Located<String>] {
    (node?.elements ?? []).compactMap(located)
  }

  fileprivate static func located(_ node: Node) -> Located<String>? {
    node.scalar.map {
      Located($0.text, line: node.position.line, column: node.position.column)
    }
  }

  private static func grants(_ node: Node?) -> [PathGrant] {
    (node?.elements ?? []).compactMap { element in
      guard let path = (element.scalar ?? element["path"]?.scalar)?.text else { return nil }
      return PathGrant(
        path, isOptional: element["optional"]?.scalar?.text == "true",
        danger: element["dangerous"]?.scalar?.text == "true"
          ? element["reason"]?.scalar?.text : nil,
        line: element.position.line, column: element.position.column)
    }
  }

  private static func names(_ node: Node?) -> Names {
    guard let node else { return .names([]) }
    if node.scalar?.text == "*" || node.elements.count == 1 && node.elements[0].scalar?.text == "*"
    {
      return .everything(line: node.position.line)
    }
    return .names(strings(node))
  }
}

extension Profile.Server {
  fileprivate init(_ node: Node?) {
    self.init(
      command: Profile.strings(node?["command"]), programs: Profile.strings(node?["programs"]),
      workdir: node?["workdir"].flatMap(Profile.located),
      environment: (node?["environment"]?.entries ?? []).compactMap { entry in
        entry.value.scalar.map {
          Profile.EnvironmentVariable(
            name: entry.key, value: $0.text, line: entry.keyPosition.line)
        }
      })
    restart = node?["restart"].flatMap { Profile.Restart($0) }
    pinned = Profile.strings(node?["pinned"])
  }
}

extension Profile.Restart {
  /// Nil for never.
  fileprivate init?(_ node: Node) {
    guard (node.scalar ?? node["when"]?.scalar)?.text == "on-failure" else { return nil }
    self.init()
    most = node["most"]?.scalar.flatMap { Int($0.text) } ?? most
    within = node["within"]?.scalar.flatMap { Quantity.duration($0.text) } ?? within
  }
}

extension Profile.User {
  fileprivate init(_ node: Node?) {
    func number(_ key: String) -> Located<UInt32>? {
      guard let place = node?[key], let text = place.scalar?.text, let value = UInt32(text) else {
        return nil
      }
      return Located(value, line: place.position.line, column: place.position.column)
    }
    if let owner = node?["owner_of"].flatMap(Profile.located) {
      self = .owner(of: owner)
    } else if let user = number("uid"), let group = number("group") {
      self = .numbers(user: user, group: group)
    } else {
      self = .standard
    }
  }
}

extension Profile.Limits {
  fileprivate init(_ node: Node?) {
    self.init()
    func size(_ key: String) -> UInt64? { node?[key]?.scalar.flatMap { Quantity.size($0.text) } }
    memory = size("memory") ?? memory
    processes = size("processes") ?? processes
    openFiles = size("open_files") ?? openFiles
    fileSize = size("file_size") ?? fileSize
    temporary = size("temporary") ?? temporary
    temporaryFiles = size("temporary_files") ?? temporaryFiles
    cpuTime = node?["cpu_time"]?.scalar.flatMap { Quantity.duration($0.text) }
    func located<Value>(_ key: String, _ read: (String) -> Value?) -> Located<Value>? {
      guard let place = node?[key], let value = place.scalar.flatMap({ read($0.text) }) else {
        return nil
      }
      return Located(value, line: place.position.line, column: place.position.column)
    }
    cpu = located("cpu", Quantity.hundredths)
    controlGroup = located("cgroup", ControlGroupUse.init) ?? controlGroup
  }
}

extension Profile.Messages {
  fileprivate init(_ node: Node?) {
    self.init()
    func integer(_ key: String) -> Int? {
      node?[key]?.scalar.flatMap { Quantity.size($0.text) }.flatMap { Int(exactly: $0) }
    }
    maxSize = integer("max_size") ?? maxSize
    maxDepth = integer("max_depth") ?? maxDepth
    inFlight = integer("in_flight") ?? inFlight
    ownTimeout = node?["own_timeout"]?.scalar.flatMap { Quantity.duration($0.text) } ?? ownTimeout
  }
}

extension Profile.Text {
  fileprivate init(_ node: Node?) {
    self.init()
    func size(_ key: String) -> Int? {
      node?[key]?.scalar.flatMap { Quantity.size($0.text) }.flatMap { Int(exactly: $0) }
    }
    hidden = node?["hidden"]?.scalar.flatMap { Hidden(rawValue: $0.text) } ?? hidden
    maxField = size("max_field")
    maxList = size("max_list")
    maxResult = size("max_result")
  }
}

extension Profile.Requests {
  fileprivate init(_ node: Node?) {
    self.init()
    func allows(_ node: Node?) -> Bool { node?.scalar?.text == "allow" }
    sampling = allows(node?["sampling"])
    roots = node?["roots"]?.scalar.flatMap { Roots(rawValue: $0.text) } ?? roots
    let elicitation = node?["elicitation"]
    forms = allows(elicitation) || allows(elicitation?["form"])
    hosts = (elicitation?["hosts"]?.elements ?? []).compactMap { $0.scalar?.text }
  }
}

extension Profile.Features {
  fileprivate init(_ node: Node?) {
    self.init()
    func allows(_ name: String) -> Bool { node?[name]?.scalar?.text == "allow" }
    logging = allows("logging")
    completion = allows("completion")
    tasks = allows("tasks")
    subscriptions = allows("subscriptions")
    extensions = allows("extensions")
  }
}

extension Profile.Revisions {
  fileprivate init(_ node: Node?) {
    self.init()
    era = node?["era"]?.scalar.flatMap { Era(rawValue: $0.text) } ?? era
    keepsPages = node?["lists"]?.scalar?.text == "pages"
    passesAnyProgress = node?["progress"]?.scalar?.text == "any"
    versions = (node?["versions"]?.elements ?? []).compactMap { $0.scalar?.text }.sorted()
  }
}
