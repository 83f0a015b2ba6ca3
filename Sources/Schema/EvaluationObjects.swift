extension Evaluation {
  /// What an object's keywords say of its members, in one walk.
  mutating func holdsObject(
    _ index: Int32, _ text: Span<UInt8>, _ at: Int, _ frame: Int
  ) -> Bool {
    let rule = program.tables.objects[Int(index)]
    var position = at + 1
    var count = 0
    var required: Int32 = 0
    while text[position] != Text.objectEnd {
      let name = text[position] == Text.comma ? position + 2 : position + 1
      let closing = Text.closingQuote(text, from: name)
      let start = closing + 2
      steps -= 1
      guard compares(closing - name) else { return false }
      var isEvaluated = false
      let found = find(rule.keys, text, name, closing)
      if found >= 0 {
        let key = program.tables.keys[found]
        if key.isRequired { required += 1 }
        if key.node != Program.none {
          isEvaluated = true
          guard holds(key.node, text, start, Self.untracked) else { return false }
        }
      }
      if !rule.patterns.isEmpty {
        guard holdsPatterns(rule.patterns, text, name, closing, &isEvaluated) else { return false }
      }
      if rule.names != Program.none {
        // A key with its quotes is a string like any other.
        guard holds(rule.names, text, name - 1, Self.untracked) else {
          return isExhausted ? false : fail(.propertyNames, start)
        }
      }
      if !isEvaluated, rule.additional != Program.none {
        isEvaluated = true
        if rule.additional == Program.nothing { return fail(.additionalProperties, start) }
        guard holds(rule.additional, text, start, Self.untracked) else { return false }
      }
      if isEvaluated, frame >= 0 { mark(frame, count) }
      count += 1
      if count > rule.maximum { return fail(.maxProperties, at, index) }
      position = end(text, start)
    }
    self.found(at, end: position + 1)
    if count < rule.minimum { return fail(.minProperties, at, index) }
    if required < rule.required { return failRequired(rule.keys, text, at) }
    return true
  }

  private mutating func holdsPatterns(
    _ patterns: Range<Int32>, _ text: Span<UInt8>, _ name: Int, _ closing: Int,
    _ isEvaluated: inout Bool
  ) -> Bool {
    var index = patterns.lowerBound
    while index < patterns.upperBound {
      let (pattern, node) = program.tables.patternNodes[Int(index)]
      if matches(pattern, text, name, closing) {
        isEvaluated = true
        guard holds(node, text, closing + 2, Self.untracked) else { return false }
      }
      if isExhausted { return false }
      index += 1
    }
    return true
  }

  /// Which of some keys this is, -1 for none.
  private func find(
    _ keys: Range<Int32>, _ text: Span<UInt8>, _ name: Int, _ closing: Int
  ) -> Int {
    let program = self.program
    let kept = program.tables.texts
    let texts = kept.span
    let length = Int32(truncatingIfNeeded: closing - name)
    if keys.count <= Compiler.fewKeys {
      var index = Int(keys.lowerBound)
      while index < Int(keys.upperBound) {
        let key = program.tables.keys[index]
        if key.end - key.start == length,
          Text.matches(text, name, texts, Int(key.start), Int(key.end))
        {
          return index
        }
        index += 1
      }
      return -1
    }
    var low = Int(keys.lowerBound)
    var high = Int(keys.upperBound)
    while low < high {
      let middle = (low + high) / 2
      let key = program.tables.keys[middle]
      var order = key.end - key.start - length
      var offset = 0
      while order == 0, offset < length {
        order = Int32(texts[Int(key.start) + offset]) - Int32(text[name + offset])
        offset += 1
      }
      if order == 0 { return middle }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return -1
  }

  /// Where the value of a member begins, -1 if the object has no such key.
  private mutating func member(
    _ text: Span<UInt8>, _ at: Int, _ keyStart: Int32, _ keyEnd: Int32
  ) -> Int {
    let program = self.program
    let kept = program.tables.texts
    let texts = kept.span
    var position = at + 1
    while text[position] != Text.objectEnd {
      let name = text[position] == Text.comma ? position + 2 : position + 1
      let closing = Text.closingQuote(text, from: name)
      steps -= 1
      guard charge(closing - name) else { return -1 }
      if closing - name == Int(keyEnd - keyStart) {
        guard compares(closing - name) else { return -1 }
        if Text.matches(text, name, texts, Int(keyStart), Int(keyEnd)) { return closing + 2 }
      }
      position = end(text, closing + 2)
      if steps < 0 {
        _ = exhaust()
        return -1
      }
    }
    return -1
  }

  private mutating func failRequired(
    _ keys: Range<Int32>, _ text: Span<UInt8>, _ at: Int
  ) -> Bool {
    for index in keys {
      let key = program.tables.keys[Int(index)]
      if key.isRequired, member(text, at, key.start, key.end) < 0 {
        return isExhausted ? false : fail(.required, at, index)
      }
    }
    return fail(.required, at, keys.lowerBound)
  }

  /// `dependentRequired`: `a` to `b` are dependencies.
  mutating func hasDependents(_ rule: Rule, _ text: Span<UInt8>, _ at: Int) -> Bool {
    for index in rule.a..<rule.b {
      let dependency = program.tables.dependencies[Int(index)]
      guard member(text, at, dependency.start, dependency.end) >= 0 else {
        if isExhausted { return false }
        continue
      }
      for index in dependency.keys {
        let key = program.tables.keys[Int(index)]
        if member(text, at, key.start, key.end) < 0 {
          return isExhausted ? false : fail(.dependentRequired, at, index)
        }
      }
    }
    return true
  }

  /// `dependentSchemas`: `a` to `b` are dependencies.
  mutating func holdsDependents(
    _ rule: Rule, _ text: Span<UInt8>, _ at: Int, _ frame: Int
  ) -> Bool {
    for index in rule.a..<rule.b {
      let dependency = program.tables.dependencies[Int(index)]
      if member(text, at, dependency.start, dependency.end) >= 0 {
        guard holds(dependency.node, text, at, frame) else { return false }
      }
      if isExhausted { return false }
    }
    return true
  }
}
