internal import Profile
internal import Wire

/// What calls have used up, and which tools rest: the state behind rates, budgets and breakers.
///
/// Nothing of it is looked at unless the profile bounds something (`isOn`).
struct Meter: Sendable {
  /// Why no call may be made now.
  struct Refusal {
    var reason: Reason
    var text: String
    /// The line of the profile that says so, 0 for that of the entry.
    var rule: Int = 0
    /// After how long (µs) another attempt makes sense, if that is known.
    var wait: Int64?
  }

  /// What is remembered of a call that was let through.
  struct Charge: Sendable {
    /// The number of the tool's entry, −1 if the call is not counted.
    var entry: Int32
    /// The number of its breaker, −1 if it has none, and of the trial that it is.
    var breaker: Int32 = -1
    var trial: CircuitBreaker.Trial = 0

    /// Of what is not counted.
    static let none = Charge(entry: -1)

    var isCounted: Bool { entry >= 0 }
  }

  /// Whether the profile bounds anything.
  let isOn: Bool
  private let limits: [Profile.CallLimits]
  private let section: Profile.CallLimits
  private let budget: Profile.CallBudget
  private var bucket: TokenBucket?
  /// The buckets of the entries, none where an entry has no rate.
  private var buckets: [TokenBucket?]
  private var breakers: [CircuitBreaker] = []
  /// Of each entry: its breaker's rules, and the number of the breaker that its tools have, if it
  /// names one tool alone, or of the one that those of a pattern share that came too late.
  private var rules: [(breaker: Profile.Breaker, number: Int, isPattern: Bool)?] = []
  /// The names of tools that a pattern lets through, and of each the number of its breaker.
  private var names: NameTable
  private var numbers: [Int] = []
  /// Calls that were let through, and bytes of them and of their answers.
  private var calls = 0, bytes = 0

  init(_ rules: Rules, seed: UInt64) {
    limits = rules.tools.entries.map(\.limits)
    section = rules.tools.limits
    budget = rules.tools.budget
    names = NameTable(seed: seed)
    bucket = section.rate.map { TokenBucket($0.value) }
    buckets = limits.map { $0.rate.map { TokenBucket($0.value) } }
    for entry in rules.tools.entries {
      guard case .on(let breaker) = entry.limits.breaker ?? section.breaker ?? .off else {
        self.rules.append(nil)
        continue
      }
      self.rules.append((breaker, breakers.count, entry.isPattern))
      breakers.append(CircuitBreaker(breaker))
    }
    isOn =
      !breakers.isEmpty || bucket != nil || buckets.contains { $0 != nil }
      || section.inFlight != nil || limits.contains { $0.inFlight != nil }
      || budget.calls != nil || budget.bytes != nil
  }

  /// Whether a call may be made now, which costs nothing yet; the first bound that it meets.
  ///
  /// - Parameters:
  ///   - charge: of the call.
  ///   - size: of its message, in bytes.
  ///   - open: the requests in flight.
  mutating func refusal(
    of charge: Charge, size: Int, open: RequestTable, at now: Int64
  ) -> Refusal? {
    let entry = Int(charge.entry)
    if charge.breaker >= 0, let refusal = rest(of: Int(charge.breaker), entry, at: now) {
      return refusal
    }
    if let most = limits[entry].inFlight, open.calls(of: charge.entry) >= most.value {
      return Refusal(reason: .callsInFlight, text: Self.full(most.value, "of this tool"))
    }
    if let most = section.inFlight, open.calls >= most.value {
      return Refusal(
        reason: .callsInFlight, text: Self.full(most.value, "of tools"), rule: most.line)
    }
    let all = bucket?.wait(at: now) ?? 0
    if let own = buckets[entry]?.wait(at: now), own > 0, let rate = limits[entry].rate {
      // When this one is over the other may still keep the call back.
      let wait = max(own, all)
      return Refusal(
        reason: .rateLimit, text: Self.slow(rate.value, "this tool", wait), wait: wait)
    }
    if all > 0, let rate = section.rate {
      return Refusal(
        reason: .rateLimit, text: Self.slow(rate.value, "tools", all), rule: rate.line, wait: all)
    }
    if let most = budget.calls, calls >= most.value {
      return Refusal(
        reason: .callBudget,
        text: "the \(most.value) tool calls that a session may make are used "
          + "up, so no further call can be made in this one", rule: most.line)
    }
    if let most = budget.bytes, bytes >= most.value || size > most.value - bytes {
      return Refusal(
        reason: .byteBudget,
        text: "the \(most.value) bytes that the tool calls of a session may "
          + "take, with their answers, "
          + (bytes >= most.value
            ? "are used up, so no further call can be made in this one"
            : "leave no room for this call"),
        rule: most.line)
    }
    return nil
  }

  private func rest(of number: Int, _ entry: Int, at now: Int64) -> Refusal? {
    let wait = breakers[number].wait(at: now)
    guard wait > 0, let (breaker, _, _) = rules[entry] else { return nil }
    if breakers[number].isTrying(at: now) {
      return Refusal(
        reason: .breakerOpen,
        text: "this tool kept failing and is being tried again with another "
          + "call; wait for that one's answer", wait: wait)
    }
    let times = breaker.failures == 1 ? "once" : "\(breaker.failures) times"
    return Refusal(
      reason: .breakerOpen,
      text: "this tool failed \(times) within \(breaker.window) s and rests; "
        + "do without it, or try again in \(Self.seconds(wait)) s", wait: wait)
  }

  /// Lets a call through that nothing refuses: takes what it costs.
  mutating func begin(_ charge: inout Charge, size: Int, at now: Int64) {
    if charge.breaker >= 0 { charge.trial = breakers[Int(charge.breaker)].begin(at: now) }
    buckets[Int(charge.entry)]?.take()
    bucket?.take()
    calls += 1
    bytes += size
  }

  /// A call has ended; `size` is that of its answer in bytes.
  mutating func end(_ charge: Charge, _ end: CircuitBreaker.End, size: Int, at now: Int64) {
    bytes += size
    guard charge.breaker >= 0 else { return }
    breakers[Int(charge.breaker)].end(end, of: charge.trial, at: now)
  }

  /// Whether results that say `isError` are failures.
  func countsToolErrors(_ charge: Charge) -> Bool {
    rules[Int(charge.entry)]?.breaker.countsToolErrors ?? false
  }

  /// The charge of a call of the tool with this name, whose entry is known.
  mutating func charge(_ name: Range<Int>, in message: [UInt8], entry: Int32) -> Charge {
    var charge = Charge(entry: entry)
    guard let (breaker, shared, isPattern) = rules[Int(entry)] else { return charge }
    var number = shared
    if isPattern {
      if let known = names.number(of: name, in: message) {
        number = numbers[known]
      } else if names.count < Bounds.remembered, names.insert(name, of: message) {
        // Whoever may call tools by any name must not have us remember them all.
        number = breakers.count
        numbers.append(number)
        breakers.append(CircuitBreaker(breaker))
      }
    }
    charge.breaker = Int32(truncatingIfNeeded: number)
    return charge
  }

  private static func full(_ count: Int, _ what: String) -> String {
    count == 1
      ? "a call \(what) is in flight already, and no more than one may be; try again when it is answered"
      : "\(count) calls \(what) are in flight already, and no more may be; try again when one of them "
        + "is answered"
  }

  private static func slow(_ rate: Profile.Rate, _ what: String, _ wait: Int64) -> String {
    let period =
      switch rate.period {
      case .second: "second"
      case .minute: "minute"
      case .hour: "hour"
      }
    let times = rate.count == 1 ? "once" : "\(rate.count) times"
    return "\(what) may be called \(times) per \(period), and that is used up; try again in "
      + "\(seconds(wait)) s"
  }

  /// Whole seconds, rounded up.
  private static func seconds(_ time: Int64) -> Int64 { (time + 999_999) / 1_000_000 }
}
