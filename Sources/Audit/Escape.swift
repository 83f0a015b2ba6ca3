internal import Wire

/// How the bytes of an untrusted text are to be read when they are written into a record.
public enum TextSource: Sendable {
  /// Any bytes at all; what is not UTF-8 becomes U+FFFD.
  case raw
  /// The content of a string of a decoded message: valid UTF-8 that carries its JSON escapes already.
  case canonical
  /// A whole canonical JSON value, whose quotes are its own.
  case value
}

extension [UInt8] {
  /// Appends an untrusted text as the content of a JSON string.
  ///
  /// Controls and every character that a terminal or a reader would not see (bidirectional controls,
  /// zero-width characters, tags, variation selectors) become `\uXXXX`, so that a record reads as
  /// what it is. A text longer than `limit` bytes of its source is cut between characters and ends
  /// in `…`.
  mutating func appendEscaped(_ text: Span<UInt8>, as source: TextSource, limit: Int) {
    var index = 0
    let end = text.count
    while index < end {
      let plain = plainRun(text, from: index, to: Swift.min(end, limit), source: source)
      if plain > index {
        append(addingCapacity: plain - index) { out in
          for offset in index..<plain { out.append(text[offset]) }
        }
        index = plain
        continue
      }
      let byte = text[index]
      let length: Int
      if byte < 0x80 {
        length = source == .canonical && byte == UInt8(ascii: "\\") ? escapeLength(text, index) : 1
        if source == .value, byte != 0x7F {
          append(byte)
          index += 1
          continue
        }
      } else {
        length = scalarLength(text, index)
      }
      if index + Swift.max(length, 1) > limit {
        append(contentsOf: [0xE2, 0x80, 0xA6])
        return
      }
      switch (byte, length) {
      case (_, 0):
        appendUnicodeEscape(0xFFFD)
        index += 1
        continue
      case (0..<0x80, 1): appendASCII(byte)
      case (0..<0x80, _):
        for offset in 0..<length { append(text[index + offset]) }
      default: appendScalar(text, at: index, length: length)
      }
      index += length
    }
  }

  /// Appends one ASCII character, escaped as JSON and our own rule on controls ask.
  private mutating func appendASCII(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      append(UInt8(ascii: "\\"))
      append(byte)
    case 0x20..<0x7F: append(byte)
    default: appendUnicodeEscape(UInt32(byte))
    }
  }

  /// Appends one character beyond ASCII whose bytes are known to be valid.
  private mutating func appendScalar(_ text: Span<UInt8>, at index: Int, length: Int) {
    var scalar: UInt32
    switch length {
    case 2: scalar = UInt32(text[index] & 0x1F)
    case 3: scalar = UInt32(text[index] & 0x0F)
    default: scalar = UInt32(text[index] & 0x07)
    }
    for offset in 1..<length { scalar = scalar << 6 | UInt32(text[index + offset] & 0x3F) }
    guard Unicode.Scalar(scalar)?.isUnseen ?? true else {
      for offset in 0..<length { append(text[index + offset]) }
      return
    }
    if scalar > 0xFFFF {
      appendUnicodeEscape(0xD800 + (scalar - 0x10000) >> 10)
      appendUnicodeEscape(0xDC00 + (scalar - 0x10000) & 0x3FF)
    } else {
      appendUnicodeEscape(scalar)
    }
  }

  /// Appends `\uXXXX` for a number of 16 bits.
  private mutating func appendUnicodeEscape(_ unit: UInt32) {
    append(UInt8(ascii: "\\"))
    append(UInt8(ascii: "u"))
    for shift: UInt32 in [12, 8, 4, 0] { append(hexDigit(UInt8(unit >> shift & 0xF))) }
  }

  /// Appends bytes as lower-case hexadecimal.
  mutating func appendHex(_ bytes: [UInt8]) {
    append(addingCapacity: 2 * bytes.count) { out in out.append(hex: bytes.span) }
  }
}

extension Span<UInt8> {
  /// Whether a text is written as it stands: it is short and nothing in it needs an escape.
  func isShownWhole(limit: Int) -> Bool {
    count <= limit && plainRun(self, from: 0, to: count, source: .raw) == count
  }
}

/// Where the run of ASCII that is written as it stands ends.
private func plainRun(
  _ text: Span<UInt8>, from start: Int, to end: Int, source: TextSource
) -> Int {
  guard source == .value else { return start < end ? min(plainEnd(text, from: start), end) : start }
  var index = start
  while index < end {
    guard text[index] >= 0x20, text[index] < 0x7F else { break }
    index += 1
  }
  return index
}

/// The lower-case hexadecimal digit for a number below 16.
private func hexDigit(_ nibble: UInt8) -> UInt8 {
  nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
}

/// The length of the escape that begins at a backslash of canonical text; 1 if it is none.
private func escapeLength(_ text: Span<UInt8>, _ index: Int) -> Int {
  guard index + 1 < text.count else { return 1 }
  switch text[index + 1] {
  case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
    UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
    return 2
  case UInt8(ascii: "u"):
    guard index + 6 <= text.count else { return 1 }
    for offset in 2..<6 where !isHexDigit(text[index + offset]) { return 1 }
    return 6
  default: return 1
  }
}

private func isHexDigit(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
    UInt8(ascii: "A")...UInt8(ascii: "F"):
    true
  default: false
  }
}

/// The length of the UTF-8 character that begins at `index`, 0 if it is not one (Unicode, table 3-7).
private func scalarLength(_ text: Span<UInt8>, _ index: Int) -> Int {
  let first = text[index]
  let length: Int
  var low: UInt8 = 0x80
  var high: UInt8 = 0xBF
  switch first {
  case 0xC2...0xDF: length = 2
  case 0xE0...0xEF:
    length = 3
    if first == 0xE0 { low = 0xA0 }
    if first == 0xED { high = 0x9F }
  case 0xF0...0xF4:
    length = 4
    if first == 0xF0 { low = 0x90 }
    if first == 0xF4 { high = 0x8F }
  default: return 0
  }
  guard index + length <= text.count, text[index + 1] >= low, text[index + 1] <= high else {
    return 0
  }
  for offset in 2..<Swift.max(length, 2) where text[index + offset] & 0xC0 != 0x80 { return 0 }
  return length
}
