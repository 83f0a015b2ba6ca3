/// The text of a profile, looked at byte by byte before any YAML is read.
///
/// What a person sees must be what the parser reads: text that hides something, or that libyaml
/// (YAML 1.1) breaks into lines where YAML 1.2 and every editor do not, is refused here.
struct SourceText {
  /// A profile is some hundred bytes; a mebibyte is far beyond any real one.
  static let bound = 1 << 20

  let bytes: [UInt8]
  /// The place behind the last character.
  let end: Position

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    let lastLine = bytes.lastIndex(of: 0x0A).map { bytes[($0 + 1)...] } ?? bytes[...]
    end = Position(
      line: bytes.count { $0 == 0x0A } + 1, column: lastLine.count { $0 & 0xC0 != 0x80 } + 1)
  }

  /// A place within the text; libyaml sees the end of a last line without its line feed one line
  /// below, where an editor shows nothing.
  func within(_ position: Position) -> Position { position.line > end.line ? end : position }

  /// Reports the first fault of the text; false when it must not be parsed.
  func check(_ findings: inout Findings) -> Bool {
    guard bytes.count <= Self.bound else {
      findings.error(
        .nowhere, "the profile is \(bytes.count) bytes long, more than \(Self.bound) are refused")
      return false
    }
    var decoder = UTF8Cursor(bytes)
    var position = Position(line: 1, column: 1)
    while let step = decoder.next() {
      guard case .scalar(let scalar) = step else {
        findings.error(
          position, "byte 0x\(String(decoder.byte, radix: 16)) is not UTF-8",
          hint: "save the profile as UTF-8")
        return false
      }
      switch scalar {
      case 0x0A: position = Position(line: position.line + 1, column: 0)
      case 0x09: break
      case 0x0D where decoder.byte == 0x0A: break
      case 0x0D:
        findings.error(
          position, "a carriage return without a line feed",
          hint: "end lines with a line feed")
        return false
      case 0xFEFF where position == Position(line: 1, column: 1):
        findings.error(
          position, "the profile starts with a byte order mark",
          hint: "save the profile as UTF-8 without one")
        return false
      default:
        if let hidden = Unicode.Scalar(scalar), hidden.isHidden {
          findings.error(
            position, "the hidden character U+\(Self.hexadecimal(scalar))",
            hint: scalar == 0
              ? "remove it" : "remove it, or write it as \"\(Self.escape(scalar))\"")
          return false
        }
      }
      position.column += 1
    }
    return true
  }

  /// The character at a place, when there is one; used to say what libyaml stumbled over.
  func byte(at position: Position) -> UInt8? {
    var line = 1
    var column = 1
    for byte in bytes {
      if line == position.line, column == position.column { return byte }
      if line > position.line { return nil }
      if byte == 0x0A {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    return nil
  }

  /// `${name}` if its brace is at this place, where YAML begins a mapping within brackets.
  func variable(at position: Position) -> String? {
    guard position.line > 0 else { return nil }
    let line =
      bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
      .dropFirst(position.line - 1).first ?? []
    let text = Array(String(decoding: line, as: UTF8.self).unicodeScalars)
    let brace = position.column - 1
    guard (1..<max(1, text.count)).contains(brace), text[brace] == "{", text[brace - 1] == "$",
      let end = text[brace...].firstIndex(of: "}")
    else { return nil }
    let name = text[(brace + 1)..<end].map { String(Character($0)) }.joined()
    return TextRule.variableName.allows(name) ? "${\(name)}" : nil
  }

  /// How YAML writes a character within double quotes.
  private static func escape(_ scalar: UInt32) -> String {
    let digits = hexadecimal(scalar)
    return digits.utf8.count <= 4
      ? "\\u" + digits : "\\U" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
  }

  private static func hexadecimal(_ scalar: UInt32) -> String {
    let digits = String(scalar, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}

/// Walks over UTF-8 strictly: no overlong forms, surrogates or values above U+10FFFF.
private struct UTF8Cursor {
  enum Step {
    case scalar(UInt32)
    case invalid
  }

  private let bytes: [UInt8]
  private var index = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The byte that comes next; after `.invalid` the one that is wrong.
  var byte: UInt8 { index < bytes.count ? bytes[index] : 0 }

  mutating func next() -> Step? {
    guard index < bytes.count else { return nil }
    let first = bytes[index]
    let count: Int
    var value: UInt32
    switch first {
    case 0...0x7F:
      index += 1
      return .scalar(UInt32(first))
    case 0xC2...0xDF: (count, value) = (1, UInt32(first & 0x1F))
    case 0xE0...0xEF: (count, value) = (2, UInt32(first & 0x0F))
    case 0xF0...0xF4: (count, value) = (3, UInt32(first & 0x07))
    default: return .invalid
    }
    for offset in 1...count {
      guard index + offset < bytes.count, bytes[index + offset] & 0xC0 == 0x80 else {
        return .invalid
      }
      value = value << 6 | UInt32(bytes[index + offset] & 0x3F)
    }
    let isOverlong = count == 2 && value < 0x800 || count == 3 && value < 0x10000
    guard !isOverlong, !(0xD800...0xDFFF).contains(value), value <= 0x10FFFF else {
      return .invalid
    }
    index += count + 1
    return .scalar(value)
  }
}
