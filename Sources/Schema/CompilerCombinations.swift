extension Compiler {
  /// What applies further schemas to the same value.
  mutating func compileCombinations(_ parts: inout Parts) throws(SchemaFault) {
    let source = parts.source
    for keyword in [.ref, .dynamicRef, .recursiveRef] as [Keyword] {
      guard let value = parts.keywords[keyword] else { continue }
      parts.rules.append(try reference(parts, keyword, value))
    }
    for (keyword, operation) in [(.allOf, .all), (.anyOf, .any), (.oneOf, .one)]
      as [(Keyword, Rule.Operation)]
    {
      guard let value = parts.keywords[keyword] else { continue }
      let children = try requestEach(source, value)
      guard !children.isEmpty else {
        throw fault(.malformed, source, value, "\(keyword.rawValue) must have a schema")
      }
      parts.rules.append(
        Rule(operation: operation, a: children.lowerBound, b: children.upperBound))
    }
    if let value = parts.keywords[.not] {
      parts.rules.append(Rule(operation: .not, a: try request(source, value)))
    }
    if let value = parts.keywords[.if] {
      var rule = Rule(
        operation: .conditional, a: try request(source, value), b: Program.none, c: Program.none)
      if let value = parts.keywords[.then] { rule.b = try request(source, value) }
      if let value = parts.keywords[.else] { rule.c = try request(source, value) }
      parts.rules.append(rule)
    }
  }

  private mutating func reference(
    _ parts: Parts, _ keyword: Keyword, _ value: Int32
  ) throws(SchemaFault) -> Rule {
    var target = try resolve(parts.source, value, parts.resource)
    switch keyword {
    case .dynamicRef: break
    case .recursiveRef:
      guard sources[parts.source].tape.content(value) == [UInt8(ascii: "#")] else {
        throw fault(.malformed, parts.source, value, "$recursiveRef must be \"#\"")
      }
      let isRecursive = resources[parts.resource].anchors[Self.recursive] != nil
      target.dynamic = isRecursive ? Self.recursive : nil
    default: target.dynamic = nil
    }
    let node = try request(target.source, target.token)
    guard let name = target.dynamic else { return Rule(operation: .reference, a: node) }
    dynamicRules.append((-1, name))
    return Rule(operation: .dynamicReference, a: node, b: Int32(dynamicRules.count - 1))
  }

  /// What applies to members and elements that nothing else has evaluated.
  mutating func compileUnevaluated(_ parts: inout Parts) throws(SchemaFault) {
    for (keyword, operation) in [
      (.unevaluatedItems, .unevaluatedItems), (.unevaluatedProperties, .unevaluatedProperties),
    ] as [(Keyword, Rule.Operation)] {
      guard let value = parts.keywords[keyword] else { continue }
      parts.rules.append(Rule(operation: operation, a: try request(parts.source, value)))
      parts.node.tracks = true
    }
  }

  /// Refuses schemas that apply themselves to the same value without end.
  func refuseEndlessReferences() throws(SchemaFault) {
    // Depth first without recursion: 1 is on the way, 2 is done.
    var states = Array(repeating: UInt8(0), count: tables.nodes.count)
    for start in tables.nodes.indices where states[start] == 0 {
      states[start] = 1
      var path: [(node: Int, rest: [Int32])] = [(start, inPlace(start))]
      while !path.isEmpty {
        guard let next = path[path.count - 1].rest.popLast().map({ Int($0) }) else {
          states[path.removeLast().node] = 2
          continue
        }
        if states[next] == 1 {
          throw SchemaFault(
            kind: .endless, pointer: pointer(next),
            text: "the schema applies itself to the same value without end")
        }
        if states[next] == 0 {
          states[next] = 1
          path.append((next, inPlace(next)))
        }
      }
    }
  }

  /// Where in the schema a node came from.
  private func pointer(_ node: Int) -> String {
    let tokens = sources[0].node
    guard let token = tokens.firstIndex(of: Int32(node)) else { return "" }
    return sources[0].tape.pointer(Int32(token))
  }

  /// The nodes that a node applies to the same value; where a dynamic reference leads is not known
  /// before there is one, and the depth of evaluation bounds it.
  private func inPlace(_ node: Int) -> [Int32] {
    let node = tables.nodes[node]
    var found: [Int32] = []
    for rule in tables.rules[Int(node.first)..<Int(node.first + node.count)] {
      switch rule.operation {
      case .reference, .not: found.append(rule.a)
      case .all, .any, .one: found += tables.children[Int(rule.a)..<Int(rule.b)]
      case .conditional: found += [rule.a, rule.b, rule.c].filter { $0 != Program.none }
      case .dependentSchemas:
        found += tables.dependencies[Int(rule.a)..<Int(rule.b)].map(\.node)
      default: break
      }
    }
    return found
  }

  /// A copy of the root that refuses what it does not name; the root itself may be referred to.
  mutating func close(_ root: Int32) -> Int32 {
    var node = tables.nodes[Int(root)]
    var rules = Array(tables.rules[Int(node.first)..<Int(node.first + node.count)])
    if rules.contains(where: { $0.operation == .unevaluatedProperties }) { return root }
    let combining: [Rule.Operation] = [
      .reference, .dynamicReference, .all, .any, .one, .conditional, .dependentSchemas,
    ]
    if rules.contains(where: { combining.contains($0.operation) }) {
      rules.append(Rule(operation: .unevaluatedProperties, a: Program.closed))
      node.tracks = true
    } else if let at = rules.firstIndex(where: { $0.operation == .object }) {
      var object = tables.objects[Int(rules[at].a)]
      guard object.additional == Program.none else { return root }
      object.additional = Program.closed
      rules[at].a = Int32(tables.objects.count)
      tables.objects.append(object)
    } else {
      rules.append(Rule(operation: .object, a: Int32(tables.objects.count)))
      var object = ObjectRule()
      object.additional = Program.closed
      tables.objects.append(object)
    }
    node.first = Int32(tables.rules.count)
    node.count = Int32(rules.count)
    tables.rules += rules
    tables.nodes.append(node)
    return Int32(tables.nodes.count - 1)
  }

  /// Lets what refers to a schema that is nothing but a reference refer to its target at once.
  ///
  /// That is not done where the way on which evaluation came to a schema matters.
  mutating func collapseReferences() {
    guard !tables.rules.contains(where: { $0.operation == .dynamicReference }) else { return }
    var targets = Array(repeating: Program.none, count: tables.nodes.count)
    for index in tables.nodes.indices {
      var at = index
      var passed: [Int] = []
      while targets[at] == Program.none {
        passed.append(at)
        let node = tables.nodes[at]
        guard node.count == 1, node.kinds == .all,
          tables.rules[Int(node.first)].operation == .reference
        else { break }
        at = Int(tables.rules[Int(node.first)].a)
      }
      let end = targets[at] == Program.none ? Int32(at) : targets[at]
      for node in passed { targets[node] = end }
    }
    func target(_ node: Int32) -> Int32 { node == Program.none ? node : targets[Int(node)] }
    for index in tables.children.indices { tables.children[index] = target(tables.children[index]) }
    for index in tables.keys.indices { tables.keys[index].node = target(tables.keys[index].node) }
    for index in tables.patternNodes.indices {
      tables.patternNodes[index].node = target(tables.patternNodes[index].node)
    }
    for index in tables.objects.indices {
      tables.objects[index].additional = target(tables.objects[index].additional)
      tables.objects[index].names = target(tables.objects[index].names)
    }
    for index in tables.arrays.indices {
      tables.arrays[index].items = target(tables.arrays[index].items)
      tables.arrays[index].contains = target(tables.arrays[index].contains)
    }
  }
}
