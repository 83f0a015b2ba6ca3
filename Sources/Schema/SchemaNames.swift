extension Schema {
  /// Calls `body` with each key that the schema names for the value itself: at its root and in what
  /// may apply to the same value (`$ref`, `allOf`, `anyOf`, `if`, …). A key is given by where its
  /// canonical content is in some bytes; it may come more than once.
  public func forEachName(_ body: (Range<Int>, [UInt8]) -> Void) {
    let tables = program.tables
    var isKnown = Array(repeating: false, count: tables.nodes.count)
    var open = [program.root]
    func push(_ node: Int32) {
      guard node != Program.none, !isKnown[Int(node)] else { return }
      isKnown[Int(node)] = true
      open.append(node)
    }
    while let index = open.popLast() {
      let node = tables.nodes[Int(index)]
      for rule in tables.rules[Int(node.first)..<Int(node.first + node.count)] {
        switch rule.operation {
        case .object:
          let object = tables.objects[Int(rule.a)]
          for key in tables.keys[Int(object.keys.lowerBound)..<Int(object.keys.upperBound)] {
            body(Int(key.start)..<Int(key.end), tables.texts)
          }
        case .reference, .not: push(rule.a)
        case .dynamicReference:
          push(rule.a)
          for target in tables.dynamicTargets[Int(rule.b)..<Int(rule.c)] { push(target.node) }
        case .all, .any, .one:
          for child in tables.children[Int(rule.a)..<Int(rule.b)] { push(child) }
        case .conditional:
          push(rule.a)
          push(rule.b)
          push(rule.c)
        case .dependentSchemas:
          for dependency in tables.dependencies[Int(rule.a)..<Int(rule.b)] {
            push(dependency.node)
          }
        default: break
        }
      }
    }
  }
}
