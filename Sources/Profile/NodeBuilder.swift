/// Builds the tree of a profile from libyaml's events and refuses what a profile never needs.
struct NodeBuilder {
  /// The format nests five levels deep.
  static let depthBound = 16

  private var open: [Frame] = []
  private var root: Node?

  /// A collection that has begun and not ended.
  private struct Frame {
    var node: Node
    var entries: [Entry] = []
    var elements: [Node] = []
    var names: Set<[UInt8]> = []
    var key: (name: String?, position: Position)?
    var isMapping: Bool
  }

  /// The root of the only document, or nil when it could not be read to its end.
  static func build(_ source: SourceText, _ findings: inout Findings) -> Node? {
    var builder = NodeBuilder()
    do throws(YAMLFailure) {
      var reader = try YAMLReader(source.bytes)
      while true {
        let (event, position) = try reader.next()
        if case .streamEnd = event { break }
        guard builder.take(event, at: source.within(position), &findings) else { return nil }
      }
    } catch {
      findings.error(
        source.within(error.position), describe(error, source), hint: hint(for: error, source))
      return nil
    }
    guard let root = builder.root else {
      findings.error(
        Position(line: 1, column: 1), "the profile is empty",
        hint: "start with the lines version: 1 and name: NAME")
      return nil
    }
    return root
  }

  /// Takes one event; false when there is no use in going on.
  private mutating func take(
    _ event: YAMLEvent, at position: Position, _ findings: inout Findings
  ) -> Bool {
    switch event {
    case .documentStart(let hasDirectives):
      if root != nil {
        findings.error(
          position, "a second document starts here",
          hint: "write one profile per file, without ---")
        return false
      }
      if hasDirectives {
        findings.error(
          position, "YAML directives are not used in a profile", hint: "remove the % line")
      }
    case .documentEnd, .streamEnd: break
    case .alias:
      findings.error(
        position, "aliases are not used in a profile",
        hint: "write the value out, or quote it if the * is meant, as in \"*\"")
      add(Node(content: .refused, position: position), &findings)
    case .scalar(let text, let isPlain, let marks):
      let isUsable = check(marks, at: position, &findings)
      let scalar = Scalar(text: text, isPlain: isPlain)
      if text.utf8.contains(0) {
        findings.error(position, "a NUL character", hint: "remove the escape \\0")
        add(Node(content: .refused, position: position), &findings)
      } else {
        let content = isUsable ? Node.Content.scalar(scalar) : .refused
        add(Node(content: content, position: position), &findings)
      }
    case .sequenceStart(let marks):
      return begin(isMapping: false, marks, at: position, &findings)
    case .mappingStart(let marks):
      return begin(isMapping: true, marks, at: position, &findings)
    case .sequenceEnd, .mappingEnd:
      guard let frame = open.popLast() else { return false }
      var node = frame.node
      if case .refused = node.content {
      } else {
        node.content = frame.isMapping ? .mapping(frame.entries) : .sequence(frame.elements)
      }
      add(node, &findings)
    }
    return true
  }

  private mutating func begin(
    isMapping: Bool, _ marks: YAMLMarks, at position: Position, _ findings: inout Findings
  ) -> Bool {
    guard open.count < Self.depthBound else {
      findings.error(position, "nested deeper than \(Self.depthBound) levels")
      return false
    }
    let isUsable = check(marks, at: position, &findings)
    let content = isUsable ? Node.Content.sequence([]) : .refused
    open.append(Frame(node: Node(content: content, position: position), isMapping: isMapping))
    return true
  }

  /// Puts a finished node where it belongs: a key, a value, an element or the root.
  private mutating func add(_ node: Node, _ findings: inout Findings) {
    guard let index = open.indices.last else {
      root = node
      return
    }
    guard open[index].isMapping else {
      open[index].elements.append(node)
      return
    }
    guard let key = open[index].key else {
      open[index].key = (keyName(node, &findings), node.position)
      return
    }
    open[index].key = nil
    guard let name = key.name else { return }
    guard open[index].names.insert(Array(name.utf8)).inserted else {
      let first = open[index].entries.first { $0.key.isSame(name) }
      findings.error(
        key.position, "the key \(shown(name)) is there twice",
        hint: first.map { "it is already in line \($0.keyPosition.line)" })
      return
    }
    open[index].entries.append(Entry(key: name, keyPosition: key.position, value: node))
  }

  private func keyName(_ node: Node, _ findings: inout Findings) -> String? {
    switch node.content {
    case .scalar(let scalar) where scalar.isPlain && scalar.text.isSame("<<"):
      findings.error(
        node.position, "merge keys are not used in a profile",
        hint: "write the values out, or quote it if the << is meant")
      return nil
    case .scalar(let scalar): return scalar.text
    case .refused: return nil
    case .sequence, .mapping:
      findings.error(node.position, "a key must be a word, not a list or a mapping")
      return nil
    }
  }

  private func check(
    _ marks: YAMLMarks, at position: Position, _ findings: inout Findings
  ) -> Bool {
    if marks.hasAnchor {
      findings.error(
        position, "anchors are not used in a profile",
        hint: "write the value out, or quote it if the & is meant")
    }
    if marks.hasTag {
      findings.error(
        position, "tags are not used in a profile",
        hint: "remove the tag, or quote the value if the ! is meant")
    }
    return !marks.hasAnchor && !marks.hasTag
  }
}

extension NodeBuilder {
  /// libyaml's words, with the two cases that everyone meets said plainly.
  private static func describe(_ failure: YAMLFailure, _ source: SourceText) -> String {
    if source.byte(at: failure.position) == 0x09 { return "a tab where YAML wants spaces" }
    guard !failure.context.isEmpty else { return "not YAML: \(failure.problem)" }
    return "not YAML: \(failure.problem) \(failure.context)"
  }

  private static func hint(for failure: YAMLFailure, _ source: SourceText) -> String? {
    let byte = source.byte(at: failure.position)
    if byte == 0x09 { return "indent with spaces" }
    if let variable = source.variable(at: failure.position) {
      return "put it in quotes: \"\(variable)\""
    }
    if failure.context.hasSuffix(" alias") { return "a * is put in quotes: \"*\"" }
    if failure.context.hasSuffix(" anchor") { return "a & is put in quotes" }
    switch failure.problem {
    case "found character that cannot start any token":
      return "put the value in quotes"
    case "mapping values are not allowed in this context":
      return "check the indentation, and put a value that holds a colon in quotes"
    case "did not find expected key", "could not find expected ':'":
      return "check the indentation and the quotes of this line and the one before"
    case "did not find expected ',' or ']'", "did not find expected ',' or '}'":
      return "close the bracket, or put a comma between the values"
    case "found unexpected end of stream": return "close the quotes"
    default: return nil
    }
  }
}
