import Wire

extension Compiler {
  /// Where a reference leads: the schema, and the name if that is one of a `$dynamicAnchor`.
  mutating func resolve(
    _ source: Int, _ value: Int32, _ resource: Int
  ) throws(SchemaFault) -> (source: Int, token: Int32, dynamic: [UInt8]?) {
    let tape = sources[source].tape
    guard tape[value].kind == .string else {
      throw fault(.malformed, source, value, "a reference must be a string")
    }
    let text = tape.content(value)
    let address = try resolve(text, from: resources[resource].address, source, value)
    var known = resourceAt[address]
    if known == nil { known = try load(address) }
    guard let found = known else {
      throw fault(
        .remote, source, value,
        "the reference \(Wording.quoted(text)) leads out of the document, and nothing is fetched")
    }
    guard let fragment = Address.fragment(text) else {
      throw fault(.malformed, source, value, "the reference has a broken fragment")
    }
    let target = resources[found]
    if fragment.isEmpty { return (target.source, target.token, nil) }
    if fragment.first == UInt8(ascii: "/") {
      guard let token = try follow(fragment, from: target) else {
        throw fault(
          .unresolved, source, value, "the reference \(Wording.quoted(text)) leads to nothing")
      }
      return (target.source, token, nil)
    }
    guard let anchor = target.anchors[fragment] else {
      throw fault(
        .unresolved, source, value, "the reference \(Wording.quoted(text)) leads to nothing")
    }
    return (target.source, anchor.token, anchor.isDynamic ? fragment : nil)
  }

  /// The schema at a JSON pointer, nil if there is nothing; its names are known afterwards.
  private mutating func follow(
    _ pointer: [UInt8], from resource: Resource
  ) throws(SchemaFault) -> Int32? {
    let tape = sources[resource.source].tape
    var at = resource.token
    var holder = at
    for part in pointer.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .dropFirst()
    {
      guard let step = Self.unescaped(part) else { return nil }
      var next: Int32?
      var element = tape.first(in: at)
      var index = 0
      let wanted = Self.index(step)
      while let here = element, next == nil {
        try charge(1 + Int(tape[here].end - tape[here].start) >> 3, resource.source, at)
        if tape[here].isKey {
          if tape.content(here) == step { next = here + 1 }
        } else if index == wanted {
          next = here
        }
        index += 1
        element = tape.after(tape[here].isKey ? here + 1 : here)
      }
      guard let next else { return nil }
      at = next
      if sources[resource.source].resource[Int(at)] >= 0 { holder = at }
    }
    if sources[resource.source].resource[Int(at)] < 0 {
      // Not where schemas are: an unknown keyword, perhaps. It is one now.
      try scan(resource.source, at, in: Int(sources[resource.source].resource[Int(holder)]))
    }
    return at
  }

  /// A step of a JSON pointer without its escapes, nil if they are broken.
  private static func unescaped(_ part: ArraySlice<UInt8>) -> [UInt8]? {
    var step: [UInt8] = []
    var iterator = part.makeIterator()
    while let byte = iterator.next() {
      guard byte == UInt8(ascii: "~") else {
        step.append(byte)
        continue
      }
      switch iterator.next() {
      case UInt8(ascii: "0"): step.append(UInt8(ascii: "~"))
      case UInt8(ascii: "1"): step.append(UInt8(ascii: "/"))
      default: return nil
      }
    }
    return step
  }

  /// The index that a step of a JSON pointer is for an array, -1 if it is none.
  private static func index(_ step: [UInt8]) -> Int {
    guard !step.isEmpty, step.count <= 9, step.count == 1 || step[0] != UInt8(ascii: "0") else {
      return -1
    }
    var index = 0
    for byte in step {
      guard byte >= 0x30, byte <= 0x39 else { return -1 }
      index = index * 10 + Int(byte - 0x30)
    }
    return index
  }

  /// Reads a metaschema of that address, if we have it.
  private mutating func load(_ address: Address) throws(SchemaFault) -> Int? {
    guard let text = Metaschema.text(address) else { return nil }
    var decoder = Decoder(limits: WireLimits())
    var document = Document()
    do throws(WireError) {
      try decoder.decodeValue(Array("\(text)".utf8).span, into: &document)
    } catch {
      return nil
    }
    sources.append(Source(Tape(document.bytes)))
    try scan(sources.count - 1, 0, in: nil)
    return resourceAt[address]
  }

  /// Has every schema compiled that a dynamic reference may lead to.
  mutating func requestDynamicTargets() throws(SchemaFault) {
    for name in Set(dynamicRules.map(\.name)) {
      for resource in resources {
        try charge(1 + name.count, 0, 0)
        if let anchor = resource.anchors[name], anchor.isDynamic {
          _ = try request(resource.source, anchor.token)
        }
      }
    }
  }

  /// Tells each dynamic reference where it may lead to.
  mutating func fillDynamicTargets() throws(SchemaFault) {
    var ranges: [[UInt8]: Range<Int32>] = [:]
    for (rule, name) in dynamicRules {
      try charge(1 + name.count, 0, 0)
      if ranges[name] == nil {
        let start = Int32(tables.dynamicTargets.count)
        for (index, resource) in resources.enumerated() {
          try charge(1 + name.count, 0, 0)
          if let anchor = resource.anchors[name], anchor.isDynamic {
            let node = try request(resource.source, anchor.token)
            tables.dynamicTargets.append(DynamicTarget(resource: UInt16(index), node: node))
          }
        }
        ranges[name] = start..<Int32(tables.dynamicTargets.count)
      }
      guard let range = ranges[name] else { continue }
      if range.count == 1 {
        // There is nowhere else that it could lead to.
        tables.rules[rule].operation = .reference
      } else {
        tables.rules[rule].b = range.lowerBound
        tables.rules[rule].c = range.upperBound
      }
    }
  }
}
