internal import Profile

/// So many calls per time, counted exactly: a bucket holds up to `burst` tokens, is full at first, and
/// fills at the rate; a call that is let through takes one.
///
/// The arithmetic is in whole parts of a token, so nothing is rounded away: a token has as many parts
/// as the period has microseconds, and each microsecond brings as many parts as the rate has calls.
struct TokenBucket: Sendable {
  /// The rate that it was made from.
  let rate: Profile.Rate
  private let token: Int64
  private let gain: Int64
  private let capacity: Int64
  private var parts: Int64
  private var at: Int64 = 0

  /// A full bucket.
  init(_ rate: Profile.Rate) {
    self.rate = rate
    token = Int64(rate.period.seconds) * 1_000_000
    gain = Int64(rate.count)
    capacity = token * Int64(rate.burst)
    parts = capacity
  }

  /// How long (µs) from `now` until there is a token, 0 if there is one.
  mutating func wait(at now: Int64) -> Int64 {
    fill(until: now)
    return parts >= token ? 0 : (token - parts + gain - 1) / gain
  }

  /// Takes a token, after ``wait(at:)`` has said that there is one.
  mutating func take() { parts -= token }

  /// A clock that stands still or goes back brings nothing.
  private mutating func fill(until now: Int64) {
    guard now > at else { return }
    let (gained, overflows) = (now - at).multipliedReportingOverflow(by: gain)
    at = now
    parts = overflows || gained >= capacity - parts ? capacity : parts + gained
  }
}
