internal import Profile

/// Whether a tool that fails is given a rest: closed while it works, open while it rests, and then
/// half open, when one call at a time is let through on trial.
///
/// (The words are the field's: an *open* circuit lets nothing through.)
struct CircuitBreaker: Sendable {
  /// How a call ended.
  enum End { case success, failure, unknown }

  /// A call on trial, by its number; 0 for one that is not.
  typealias Trial = Int

  private let failures: Int
  private let window: Int64
  private let pause: Int64
  private let successes: Int
  /// The times of the last failures, and of the last ends, as many as are asked for.
  private var failed: Times
  private var ended: Times
  private var isOpen = false
  /// While it is open: when a call on trial is let through at the earliest.
  private var until: Int64 = 0
  /// Calls on trial that succeeded one after the other.
  private var streak = 0
  /// The call on trial that is in flight, and when it is no longer waited for.
  private var trial: Trial = 0
  private var trialDue: Int64 = 0
  private var trials = 0

  init(_ breaker: Profile.Breaker) {
    failures = breaker.failures
    window = Int64(breaker.window) * 1_000_000
    pause = Int64(breaker.pause) * 1_000_000
    successes = breaker.successes
    failed = Times(most: breaker.failures)
    // As many failures are as many ends, so fewer ends need not be counted.
    ended = Times(most: breaker.minimum > breaker.failures ? breaker.minimum : 0)
  }

  /// How long (µs) from `now` no call is let through; 0 if one is.
  func wait(at now: Int64) -> Int64 {
    guard isOpen else { return 0 }
    if now < until { return until - now }
    return trial != 0 && now < trialDue ? trialDue - now : 0
  }

  /// Whether it is a call on trial that is waited for.
  func isTrying(at now: Int64) -> Bool { isOpen && now >= until && trial != 0 }

  /// A call is let through, after ``wait(at:)`` said that one is.
  mutating func begin(at now: Int64) -> Trial {
    guard isOpen else { return 0 }
    trials += 1
    trial = trials
    trialDue = now + pause
    return trial
  }

  /// A call has ended. While it is open those alone count that are on trial, and of these the last.
  mutating func end(_ end: End, of call: Trial, at now: Int64) {
    if isOpen {
      guard call != 0, call == trial else { return }
      trial = 0
      switch end {
      case .unknown: break
      case .failure: open(at: now)
      case .success:
        streak += 1
        if streak >= successes { close() }
      }
      return
    }
    guard end != .unknown, call == 0 else { return }
    ended.add(now)
    guard end == .failure else { return }
    failed.add(now)
    if failed.areWithin(window, of: now), ended.areWithin(window, of: now) { open(at: now) }
  }

  private mutating func open(at now: Int64) {
    isOpen = true
    until = now + pause
    streak = 0
    trial = 0
  }

  private mutating func close() {
    isOpen = false
    streak = 0
    failed.clear()
    ended.clear()
  }

  /// The last so many times, in a ring.
  private struct Times: Sendable {
    let most: Int
    private var times: [Int64] = []
    private var oldest = 0

    init(most: Int) { self.most = most }

    mutating func add(_ time: Int64) {
      if times.count < most {
        times.append(time)
      } else if most > 0 {
        times[oldest] = time
        oldest = (oldest + 1) % most
      }
    }

    /// Whether there are as many as that, and all of them less than `window` before `now`.
    func areWithin(_ window: Int64, of now: Int64) -> Bool {
      most == 0 || times.count == most && now - times[oldest] < window
    }

    mutating func clear() {
      times.removeAll(keepingCapacity: true)
      oldest = 0
    }
  }
}
