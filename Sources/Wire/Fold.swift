/// What keys look like to a reader that is less strict than we are: invisible characters are
/// dropped, white space around is trimmed, full-width forms and a few letters become ASCII. The
/// case of ASCII letters is left to `Vocabulary`.
enum Fold {
  /// Folds a key from its canonical content into `folded`, which is emptied first.
  ///
  /// - Returns: false when the result would be longer than `longest`; it is then incomplete.
  static func key(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int, longest: Int, into folded: inout [UInt8]
  ) -> Bool {
    folded.removeAll(keepingCapacity: true)
    var at = start
    var space = 0
    while at < end {
      let scalar = next(bytes, &at)
      if isInvisible(scalar) { continue }
      if isSpace(scalar) {
        if !folded.isEmpty { space += 1 }
        continue
      }
      guard folded.count + space < longest else { return false }
      while space > 0 {
        folded.append(0x20)
        space -= 1
      }
      append(letter(scalar), to: &folded)
    }
    return true
  }

  /// The next character of canonical string content, unescaped.
  @inline(__always)
  private static func next(_ bytes: Span<UInt8>, _ at: inout Int) -> UInt32 {
    let first = bytes[at]
    at += 1
    if first == 0x5c { return Canonical.escaped(bytes, &at) }
    if first < 0x80 { return UInt32(first) }
    let more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3
    var scalar = UInt32(first) & (0x3f >> UInt32(more))
    for _ in 0..<more {
      scalar = scalar << 6 | UInt32(bytes[at] & 0x3f)
      at += 1
    }
    return scalar
  }

  /// Controls, and what a reader would not see.
  @inline(__always)
  private static func isInvisible(_ scalar: UInt32) -> Bool {
    if scalar < 0x7F { return scalar < 0x20 }
    return scalar == 0x7F || Unicode.Scalar(scalar)?.isUnseen ?? true
  }

  @inline(__always)
  private static func isSpace(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x20, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000: true
    default: false
    }
  }

  /// Folds one visible character.
  @inline(__always)
  private static func letter(_ scalar: UInt32) -> UInt32 {
    switch scalar {
    case 0x17f: 0x73  // ſ
    case 0x212a: 0x6b  // the Kelvin sign
    case 0x130, 0x131: 0x69  // İ and ı
    case 0xff01...0xff5e: scalar - 0xff01 + 0x21
    default: scalar
    }
  }

  @inline(__always)
  private static func append(_ scalar: UInt32, to folded: inout [UInt8]) {
    if scalar < 0x80 {
      folded.append(UInt8(truncatingIfNeeded: scalar))
    } else {
      // Known keys are ASCII: any one byte above says "not known".
      folded.append(0xff)
    }
  }
}

extension Document {
  /// What a key looks like to a reader that is less strict than we are, in lower case; empty if it
  /// is longer than 256 bytes or has characters that no ASCII letter looks like.
  ///
  /// - Parameter range: canonical string content in `bytes`.
  public static func foldedKey(_ range: Range<Int>, in bytes: [UInt8]) -> [UInt8] {
    var folded: [UInt8] = []
    let isWhole = Fold.key(
      bytes.span, range.lowerBound, range.upperBound, longest: 256, into: &folded)
    guard isWhole, !folded.contains(0xff) else { return [] }
    return folded.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
  }
}
