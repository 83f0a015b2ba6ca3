/// Where unseen characters have their place in ordinary writing.
///
/// Emoji (UTS #51) are joined by U+200D and chosen by U+FE0F; Arabic, Persian and the scripts of
/// India need the joiners within words (UAX #31 section 2.3, RFC 5892 appendix A); scripts without
/// spaces mark the ends of words with U+200B; ideographs and mathematical signs have variants. Each
/// such character counts only directly after the visible one that it belongs to, and only once, so
/// that no text can be told by them alone.
///
/// *Limits.* One selector or joiner for each visible character of such a script remains.
enum Joining {
  /// Whether an unseen character stands where it belongs.
  ///
  /// - Parameters:
  ///   - before: the character before it, with nothing unseen between, 0 for none.
  ///   - base: if `before` is an emoji selector that belongs where it is, the one before that, else
  ///     0.
  ///   - after: the character after it.
  static func belongs(_ scalar: UInt32, before: UInt32, base: UInt32, after: UInt32) -> Bool {
    guard before > 0x20 else { return false }
    switch scalar {
    case 0x200C: return isJoining(before) && !isUnseen(after)
    case 0x200D:
      if isPictograph(after) { return isPictograph(before) || isPictograph(base) }
      return isJoining(before) && !isUnseen(after)
    case 0x200B: return isUnspaced(before) && isUnspaced(after)
    case 0xFE0E, 0xFE0F: return isPictograph(before) || isKeycap(before) && after == 0x20E3
    case 0xFE00...0xFE0D: return isMathematical(before) || isIdeograph(before)
    case 0xE0100...0xE01EF: return isIdeograph(before)
    case 0x180B...0x180F: return before >= 0x1820 && before <= 0x18AA
    default: return false
    }
  }

  /// The tags after U+1F3F4 that make one of the three flags in use (emoji-sequences.txt): England,
  /// Scotland, Wales, each with U+E007F at its end.
  static let flags: [[UInt8]] = ["gbeng", "gbsct", "gbwls"].map { Array($0.utf8) }

  private static func isUnseen(_ scalar: UInt32) -> Bool {
    guard scalar >= 0x20 else { return scalar != 9 && scalar != 10 }
    return scalar == 0x7F || Unicode.Scalar(scalar)?.isUnseen ?? true
  }

  /// An emoji, or a sign that can be one; never a digit.
  private static func isPictograph(_ scalar: UInt32) -> Bool {
    scalar > 0x7F && Unicode.Scalar(scalar)?.properties.isEmoji ?? false
  }

  private static func isKeycap(_ scalar: UInt32) -> Bool {
    scalar >= 0x30 && scalar <= 0x39 || scalar == 0x23 || scalar == 0x2A
  }

  private static func isIdeograph(_ scalar: UInt32) -> Bool {
    Unicode.Scalar(scalar)?.properties.isIdeographic ?? false
  }

  private static func isMathematical(_ scalar: UInt32) -> Bool {
    scalar >= 0x2200 && scalar <= 0x22FF || scalar >= 0x2A00 && scalar <= 0x2AFF
  }

  /// The writing of Thailand, Laos, Burma and Cambodia.
  private static func isUnspaced(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x0E01...0x0EFF, 0x1000...0x109F, 0x1780...0x17B3, 0x17B6...0x17FF, 0x19E0...0x19FF: true
    default: false
    }
  }

  /// A letter or mark of a script whose letters join.
  private static func isJoining(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x0610...0x061A, 0x0620...0x08FF, 0x0900...0x0DFF, 0x0F00...0x109F, 0x1780...0x17B3,
      0x17B6...0x17FF, 0x1810...0x18AF, 0x1A20...0x1AAF, 0x1B00...0x1BFF, 0xA800...0xA82F,
      0xA840...0xA8FF, 0xA980...0xA9FF, 0xAA60...0xAA7F, 0xAAE0...0xAAFF, 0xABC0...0xABFF,
      0xFB50...0xFDCF, 0xFDF0...0xFDFF, 0xFE70...0xFEFC, 0x10A00...0x10BFF, 0x11000...0x11FFF,
      0x1E900...0x1E95F:
      true
    default: false
    }
  }
}
