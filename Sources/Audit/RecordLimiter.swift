public import Wire

/// Keeps a flood of messages that cost their writer nothing from becoming a flood of records.
///
/// In each second the first such records of either side are written one by one; what follows is
/// counted by kind, side and reason, and the counts are written as one `counts` record.
public struct RecordLimiter: Sendable {
  /// What was counted and not written one by one.
  public struct Count: Equatable, Sendable {
    /// What kind of record each would have been.
    public var kind: RecordKind
    /// Who wrote the messages.
    public var side: Side
    /// Why they were decided on as they were; of what simply passed, the method.
    public var reason: String?
    /// The method of what passed.
    public var method: String?
    /// The name of a system call that was refused.
    public var call: String?
    /// How many, and their bytes together.
    public var count = 0, bytes = 0

    /// A count of one kind of message.
    public init(
      kind: RecordKind, side: Side, reason: String?, method: String? = nil, call: String? = nil
    ) {
      self.kind = kind
      self.side = side
      self.reason = reason
      self.method = method
      self.call = call
    }

    fileprivate func isLike(_ other: Count) -> Bool {
      kind == other.kind && side == other.side && reason == other.reason
        && method == other.method && call == other.call
    }
  }

  private let limit: Int
  private var window: Int64 = .min
  private var used = (client: 0, server: 0)
  private var counts: [Count] = []
  /// The second in which the first of the counted messages came.
  private var since: Int64 = 0

  /// A limiter that lets `perSecond` records of each side be written one by one.
  public init(perSecond: Int = 20) {
    limit = perSecond
  }

  /// Whether a message at `now` (monotonic, µs) is to be recorded by itself; if not it has been
  /// counted. `what` says which count it belongs to.
  public mutating func admit(_ what: Count, bytes: Int, at now: Int64) -> Bool {
    let second = now / 1_000_000
    if second != window {
      window = second
      used = (0, 0)
    }
    let before = what.side == .client ? used.client : used.server
    guard before >= limit else {
      if what.side == .client { used.client += 1 } else { used.server += 1 }
      return true
    }
    count(what, bytes: bytes, at: now)
    return false
  }

  /// Counts a message that cannot be recorded by itself.
  public mutating func count(_ what: Count, bytes: Int, at now: Int64, times: Int = 1) {
    if counts.isEmpty { since = now / 1_000_000 }
    let place = counts.firstIndex { $0.isLike(what) } ?? counts.count
    if place == counts.count { counts.append(what) }
    counts[place].count += times
    counts[place].bytes += bytes
  }

  /// Whether counts wait to be written.
  public var hasCounts: Bool { !counts.isEmpty }

  /// Whether counts wait and the second in which the first of them was made is over.
  public func isDue(at now: Int64) -> Bool {
    hasCounts && now / 1_000_000 != since
  }

  /// The counts since the last call, to be written as one record.
  public mutating func take() -> [Count] {
    defer { counts.removeAll(keepingCapacity: true) }
    return counts
  }
}
