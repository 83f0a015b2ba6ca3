/// The lexical parts of JSON: each reads from `at`, writes the canonical form and moves `at` on.
enum Lexeme {
  /// A string, from its opening quote to after the closing one; `isSuspect` is set when it may
  /// hold an unseen character, and never reset.
  @inline(__always)
  static func string(
    _ input: Span<UInt8>, _ at: inout Int, _ out: inout OutputSpan<UInt8>,
    _ isSuspect: inout Bool
  ) throws(WireError) {
    out.append(Canonical.quote)
    at += 1
    while true {
      at = copyPlain(input, from: at, to: &out)
      guard at < input.count else { throw WireError(.truncated, at: at) }
      let byte = input[at]
      if byte == Canonical.quote {
        out.append(byte)
        at += 1
        return
      }
      if byte == Canonical.backslash {
        // The escapes that are canonical already, by far the most common.
        if at + 1 < input.count, isCanonicalEscape(input[at + 1]) {
          out.append(byte)
          out.append(input[at + 1])
          at += 2
        } else {
          try escape(input, &at, &out, &isSuspect)
        }
      } else if byte >= 0x80 {
        try multibyte(input, &at, &out, &isSuspect)
      } else if byte == 0x7F {
        isSuspect = true
        out.append(byte)
        at += 1
      } else {
        throw WireError(Self.reason(control: byte), at: at)
      }
    }
  }

  @inline(__always)
  private static func isCanonicalEscape(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "n"), UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "t"): true
    default: false
    }
  }

  /// Why a byte that cannot stand here is refused.
  static func reason(control byte: UInt8) -> WireReason {
    switch byte {
    case 0: .nulByte
    case 0x0d: .rawCarriageReturn
    case 0xef, 0xfe, 0xff: .byteOrderMark
    default: byte < 0x20 ? .controlCharacter : .syntax
    }
  }

  /// A run of characters outside ASCII, checked against Unicode 16.0 table 3-7.
  private static func multibyte(
    _ input: Span<UInt8>, _ at: inout Int, _ out: inout OutputSpan<UInt8>,
    _ isSuspect: inout Bool
  ) throws(WireError) {
    let end = input.count
    while at < end {
      let first = input[at]
      if first < 0x80 {
        // Of most writing there is more behind a space.
        guard first == 0x20, at + 1 < end, input[at + 1] >= 0x80 else { return }
        out.append(first)
        at += 1
        continue
      }
      // Two bytes, of which nothing but the second can be wrong: most of the writing of Europe and
      // the Near East.
      if first >= 0xc2, first <= 0xdf, end - at >= 2, input[at + 1] & 0xc0 == 0x80 {
        if first <= 0xd8, Suspicion.isRaised(by: first, input[at + 1], 0) { isSuspect = true }
        out.append(first)
        out.append(input[at + 1])
        at += 2
        continue
      }
      // Three bytes whose second needs no special bounds: most of the writing of Asia.
      if first >= 0xe1, first <= 0xec, end - at >= 3, input[at + 1] & 0xc0 == 0x80,
        input[at + 2] & 0xc0 == 0x80
      {
        if first <= 0xe3, Suspicion.isRaised(by: first, input[at + 1], input[at + 2]) {
          isSuspect = true
        }
        out.append(first)
        out.append(input[at + 1])
        out.append(input[at + 2])
        at += 3
        continue
      }
      let length: Int
      // The bounds of the second byte exclude overlong forms, surrogates and above U+10FFFF.
      var low: UInt8 = 0x80
      var high: UInt8 = 0xbf
      switch first {
      case 0xc2...0xdf: length = 2
      case 0xe0...0xef:
        length = 3
        if first == 0xe0 { low = 0xa0 } else if first == 0xed { high = 0x9f }
      case 0xf0...0xf4:
        length = 4
        if first == 0xf0 { low = 0x90 } else if first == 0xf4 { high = 0x8f }
      default: throw WireError(.invalidUTF8, at: at)
      }
      guard end - at >= length else { throw WireError(.invalidUTF8, at: at) }
      let second = input[at + 1]
      guard second >= low, second <= high else { throw WireError(.invalidUTF8, at: at) }
      out.append(first)
      out.append(second)
      var index = 2
      while index < length {
        let byte = input[at + index]
        guard byte & 0xc0 == 0x80 else { throw WireError(.invalidUTF8, at: at) }
        out.append(byte)
        index += 1
      }
      if Suspicion.isRaised(by: first, second, length > 2 ? input[at + 2] : 0) { isSuspect = true }
      at += length
    }
  }

  /// An escape, from its backslash on.
  private static func escape(
    _ input: Span<UInt8>, _ at: inout Int, _ out: inout OutputSpan<UInt8>,
    _ isSuspect: inout Bool
  ) throws(WireError) {
    guard at + 1 < input.count else { throw WireError(.truncated, at: at) }
    let scalar: UInt32
    switch input[at + 1] {
    case UInt8(ascii: "\""): scalar = 0x22
    case UInt8(ascii: "\\"): scalar = 0x5c
    case UInt8(ascii: "/"): scalar = 0x2f
    case UInt8(ascii: "b"): scalar = 8
    case UInt8(ascii: "f"): scalar = 12
    case UInt8(ascii: "n"): scalar = 10
    case UInt8(ascii: "r"): scalar = 13
    case UInt8(ascii: "t"): scalar = 9
    case UInt8(ascii: "u"):
      let unit = try codeUnit(input, at)
      guard unit & 0xf800 == 0xd800 else {
        at += 6
        if isSuspicious(unit) { isSuspect = true }
        Canonical.append(unit, to: &out)
        return
      }
      guard unit < 0xdc00, at + 7 < input.count, input[at + 6] == Canonical.backslash,
        input[at + 7] == UInt8(ascii: "u")
      else { throw WireError(.loneSurrogate, at: at) }
      let low = try codeUnit(input, at + 6)
      guard low & 0xfc00 == 0xdc00 else { throw WireError(.loneSurrogate, at: at) }
      at += 12
      let scalar = 0x10000 + ((unit & 0x3ff) << 10 | low & 0x3ff)
      if isSuspicious(scalar) { isSuspect = true }
      Canonical.append(scalar, to: &out)
      return
    default: throw WireError(.badEscape, at: at)
    }
    at += 2
    if scalar != 13 {
      if scalar < 0x20, scalar != 9, scalar != 10 { isSuspect = true }
    } else if !(at + 1 < input.count && input[at] == Canonical.backslash
      && input[at + 1] == UInt8(ascii: "n"))
    {
      // A carriage return is nothing unusual before a line feed, and only there.
      isSuspect = true
    }
    Canonical.append(scalar, to: &out)
  }

  /// Whether a character that was written as `\uXXXX` may be an unseen one.
  private static func isSuspicious(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 { return scalar < 0x20 && scalar != 9 && scalar != 10 || scalar == 0x7F }
    return Unicode.Scalar(scalar)?.isUnseen ?? true
  }

  /// The code unit of the `\uXXXX` that begins at `at`.
  private static func codeUnit(_ input: Span<UInt8>, _ at: Int) throws(WireError) -> UInt32 {
    guard at + 6 <= input.count else { throw WireError(.badEscape, at: at) }
    var unit: UInt32 = 0
    var index = at + 2
    while index < at + 6 {
      let digit: UInt8
      switch input[index] {
      case 0x30...0x39: digit = input[index] - 0x30
      case 0x41...0x46: digit = input[index] - 0x37
      case 0x61...0x66: digit = input[index] - 0x57
      default: throw WireError(.badEscape, at: at)
      }
      unit = unit << 4 | UInt32(digit)
      index += 1
    }
    return unit
  }

  /// A number (RFC 8259 section 6), kept as it is written.
  static func number(
    _ input: Span<UInt8>, _ at: inout Int, _ out: inout OutputSpan<UInt8>
  ) throws(WireError) {
    let start = at
    if input[at] == UInt8(ascii: "-") {
      out.append(input[at])
      at += 1
    }
    if at < input.count, input[at] == UInt8(ascii: "0") {
      out.append(input[at])
      at += 1
    } else {
      guard digits(input, &at, &out) else { throw WireError(.badNumber, at: start) }
    }
    if at < input.count, input[at] == UInt8(ascii: ".") {
      out.append(input[at])
      at += 1
      guard digits(input, &at, &out) else { throw WireError(.badNumber, at: start) }
    }
    if at < input.count, input[at] | 0x20 == UInt8(ascii: "e") {
      out.append(input[at])
      at += 1
      if at < input.count, input[at] == UInt8(ascii: "+") || input[at] == UInt8(ascii: "-") {
        out.append(input[at])
        at += 1
      }
      guard digits(input, &at, &out) else { throw WireError(.badNumber, at: start) }
    }
    if at < input.count, input[at] &- 0x30 < 10 { throw WireError(.badNumber, at: start) }
  }

  /// One or more digits; false if there is none.
  @inline(__always)
  private static func digits(
    _ input: Span<UInt8>, _ at: inout Int, _ out: inout OutputSpan<UInt8>
  ) -> Bool {
    let start = at
    while at < input.count, input[at] &- 0x30 < 10 {
      out.append(input[at])
      at += 1
    }
    return at > start
  }

  /// `true`, `false` or `null`.
  @inline(__always)
  static func literal(
    _ text: StaticString, _ input: Span<UInt8>, _ at: inout Int, _ out: inout OutputSpan<UInt8>
  ) throws(WireError) {
    let end = at + text.utf8CodeUnitCount
    guard end <= input.count, text.equals(input, at, end) else {
      throw WireError(.syntax, at: at)
    }
    while at < end {
      out.append(input[at])
      at += 1
    }
  }
}
