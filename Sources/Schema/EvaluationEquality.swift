import Wire

extension Evaluation {
  /// Whether two values are equal as JSON Schema says: numbers by value, objects in any order.
  mutating func isEqual(
    _ text: Span<UInt8>, _ at: Int, _ other: Span<UInt8>, _ otherAt: Int
  ) -> Bool {
    steps -= 1
    guard steps >= 0 else { return exhaust() }
    let kind = Text.kind(text[at])
    guard kind == Text.kind(other[otherAt]) else { return false }
    switch kind {
    case .string:
      let end = Text.end(other, from: otherAt)
      guard compares(end - otherAt) else { return false }
      return Text.matches(text, at, other, otherAt, end)
    case .number:
      let end = Text.numberEnd(text, from: at)
      let otherEnd = Text.numberEnd(other, from: otherAt)
      if let one = Bound.small(text, at, end), let two = Bound.small(other, otherAt, otherEnd) {
        return one == two
      }
      guard charge((end - at + otherEnd - otherAt) << 3) else { return false }
      guard let one = Decimal(text, at, end), let two = Decimal(other, otherAt, otherEnd) else {
        return exhaust()
      }
      return one.compare(text, two, other) == 0
    case .array, .object:
      guard depth < program.maxDepth else { return exhaust() }
      depth += 1
      let result =
        kind == .array
        ? isEqualArray(text, at, other, otherAt) : isEqualObject(text, at, other, otherAt)
      depth -= 1
      return result
    default: return text[at] == other[otherAt]
    }
  }

  private mutating func isEqualArray(
    _ text: Span<UInt8>, _ at: Int, _ other: Span<UInt8>, _ otherAt: Int
  ) -> Bool {
    var one = at + 1
    var two = otherAt + 1
    while text[one] != Text.arrayEnd, other[two] != Text.arrayEnd {
      if text[one] == Text.comma { one += 1 }
      if other[two] == Text.comma { two += 1 }
      guard isEqual(text, one, other, two) else { return false }
      one = skip(text, one)
      two = skip(other, two)
    }
    return text[one] == other[two]
  }

  private mutating func isEqualObject(
    _ text: Span<UInt8>, _ at: Int, _ other: Span<UInt8>, _ otherAt: Int
  ) -> Bool {
    var count = 0
    var position = at + 1
    // Members mostly come in the same order; the search begins behind the one found last.
    var hint = otherAt + 1
    while text[position] != Text.objectEnd {
      let name = text[position] == Text.comma ? position + 2 : position + 1
      let closing = Text.closingQuote(text, from: name)
      guard charge(closing - name) else { return false }
      let found = member(other, otherAt, from: &hint, text, name, closing)
      guard found >= 0, isEqual(text, closing + 2, other, found) else { return false }
      count += 1
      position = skip(text, closing + 2)
    }
    var otherCount = 0
    position = otherAt + 1
    while other[position] != Text.objectEnd {
      let name = other[position] == Text.comma ? position + 2 : position + 1
      otherCount += 1
      steps -= 1
      let closing = Text.closingQuote(other, from: name)
      guard charge(closing - name) else { return false }
      position = skip(other, closing + 2)
    }
    return count == otherCount
  }

  /// Where the value of a member begins that has the key of another object, -1 for none.
  private mutating func member(
    _ text: Span<UInt8>, _ at: Int, from hint: inout Int, _ key: Span<UInt8>, _ start: Int,
    _ end: Int
  ) -> Int {
    let first = hint
    var position = hint
    var isWrapped = false
    while true {
      if text[position] == Text.objectEnd {
        if isWrapped { return -1 }
        isWrapped = true
        position = at + 1
        if text[position] == Text.objectEnd { return -1 }
      }
      if isWrapped, position >= first { return -1 }
      let name = text[position] == Text.comma ? position + 2 : position + 1
      let closing = Text.closingQuote(text, from: name)
      let next = skip(text, closing + 2)
      steps -= 1
      guard !isExhausted, charge(closing - name) else {
        _ = exhaust()
        return -1
      }
      if closing - name == end - start {
        guard compares(closing - name) else { return -1 }
        if Text.matches(text, name, key, start, end) {
          hint = next
          return closing + 2
        }
      }
      position = next
    }
  }

  /// Where a value ends, in a text that need not be the one that is checked.
  private mutating func skip(_ text: Span<UInt8>, _ start: Int) -> Int {
    let end = Text.end(text, from: start)
    _ = charge(end - start)
    return end
  }

  /// A hash that equal values have in common; nobody outside can tell which values share one.
  mutating func hash(_ text: Span<UInt8>, _ at: Int) -> UInt64 {
    steps -= 1
    guard steps >= 0, depth < program.maxDepth else {
      _ = exhaust()
      return 0
    }
    switch Text.kind(text[at]) {
    case .number:
      let end = Text.numberEnd(text, from: at)
      var hasher = Hasher()
      if let small = Bound.small(text, at, end) {
        hasher.combine(small)
        return UInt64(UInt(bitPattern: hasher.finalize()))
      }
      guard charge((end - at) << 3), let decimal = Decimal(text, at, end) else {
        _ = exhaust()
        return 0
      }
      decimal.hash(text, into: &hasher)
      return UInt64(UInt(bitPattern: hasher.finalize()))
    case .array:
      depth += 1
      var hasher = Hasher()
      var position = at + 1
      while text[position] != Text.arrayEnd {
        if text[position] == Text.comma { position += 1 }
        hasher.combine(hash(text, position))
        position = skip(text, position)
      }
      depth -= 1
      return UInt64(UInt(bitPattern: hasher.finalize()))
    case .object:
      depth += 1
      // A sum does not know the order.
      var sum: UInt64 = 1
      var position = at + 1
      while text[position] != Text.objectEnd {
        let name = text[position] == Text.comma ? position + 2 : position + 1
        let closing = Text.closingQuote(text, from: name)
        _ = compares(closing - name)
        var hasher = Hasher()
        hasher.combine(seededHash(text.extracting(name..<closing)))
        hasher.combine(hash(text, closing + 2))
        sum &+= UInt64(UInt(bitPattern: hasher.finalize()))
        position = skip(text, closing + 2)
      }
      depth -= 1
      return sum
    default:
      let end = Text.end(text, from: at)
      _ = compares(end - at)
      return seededHash(text.extracting(at..<end))
    }
  }
}
