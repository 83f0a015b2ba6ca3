/// A small generator with a seed, so that a failure can be played again.
public struct SplitMix: RandomNumberGenerator, Sendable {
  /// Where it stands; also the seed.
  public var state: UInt64

  /// A generator that begins at a seed.
  @inlinable
  public init(state: UInt64) { self.state = state }

  /// The next 64 bits.
  @inlinable
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// A number below `sides`.
  @inlinable
  public mutating func roll(_ sides: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(sides)).high)
  }

  /// One of these.
  @inlinable
  public mutating func pick<T>(_ list: [T]) -> T { list[roll(list.count)] }
}
