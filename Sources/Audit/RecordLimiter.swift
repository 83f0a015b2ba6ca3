public import Wire

/// Keeps a flood of dropped lines from becoming a flood of records.
///
/// In each second the first drops are written one by one; what follows is counted by side and
/// reason, and the counts are written as one `drops` record.
public struct DropLimiter: Sendable {
  /// What was counted and not written one by one.
  public struct Count: Equatable, Sendable {
    /// Who wrote the lines.
    public var side: Side
    /// Why they were dropped.
    public var reason: String
    /// How many.
    public var count: Int
    /// Their bytes together.
    public var bytes: Int
  }

  private let limit: Int
  private var window: Int64 = .min
  private var used = 0
  private var counts: [Count] = []
  /// When the first of the counted lines came, in the clock that `admit` is given.
  public private(set) var since: Int64 = 0

  /// A limiter that lets `perSecond` drops be written one by one.
  public init(perSecond: Int = 20) {
    limit = perSecond
  }

  /// Whether a drop at `now` (monotonic, µs) is to be written by itself; if not it has been counted.
  public mutating func admit(side: Side, reason: String, bytes: Int, at now: Int64) -> Bool {
    let second = now / 1_000_000
    if second != window {
      window = second
      used = 0
    }
    if used < limit {
      used += 1
      return true
    }
    if counts.isEmpty { since = now }
    for index in counts.indices
    where counts[index].side == side && counts[index].reason == reason {
      counts[index].count += 1
      counts[index].bytes += bytes
      return false
    }
    counts.append(Count(side: side, reason: reason, count: 1, bytes: bytes))
    return false
  }

  /// Whether counts wait to be written.
  public var hasCounts: Bool { !counts.isEmpty }

  /// Whether counts wait and the second in which they were made is over.
  public func isDue(at now: Int64) -> Bool {
    hasCounts && now / 1_000_000 != window
  }

  /// The counts since the last call, to be written as one record.
  public mutating func take() -> [Count] {
    defer { counts.removeAll(keepingCapacity: true) }
    return counts
  }
}
