extension Compiler {
  /// Finds the addresses and anchors in a schema and all schemas below it.
  mutating func scan(_ source: Int, _ root: Int32, in parent: Int?) throws(SchemaFault) {
    let tape = sources[source].tape
    var work: [(token: Int32, resource: Int?)] = [(root, parent)]
    while let (token, parent) = work.popLast() {
      guard sources[source].resource[Int(token)] < 0 else { continue }
      guard tape[token].kind == .object else {
        // A boolean at the root still is a resource; what is no schema is refused when it is reached.
        let resource =
          if let parent { parent } else {
            try addResource(Address(), source, token, dialect)
          }
        sources[source].resource[Int(token)] = Int32(resource)
        continue
      }
      let resource = try identify(source, token, parent)
      sources[source].resource[Int(token)] = Int32(resource)
      let dialect = resources[resource].dialect
      let keywords = try keywords(source, token, dialect)
      let isHidden =
        dialect.hidesSiblingsOfReferences && keywords.contains { $0.keyword == .ref }
      for (keyword, value) in keywords where !isHidden || keyword == .definitions {
        switch keyword.place(in: dialect) {
        case .none: break
        case .one: push(value)
        case .list: pushAll(value)
        case .map: if tape[value].kind == .object { pushAll(value) }
        case .oneOrList: if tape[value].kind == .array { pushAll(value) } else { push(value) }
        }
      }

      func push(_ token: Int32) {
        if tape[token].kind == .object || tape[token].kind == .boolean {
          work.append((token, resource))
        }
      }
      func pushAll(_ token: Int32) {
        var element = tape.first(in: token)
        while let at = element {
          let value = tape[at].isKey ? at + 1 : at
          push(value)
          element = tape.after(value)
        }
      }
    }
  }

  /// The resource that a schema belongs to, which is a new one if it has an address; adds its names.
  private mutating func identify(
    _ source: Int, _ token: Int32, _ parent: Int?
  ) throws(SchemaFault) -> Int {
    let tape = sources[source].tape
    let inherited = parent.map { resources[$0].dialect } ?? dialect
    var dialect = inherited
    if let stated = member("$schema", source, token) {
      guard tape[stated].kind == .string else {
        throw fault(.malformed, source, stated, "$schema must be a string")
      }
      guard let named = Metaschema.dialect(tape.content(stated)) else {
        throw fault(
          .dialect, source, stated,
          "the dialect \(Wording.quoted(tape.content(stated))) is not understood")
      }
      dialect = named
    }
    let base = parent.map { resources[$0].address } ?? Address()
    let identifier = member(dialect == .draft4 ? "id" : "$id", source, token)
    let isHidden = dialect.hidesSiblingsOfReferences && member("$ref", source, token) != nil
    var resource = parent
    if let identifier, !isHidden {
      guard tape[identifier].kind == .string else {
        throw fault(.malformed, source, identifier, "the address of a schema must be a string")
      }
      let text = tape.content(identifier)
      guard let fragment = Address.fragment(text) else {
        throw fault(.malformed, source, identifier, "the address has a broken fragment")
      }
      if dialect > .draft7, !fragment.isEmpty {
        throw fault(.malformed, source, identifier, "$id must have no fragment")
      }
      if text.first != UInt8(ascii: "#") || parent == nil {
        resource = try addResource(
          try resolve(text, from: base, source, identifier), source, token, dialect)
      }
      if let resource, !fragment.isEmpty {
        try addAnchor(fragment, resource, source, token, isDynamic: false)
      }
    }
    guard let resource else { return try addRoot(base, source, token, dialect) }
    if dialect != resources[resource].dialect {
      throw fault(
        .dialect, source, token, "$schema may differ only where a schema has an address of its own")
    }
    if dialect >= .draft2019 { try addAnchors(source, token, resource) }
    return resource
  }

  /// A resource for the root of a text that names no address.
  private mutating func addRoot(
    _ base: Address, _ source: Int, _ token: Int32, _ dialect: SchemaDialect
  ) throws(SchemaFault) -> Int {
    let resource = try addResource(base, source, token, dialect)
    if dialect >= .draft2019 { try addAnchors(source, token, resource) }
    return resource
  }

  private mutating func addAnchors(
    _ source: Int, _ token: Int32, _ resource: Int
  ) throws(SchemaFault) {
    let tape = sources[source].tape
    let dialect = resources[resource].dialect
    let keywords: [(StaticString, Bool)] = [("$anchor", false), ("$dynamicAnchor", true)]
    for (keyword, isDynamic) in keywords where !isDynamic || dialect == .draft2020 {
      guard let value = member(keyword, source, token) else { continue }
      guard tape[value].kind == .string, !tape.content(value).isEmpty else {
        throw fault(.malformed, source, value, "an anchor must be a name")
      }
      try addAnchor(tape.content(value), resource, source, token, isDynamic: isDynamic)
    }
    if dialect == .draft2019, let value = member("$recursiveAnchor", source, token) {
      guard tape[value].kind == .boolean else {
        throw fault(.malformed, source, value, "$recursiveAnchor must be a boolean")
      }
      if tape.text(value).first == UInt8(ascii: "t"), resources[resource].token == token {
        try addAnchor(Self.recursive, resource, source, token, isDynamic: true)
      }
    }
  }

  private mutating func addAnchor(
    _ name: [UInt8], _ resource: Int, _ source: Int, _ token: Int32, isDynamic: Bool
  ) throws(SchemaFault) {
    try charge(1 + name.count, source, token)
    if let known = resources[resource].anchors[name], known.token != token {
      throw fault(
        .malformed, source, token, "two schemas have the anchor \(Wording.quoted(name))")
    }
    let wasDynamic = resources[resource].anchors[name]?.isDynamic ?? false
    resources[resource].anchors[name] = Anchor(token: token, isDynamic: isDynamic || wasDynamic)
  }

  private mutating func addResource(
    _ address: Address, _ source: Int, _ token: Int32, _ dialect: SchemaDialect
  ) throws(SchemaFault) -> Int {
    guard resourceAt[address] == nil else {
      throw fault(.malformed, source, token, "two schemas have the same address")
    }
    guard resources.count < Int(UInt16.max) else {
      throw fault(.tooLarge, source, token, "the schema has too many addresses")
    }
    resourceAt[address] = resources.count
    resources.append(Resource(address: address, source: source, token: token, dialect: dialect))
    return resources.count - 1
  }

  /// What a reference means from an address. All that comes of it is copied and hashed some times.
  mutating func resolve(
    _ text: [UInt8], from base: Address, _ source: Int, _ token: Int32
  ) throws(SchemaFault) -> Address {
    let length = base.length + text.count
    guard length <= Self.longestAddress else {
      throw fault(
        .tooLarge, source, token, "the address is longer than \(Self.longestAddress) bytes")
    }
    try charge(1 + length, source, token)
    return base.resolve(Address(text))
  }

  /// The longest address, with what it is relative to, in bytes.
  private static let longestAddress = 8_192

  /// The value of a member, nil if there is none.
  func member(_ name: StaticString, _ source: Int, _ token: Int32) -> Int32? {
    let tape = sources[source].tape
    let wanted = Array("\(name)".utf8)
    var member = tape.first(in: token)
    while let key = member {
      if tape.bytes[Int(tape[key].start) + 1..<Int(tape[key].end) - 1].elementsEqual(wanted) {
        return key + 1
      }
      member = tape.after(key + 1)
    }
    return nil
  }
}
