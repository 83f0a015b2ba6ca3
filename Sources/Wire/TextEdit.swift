/// Canonical bytes in the making: a copy of others with some parts replaced.
///
/// What stays is copied in large pieces, and nothing is copied as long as nothing changes.
struct TextEdit: Sendable {
  private(set) var output: [UInt8] = []
  /// Up to where the input is in the output.
  private var copied = 0

  /// Whether nothing was replaced.
  var isUnchanged: Bool { copied == 0 }

  /// Where what is at `at` of the input will be in the output.
  func position(_ at: Int) -> Int { output.count + at - copied }

  /// Copies up to `start`, and leaves out what follows up to `end`.
  mutating func skip(_ input: Span<UInt8>, _ start: Int, _ end: Int) {
    // Growing step by step would hold a large message twice at each step; what is reserved and never
    // written to takes no memory. Written out, most characters are up to four times as long.
    if output.isEmpty, input.count > 64 << 10 { output.reserveCapacity(4 * input.count) }
    copy(input, to: start)
    copied = end
  }

  /// Copies up to `end`.
  mutating func copy(_ input: Span<UInt8>, to end: Int) {
    guard end > copied else { return }
    output.append(addingCapacity: end - copied) { out in
      out.append(bytes: input.extracting(copied..<end))
    }
    copied = end
  }

  /// Appends a text of ours that needs no escape.
  mutating func append(_ text: StaticString) { output.appendText(text) }

  /// Appends a number in decimal.
  mutating func append(_ number: Int) {
    output.append(addingCapacity: 20) { out in out.append(decimal: Int64(number)) }
  }

  /// Appends a character written out: `\u{200b}`, its backslash escaped.
  mutating func append(shown scalar: UInt32) { output.appendShown(scalar) }

  /// Cuts the output back to `end`, no further than to where a character begins, and past
  /// characters that would not be seen; `start` is where its string began. Returns the bytes that
  /// were taken off.
  mutating func cut(to end: Int, from start: Int) -> Int {
    var at = boundary(end, start)
    while at > start, let before = output.span.lastUnseen(start, at) { at = before }
    let taken = output.count - at
    output.removeLast(taken)
    return taken
  }

  /// The last place up to `end` where neither a character nor an escape is torn.
  private func boundary(_ end: Int, _ start: Int) -> Int {
    var at = end
    while at > start, output[at] & 0xC0 == 0x80 { at -= 1 }
    // Of an escape of six bytes, the backslash may be up to five before.
    var from = max(at - 5, start)
    while from < at {
      if output[from] == Canonical.backslash, backslashes(before: from, start) % 2 == 0 {
        let length = output[from + 1] == UInt8(ascii: "u") ? 6 : 2
        if from + length > at { return from }
        from += length
      } else {
        from += 1
      }
    }
    return at
  }

  private func backslashes(before at: Int, _ start: Int) -> Int {
    var count = 0
    while at - count > start, output[at - count - 1] == Canonical.backslash { count += 1 }
    return count
  }
}

extension [UInt8] {
  /// Appends a character written out, as the content of a canonical string: `\u{200b}`, with its
  /// backslash escaped.
  public mutating func appendShown(_ scalar: UInt32) {
    appendText(#"\\u{"#)
    var shift: UInt32 = 20
    while shift > 0, scalar >> shift == 0 { shift -= 4 }
    while true {
      append(Canonical.hex(scalar >> shift & 15))
      if shift == 0 { break }
      shift -= 4
    }
    append(UInt8(ascii: "}"))
  }
}

extension Span<UInt8> {
  /// The character beyond ASCII that begins at `at`, and its length; the bytes are valid UTF-8.
  @inline(__always)
  func scalar(at: Int) -> (value: UInt32, length: Int) {
    let first = self[at]
    let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    var value = UInt32(first) & (0x7F >> UInt32(length))
    var index = 1
    while index < length {
      value = value << 6 | UInt32(self[at + index] & 0x3F)
      index += 1
    }
    return (value, length)
  }

  /// The character that ends before `at`, and where it begins; (0, at) if nothing is there.
  func scalar(before at: Int, from start: Int) -> (value: UInt32, start: Int) {
    guard at > start else { return (0, at) }
    var begin = at - 1
    while begin > start, self[begin] & 0xC0 == 0x80 { begin -= 1 }
    return (self[begin] < 0x80 ? UInt32(self[begin]) : scalar(at: begin).value, begin)
  }

  /// Where the unseen character begins that ends before `at`; nil if it is none.
  fileprivate func lastUnseen(_ start: Int, _ at: Int) -> Int? {
    let last = scalar(before: at, from: start)
    guard last.value >= 0x7F, Unicode.Scalar(last.value)?.isUnseen ?? true else { return nil }
    return last.start
  }
}
