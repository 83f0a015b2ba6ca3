/// A number of any size by the digits of its text: 0.d₁d₂d₃… × 10^scale, zero without digits.
///
/// Equal numbers are equal however they are written: `1`, `1.0` and `10e-1`.
struct Numeral: Sendable, Equatable {
  private var isNegative = false
  /// From the first digit that is not zero to the last one.
  private var digits: [UInt8] = []
  private var scale = 0

  /// Exponents beyond this are not computed with.
  private static let largest = 1_000_000

  /// Reads a number in JSON's grammar, nil if its exponent is beyond all bounds.
  init?(_ text: some Sequence<UInt8>) {
    var point: Int?
    var exponent: Int?
    var isSmall = false
    var count = 0
    for byte in text {
      switch byte {
      case UInt8(ascii: "-"): if exponent == nil { isNegative = true } else { isSmall = true }
      case UInt8(ascii: "+"): break
      case UInt8(ascii: "."): point = count
      case UInt8(ascii: "e"), UInt8(ascii: "E"): exponent = 0
      default:
        if let power = exponent {
          guard power < Self.largest else { return nil }
          exponent = power * 10 + Int(byte - 0x30)
        } else {
          digits.append(byte)
          count += 1
        }
      }
    }
    let leading = digits.prefix { $0 == 0x30 }.count
    while digits.last == 0x30 { digits.removeLast() }
    guard !digits.isEmpty else {
      isNegative = false
      return
    }
    digits.removeFirst(leading)
    scale = (point ?? count) - leading + (isSmall ? -(exponent ?? 0) : exponent ?? 0)
  }

  /// Whether it has no fraction.
  var isInteger: Bool { digits.count <= max(scale, 0) }

  /// Whether it is less than another one.
  func isLess(than other: Numeral) -> Bool {
    if isNegative != other.isNegative { return isNegative }
    return isNegative ? other.isSmaller(than: self) : isSmaller(than: other)
  }

  /// Whether it is nearer to zero than another one of the same sign.
  private func isSmaller(than other: Numeral) -> Bool {
    if digits.isEmpty || other.digits.isEmpty { return !other.digits.isEmpty }
    if scale != other.scale { return scale < other.scale }
    return digits.lexicographicallyPrecedes(other.digits)
  }
}
