import Wire

extension Evaluation {
  /// What an array's keywords say of its elements, in one walk.
  mutating func holdsArray(_ index: Int32, _ text: Span<UInt8>, _ at: Int, _ frame: Int) -> Bool {
    let rule = program.tables.arrays[Int(index)]
    var position = at + 1
    var count = 0
    var contained = 0
    while text[position] != Text.arrayEnd {
      let start = text[position] == Text.comma ? position + 1 : position
      steps -= 1
      guard steps >= 0 else { return exhaust() }
      var isEvaluated = false
      if count < rule.prefix.count {
        isEvaluated = true
        let node = program.tables.children[Int(rule.prefix.lowerBound) + count]
        guard holds(node, text, start, Self.untracked) else { return false }
      } else if rule.items != Program.none {
        isEvaluated = true
        if rule.items == Program.nothing {
          return fail(rule.isAdditional ? .additionalItems : .items, start)
        }
        guard holds(rule.items, text, start, Self.untracked) else { return false }
      }
      if rule.contains != Program.none,
        frame >= 0 || contained < rule.minContains || rule.maxContains != Int.max
      {
        if holds(rule.contains, text, start, Self.untracked) {
          contained += 1
          if rule.containsEvaluates { isEvaluated = true }
        }
        if isExhausted { return false }
      }
      if isEvaluated, frame >= 0 { mark(frame, count) }
      count += 1
      if count > rule.maximum { return fail(.maxItems, at, index) }
      position = end(text, start)
    }
    found(at, end: position + 1)
    if count < rule.minimum { return fail(.minItems, at, index) }
    if rule.contains != Program.none {
      if contained < rule.minContains { return fail(.minContains, at, index) }
      if contained > rule.maxContains { return fail(.maxContains, at, index) }
    }
    return true
  }

  /// `uniqueItems`: few elements are compared each with each, many are hashed.
  mutating func isUnique(_ text: Span<UInt8>, _ at: Int) -> Bool {
    var starts: [UInt32] = []
    var count = 0
    var position = at + 1
    while text[position] != Text.arrayEnd {
      let start = text[position] == Text.comma ? position + 1 : position
      steps -= 1
      guard steps >= 0 else { return exhaust() }
      if count < Self.fewElements { starts.append(UInt32(truncatingIfNeeded: start)) }
      count += 1
      position = end(text, start)
    }
    if count > Self.fewElements { return isUnique(text, at, hashing: count) }
    for index in starts.indices {
      for other in 0..<index {
        if isEqual(text, Int(starts[index]), text, Int(starts[other])) {
          return fail(.unique, Int(starts[index]))
        }
        if isExhausted { return false }
      }
    }
    return true
  }

  private static let fewElements = 8

  /// Six bytes for each element, which has two at least.
  private mutating func isUnique(_ text: Span<UInt8>, _ at: Int, hashing count: Int) -> Bool {
    let vacant = UInt32.max
    let slots = count + count / 2
    var table = Array(repeating: vacant, count: slots)
    var position = at + 1
    while text[position] != Text.arrayEnd {
      let start = text[position] == Text.comma ? position + 1 : position
      let hash = hash(text, start)
      if isExhausted { return false }
      var slot = Int(truncatingIfNeeded: hash.multipliedFullWidth(by: UInt64(slots)).high)
      while table[slot] != vacant {
        steps -= 1
        if isEqual(text, start, text, Int(table[slot])) { return fail(.unique, start) }
        if isExhausted { return false }
        slot += 1
        if slot == slots { slot = 0 }
      }
      table[slot] = UInt32(truncatingIfNeeded: start)
      position = end(text, start)
    }
    return true
  }
}
