extension Unicode.Scalar {
  /// Whether a reader would not see this character, or would see others in another order for it:
  /// C1 controls, bidirectional controls, zero-width and filler characters, variation selectors,
  /// tags.
  public var isUnseen: Bool {
    switch value {
    case 0x80...0x9F, 0xAD, 0x034F, 0x061C, 0x115F...0x1160, 0x17B4...0x17B5, 0x180B...0x180F,
      0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0x3164, 0xFE00...0xFE0F, 0xFEFF, 0xFFA0,
      0xFFF0...0xFFFB, 0x1D173...0x1D17A, 0xE0000...0xE0FFF:
      true
    default: false
    }
  }
}
