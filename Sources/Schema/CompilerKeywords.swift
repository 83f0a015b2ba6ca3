extension Compiler {
  /// A schema that is being compiled.
  struct Parts {
    let source: Int
    let token: Int32
    let dialect: SchemaDialect
    let resource: Int
    var keywords: [Keyword: Int32]
    var node: Node
    var rules: [Rule] = []
  }

  /// Compiles one schema into its node.
  mutating func compile(_ index: Int32, _ source: Int, _ token: Int32) throws(SchemaFault) {
    let resource = Int(sources[source].resource[Int(token)])
    guard resource >= 0 else { throw fault(.malformed, source, token, "this is no schema") }
    let dialect = resources[resource].dialect
    var parts = Parts(
      source: source, token: token, dialect: dialect, resource: resource, keywords: [:],
      node: Node())
    for (keyword, value) in try keywords(source, token, dialect) { parts.keywords[keyword] = value }
    parts.node.resource = UInt16(resource)
    if dialect.hidesSiblingsOfReferences, let reference = parts.keywords[.ref] {
      parts.keywords = [.ref: reference]
    }
    try compileKinds(&parts)
    try compileConstants(&parts)
    try compileNumbers(&parts)
    try compileStrings(&parts)
    try compileArray(&parts)
    try compileObject(&parts)
    try compileCombinations(&parts)
    try compileUnevaluated(&parts)
    parts.node.first = Int32(tables.rules.count)
    parts.node.count = Int32(parts.rules.count)
    for (offset, rule) in parts.rules.enumerated() where rule.operation == .dynamicReference {
      // Until here the name's number stood in the rule.
      dynamicRules[Int(rule.b)].rule = tables.rules.count + offset
    }
    tables.rules += parts.rules
    tables.nodes[Int(index)] = parts.node
  }

  private func compileKinds(_ parts: inout Parts) throws(SchemaFault) {
    let tape = sources[parts.source].tape
    if let value = parts.keywords[.format], tape[value].kind != .string {
      throw fault(.malformed, parts.source, value, "format must be a string")
    }
    guard let value = parts.keywords[.type] else { return }
    var kinds: Text.Kinds = []
    if tape[value].kind == .string {
      kinds = try kind(parts.source, value)
    } else if tape[value].kind == .array, var element = tape.first(in: value) {
      while true {
        kinds.formUnion(try kind(parts.source, element))
        guard let next = tape.after(element) else { break }
        element = next
      }
    } else {
      throw fault(
        .malformed, parts.source, value, "type must be the name of a type, or an array of such")
    }
    parts.node.kinds = kinds
    // Every integer is a number; in draft 4 it has to be written as one.
    if parts.dialect == .draft4, kinds.contains(.integer), !kinds.contains(.number) {
      parts.node.wantsPlainIntegers = true
    }
  }

  private func kind(_ source: Int, _ token: Int32) throws(SchemaFault) -> Text.Kinds {
    let tape = sources[source].tape
    let names: [(StaticString, Text.Kinds)] = [
      ("null", .null), ("boolean", .boolean), ("object", .object), ("array", .array),
      ("number", .number), ("string", .string), ("integer", .integer),
    ]
    if tape[token].kind == .string {
      let name = tape.content(token)
      for (known, kinds) in names where name == Array("\(known)".utf8) { return kinds }
      throw fault(.malformed, source, token, "there is no type \(Wording.quoted(name))")
    }
    throw fault(.malformed, source, token, "a type must be a string")
  }

  private mutating func compileConstants(_ parts: inout Parts) throws(SchemaFault) {
    let tape = sources[parts.source].tape
    if let value = parts.keywords[.enum] {
      guard tape[value].kind == .array else {
        throw fault(.malformed, parts.source, value, "enum must be an array")
      }
      let start = tables.constants.count
      var element = tape.first(in: value)
      while let at = element {
        try charge(1, parts.source, value)
        try addConstant(parts.source, at)
        element = tape.after(at)
      }
      parts.rules.append(
        Rule(operation: .enumeration, a: Int32(start), b: Int32(tables.constants.count)))
    }
    if let value = parts.keywords[.const] {
      try addConstant(parts.source, value)
      parts.rules.append(Rule(operation: .constant, a: Int32(tables.constants.count - 1)))
    }
  }

  private mutating func addConstant(_ source: Int, _ token: Int32) throws(SchemaFault) {
    let tape = sources[source].tape
    var at = token
    while at < tape[token].next {
      // What cannot be compared is refused here and not at each value.
      if tape[at].kind == .number { _ = try number(source, at) }
      at += 1
    }
    let (start, end) = keep(tape.text(token))
    tables.constants.append(Constant(kind: tape[token].kind, start: start, end: end))
  }

  private mutating func compileNumbers(_ parts: inout Parts) throws(SchemaFault) {
    let source = parts.source
    let tape = sources[source].tape
    let isOld = parts.dialect == .draft4
    for (keyword, exclusive, operation, exclusiveOperation) in [
      (.maximum, .exclusiveMaximum, .maximum, .exclusiveMaximum),
      (.minimum, .exclusiveMinimum, .minimum, .exclusiveMinimum),
    ] as [(Keyword, Keyword, Rule.Operation, Rule.Operation)] {
      var operation = operation
      if let value = parts.keywords[exclusive] {
        if isOld {
          guard tape[value].kind == .boolean else {
            throw fault(.malformed, source, value, "\(exclusive.rawValue) must be a boolean")
          }
          if tape.text(value).first == UInt8(ascii: "t") { operation = exclusiveOperation }
        } else {
          parts.rules.append(Rule(operation: exclusiveOperation, a: try bound(source, value)))
        }
      }
      if let value = parts.keywords[keyword] {
        parts.rules.append(Rule(operation: operation, a: try bound(source, value)))
      }
    }
    if let value = parts.keywords[.multipleOf] {
      let index = try bound(source, value)
      let divisor = tables.bounds[Int(index)]
      guard !divisor.decimal.isZero, !divisor.decimal.isNegative, divisor.digits > 0 else {
        throw fault(
          .malformed, source, value,
          "multipleOf must be above 0 and have at most \(Bound.maxDigits) digits")
      }
      parts.rules.append(Rule(operation: .multipleOf, a: index))
    }
  }

  /// The index of a number that values are compared with.
  private mutating func bound(_ source: Int, _ token: Int32) throws(SchemaFault) -> Int32 {
    _ = try number(source, token)
    let (start, end) = keep(sources[source].tape.text(token))
    guard let bound = Bound(tables.texts.span, Int(start), Int(end)) else {
      throw fault(.tooLarge, source, token, "the number has too large an exponent")
    }
    tables.bounds.append(bound)
    return Int32(tables.bounds.count - 1)
  }

  /// A number of the schema.
  func number(_ source: Int, _ token: Int32) throws(SchemaFault) -> Decimal {
    let tape = sources[source].tape
    guard tape[token].kind == .number else {
      throw fault(.malformed, source, token, "this must be a number")
    }
    guard
      let decimal = Decimal(tape.bytes.span, Int(tape[token].start), Int(tape[token].end))
    else { throw fault(.tooLarge, source, token, "the number has too large an exponent") }
    return decimal
  }

  /// A number that counts something; what is beyond all that there can be is the largest number.
  func count(_ source: Int, _ token: Int32) throws(SchemaFault) -> Int {
    let decimal = try number(source, token)
    guard decimal.isInteger, !decimal.isNegative else {
      throw fault(.malformed, source, token, "this must be an integer of at least 0")
    }
    guard decimal.scale <= 15 else { return Int.max }
    let bytes = sources[source].tape.bytes
    var value = 0
    for byte in bytes[decimal.start..<decimal.end] where byte != UInt8(ascii: ".") {
      value = value * 10 + Int(byte - 0x30)
    }
    for _ in 0..<max(0, Int(decimal.scale) - decimal.count) { value *= 10 }
    return value
  }

  private mutating func compileStrings(_ parts: inout Parts) throws(SchemaFault) {
    for (keyword, operation) in [(.maxLength, .maxLength), (.minLength, .minLength)]
      as [(Keyword, Rule.Operation)]
    {
      if let value = parts.keywords[keyword] {
        let length = try count(parts.source, value)
        parts.rules.append(Rule(operation: operation, a: Int32(clamping: length)))
      }
    }
    if let value = parts.keywords[.pattern] {
      guard sources[parts.source].tape[value].kind == .string else {
        throw fault(.malformed, parts.source, value, "pattern must be a string")
      }
      parts.rules.append(Rule(operation: .pattern, a: try pattern(parts.source, value)))
    }
  }

  /// The index of the pattern that a string or key is.
  mutating func pattern(_ source: Int, _ token: Int32) throws(SchemaFault) -> Int32 {
    do throws(PatternFault) {
      let pattern = try Pattern(
        sources[source].tape.content(token), maxStates: patternStates)
      patternStates -= pattern.states
      tables.patterns.append(pattern)
      return Int32(tables.patterns.count - 1)
    } catch {
      throw fault(.pattern, source, token, error.description)
    }
  }

  /// Keeps a text in the program.
  mutating func keep(_ text: ArraySlice<UInt8>) -> (start: Int32, end: Int32) {
    let start = Int32(tables.texts.count)
    tables.texts += text
    let end = Int32(tables.texts.count)
    // A number ends where something else begins.
    tables.texts.append(Text.comma)
    return (start, end)
  }
}
