/// How often which system call was refused, and what of that is to be told when.
///
/// The first refusal of each call is told at once, and of others up to a rate, so that a flood costs
/// those who hear of it no more than a quiet session; what is beyond that is counted, and told of when
/// a second is over. Storage is fixed.
public struct DenialCounts: Sendable {
  /// Some refusals of one call.
  public struct Entry: Sendable, Equatable {
    /// The call.
    public var call: DeniedCall
    /// The error number of the last of them.
    public var errno: UInt16
    /// How many.
    public var count: Int64
    /// Whether it is told while its caller still waits.
    public var isFresh: Bool

    /// Some refusals.
    public init(call: DeniedCall, errno: UInt16, count: Int64, isFresh: Bool) {
      self.call = call
      self.errno = errno
      self.count = count
      self.isFresh = isFresh
    }
  }

  /// How many refusals of calls that were refused before are told at once in a second.
  static let perSecond = 20

  private var totals = [Int64](repeating: 0, count: DeniedCall.kinds)
  private var untold = [Int64](repeating: 0, count: DeniedCall.kinds)
  private var errors = [UInt16](repeating: 0, count: DeniedCall.kinds)
  private var second: Int64 = .min
  private var told = 0
  /// When what waits is to be told (monotonic, µs); nil if nothing waits.
  public private(set) var deadline: Int64?

  /// Nothing was refused yet.
  public init() {}

  /// Counts one refusal. Returns it if it is to be told at once.
  public mutating func note(_ call: DeniedCall, _ errno: UInt16, at now: Int64) -> Entry? {
    let isFirst = totals[call.kind] == 0
    totals[call.kind] += 1
    errors[call.kind] = errno
    if now / 1_000_000 != second {
      second = now / 1_000_000
      told = 0
    }
    if isFirst || told < Self.perSecond {
      if !isFirst { told += 1 }
      return Entry(call: call, errno: errno, count: 1, isFresh: true)
    }
    keep(call, 1, at: now)
    return nil
  }

  /// Keeps what could not be told.
  public mutating func keep(_ entry: Entry, at now: Int64) {
    keep(entry.call, entry.count, at: now)
  }

  private mutating func keep(_ call: DeniedCall, _ count: Int64, at now: Int64) {
    untold[call.kind] += count
    deadline = deadline ?? now + 1_000_000
  }

  /// What waits to be told, and no longer does.
  public mutating func take() -> [Entry] {
    guard deadline != nil else { return [] }
    deadline = nil
    var entries: [Entry] = []
    for kind in untold.indices where untold[kind] > 0 {
      guard let call = DeniedCall(kind: kind) else { continue }
      entries.append(
        Entry(call: call, errno: errors[kind], count: untold[kind], isFresh: false))
      untold[kind] = 0
    }
    return entries
  }

  /// Every call that was refused, with all its refusals, by number.
  public var all: [Entry] {
    totals.indices.compactMap { kind in
      guard totals[kind] > 0, let call = DeniedCall(kind: kind) else { return nil }
      return Entry(call: call, errno: errors[kind], count: totals[kind], isFresh: false)
    }
  }
}
