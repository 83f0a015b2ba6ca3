internal import Profile

/// How often a server is started again, and how long each time waits. Pure; the clock is passed in,
/// in monotonic microseconds.
struct RestartLimit: Sendable {
  /// The first wait, and the longest; each is twice the one before.
  static let first: Int64 = 500_000, longest: Int64 = 30_000_000

  private let rule: Profile.Restart
  /// When the failures were that led to a restart, the oldest first; at most as many as are allowed.
  private var times: [Int64] = []
  /// Restarts of the whole session.
  private(set) var count: Int64 = 0

  init(_ rule: Profile.Restart) { self.rule = rule }

  /// Takes note of a failure: how long to wait before the next server, nil if there is none.
  ///
  /// The wait counts what is within the time: a server that ran well for that long begins anew.
  mutating func wait(at now: Int64) -> Int64? {
    let span = Int64(clamping: rule.within) * 1_000_000
    times.removeAll { now - $0 >= span }
    guard times.count < rule.most else { return nil }
    let wait = min(Self.first << Int64(min(times.count, 16)), Self.longest)
    times.append(now)
    count += 1
    return wait
  }

  /// What is said of one: `1 of 5 in 600 s`.
  var text: String { "\(times.count) of \(rule.most) in \(rule.within) s" }
}
