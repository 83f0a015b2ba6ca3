/// A decimal number of any length, as the digits of its text: 0.d₁d₂d₃… × 10^scale.
///
/// There are no zeros before and behind the digits, so that equal numbers have equal digits and
/// scales; zero has no digits.
struct Decimal: Sendable, Equatable {
  var isNegative = false
  /// From the first digit that is not zero to behind the last one; a point may be between them.
  var start = 0
  var end = 0
  /// How many digits that is.
  var count = 0
  var scale: Int64 = 0

  /// Exponents beyond this are not computed with.
  static let maxExponent: Int64 = 1_000_000_000_000

  /// Reads the number between `start` and `end`, nil if its exponent is beyond all bounds.
  init?(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
    var at = start
    if at < end, text[at] == UInt8(ascii: "-") {
      isNegative = true
      at += 1
    }
    var digits = 0
    var point = -1
    var first = -1
    var last = -1
    while at < end {
      let byte = text[at]
      if byte == UInt8(ascii: ".") {
        point = digits
      } else if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
        break
      } else {
        if byte != UInt8(ascii: "0") {
          if first < 0 {
            first = digits
            self.start = at
          }
          last = digits
          self.end = at + 1
        }
        digits += 1
      }
      at += 1
    }
    guard first >= 0 else {
      isNegative = false
      return
    }
    count = last - first + 1
    var exponent: Int64 = 0
    if at < end {
      at += 1
      let negative = at < end && text[at] == UInt8(ascii: "-")
      if negative || (at < end && text[at] == UInt8(ascii: "+")) { at += 1 }
      while at < end {
        exponent = exponent * 10 + Int64(text[at] &- 0x30)
        if exponent > Self.maxExponent { return nil }
        at += 1
      }
      if negative { exponent = -exponent }
    }
    scale = Int64((point < 0 ? digits : point) - first) + exponent
  }

  /// Whether it is zero.
  var isZero: Bool { count == 0 }

  /// Whether it has no fraction.
  var isInteger: Bool { isZero || scale >= Int64(count) }

  /// Below zero, zero or above zero as the one number is less than, equal to or greater than the
  /// other; each stands in a text of its own.
  func compare(_ text: Span<UInt8>, _ other: Decimal, _ otherText: Span<UInt8>) -> Int {
    if isZero || other.isZero || isNegative != other.isNegative {
      return sign - other.sign
    }
    let direction = isNegative ? -1 : 1
    if scale != other.scale { return scale < other.scale ? -direction : direction }
    var a = start
    var b = other.start
    while a < end, b < other.end {
      if text[a] == UInt8(ascii: ".") {
        a += 1
        continue
      }
      if otherText[b] == UInt8(ascii: ".") {
        b += 1
        continue
      }
      if text[a] != otherText[b] { return text[a] < otherText[b] ? -direction : direction }
      a += 1
      b += 1
    }
    if a < end { return direction }
    return b < other.end ? -direction : 0
  }

  private var sign: Int { isZero ? 0 : isNegative ? -1 : 1 }

  /// Feeds what equal numbers have in common to a hash.
  func hash(_ text: Span<UInt8>, into hasher: inout Hasher) {
    if isInteger, scale <= Bound.maxDigits {
      // As what is written plainly: most are short integers.
      var value: Int64 = 0
      var at = start
      while at < end {
        if text[at] != UInt8(ascii: ".") { value = value &* 10 &+ Int64(text[at] &- 0x30) }
        at += 1
      }
      for _ in count..<max(count, Int(scale)) { value = value &* 10 }
      hasher.combine(isNegative ? -value : value)
      return
    }
    hasher.combine(sign)
    hasher.combine(scale)
    var at = start
    while at < end {
      if text[at] != UInt8(ascii: ".") { hasher.combine(text[at]) }
      at += 1
    }
  }
}

/// A number of a schema, with what makes comparing with it fast.
struct Bound: Sendable {
  var decimal: Decimal
  /// Where it is written.
  var start: Int
  var end: Int
  /// The number, if it is a short integer.
  var small: Int64
  var isSmall: Bool
  /// The digits as a number, 0 if they are too many.
  var digits: UInt64

  /// The most digits of a number that is divided by.
  static let maxDigits = 18

  /// The number between `start` and `end` of the texts that a schema keeps.
  init?(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
    guard let decimal = Decimal(text, start, end) else { return nil }
    self.decimal = decimal
    self.start = start
    self.end = end
    let integer = Self.small(text, start, end)
    small = integer ?? 0
    isSmall = integer != nil
    digits = 0
    guard decimal.count <= Self.maxDigits else { return }
    var at = decimal.start
    while at < decimal.end {
      if text[at] != UInt8(ascii: ".") { digits = digits * 10 + UInt64(text[at] &- 0x30) }
      at += 1
    }
  }

  /// The value of a number that is written as an integer of at most 18 digits.
  @inline(__always)
  static func small(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int64? {
    var at = start
    let isNegative = text[at] == UInt8(ascii: "-")
    if isNegative { at += 1 }
    guard end - at <= maxDigits else { return nil }
    var number: Int64 = 0
    while at < end {
      let digit = text[at] &- 0x30
      guard digit < 10 else { return nil }
      number = number &* 10 &+ Int64(digit)
      at += 1
    }
    return isNegative ? -number : number
  }

  /// Whether another number is a multiple of this one, which is above zero.
  func divides(_ other: Decimal, _ text: Span<UInt8>) -> Bool {
    if other.isZero { return true }
    let zeros = (other.scale - Int64(other.count)) - (decimal.scale - Int64(decimal.count))
    // The last digit of the other is not zero, so that no power of ten divides its digits.
    guard zeros >= 0, digits > 0 else { return false }
    var rest: UInt64 = 0
    var at = other.start
    while at < other.end {
      if text[at] != UInt8(ascii: ".") {
        rest = (rest * 10 + UInt64(text[at] &- 0x30)) % digits
      }
      at += 1
    }
    return multiply(rest, power(zeros)) == 0
  }

  /// 10^exponent modulo the digits.
  private func power(_ exponent: Int64) -> UInt64 {
    var result = 1 % digits
    var base = 10 % digits
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result = multiply(result, base) }
      base = multiply(base, base)
      rest >>= 1
    }
    return result
  }

  /// A product modulo the digits.
  private func multiply(_ one: UInt64, _ other: UInt64) -> UInt64 {
    digits.dividingFullWidth((one % digits).multipliedFullWidth(by: other % digits)).remainder
  }
}
