/// The working storage of matching, which is reused from text to text.
struct PatternMatcher {
  /// States that wait for a character, here and behind it.
  private var current: [Int32] = []
  private var next: [Int32] = []
  /// For each state the last place, by number, at which it was reached.
  private var reached: [UInt32] = []
  private var place: UInt32 = 0
  private var stack: [Int32] = []
  private var isAccepted = false
  /// For each look around one bit for each place of the text, one after the other.
  private var looks: [UInt64] = []
  private var words = 0

  /// Whether a text has a match anywhere; nil if the steps do not suffice.
  mutating func matches(_ pattern: Pattern, _ text: Span<UInt8>, steps: inout Int) -> Bool? {
    if reached.count < pattern.code.count {
      reached = Array(repeating: 0, count: pattern.code.count)
      place = 0
    }
    if place > UInt32.max / 2 {
      for index in reached.indices { reached[index] = 0 }
      place = 0
    }
    if !pattern.looks.isEmpty {
      words = text.count / 64 + 1
      steps -= words * pattern.looks.count
      guard steps >= 0 else { return nil }
      looks = Array(repeating: 0, count: words * pattern.looks.count)
      for (index, look) in pattern.looks.enumerated() {
        guard
          find(pattern, from: look.start, text, backward: look.isAhead, look: index, &steps) != nil
        else { return nil }
      }
    }
    return find(pattern, from: pattern.start, text, backward: false, look: -1, &steps)
  }

  /// One pass over the text; for a look around it marks each place where there is a match, else it
  /// ends with the first.
  private mutating func find(
    _ pattern: Pattern, from start: Int, _ text: Span<UInt8>, backward: Bool, look: Int,
    _ steps: inout Int
  ) -> Bool? {
    var at = backward ? text.count : 0
    let last = backward ? 0 : text.count
    let isAnchored = look < 0 && pattern.isAnchored
    current.removeAll(keepingCapacity: true)
    place += 1
    isAccepted = false
    while true {
      if !isAnchored || at == 0 { reach(Int32(start), pattern, text, at, &steps, into: false) }
      guard steps >= 0 else { return nil }
      if isAccepted {
        if look < 0 { return true }
        looks[look * words + at >> 6] |= 1 << UInt64(at & 63)
      }
      if at == last || (isAnchored && current.isEmpty) { return false }
      let length: Int
      let character: UInt32
      (character, length) = backward ? Self.before(text, at) : Self.after(text, at)
      at = backward ? at - length : at + length
      next.removeAll(keepingCapacity: true)
      place += 1
      isAccepted = false
      steps -= current.count + 1
      var index = 0
      while index < current.count {
        let state = current[index]
        index += 1
        let holds =
          switch pattern.code[Int(state)] {
          case .literal(let wanted): wanted == character
          case .character(let set): pattern.classes[Int(set)].contains(character)
          default: false
          }
        if holds { reach(state + 1, pattern, text, at, &steps, into: true) }
      }
      swap(&current, &next)
    }
  }

  /// Follows all ways from a state that take no character.
  private mutating func reach(
    _ state: Int32, _ pattern: Pattern, _ text: Span<UInt8>, _ at: Int, _ steps: inout Int,
    into isNext: Bool
  ) {
    stack.append(state)
    while let state = stack.popLast() {
      steps -= 1
      if reached[Int(state)] == place { continue }
      reached[Int(state)] = place
      switch pattern.code[Int(state)] {
      case .literal, .character: if isNext { next.append(state) } else { current.append(state) }
      case .split(let one, let other):
        stack.append(other)
        stack.append(one)
      case .jump(let target): stack.append(target)
      case .textStart: if at == 0 { stack.append(state + 1) }
      case .textEnd: if at == text.count { stack.append(state + 1) }
      case .wordBoundary(let wanted):
        let before = at > 0 && Self.isWord(text[at - 1])
        let after = at < text.count && Self.isWord(text[at])
        if (before != after) == wanted { stack.append(state + 1) }
      case .look(let index, let wanted):
        let found = looks[Int(index) * words + at >> 6] >> UInt64(at & 63) & 1 == 1
        if found == wanted { stack.append(state + 1) }
      case .accept: isAccepted = true
      }
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x5f, 0x61...0x7a: true
    default: false
    }
  }

  /// The character that begins at a place; what is not UTF-8 is one byte of U+FFFD.
  @inline(__always)
  private static func after(_ text: Span<UInt8>, _ at: Int) -> (UInt32, Int) {
    let first = text[at]
    if first < 0x80 { return (UInt32(first), 1) }
    let length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    guard first >= 0xc0, at + length <= text.count else { return (0xfffd, 1) }
    var value = UInt32(first & (0x7f >> UInt8(length)))
    var index = 1
    while index < length {
      let byte = text[at + index]
      guard byte & 0xc0 == 0x80 else { return (0xfffd, 1) }
      value = value << 6 | UInt32(byte & 0x3f)
      index += 1
    }
    return (value, length)
  }

  /// The character that ends at a place.
  private static func before(_ text: Span<UInt8>, _ at: Int) -> (UInt32, Int) {
    var start = at - 1
    while start > 0, at - start < 4, text[start] & 0xc0 == 0x80 { start -= 1 }
    let (value, length) = after(text, start)
    return start + length == at ? (value, length) : (0xfffd, 1)
  }
}
