import Generators
import Profile
import Testing
import Wire

@testable import Policy

@Suite("Rates, by a bucket of tokens")
struct TokenBucketTests {
  /// The same with fractions of tokens, written down as the docs say it.
  struct Naive {
    let rate: Profile.Rate
    /// In parts of a token: one is as many as the period has microseconds. Wide, so nothing wraps.
    var tokens: Int128
    var at: Int128 = 0

    init(_ rate: Profile.Rate) {
      self.rate = rate
      tokens = Int128(rate.burst) * Int128(rate.period.seconds) * 1_000_000
    }

    mutating func admits(at now: Int64) -> Bool {
      let one = Int128(rate.period.seconds) * 1_000_000
      tokens = min(
        tokens + (Int128(now) - at) * Int128(rate.count), Int128(rate.burst) * one)
      at = Int128(now)
      return tokens >= one
    }

    mutating func take() { tokens -= Int128(rate.period.seconds) * 1_000_000 }
  }

  static let rates: [Profile.Rate] = [1, 2, 3, 7, 1000, 999_983, 1_000_000].flatMap { count in
    Profile.Rate.Period.allCases.flatMap { period in
      [1, 2, count, 1_000_000].map { Profile.Rate(count, per: period, burst: $0) }
    }
  }

  @Test(
    "lets exactly those calls through that the naive count does, whenever they come",
    arguments: rates)
  func model(_ rate: Profile.Rate) {
    var generator = SplitMix(state: UInt64(rate.count * 31 + rate.burst))
    var bucket = TokenBucket(rate)
    var naive = Naive(rate)
    var now: Int64 = 0
    for _ in 0..<2000 {
      let period = Int64(rate.period.seconds) * 1_000_000
      let step: Int64 =
        [
          0, 1, period / Int64(rate.count), period / Int64(rate.count) + 1, period, 97,
          86_400_000_000,
        ].randomElement(using: &generator) ?? 0
      now += step
      let expected = naive.admits(at: now)
      let wait = bucket.wait(at: now)
      #expect((wait == 0) == expected)
      if wait > 0 {
        // The wait that is told is the least one.
        var later = naive
        let (before, then) = (later.admits(at: now + wait - 1), later.admits(at: now + wait))
        #expect(!before && then)
      } else if Bool.random(using: &generator) {
        bucket.take()
        naive.take()
      }
    }
  }

  @Test("in no span of time are there more calls than the burst and what the rate brings")
  func bound() {
    let rate = Profile.Rate(7, per: .second, burst: 3)
    var generator = SplitMix(state: 5)
    var bucket = TokenBucket(rate)
    var now: Int64 = 0
    var times: [Int64] = []
    for _ in 0..<5000 {
      now += Int64.random(in: 0...200_000, using: &generator)
      if bucket.wait(at: now) == 0 {
        bucket.take()
        times.append(now)
      }
    }
    #expect(times.count > 1000)
    for (index, start) in times.enumerated() {
      for other in times[index...].prefix(100).enumerated() {
        let most = 3 + Double(other.element - start) * 7 / 1_000_000
        #expect(Double(other.offset + 1) <= most + 1e-9)
      }
    }
  }

  @Test(
    "a clock that starts late, stands still, goes back or jumps brings nothing that it should not")
  func clocks() {
    var bucket = TokenBucket(Profile.Rate(1, per: .second, burst: 2))
    func wait(_ time: Int64) -> Int64 { bucket.wait(at: time) }
    #expect(wait(.max - 1) == 0)
    bucket.take()
    bucket.take()
    #expect(wait(.max - 1) == 1_000_000)
    #expect(wait(5) == 1_000_000)
    bucket = TokenBucket(Profile.Rate(1_000_000, per: .second, burst: 1))
    bucket.take()
    #expect(wait(0) == 1)
    #expect(wait(.max) == 0)
  }
}

@Suite("Breakers")
struct CircuitBreakerTests {
  /// The same with everything that ever happened kept, and looked through each time.
  struct Naive {
    enum State: Equatable { case closed, open(until: Int64), trying(call: Int, due: Int64), half }
    let rules: Profile.Breaker
    var state = State.closed
    var history: [(time: Int64, failed: Bool)] = []
    var streak = 0
    var calls = 0

    func admits(at now: Int64) -> Bool {
      switch state {
      case .closed, .half: true
      case .open(let until): now >= until
      case .trying(_, let due): now >= due
      }
    }

    mutating func begin(at now: Int64) -> Int {
      if state == .closed { return 0 }
      calls += 1
      state = .trying(call: calls, due: now + Int64(rules.pause) * 1_000_000)
      return calls
    }

    mutating func end(_ end: CircuitBreaker.End, of call: Int, at now: Int64) {
      let open = State.open(until: now + Int64(rules.pause) * 1_000_000)
      switch state {
      case .closed:
        guard call == 0, end != .unknown else { return }
        history.append((now, end == .failure))
        let recent = history.filter { now - $0.time < Int64(rules.window) * 1_000_000 }
        if end == .failure, recent.count(where: \.failed) >= rules.failures,
          recent.count >= rules.minimum
        {
          state = open
          streak = 0
        }
      case .trying(call, _):
        switch end {
        case .unknown: state = .half
        case .failure:
          state = open
          streak = 0
        case .success:
          streak += 1
          state = .half
          if streak >= rules.successes {
            state = .closed
            history = []
            streak = 0
          }
        }
      case .open, .half, .trying: break
      }
    }
  }

  static let rules: [Profile.Breaker] = [1, 2, 3].flatMap { failures in
    [1, 3, 5].flatMap { minimum in
      [1, 2].flatMap { successes in
        [1, 3].map { pause in
          var rules = Profile.Breaker()
          rules.failures = failures
          rules.minimum = minimum
          rules.successes = successes
          rules.window = 4
          rules.pause = UInt64(pause)
          return rules
        }
      }
    }
  }

  @Test("every sequence of seven steps ends as the naive account says", arguments: rules)
  func exhaustive(_ rules: Profile.Breaker) {
    var visited = 0
    // A step: a call begins (if one may), the oldest or the newest ends in one of three ways, or time
    // passes, also to the microsecond before and of a bound.
    func walk(
      _ breaker: CircuitBreaker, _ naive: Naive, _ open: [Int], _ now: Int64, _ depth: Int
    ) {
      visited += 1
      #expect((breaker.wait(at: now) == 0) == naive.admits(at: now))
      let wait = breaker.wait(at: now)
      if wait > 0 {
        #expect(!naive.admits(at: now + wait - 1) && naive.admits(at: now + wait))
        #expect(
          breaker.isTrying(at: now) == { if case .trying = naive.state { true } else { false } }())
      }
      guard depth > 0 else { return }
      if wait == 0 {
        var (breaker, naive) = (breaker, naive)
        let trial = breaker.begin(at: now)
        let expected = naive.begin(at: now)
        #expect(trial == expected)
        walk(breaker, naive, open + [trial], now, depth - 1)
      }
      for index in Set([0, open.count - 1]) where open.indices.contains(index) {
        for end in [CircuitBreaker.End.success, .failure, .unknown] {
          var (breaker, naive, open) = (breaker, naive, open)
          let call = open.remove(at: index)
          breaker.end(end, of: call, at: now)
          naive.end(end, of: call, at: now)
          walk(breaker, naive, open, now, depth - 1)
        }
      }
      for time: Int64 in [999_999, 1_000_000, 3_000_001] {
        walk(breaker, naive, open, now + time, depth - 1)
      }
    }
    // Begun with calls in flight, so that seven steps reach everything.
    walk(CircuitBreaker(rules), Naive(rules: rules), [0, 0, 0], 0, 5)
    var generator = SplitMix(state: UInt64(rules.failures * 100 + rules.minimum * 10))
    var (breaker, naive) = (CircuitBreaker(rules), Naive(rules: rules))
    var open: [Int] = []
    var (now, opened, closed): (Int64, Int, Int) = (0, 0, 0)
    for _ in 0..<20_000 {
      let before = naive.state
      switch Int.random(in: 0..<4, using: &generator) {
      case 0, 1:
        #expect((breaker.wait(at: now) == 0) == naive.admits(at: now))
        guard naive.admits(at: now), open.count < 8 else { continue }
        let trial = breaker.begin(at: now)
        let expected = naive.begin(at: now)
        #expect(trial == expected)
        open.append(trial)
      case 2 where !open.isEmpty:
        let call = open.remove(at: Int.random(in: 0..<open.count, using: &generator))
        let end =
          [CircuitBreaker.End.success, .failure, .failure, .unknown]
          .randomElement(using: &generator) ?? .unknown
        breaker.end(end, of: call, at: now)
        naive.end(end, of: call, at: now)
      default: now += Int64.random(in: 0...1_500_000, using: &generator)
      }
      if before == .closed, naive.state != .closed { opened += 1 }
      if before != .closed, naive.state == .closed { closed += 1 }
    }
    // It has been everywhere, and not only closed.
    #expect(visited > 1000 && opened > 10 && closed > 10)
  }
}

@Suite("Bounds of calls")
struct MeterTests {
  static func profile(_ tools: String) -> Profile {
    Scenario.profile("tools: {schemas: ignore, unknown_arguments: allow, \(tools)}")
  }

  static func call(_ id: Int, _ tool: String) -> String {
    #"> {"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(tool)"}}"#
  }

  @Test("whatever is called and answered, what is in flight is counted exactly")
  func inFlight() {
    let profile = Self.profile(
      "in_flight: 3, timeout: 2s, allow: [{name: a, in_flight: 2}, {name: 'b*', in_flight: 2}]")
    var player = Player(profile: profile)
    var generator = SplitMix(state: 11)
    // Those that the server was sent and nobody ended, by the id, each with the time of its end.
    var open: [Int: (entry: Int, due: Int64)] = [:]
    var (id, full, passed, expired) = (0, 0, 0, 0)
    for _ in 0..<20_000 {
      switch Int.random(in: 0..<5, using: &generator) {
      case 0, 1:
        id += 1
        let tool = ["a", "b1", "b2"].randomElement(using: &generator) ?? "a"
        let entry = tool == "a" ? 0 : 1
        let outcome = player.play(Self.call(id, tool))
        let isFull =
          open.count >= 3 || open.values.count(where: { $0.entry == entry }) >= 2
        #expect(outcome.facts.contains("reason calls-in-flight") == isFull)
        #expect(outcome.lines.contains { $0.hasPrefix("=>S") } == !isFull)
        if isFull {
          full += 1
        } else {
          passed += 1
          open[id] = (entry, player.now + 2_000_000)
        }
      case 2:
        guard let one = open.keys.sorted().randomElement(using: &generator) else { continue }
        open[one] = nil
        let end = [
          #"< {"jsonrpc":"2.0","id":\#(one),"result":{"content":[]}}"#,
          #"< {"jsonrpc":"2.0","id":\#(one),"error":{"code":1,"message":"x"}}"#,
          #"> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(one)}}"#,
        ].randomElement(using: &generator)
        _ = player.play(end ?? "")
      case 3:
        let time = Int64.random(in: 0...1_000_000, using: &generator)
        let outcome = player.pass(time)
        let due = open.filter { $0.value.due <= player.now }.keys.sorted {
          (open[$0]?.due ?? 0) < (open[$1]?.due ?? 0)
        }
        for one in due { open[one] = nil }
        expired += due.count
        #expect(outcome.lines.count == due.count * 2)
        for one in due {
          #expect(outcome.lines.contains { $0.hasPrefix(#"=>C {"jsonrpc":"2.0","id":\#(one),"#) })
        }
      default:
        // What nobody waits for changes nothing.
        _ = player.play(#"< {"jsonrpc":"2.0","id":\#(id + 1000000),"result":{}}"#)
      }
      #expect(player.window.inFlight == open.count)
    }
    #expect(full > 1000 && passed > 1000 && expired > 100)
  }

  @Test("names beyond those that are remembered share a breaker")
  func manyNames() {
    let profile = Self.profile("breaker: {failures: 1}, allow: ['t*']")
    var player = Player(profile: profile)
    func fail(_ id: Int, _ tool: String) -> Bool {
      let passes = player.play(Self.call(id, tool)).lines.contains { $0.hasPrefix("=>S") }
      if passes {
        _ = player.play(#"< {"jsonrpc":"2.0","id":\#(id),"error":{"code":1,"message":"x"}}"#)
      }
      return passes
    }
    for number in 0..<Bounds.remembered { #expect(fail(number, "t\(number)")) }
    #expect(fail(2000, "tx"))
    #expect(!fail(2001, "ty"))
    #expect(!fail(2002, "t0"))
  }

  @Test("a line that is too long is no answer to a call that waits here")
  func oversizeOfHeld() {
    var player = Player(profile: Scenario.profile("tools: {allow: [a]}"))
    #expect(player.play(Self.call(1, "a")).facts.contains("reason held"))
    #expect(player.window.oversize(.integer(1), size: 4097, at: player.now) == nil)
    #expect(player.window.inFlight == 1)
    #expect(player.play(Self.call(1, "a")).facts.contains("reason id-in-use"))
  }

  @Test(
    "an answer that is too long to be read is a failure, counts with what was read, and ends the call"
  )
  func oversize() {
    let profile = Scenario.profile(
      "tools: {schemas: ignore, unknown_arguments: allow, in_flight: 1, budget: {bytes: 5000}, "
        + "allow: [{name: a, breaker: {failures: 1, pause: 1s}}, b]}")
    var player = Player(profile: profile)
    func call(_ id: Int, _ tool: String) -> String? {
      let facts = player.play(Self.call(id, tool)).facts
      return facts.first { $0.hasPrefix("reason ") }
    }
    #expect(call(1, "a") == nil)
    #expect(player.window.oversize(.integer(1), size: 4097, at: player.now) != nil)
    #expect(call(2, "a") == "reason breaker-open")
    #expect(call(3, "b") == nil)
    #expect(call(4, "b") == "reason calls-in-flight")
    #expect(player.window.oversize(.integer(3), size: 4097, at: player.now) != nil)
    #expect(call(5, "b") == "reason byte-budget")
    _ = player.pass(1_000_000)
    #expect(call(6, "a") == "reason byte-budget")
  }

  @Test("a server that ends has every call answered, and nothing is counted or due after")
  func serverEnded() {
    var player = Player(
      profile: Self.profile("in_flight: 2, timeout: 5s, breaker: {failures: 1}, allow: [a]"))
    for id in 0..<2 { _ = player.play(Self.call(id, "a")) }
    #expect(player.play("end").lines.count == 2)
    #expect(player.window.client.calls == 0 && player.window.deadline == nil)
    // Refused because the server is gone, and not because the tool failed.
    #expect(player.play(Self.call(3, "a")).facts.contains("reason server-ended"))
  }

  @Test("where the profile bounds nothing, no call is counted and nothing is due")
  func off() {
    var player = Player(profile: Self.profile("allow: [a]"))
    #expect(!player.window.meter.isOn)
    _ = player.play(Self.call(1, "a"))
    #expect(player.window.deadline == nil)
    #expect(player.window.client.calls == 0)
  }

  @Test("many calls that are due at once are answered in the order in which they came")
  func together() {
    let profile = Scenario.profile(
      "messages: {in_flight: 4096}\ntools: {schemas: ignore, unknown_arguments: allow, "
        + "timeout: 1s, allow: [a]}")
    var player = Player(profile: profile)
    for id in 0..<4096 { _ = player.play(Self.call(id, "a")) }
    let outcome = player.pass(2_000_000)
    let answers = outcome.lines.filter { $0.hasPrefix("=>C") }
    #expect(answers.count == 4096)
    for (id, line) in answers.enumerated() {
      #expect(line.hasPrefix(#"=>C {"jsonrpc":"2.0","id":\#(id),"#))
    }
    #expect(player.window.deadline == nil && player.window.inFlight == 0)
  }
}
