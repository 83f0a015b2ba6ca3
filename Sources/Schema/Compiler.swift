import Wire

/// Compiles one schema: reads its text, finds its names, and turns each schema in it that is reached
/// from the root into a node. Nothing recurses; what is left to do is kept in lists.
struct Compiler {
  let dialect: SchemaDialect
  let limits: SchemaLimits
  var steps: Int
  var patternStates: Int

  /// The schema, and the metaschemas that it refers to.
  var sources: [Source] = []
  var resources: [Resource] = []
  var resourceAt: [Address: Int] = [:]

  var tables = Program.Tables()
  /// Nodes that are numbered and not compiled yet.
  var pending: [(node: Int32, source: Int, token: Int32)] = []
  /// Which rules depend on a `$dynamicAnchor` of which name.
  var dynamicRules: [(rule: Int, name: [UInt8])] = []

  /// A text with schemas in it.
  struct Source {
    let tape: Tape
    /// The resource of each token that is a schema, -1 for all others.
    var resource: [Int32]
    /// The node of each token that is a schema and was reached.
    var node: [Int32]

    init(_ tape: Tape) {
      self.tape = tape
      resource = Array(repeating: -1, count: tape.tokens.count)
      node = Array(repeating: Program.none, count: tape.tokens.count)
    }
  }

  /// A schema with an address of its own.
  struct Resource {
    var address: Address
    var source: Int
    var token: Int32
    var dialect: SchemaDialect
    var anchors: [[UInt8]: Anchor] = [:]
  }

  /// A name for a schema within its resource.
  struct Anchor {
    var token: Int32
    var isDynamic: Bool
  }

  /// The name under which `$recursiveAnchor` is kept; no anchor can have it.
  static let recursive: [UInt8] = []

  init(dialect: SchemaDialect, limits: SchemaLimits) {
    self.dialect = dialect
    self.limits = limits
    steps = limits.maxSteps
    patternStates = limits.maxPatternStates
  }

  /// Compiles the schema at a value of a document.
  mutating func compile(
    _ document: Document, _ value: Value, closed: Bool
  ) throws(SchemaFault) -> Program {
    guard value.range.count <= limits.maxSize, value.range.upperBound <= document.bytes.count else {
      throw SchemaFault(
        kind: .tooLarge, pointer: "", text: "the schema is longer than \(limits.maxSize) bytes")
    }
    sources.append(Source(Tape(Array(document.bytes[value.range]))))
    try scan(0, 0, in: nil)
    var root = try request(0, 0)
    repeat {
      while let next = pending.popLast() {
        try compile(next.node, next.source, next.token)
      }
      try requestDynamicTargets()
    } while !pending.isEmpty
    try fillDynamicTargets()
    try refuseEndlessReferences()
    if closed { root = close(root) }
    collapseReferences()
    return Program(root: root, maxDepth: limits.maxDepth, tables: tables)
  }

  /// The node of a schema, which is compiled later if that was not done yet.
  mutating func request(_ source: Int, _ token: Int32) throws(SchemaFault) -> Int32 {
    let tape = sources[source].tape
    switch tape[token].kind {
    case .boolean:
      return tape.text(token).first == UInt8(ascii: "t") ? Program.anything : Program.nothing
    case .object: break
    default: throw fault(.malformed, source, token, "a schema must be an object or a boolean")
    }
    let known = sources[source].node[Int(token)]
    if known != Program.none { return known }
    let node = Int32(tables.nodes.count)
    tables.nodes.append(Node())
    sources[source].node[Int(token)] = node
    pending.append((node, source, token))
    return node
  }

  /// Counts what was done, and stops where it was too much.
  mutating func charge(_ cost: Int, _ source: Int, _ token: Int32) throws(SchemaFault) {
    steps -= cost
    if steps < 0 {
      throw fault(.tooLarge, source, token, "the schema takes more than \(limits.maxSteps) steps")
    }
  }

  /// A fault at a token.
  func fault(
    _ kind: SchemaFault.Kind, _ source: Int, _ token: Int32, _ text: String
  ) -> SchemaFault {
    let pointer = source == 0 ? sources[0].tape.pointer(token) : ""
    return SchemaFault(kind: kind, pointer: pointer, text: text)
  }

  /// The members of a schema that mean something in its dialect, in their order.
  mutating func keywords(
    _ source: Int, _ token: Int32, _ dialect: SchemaDialect
  ) throws(SchemaFault) -> [(keyword: Keyword, value: Int32)] {
    let tape = sources[source].tape
    var found: [(Keyword, Int32)] = []
    var member = tape.first(in: token)
    while let key = member {
      try charge(1, source, token)
      if let keyword = Keyword(tape.content(key), in: dialect) { found.append((keyword, key + 1)) }
      member = tape.after(key + 1)
    }
    return found
  }
}
