extension Unicode.Scalar {
  /// Whether a reader would not see this character, or would see others in another order for it:
  /// C1 controls, bidirectional controls, zero-width and filler characters, line and paragraph
  /// separators, variation selectors, tags, noncharacters.
  ///
  /// The set is `Default_Ignorable_Code_Point` of Unicode 16.0 (DerivedCoreProperties.txt), with the
  /// controls of the second row (ISO 6429), the bidirectional controls that UTS #39 and UTR #36 ask
  /// to be shown (CVE-2021-42574), interlinear annotations and noncharacters. Some of these have
  /// their place in ordinary writing: see `Joining`.
  public var isUnseen: Bool {
    switch value {
    case 0x80...0x9F, 0xAD, 0x034F, 0x061C, 0x115F...0x1160, 0x17B4...0x17B5, 0x180B...0x180F,
      0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0x3164, 0xFDD0...0xFDEF, 0xFE00...0xFE0F,
      0xFEFF, 0xFFA0, 0xFFF0...0xFFFB, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A, 0xE0000...0xE0FFF:
      true
    default: value & 0xFFFE == 0xFFFE
    }
  }
}

/// The unseen characters in UTF-8, told apart before they are decoded.
enum Suspicion {
  /// Whether a character whose first two bytes these are may be an unseen one; a look at no more
  /// bytes is what the decoder can afford for each.
  @inline(__always)
  static func isRaised(by first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
    switch first {
    case 0xC2: second < 0xA0 || second == 0xAD
    case 0xCD: second == 0x8F
    case 0xD8: second == 0x9C
    case 0xE1: second == 0x85 || second == 0x9E || second == 0xA0
    case 0xE2:
      second == 0x80
        ? third >= 0x8B && third <= 0x8F || third >= 0xA8 && third <= 0xAE
        : second == 0x81 && third >= 0xA0
    case 0xE3: second == 0x85 && third == 0xA4
    case 0xEF:
      second == 0xB7 || second == 0xB8 || second == 0xBB && third == 0xBF
        || second == 0xBE && third == 0xA0 || second == 0xBF && third >= 0xB0
    case 0xF0...0xF4:
      // U+1BCA0, U+1D173, tags and selectors, the last two of each plane.
      second == 0x9B && third == 0xB2 || second == 0x9D && third == 0x85
        || first == 0xF3 && second == 0xA0 || second & 0x0F == 0x0F && third == 0xBF
    default: false
    }
  }
}
