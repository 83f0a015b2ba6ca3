/// Finds members of one name in any object that is still open, in four bytes per key.
struct KeyTracker {
  /// Where the contents of the keys of all open objects begin in the output, innermost last.
  private var offsets: [UInt32] = []

  /// Up to this many keys are compared one with another.
  private static let few = 8
  /// With this many keys, room is made for as many as the rest of the message can have.
  private static let many = 4096
  /// The shortest member: two quotes, a colon, a digit and a comma.
  private static let shortest = 5
  private static let placed: UInt32 = 1 << 31
  private static let vacant: UInt32 = placed - 1

  /// The bytes that are reserved for keys.
  var storage: Int { offsets.capacity * 4 }
  /// How many keys are held; the mark of an object that begins now.
  var count: Int { offsets.count }

  mutating func removeAll() { offsets.removeAll(keepingCapacity: true) }

  /// Gives back storage that a large message needed.
  mutating func shrink() { offsets = [] }

  /// Adds a key of the innermost object; `rest` is how much of the message follows it, in bytes.
  @inline(__always)
  mutating func append(_ start: Int, rest: Int) {
    if offsets.count == Self.many { reserve(rest) }
    offsets.append(UInt32(truncatingIfNeeded: start))
  }

  /// Growing step by step would hold the keys twice at each step. What is reserved and never written
  /// to takes no memory.
  private mutating func reserve(_ rest: Int) {
    let most = offsets.count + rest / Self.shortest + 1
    offsets.reserveCapacity(most + most / 4 + 1)
  }

  /// Ends the innermost object, whose keys begin at `mark`.
  ///
  /// - Returns: whether all its keys were different.
  @inline(__always)
  mutating func close(_ mark: Int, _ bytes: Span<UInt8>) -> Bool {
    let count = offsets.count - mark
    if count < 2 {
      if count == 1 { offsets.removeLast() }
      return true
    }
    let distinct = count <= Self.few ? compareEach(mark, bytes) : rehash(mark, bytes)
    offsets.removeLast(offsets.count - mark)
    return distinct
  }

  private func compareEach(_ mark: Int, _ bytes: Span<UInt8>) -> Bool {
    var one = mark
    while one < offsets.count {
      let start = Int(offsets[one])
      let first = bytes[start]
      var other = one + 1
      while other < offsets.count {
        let second = Int(offsets[other])
        if bytes[second] == first, Canonical.equalKeys(bytes, start, second) { return false }
        other += 1
      }
      one += 1
    }
    return true
  }

  /// Turns the list of keys into a hash table where it stands (a quarter larger), so that no
  /// second table is needed: an entry that has to make room for another is placed next.
  ///
  /// A slot, once placed, stays; probing ends at the first slot that is not. So of two equal
  /// keys the second always meets the first.
  private mutating func rehash(_ mark: Int, _ bytes: Span<UInt8>) -> Bool {
    let count = offsets.count - mark
    let slots = count + count / 4 + 1
    offsets.reserveCapacity(mark + slots)
    while offsets.count - mark < slots { offsets.append(Self.vacant) }
    var table = offsets.mutableSpan
    var index = 0
    while index < slots {
      var entry = table[mark + index]
      index += 1
      if entry & Self.placed != 0 || entry == Self.vacant { continue }
      table[mark + index - 1] = Self.vacant
      while entry != Self.vacant {
        let start = Int(entry)
        let end = Canonical.closingQuote(bytes, from: start)
        let hash = seededHash(bytes.extracting(start..<end))
        var slot = Int(truncatingIfNeeded: hash.multipliedFullWidth(by: UInt64(slots)).high)
        while table[mark + slot] & Self.placed != 0 {
          let other = Int(table[mark + slot] & ~Self.placed)
          if Canonical.equalKeys(bytes, start, other) { return false }
          slot += 1
          if slot == slots { slot = 0 }
        }
        let evicted = table[mark + slot]
        table[mark + slot] = entry | Self.placed
        entry = evicted
      }
    }
    return true
  }
}
