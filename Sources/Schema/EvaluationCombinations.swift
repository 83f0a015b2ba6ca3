extension Evaluation {
  /// `allOf`: `a` to `b` are children.
  mutating func holdsAll(_ rule: Rule, _ text: Span<UInt8>, _ at: Int, _ frame: Int) -> Bool {
    var index = Int(rule.a)
    while index < Int(rule.b) {
      guard holds(program.tables.children[index], text, at, frame) else { return false }
      index += 1
    }
    return true
  }

  /// `anyOf`: `a` to `b` are children.
  mutating func holdsAny(_ rule: Rule, _ text: Span<UInt8>, _ at: Int, _ frame: Int) -> Bool {
    var result = false
    var index = Int(rule.a)
    while index < Int(rule.b) {
      if holdsBranch(program.tables.children[index], text, at, frame) {
        result = true
        // Who asks what was evaluated wants to know it of every branch that holds.
        if frame < 0 { break }
      }
      if isExhausted { return false }
      index += 1
    }
    return result ? true : fail(.any, at)
  }

  /// `oneOf`: `a` to `b` are children.
  mutating func holdsOne(_ rule: Rule, _ text: Span<UInt8>, _ at: Int, _ frame: Int) -> Bool {
    var count = 0
    var index = Int(rule.a)
    while index < Int(rule.b) {
      if holdsBranch(program.tables.children[index], text, at, frame) { count += 1 }
      if isExhausted { return false }
      if count > 1 { return fail(.several, at) }
      index += 1
    }
    return count == 1 ? true : fail(.one, at)
  }

  /// `not`: `a` is a node.
  mutating func holdsNot(_ rule: Rule, _ text: Span<UInt8>, _ at: Int) -> Bool {
    let holds = holds(rule.a, text, at, Self.untracked)
    if isExhausted { return false }
    return holds ? fail(.not, at) : true
  }

  /// `if`, `then` and `else`: `a`, `b` and `c` are nodes.
  mutating func holdsConditional(
    _ rule: Rule, _ text: Span<UInt8>, _ at: Int, _ frame: Int
  ) -> Bool {
    if frame < 0, rule.b == Program.none, rule.c == Program.none { return true }
    let next = holdsBranch(rule.a, text, at, frame) ? rule.b : rule.c
    if isExhausted { return false }
    return next == Program.none ? true : holds(next, text, at, frame)
  }

  /// Marks what a schema evaluates only if it holds.
  private mutating func holdsBranch(
    _ node: Int32, _ text: Span<UInt8>, _ at: Int, _ frame: Int
  ) -> Bool {
    guard frame >= 0 else { return holds(node, text, at, frame) }
    let own = marks.count
    let words = Int(marks[frame])
    marks.append(marks[frame])
    marks.append(contentsOf: repeatElement(0, count: words))
    guard charge(words << 5) else { return false }
    let result = holds(node, text, at, own)
    popFrame(own, into: result ? frame : Self.untracked)
    return result
  }

  // MARK: What was evaluated

  /// A frame of marks for the members or elements of a value.
  mutating func pushFrame(_ text: Span<UInt8>, _ at: Int) -> Int {
    let isObject = text[at] == Text.objectStart
    var count = 0
    var position = at + 1
    while text[position] != Text.objectEnd, text[position] != Text.arrayEnd {
      if text[position] == Text.comma { position += 1 }
      if isObject { position = Text.closingQuote(text, from: position + 1) + 2 }
      position = Text.end(text, from: position)
      count += 1
    }
    steps -= count
    _ = charge(position - at)
    found(at, end: position + 1)
    let frame = marks.count
    let words = (count + 63) / 64
    marks.append(UInt64(words))
    marks.append(contentsOf: repeatElement(0, count: words))
    return frame
  }

  /// Removes a frame, the last one, and adds its marks to another of the same value.
  mutating func popFrame(_ frame: Int, into other: Int) {
    if other >= 0 {
      let words = Int(marks[frame])
      var index = 1
      while index <= words {
        marks[other + index] |= marks[frame + index]
        index += 1
      }
    }
    marks.removeLast(marks.count - frame)
  }

  /// Marks a member or element as evaluated.
  mutating func mark(_ frame: Int, _ index: Int) {
    marks[frame + 1 + index >> 6] |= 1 << UInt64(index & 63)
  }

  private func isMarked(_ frame: Int, _ index: Int) -> Bool {
    marks[frame + 1 + index >> 6] & 1 << UInt64(index & 63) != 0
  }

  /// `unevaluatedProperties` with a node.
  mutating func holdsUnevaluatedProperties(
    _ node: Int32, _ text: Span<UInt8>, _ at: Int, _ frame: Int
  ) -> Bool {
    var index = 0
    var position = at + 1
    while text[position] != Text.objectEnd {
      let name = text[position] == Text.comma ? position + 2 : position + 1
      let start = Text.closingQuote(text, from: name) + 2
      steps -= 1
      guard charge(start - name) else { return false }
      if !isMarked(frame, index) {
        if node == Program.nothing { return fail(.unevaluatedProperties, start) }
        guard holds(node, text, start, Self.untracked) else { return false }
        mark(frame, index)
      }
      index += 1
      position = end(text, start)
    }
    return true
  }

  /// `unevaluatedItems` with a node.
  mutating func holdsUnevaluatedItems(
    _ node: Int32, _ text: Span<UInt8>, _ at: Int, _ frame: Int
  ) -> Bool {
    var index = 0
    var position = at + 1
    while text[position] != Text.arrayEnd {
      let start = text[position] == Text.comma ? position + 1 : position
      steps -= 1
      guard steps >= 0 else { return exhaust() }
      if !isMarked(frame, index) {
        if node == Program.nothing { return fail(.unevaluatedItems, start) }
        guard holds(node, text, start, Self.untracked) else { return false }
        mark(frame, index)
      }
      index += 1
      position = end(text, start)
    }
    return true
  }
}
