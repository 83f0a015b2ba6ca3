/// A set of characters.
struct PatternClass: Sendable, Equatable {
  /// ASCII, one bit for each.
  private(set) var low: UInt64 = 0
  private(set) var high: UInt64 = 0
  /// The rest: ranges, sorted and apart, until `finish` they are neither.
  private(set) var ranges: [ClosedRange<UInt32>] = []
  /// One bit for each general category.
  private(set) var categories: UInt32 = 0
  private(set) var properties: [PatternProperty] = []
  private var isNegated = false

  /// Adds characters.
  mutating func add(_ range: ClosedRange<UInt32>) { ranges.append(range) }

  /// Adds all characters of some general categories.
  mutating func add(categories: UInt32) { self.categories |= categories }

  /// Adds all characters that have, or do not have, a property.
  mutating func add(_ property: PatternProperty) {
    if !properties.contains(property) { properties.append(property) }
  }

  /// Adds all that another class has, which is no complement.
  mutating func add(_ other: PatternClass) {
    ranges += other.ranges
    categories |= other.categories
    for property in other.properties { add(property) }
  }

  /// Adds all that some ranges do not have.
  mutating func add(complementOf others: [ClosedRange<UInt32>]) {
    var next: UInt32 = 0
    for range in others.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { ranges.append(next...range.lowerBound - 1) }
      next = max(next, range.upperBound + 1)
    }
    if next <= 0x10ffff { ranges.append(next...0x10ffff) }
  }

  /// Makes it ready for use.
  mutating func finish(negated: Bool) {
    ranges.sort { $0.lowerBound < $1.lowerBound }
    var merged: [ClosedRange<UInt32>] = []
    for range in ranges {
      if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    ranges = merged
    for value in UInt32(0)..<128 where contains(beyondASCII: value) != negated {
      if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
    }
    isNegated = negated
  }

  /// Whether a character is in it.
  @inline(__always)
  func contains(_ value: UInt32) -> Bool {
    if value < 64 { return low >> UInt64(value) & 1 == 1 }
    if value < 128 { return high >> UInt64(value - 64) & 1 == 1 }
    return contains(beyondASCII: value) != isNegated
  }

  private func contains(beyondASCII value: UInt32) -> Bool {
    var first = 0
    var last = ranges.count
    while first < last {
      let middle = (first + last) / 2
      if value < ranges[middle].lowerBound {
        last = middle
      } else if value > ranges[middle].upperBound {
        first = middle + 1
      } else {
        return true
      }
    }
    guard categories != 0 || !properties.isEmpty, let scalar = Unicode.Scalar(value) else {
      return false
    }
    if categories & PatternCategory.bit(scalar.properties.generalCategory) != 0 { return true }
    return properties.contains { $0.holds(scalar) }
  }

  static let digits: [ClosedRange<UInt32>] = [0x30...0x39]
  static let words: [ClosedRange<UInt32>] = [0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a]
  static let spaces: [ClosedRange<UInt32>] = [
    0x9...0xd, 0x20...0x20, 0xa0...0xa0, 0x1680...0x1680, 0x2000...0x200a, 0x2028...0x2029,
    0x202f...0x202f, 0x205f...0x205f, 0x3000...0x3000, 0xfeff...0xfeff,
  ]
  static let lineEnds: [ClosedRange<UInt32>] = [0xa...0xa, 0xd...0xd, 0x2028...0x2029]
}
