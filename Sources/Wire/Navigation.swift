extension Document {
  /// The member of that name of an object, nil if it is absent or the value is not an object.
  ///
  /// The key is compared byte for byte with the canonical key, so it must be written without
  /// anything that needs an escape.
  public func member(_ key: StaticString, of value: Value) -> Value? {
    if index.covers(value) {
      for entry in index.entries where key.equals(bytes, entry.key) { return entry.value }
      return nil
    }
    var members = members(of: value).makeIterator()
    while let (name, member) = members.next() {
      if key.equals(bytes, name) { return member }
    }
    return nil
  }

  /// The members of an object in their order, none for any other value.
  public func members(of value: Value) -> Members {
    Members(bytes: bytes, value: value, index: index.covers(value) ? index.entries : nil)
  }

  /// Calls `body` with each member of an object in their order: where its key's canonical content
  /// is (without quotes), and its value. Cheaper than ``members(of:)``, which holds the bytes.
  public func forEachMember(of value: Value, _ body: (Range<Int>, Value) -> Void) {
    if index.covers(value) {
      for at in index.entries.indices { body(index.entries[at].key, index.entries[at].value) }
    } else {
      walk(value, body)
    }
  }

  /// Calls `body` with each member of an object of which there is no index.
  private func walk(_ value: Value, _ body: (Range<Int>, Value) -> Void) {
    guard value.kind == .object else { return }
    let span = bytes.span
    var at = value.range.lowerBound + 1
    while at < span.count, span[at] != UInt8(ascii: "}") {
      let name = span[at] == UInt8(ascii: ",") ? at + 2 : at + 1
      let closing = Canonical.closingQuote(span, from: name)
      let start = closing + 2
      at = Canonical.end(span, from: start)
      body(name..<closing, Value(Canonical.kind(span[start]), start..<at))
    }
  }

  /// The elements of an array in their order, none for any other value.
  public func elements(of value: Value) -> Elements { Elements(bytes: bytes, value: value) }

  /// Whether `method` is exactly this.
  public func methodIs(_ name: StaticString) -> Bool {
    guard let method else { return false }
    return name.equals(bytes, method)
  }

  /// Whether a value is a string whose unescaped content is exactly these bytes.
  public func string(_ value: Value, equals utf8: [UInt8]) -> Bool {
    guard value.kind == .string else { return false }
    let span = bytes.span
    var at = value.range.lowerBound + 1
    let end = value.range.upperBound - 1
    var index = 0
    while at < end {
      guard index < utf8.count else { return false }
      var byte = span[at]
      at += 1
      // Every escape in canonical text stands for one ASCII byte.
      if byte == Canonical.backslash {
        byte = UInt8(truncatingIfNeeded: Canonical.escaped(span, &at))
      }
      guard byte == utf8[index] else { return false }
      index += 1
    }
    return index == utf8.count
  }

  /// The unescaped content of a string, empty for any other value.
  public func utf8(_ value: Value) -> [UInt8] {
    guard value.kind == .string else { return [] }
    return utf8(content: value.range.lowerBound + 1..<value.range.upperBound - 1)
  }

  /// The unescaped form of string content, such as the key of a member.
  public func utf8(content range: Range<Int>) -> [UInt8] {
    let span = bytes.span
    var at = range.lowerBound
    guard bytes[range].contains(Canonical.backslash) else { return Array(bytes[range]) }
    var content: [UInt8] = []
    content.reserveCapacity(range.count)
    while at < range.upperBound {
      let byte = span[at]
      at += 1
      content.append(
        byte == Canonical.backslash
          ? UInt8(truncatingIfNeeded: Canonical.escaped(span, &at)) : byte)
    }
    return content
  }

  /// The value of a number that was written as an integer (no fraction, no exponent, not `-0`)
  /// and fits, nil for anything else.
  public func integer(_ value: Value) -> Int64? {
    guard value.kind == .number else { return nil }
    var at = value.range.lowerBound
    let negative = bytes[at] == UInt8(ascii: "-")
    if negative { at += 1 }
    var number: Int64 = 0
    while at < value.range.upperBound {
      let digit = bytes[at] &- 0x30
      guard digit < 10 else { return nil }
      let (tens, tooMany) = number.multipliedReportingOverflow(by: 10)
      let (sum, over) =
        negative
        ? tens.subtractingReportingOverflow(Int64(digit))
        : tens.addingReportingOverflow(Int64(digit))
      guard !tooMany, !over else { return nil }
      number = sum
      at += 1
    }
    return negative && number == 0 ? nil : number
  }
}

/// The members of an object, in their order.
public struct Members: Sequence, Sendable {
  let bytes: [UInt8]
  let value: Value
  let index: [MemberIndex.Entry]?

  /// An iterator from the first member.
  public func makeIterator() -> Iterator {
    Iterator(
      bytes: bytes, index: index,
      at: index != nil
        ? 0 : value.kind == .object ? value.range.lowerBound + 1 : bytes.count)
  }

  /// Walks the members.
  public struct Iterator: IteratorProtocol, Sendable {
    let bytes: [UInt8]
    let index: [MemberIndex.Entry]?
    /// Of the next member: its number in the index, or where it is in the bytes.
    var at: Int

    /// The next member: where its key's canonical content is (without quotes), and its value.
    public mutating func next() -> (key: Range<Int>, value: Value)? {
      if let index {
        guard at < index.count else { return nil }
        at += 1
        return (index[at - 1].key, index[at - 1].value)
      }
      guard at < bytes.count, bytes[at] != UInt8(ascii: "}") else { return nil }
      let name = bytes[at] == UInt8(ascii: ",") ? at + 2 : at + 1
      let closing = Canonical.closingQuote(bytes.span, from: name)
      let start = closing + 2
      at = Canonical.end(bytes.span, from: start)
      return (name..<closing, Value(Canonical.kind(bytes[start]), start..<at))
    }
  }
}

/// The elements of an array, in their order.
public struct Elements: Sequence, Sendable {
  let bytes: [UInt8]
  let value: Value

  /// An iterator from the first element.
  public func makeIterator() -> Iterator {
    Iterator(bytes: bytes, at: value.kind == .array ? value.range.lowerBound + 1 : bytes.count)
  }

  /// Walks the elements.
  public struct Iterator: IteratorProtocol, Sendable {
    let bytes: [UInt8]
    var at: Int

    /// The next element.
    public mutating func next() -> Value? {
      guard at < bytes.count, bytes[at] != UInt8(ascii: "]") else { return nil }
      let start = bytes[at] == UInt8(ascii: ",") ? at + 1 : at
      at = Canonical.end(bytes.span, from: start)
      return Value(Canonical.kind(bytes[start]), start..<at)
    }
  }
}
