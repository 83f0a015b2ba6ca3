extension Profile.Tools {
  init(_ node: Node?) {
    self.init(line: node?["allow"]?.position.line ?? 0)
    unknownArguments = Profile.UnknownArguments(node?["unknown_arguments"]) ?? unknownArguments
    enforcesSchemas = node?["schemas"]?.scalar?.text != "ignore"
    limits = Profile.CallLimits(node)
    budget = Profile.CallBudget(node?["budget"])
    askTimeout = node?["ask_timeout"]?.scalar.flatMap { Quantity.duration($0.text) } ?? askTimeout
    allow = Self.entries(node?["ask"], asks: true) + Self.entries(node?["allow"], asks: false)
  }

  private static func entries(_ node: Node?, asks: Bool) -> [Profile.Tool] {
    guard let node else { return [] }
    var entries =
      node.scalar?.text == "*"
      ? .everything(line: node.position.line) : node.elements.compactMap(Profile.Tool.init)
    for index in entries.indices { entries[index].asks = asks }
    return entries
  }
}

extension Profile.Tool {
  fileprivate init?(_ node: Node) {
    guard let name = (node.scalar ?? node["name"]?.scalar)?.text else { return nil }
    self.init(Located(name, line: node.position.line, column: node.position.column))
    arguments = (node["arguments"]?.entries ?? []).map { entry in
      (entry.key, ArgumentRule(entry.value, line: entry.keyPosition.line))
    }
    description = node["description"]?.scalar?.text
    unknownArguments = Profile.UnknownArguments(node["unknown_arguments"])
    checksOutput = node["check_output"]?.scalar?.text == "true"
    limits = Profile.CallLimits(node)
    if let place = node["require_annotation"], let text = place.scalar?.text,
      let annotation = Profile.Annotation(rawValue: text)
    {
      requiredAnnotation = Located(
        annotation, line: place.position.line, column: place.position.column)
    }
  }
}

extension Profile.UnknownArguments {
  fileprivate init?(_ node: Node?) {
    guard let text = node?.scalar?.text, let word = Self(rawValue: text) else { return nil }
    self = word
  }
}

extension ArgumentRule {
  /// Reads a mapping that was found good.
  init(_ node: Node, line: Int) {
    self.init(line: line)
    isRequired = node["required"]?.scalar?.text == "true"
    isAbsent = node["absent"]?.scalar?.text == "true"
    isNullable = node["nullable"]?.scalar?.text == "true"
    demands = node.entries.compactMap { entry in
      Self.demand(entry.key, entry.value).map {
        Located($0, line: entry.keyPosition.line, column: entry.keyPosition.column)
      }
    }
  }

  private static func demand(_ key: String, _ node: Node) -> Demand? {
    let text = node.scalar?.text ?? ""
    switch key {
    case "type": return Kind(rawValue: text).map { .kind($0) }
    case "const": return Literal(node).map { .literals([$0]) }
    case "enum": return .literals(node.elements.compactMap(Literal.init))
    case "minimum": return .minimum(text)
    case "maximum": return .maximum(text)
    case "min_length": return Int(text).map { .minLength($0) }
    case "max_length": return Int(text).map { .maxLength($0) }
    case "min_items": return Int(text).map { .minItems($0) }
    case "max_items": return Int(text).map { .maxItems($0) }
    case "pattern": return .pattern(text)
    case "not_pattern": return .notPattern(text)
    case "under": return .under(text)
    case "host": return .hosts(texts(node))
    case "forbid_leading": return .forbidLeading(texts(node))
    case "items": return .items(ArgumentRule(node, line: node.position.line))
    case "one_of":
      return .alternatives(node.elements.map { ArgumentRule($0, line: $0.position.line) })
    default: return nil
    }
  }

  /// One string, or the strings of a list.
  private static func texts(_ node: Node) -> [String] {
    node.scalar.map { [$0.text] } ?? node.elements.compactMap { $0.scalar?.text }
  }
}

extension ArgumentRule.Literal {
  fileprivate init?(_ node: Node) {
    guard let scalar = node.scalar else { return nil }
    switch scalar.kind {
    case .text: self = .text(scalar.text)
    case .integer, .number: self = .number(scalar.text)
    case .boolean: self = .boolean(scalar.text == "true")
    case .null: return nil
    }
  }
}
