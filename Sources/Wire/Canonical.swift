/// Walks canonical bytes, which the decoder made: nothing here has to be validated again.
public enum Canonical {
  static let quote = UInt8(ascii: "\"")
  static let backslash = UInt8(ascii: "\\")

  /// The character behind an escape whose backslash has just been read.
  static func escaped(_ bytes: Span<UInt8>, _ at: inout Int) -> UInt32 {
    let letter = bytes[at]
    at += 1
    switch letter {
    case UInt8(ascii: "b"): return 8
    case UInt8(ascii: "f"): return 12
    case UInt8(ascii: "n"): return 10
    case UInt8(ascii: "r"): return 13
    case UInt8(ascii: "t"): return 9
    case UInt8(ascii: "u"):
      // Always \u00 and two lower-case digits.
      let value = digit(bytes[at + 2]) << 4 | digit(bytes[at + 3])
      at += 4
      return value
    default: return UInt32(letter)
    }
  }

  private static func digit(_ byte: UInt8) -> UInt32 {
    UInt32(byte < 0x3a ? byte &- 0x30 : byte &- 0x57)
  }

  /// Where the closing quote of a string is whose content begins at `start`.
  @inline(__always)
  public static func closingQuote(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var at = start
    while true {
      at = firstIndex(of: quote, or: backslash, in: bytes, from: at)
      if at >= bytes.count || bytes[at] == quote { return at }
      at += 2
    }
  }

  /// The kind of the value that begins at `at`.
  @inline(__always)
  static func kind(_ byte: UInt8) -> ValueKind {
    switch byte {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case quote: .string
    case UInt8(ascii: "t"): .true
    case UInt8(ascii: "f"): .false
    case UInt8(ascii: "n"): .null
    default: .number
    }
  }

  /// Where the value that begins at `start` ends.
  public static func end(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var at = start
    var depth = 0
    while at < bytes.count {
      let byte = bytes[at]
      switch byte {
      case quote:
        at = closingQuote(bytes, from: at + 1) + 1
        if depth == 0 { return at }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        at += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return at }
        depth -= 1
        at += 1
        if depth == 0 { return at }
      case UInt8(ascii: ","):
        if depth == 0 { return at }
        at += 1
      default: at += 1
      }
    }
    return at
  }

  /// Whether two keys, given by where their contents begin, are equal.
  @inline(__always)
  static func equalKeys(_ bytes: Span<UInt8>, _ one: Int, _ other: Int) -> Bool {
    var a = one
    var b = other
    while true {
      let byte = bytes[a]
      if byte != bytes[b] { return false }
      if byte == quote { return true }
      if byte == backslash {
        if bytes[a + 1] != bytes[b + 1] { return false }
        a += 2
        b += 2
      } else {
        a += 1
        b += 1
      }
    }
  }

  /// Appends one character of a string the way it is always written.
  @inline(__always)
  static func append(_ scalar: UInt32, to out: inout OutputSpan<UInt8>) {
    switch scalar {
    case 0x22, 0x5c:
      out.append(backslash)
      out.append(UInt8(truncatingIfNeeded: scalar))
    case 0..<0x20:
      out.append(backslash)
      let letter = shortEscape(UInt8(truncatingIfNeeded: scalar))
      out.append(letter)
      guard letter == UInt8(ascii: "u") else { return }
      out.append(UInt8(ascii: "0"))
      out.append(UInt8(ascii: "0"))
      out.append(hex(scalar >> 4))
      out.append(hex(scalar & 15))
    case 0x20..<0x80: out.append(UInt8(truncatingIfNeeded: scalar))
    case 0x80..<0x800:
      out.append(UInt8(truncatingIfNeeded: 0xc0 | scalar >> 6))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3f))
    case 0x800..<0x10000:
      out.append(UInt8(truncatingIfNeeded: 0xe0 | scalar >> 12))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3f))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3f))
    default:
      out.append(UInt8(truncatingIfNeeded: 0xf0 | scalar >> 18))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3f))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3f))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3f))
    }
  }

  /// The letter after the backslash for a character below 0x20, `u` if it has none of its own.
  @inline(__always)
  static func shortEscape(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 8: UInt8(ascii: "b")
    case 9: UInt8(ascii: "t")
    case 10: UInt8(ascii: "n")
    case 12: UInt8(ascii: "f")
    case 13: UInt8(ascii: "r")
    default: UInt8(ascii: "u")
    }
  }

  /// A hexadecimal digit in lower case.
  @inline(__always)
  static func hex(_ nibble: UInt32) -> UInt8 {
    UInt8(truncatingIfNeeded: nibble < 10 ? nibble + 0x30 : nibble + 0x57)
  }
}
