/// Terminal control sequences in canonical string content (ECMA-48 sections 5.3 to 5.6).
enum ControlSequence {
  /// Where the sequence ends whose introducer (ESC, or a C1 control) ends at `start`; `start` itself
  /// if the introducer stands alone.
  ///
  /// A control string (OSC, DCS, SOS, PM, APC) whose end is not on the same line, or that another
  /// control interrupts, counts for nothing but its introducer: what follows is then text.
  static func end(_ bytes: Span<UInt8>, introducer: UInt32, from start: Int, to end: Int) -> Int {
    switch introducer {
    case 0x1B: return afterEscape(bytes, start, end)
    case 0x9B: return parameters(bytes, start, end)
    case 0x90, 0x98, 0x9D, 0x9E, 0x9F: return string(bytes, start, end) ?? start
    default: return start
    }
  }

  /// What follows ESC.
  private static func afterEscape(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    var at = start
    guard let first = next(bytes, &at, end) else { return start }
    switch first {
    case UInt32(UInt8(ascii: "[")): return parameters(bytes, at, end)
    case UInt32(UInt8(ascii: "]")), UInt32(UInt8(ascii: "P")), UInt32(UInt8(ascii: "X")),
      UInt32(UInt8(ascii: "^")), UInt32(UInt8(ascii: "_")):
      return string(bytes, at, end) ?? at
    case 0x20...0x2F: return final(bytes, start, end, from: 0x30)
    case 0x30...0x7E: return at
    default: return start
    }
  }

  /// What follows CSI: parameters, intermediates, a final byte.
  private static func parameters(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    var at = start
    while at < end, bytes[at] >= 0x30, bytes[at] < 0x40 { at += 1 }
    return final(bytes, at, end, from: 0x40)
  }

  /// Intermediates and one final byte that is at least `least`.
  private static func final(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int, from least: UInt32
  ) -> Int {
    var at = start
    while true {
      var after = at
      guard let unit = next(bytes, &after, end) else { return at }
      if unit >= 0x20, unit < 0x30 {
        at = after
      } else {
        return unit >= least && unit < 0x7F ? after : at
      }
    }
  }

  /// Where a control string ends, with its terminator BEL or ST.
  private static func string(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var at = start
    while let unit = next(bytes, &at, end) {
      switch unit {
      case 0x07: return at
      case 0x09: break
      case 0x1B:
        return next(bytes, &at, end) == UInt32(Canonical.backslash) ? at : nil
      case 0..<0x20: return nil
      case 0xC2:
        // A C1 control, ST or another.
        if at < end, bytes[at] < 0xA0 { return bytes[at] == 0x9C ? at + 1 : nil }
      default: break
      }
    }
    return nil
  }

  /// The next byte of the unescaped content; nil at the end.
  private static func next(_ bytes: Span<UInt8>, _ at: inout Int, _ end: Int) -> UInt32? {
    guard at < end else { return nil }
    let byte = bytes[at]
    at += 1
    return byte == Canonical.backslash ? Canonical.escaped(bytes, &at) : UInt32(byte)
  }
}
