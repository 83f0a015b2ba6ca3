internal import Wire

/// Makes a line that a server wrote safe to show on a terminal.
enum RelayText {
  /// Appends `line` (without its LF) to `output`: terminal control sequences are left out, other
  /// controls and bytes that are not UTF-8 are shown as `\xNN`, characters that would not be seen
  /// as `\u{…}`. No more than `limit` bytes of it are appended.
  ///
  /// - Returns: whether everything found room.
  @discardableResult
  static func append(_ line: [UInt8], to output: inout [UInt8], limit: Int) -> Bool {
    let stop = output.count + limit
    var at = 0
    while at < line.count {
      if output.count > stop - 12 { return false }
      let byte = line[at]
      if byte >= 0x20, byte < 0x7F {
        output.append(byte)
        at += 1
      } else if byte == 0x09 {
        output.append(byte)
        at += 1
      } else if byte == 0x1B {
        at = skipEscape(line, at)
      } else if byte < 0x80 {
        appendHex(byte, to: &output)
        at += 1
      } else {
        at = appendMultibyte(line, at, to: &output)
      }
    }
    return true
  }

  /// Where the escape sequence that begins at `start` ends (ECMA-48 sections 5.4 and 5.6).
  private static func skipEscape(_ line: [UInt8], _ start: Int) -> Int {
    var at = start + 1
    guard at < line.count else { return at }
    switch line[at] {
    case 0x5B:  // CSI: parameters, intermediates, one final byte.
      at += 1
      while at < line.count, line[at] >= 0x20, line[at] < 0x40 { at += 1 }
      return at < line.count && line[at] >= 0x40 && line[at] < 0x7F ? at + 1 : at
    case 0x5D, 0x50, 0x58, 0x5E, 0x5F:  // OSC, DCS, SOS, PM, APC: a string up to BEL or ST.
      at += 1
      while at < line.count {
        if line[at] == 0x07 { return at + 1 }
        if line[at] == 0x1B { return at + 1 < line.count && line[at + 1] == 0x5C ? at + 2 : at }
        at += 1
      }
      return at
    default:
      while at < line.count, line[at] >= 0x20, line[at] < 0x30 { at += 1 }
      return at < line.count && line[at] >= 0x30 && line[at] < 0x7F ? at + 1 : at
    }
  }

  private static func appendMultibyte(
    _ line: [UInt8], _ at: Int, to output: inout [UInt8]
  ) -> Int {
    var codec = UTF8()
    let end = min(at + 4, line.count)
    var iterator = line[at..<end].makeIterator()
    guard case .scalarValue(let scalar) = codec.decode(&iterator) else {
      appendHex(line[at], to: &output)
      return at + 1
    }
    let length = UTF8.width(scalar)
    if scalar.isUnseen {
      output.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".utf8)
    } else {
      output.append(contentsOf: line[at..<at + length])
    }
    return at + length
  }

  private static func appendHex(_ byte: UInt8, to output: inout [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    output += [0x5C, UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
  }
}
