import Wire

/// Walks canonical bytes; nothing here has to be validated again.
enum Text {
  /// The kinds of JSON value as bits, with integers told apart.
  struct Kinds: OptionSet, Sendable {
    let rawValue: UInt8
    static let null = Kinds(rawValue: 1)
    static let boolean = Kinds(rawValue: 2)
    static let object = Kinds(rawValue: 4)
    static let array = Kinds(rawValue: 8)
    static let number = Kinds(rawValue: 16)
    static let string = Kinds(rawValue: 32)
    static let integer = Kinds(rawValue: 64)
    static let all = Kinds(rawValue: 127)
  }

  static let quote = UInt8(ascii: "\"")
  static let backslash = UInt8(ascii: "\\")
  static let comma = UInt8(ascii: ",")
  static let colon = UInt8(ascii: ":")
  static let objectStart = UInt8(ascii: "{")
  static let objectEnd = UInt8(ascii: "}")
  static let arrayStart = UInt8(ascii: "[")
  static let arrayEnd = UInt8(ascii: "]")

  /// The kind of the value whose first byte this is; no number is told to be an integer.
  @inline(__always)
  static func kind(_ byte: UInt8) -> Kinds {
    switch byte {
    case quote: .string
    case objectStart: .object
    case arrayStart: .array
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
    case UInt8(ascii: "n"): .null
    default: .number
    }
  }

  /// Where the closing quote of a string is whose content begins at `start`.
  @inline(__always)
  static func closingQuote(_ text: Span<UInt8>, from start: Int) -> Int {
    // Most keys and values are short; what is not is looked through in large steps.
    var at = start
    let near = min(start + 24, text.count)
    while at < near {
      let byte = text[at]
      if byte == quote { return at }
      at += byte == backslash ? 2 : 1
    }
    return Canonical.closingQuote(text, from: at)
  }

  /// Where the value that begins at `start` ends.
  @inline(__always)
  static func end(_ text: Span<UInt8>, from start: Int) -> Int {
    switch text[start] {
    case quote: return closingQuote(text, from: start + 1) + 1
    case objectStart, arrayStart: return Canonical.end(text, from: start)
    case UInt8(ascii: "f"): return start + 5
    case UInt8(ascii: "t"), UInt8(ascii: "n"): return start + 4
    default: return numberEnd(text, from: start)
    }
  }

  /// Where the number that begins at `start` ends.
  @inline(__always)
  static func numberEnd(_ text: Span<UInt8>, from start: Int) -> Int {
    var at = start + 1
    while at < text.count, text[at] != comma, text[at] != objectEnd, text[at] != arrayEnd {
      at += 1
    }
    return at
  }

  /// Whether the bytes from `at` on begin with a part of others.
  @inline(__always)
  static func matches(
    _ text: Span<UInt8>, _ at: Int, _ other: Span<UInt8>, _ start: Int, _ end: Int
  ) -> Bool {
    guard text.count - at >= end - start else { return false }
    var index = 0
    while start + index < end {
      if text[at + index] != other[start + index] { return false }
      index += 1
    }
    return true
  }

  /// How many characters (code points) a string's content has.
  static func length(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    var at = start
    var count = 0
    while at < end {
      let byte = text[at]
      if byte == backslash {
        at += text[at + 1] == UInt8(ascii: "u") ? 6 : 2
        count += 1
      } else {
        // What is not a continuation byte begins a character.
        if byte & 0xc0 != 0x80 { count += 1 }
        at += 1
      }
    }
    return count
  }

  /// The content of a string without escapes, as UTF-8.
  static func unescaped(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> [UInt8] {
    var content: [UInt8] = []
    content.reserveCapacity(end - start)
    var at = start
    while at < end {
      let byte = text[at]
      guard byte == backslash else {
        content.append(byte)
        at += 1
        continue
      }
      let letter = text[at + 1]
      at += 2
      switch letter {
      case UInt8(ascii: "b"): content.append(8)
      case UInt8(ascii: "f"): content.append(12)
      case UInt8(ascii: "n"): content.append(10)
      case UInt8(ascii: "r"): content.append(13)
      case UInt8(ascii: "t"): content.append(9)
      case UInt8(ascii: "u"):
        // Always \u00 and two lower-case digits.
        content.append(digit(text[at + 2]) << 4 | digit(text[at + 3]))
        at += 4
      default: content.append(letter)
      }
    }
    return content
  }

  private static func digit(_ byte: UInt8) -> UInt8 {
    byte < 0x3a ? byte &- 0x30 : byte &- 0x57
  }

  /// Whether a string's content has an escape.
  @inline(__always)
  static func hasEscape(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    var at = start
    while at < end {
      if text[at] == backslash { return true }
      at += 1
    }
    return false
  }
}
