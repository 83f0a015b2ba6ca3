/// A set of byte strings, numbered in the order of insertion, that is asked with ranges of a
/// message, so that asking allocates nothing.
///
/// Open addressing over one array of bytes: a name costs its length and at most 32 bytes.
struct NameTable: Sendable {
  private struct Slot {
    var offset: UInt32 = 0
    var length: UInt32 = 0
    var number: UInt32 = .max
  }

  private var storage: [UInt8] = []
  private var slots = [Slot](repeating: Slot(), count: 8)
  private let seed: UInt64
  /// How many names there are.
  private(set) var count = 0

  /// An empty table; an unpredictable seed keeps a server from choosing names that collide.
  init(seed: UInt64 = 0) {
    self.seed = seed
  }

  /// The number of a name, nil if it is not in the table.
  func number(of range: Range<Int>, in bytes: [UInt8]) -> Int? {
    let slot = slots[probe(range, bytes)]
    return slot.number == .max ? nil : Int(slot.number)
  }

  /// Adds a name; false if it was there.
  mutating func insert(_ range: Range<Int>, of bytes: [UInt8]) -> Bool {
    var place = probe(range, bytes)
    guard slots[place].number == .max else { return false }
    if (count + 1) * 4 > slots.count * 3 {
      grow()
      place = probe(range, bytes)
    }
    slots[place] = Slot(
      offset: UInt32(storage.count), length: UInt32(range.count), number: UInt32(count))
    storage.append(contentsOf: bytes[range])
    count += 1
    return true
  }

  /// Adds a name; false if it was there.
  mutating func insert(_ name: [UInt8]) -> Bool {
    insert(name.indices, of: name)
  }

  /// The bytes that the names take.
  var byteCount: Int { storage.count + count * 32 }

  /// The slot that holds a name, or the empty one where it would go.
  private func probe(_ range: Range<Int>, _ bytes: [UInt8]) -> Int {
    let mask = slots.count - 1
    var place = Int(truncatingIfNeeded: hash(range, bytes)) & mask
    while slots[place].number != .max {
      if equals(slots[place], range, bytes) { return place }
      place = (place + 1) & mask
    }
    return place
  }

  private func equals(_ slot: Slot, _ range: Range<Int>, _ bytes: [UInt8]) -> Bool {
    guard Int(slot.length) == range.count else { return false }
    let start = Int(slot.offset)
    for index in 0..<range.count where storage[start + index] != bytes[range.lowerBound + index] {
      return false
    }
    return true
  }

  /// FNV-1a, seeded, with a final mix for the low bits.
  private func hash(_ range: Range<Int>, _ bytes: [UInt8]) -> UInt64 {
    var state: UInt64 = 0xcbf2_9ce4_8422_2325 ^ seed
    for index in range {
      state = (state ^ UInt64(bytes[index])) &* 0x100_0000_01b3
    }
    return state ^ state >> 32
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: Slot(), count: old.count * 2)
    for slot in old where slot.number != .max {
      let start = Int(slot.offset)
      slots[probe(start..<start + Int(slot.length), storage)] = slot
    }
  }
}
