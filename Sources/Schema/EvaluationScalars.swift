extension Evaluation {
  /// `enum`: `a` to `b` are constants.
  mutating func isOneOf(_ rule: Rule, _ text: Span<UInt8>, _ at: Int) -> Bool {
    let program = self.program
    let kind = Text.kind(text[at])
    var index = Int(rule.a)
    while index < Int(rule.b) {
      steps -= 1
      guard steps >= 0 else { return exhaust() }
      let constant = program.tables.constants[index]
      if constant.kind == kind, isEqual(constant, text, at) { return true }
      if isExhausted { return false }
      index += 1
    }
    return fail(.enumeration, at)
  }

  /// `const`: `a` is a constant.
  mutating func isConstant(_ rule: Rule, _ text: Span<UInt8>, _ at: Int) -> Bool {
    let constant = program.tables.constants[Int(rule.a)]
    if constant.kind == Text.kind(text[at]), isEqual(constant, text, at) { return true }
    return isExhausted ? false : fail(.constant, at)
  }

  private mutating func isEqual(_ constant: Constant, _ text: Span<UInt8>, _ at: Int) -> Bool {
    let program = self.program
    let kept = program.tables.texts
    let texts = kept.span
    switch constant.kind {
    case .boolean, .null: return text[at] == texts[Int(constant.start)]
    case .string:
      // Both are canonical, so those of another length are others.
      let length = end(text, at) - at
      guard length == Int(constant.end - constant.start) else { return false }
      guard compares(length) else { return false }
      return Text.matches(text, at, texts, Int(constant.start), Int(constant.end))
    default: return isEqual(text, at, texts, Int(constant.start))
    }
  }

  /// Bounds of numbers: `a` is a bound.
  mutating func isInBound(_ rule: Rule, _ text: Span<UInt8>, _ at: Int) -> Bool {
    let program = self.program
    let bound = program.tables.bounds[Int(rule.a)]
    let end = end(text, at)
    let order: Int
    if bound.isSmall, let small = Bound.small(text, at, end) {
      if rule.operation == .multipleOf {
        return small % bound.small == 0 ? true : fail(.multipleOf, at, rule.a)
      }
      order = small < bound.small ? -1 : small > bound.small ? 1 : 0
    } else {
      guard charge((end - at) << 3), let decimal = Decimal(text, at, end) else { return exhaust() }
      if rule.operation == .multipleOf {
        return bound.divides(decimal, text) ? true : fail(.multipleOf, at, rule.a)
      }
      let kept = program.tables.texts
      order = decimal.compare(text, bound.decimal, kept.span)
    }
    switch rule.operation {
    case .maximum: return order <= 0 ? true : fail(.maximum, at, rule.a)
    case .exclusiveMaximum: return order < 0 ? true : fail(.exclusiveMaximum, at, rule.a)
    case .minimum: return order >= 0 ? true : fail(.minimum, at, rule.a)
    default: return order > 0 ? true : fail(.exclusiveMinimum, at, rule.a)
    }
  }

  /// `maxLength` and `minLength`: `a` is the length in characters.
  mutating func hasLength(_ rule: Rule, _ text: Span<UInt8>, _ at: Int) -> Bool {
    let end = end(text, at)
    let bytes = end - at - 2
    let wanted = Int(rule.a)
    if rule.operation == .maxLength {
      if bytes <= wanted { return true }
      guard charge(bytes << 3) else { return false }
      return Text.length(text, at + 1, end - 1) <= wanted ? true : fail(.maxLength, at, rule.a)
    }
    // A character has at most six bytes, as an escape.
    if bytes < wanted { return fail(.minLength, at, rule.a) }
    if bytes / 6 >= wanted { return true }
    guard charge(bytes << 3) else { return false }
    return Text.length(text, at + 1, end - 1) >= wanted ? true : fail(.minLength, at, rule.a)
  }

  /// `pattern`: `a` is a pattern.
  mutating func hasPattern(_ rule: Rule, _ text: Span<UInt8>, _ at: Int) -> Bool {
    if matches(rule.a, text, at + 1, end(text, at) - 1) { return true }
    return isExhausted ? false : fail(.pattern, at, rule.a)
  }

  /// Whether a pattern is found in the content of a string or key.
  mutating func matches(_ pattern: Int32, _ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    let program = self.program
    guard compares(end - start) else { return false }
    var result: Bool?
    if Text.hasEscape(text, start, end) {
      let content = Text.unescaped(text, start, end)
      result = matcher.matches(
        program.tables.patterns[Int(pattern)], content.span, steps: &steps)
    } else {
      result = matcher.matches(
        program.tables.patterns[Int(pattern)], text.extracting(start..<end), steps: &steps)
    }
    guard let result else { return exhaust() }
    return result
  }
}
