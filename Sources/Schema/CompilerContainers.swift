extension Compiler {
  /// With so many keys they are looked for one after the other, with more by halving.
  static let fewKeys = 8

  mutating func compileArray(_ parts: inout Parts) throws(SchemaFault) {
    let source = parts.source
    let tape = sources[source].tape
    var rule = ArrayRule()
    var isNeeded = false
    for (keyword, path) in [
      (.minItems, \.minimum), (.maxItems, \.maximum), (.minContains, \.minContains),
      (.maxContains, \.maxContains),
    ] as [(Keyword, WritableKeyPath<ArrayRule, Int>)] {
      if let value = parts.keywords[keyword] {
        rule[keyPath: path] = try count(source, value)
        isNeeded = true
      }
    }
    if let value = parts.keywords[.contains] {
      rule.contains = try request(source, value)
      rule.containsEvaluates = parts.dialect == .draft2020
      isNeeded = true
    }
    var items = parts.keywords[.items]
    var prefix = parts.keywords[.prefixItems]
    if parts.dialect < .draft2020, let value = items, tape[value].kind == .array {
      prefix = value
      items = parts.keywords[.additionalItems]
      rule.isAdditional = true
    }
    if let prefix {
      rule.prefix = try requestEach(source, prefix)
      isNeeded = true
    }
    if let items {
      rule.items = try request(source, items)
      isNeeded = true
    }
    if isNeeded {
      tables.arrays.append(rule)
      parts.rules.append(Rule(operation: .array, a: Int32(tables.arrays.count - 1)))
    }
    if let value = parts.keywords[.uniqueItems] {
      guard tape[value].kind == .boolean else {
        throw fault(.malformed, source, value, "uniqueItems must be a boolean")
      }
      if tape.text(value).first == UInt8(ascii: "t") {
        parts.rules.append(Rule(operation: .unique))
      }
    }
  }

  /// The schemas of an array of schemas, in `Program.children`.
  mutating func requestEach(_ source: Int, _ token: Int32) throws(SchemaFault) -> Range<Int32> {
    let tape = sources[source].tape
    guard tape[token].kind == .array else {
      throw fault(.malformed, source, token, "this must be an array of schemas")
    }
    let start = Int32(tables.children.count)
    var element = tape.first(in: token)
    while let at = element {
      try charge(1, source, token)
      tables.children.append(try request(source, at))
      element = tape.after(at)
    }
    return start..<Int32(tables.children.count)
  }

  mutating func compileObject(_ parts: inout Parts) throws(SchemaFault) {
    let source = parts.source
    var rule = ObjectRule()
    var isNeeded = false
    for (keyword, path) in [(.minProperties, \.minimum), (.maxProperties, \.maximum)]
      as [(Keyword, WritableKeyPath<ObjectRule, Int>)]
    {
      if let value = parts.keywords[keyword] {
        rule[keyPath: path] = try count(source, value)
        isNeeded = true
      }
    }
    if let value = parts.keywords[.additionalProperties] {
      rule.additional = try request(source, value)
      isNeeded = true
    }
    if let value = parts.keywords[.propertyNames] {
      rule.names = try request(source, value)
      isNeeded = true
    }
    if let value = parts.keywords[.patternProperties] {
      rule.patterns = try compilePatternProperties(source, value)
      isNeeded = true
    }
    if parts.keywords[.properties] != nil || parts.keywords[.required] != nil {
      try compileKeys(parts, &rule)
      isNeeded = true
    }
    if isNeeded {
      tables.objects.append(rule)
      parts.rules.append(Rule(operation: .object, a: Int32(tables.objects.count - 1)))
    }
    try compileDependencies(&parts)
  }

  private mutating func compilePatternProperties(
    _ source: Int, _ value: Int32
  ) throws(SchemaFault) -> Range<Int32> {
    let tape = sources[source].tape
    try wantObject(source, value)
    let start = Int32(tables.patternNodes.count)
    var member = tape.first(in: value)
    while let key = member {
      let node = try request(source, key + 1)
      let pattern = try pattern(source, key)
      tables.patternNodes.append((pattern, node))
      member = tape.after(key + 1)
    }
    return start..<Int32(tables.patternNodes.count)
  }

  /// The keys of `properties` and `required`.
  private mutating func compileKeys(
    _ parts: Parts, _ rule: inout ObjectRule
  ) throws(SchemaFault) {
    let source = parts.source
    let tape = sources[source].tape
    var keys: [Key] = []
    var known: [ArraySlice<UInt8>: Int] = [:]
    if let value = parts.keywords[.properties] {
      try wantObject(source, value)
      var member = tape.first(in: value)
      while let key = member {
        try charge(1, source, key)
        let name = tape.text(key).dropFirst().dropLast()
        known[name] = keys.count
        let (start, end) = keep(name)
        keys.append(Key(start: start, end: end, node: try request(source, key + 1)))
        member = tape.after(key + 1)
      }
    }
    if let value = parts.keywords[.required] {
      for name in try names(source, value) {
        if let at = known[name] {
          if !keys[at].isRequired { rule.required += 1 }
          keys[at].isRequired = true
        } else {
          known[name] = keys.count
          let (start, end) = keep(name)
          keys.append(Key(start: start, end: end, isRequired: true))
          rule.required += 1
        }
      }
    }
    rule.keys = addKeys(keys)
  }

  /// Adds keys in an order in which they are found.
  private mutating func addKeys(_ keys: [Key]) -> Range<Int32> {
    let start = Int32(tables.keys.count)
    if keys.count <= Self.fewKeys {
      tables.keys += keys
    } else {
      let texts = tables.texts
      tables.keys += keys.sorted { one, other in
        let a = texts[Int(one.start)..<Int(one.end)]
        let b = texts[Int(other.start)..<Int(other.end)]
        return a.count != b.count ? a.count < b.count : a.lexicographicallyPrecedes(b)
      }
    }
    return start..<Int32(tables.keys.count)
  }

  /// The canonical contents of an array of strings.
  private mutating func names(
    _ source: Int, _ token: Int32
  ) throws(SchemaFault) -> [ArraySlice<UInt8>] {
    let tape = sources[source].tape
    guard tape[token].kind == .array else {
      throw fault(.malformed, source, token, "this must be an array of keys")
    }
    var names: [ArraySlice<UInt8>] = []
    var element = tape.first(in: token)
    while let at = element {
      try charge(1, source, token)
      guard tape[at].kind == .string else {
        throw fault(.malformed, source, at, "a key must be a string")
      }
      names.append(tape.text(at).dropFirst().dropLast())
      element = tape.after(at)
    }
    return names
  }

  private mutating func compileDependencies(_ parts: inout Parts) throws(SchemaFault) {
    let source = parts.source
    let tape = sources[source].tape
    var keys: [Dependency] = []
    var schemas: [Dependency] = []
    for keyword in [.dependentRequired, .dependentSchemas, .dependencies] as [Keyword] {
      guard let value = parts.keywords[keyword] else { continue }
      try wantObject(source, value)
      var member = tape.first(in: value)
      while let key = member {
        try charge(1, source, key)
        let (start, end) = keep(tape.text(key).dropFirst().dropLast())
        var dependency = Dependency(start: start, end: end)
        let isArray = tape[key + 1].kind == .array
        if isArray ? keyword != .dependentSchemas : keyword == .dependentRequired {
          let first = Int32(tables.keys.count)
          for name in try names(source, key + 1) {
            let (start, end) = keep(name)
            tables.keys.append(Key(start: start, end: end, isRequired: true))
          }
          dependency.keys = first..<Int32(tables.keys.count)
          keys.append(dependency)
        } else {
          dependency.node = try request(source, key + 1)
          schemas.append(dependency)
        }
        member = tape.after(key + 1)
      }
    }
    if let rule = add(keys, .dependentRequired) { parts.rules.append(rule) }
    if let rule = add(schemas, .dependentSchemas) { parts.rules.append(rule) }
  }

  private mutating func add(_ new: [Dependency], _ operation: Rule.Operation) -> Rule? {
    guard !new.isEmpty else { return nil }
    let start = Int32(tables.dependencies.count)
    tables.dependencies += new
    return Rule(operation: operation, a: start, b: Int32(tables.dependencies.count))
  }

  func wantObject(_ source: Int, _ token: Int32) throws(SchemaFault) {
    guard sources[source].tape[token].kind == .object else {
      throw fault(.malformed, source, token, "this must be an object")
    }
  }
}
