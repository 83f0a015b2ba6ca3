import Linux
import Testing

@testable import Session

@Suite("What a probe says is believed only if it is exactly what was asked for")
struct ProbeExchangeTests {
  /// Asks for `attempts` a probe that has said `text` already.
  private func ask(
    _ attempts: [String], saying text: String, milliseconds: Int64 = 5_000
  ) throws -> [ProbeAnswer] {
    let requests = try Descriptor.pipe()
    let answers = try Descriptor.pipe()
    try Descriptor.setNonblocking(answers.write.rawValue)
    try Descriptor.setNonblocking(requests.write.rawValue)
    let bytes = [UInt8](text.utf8)
    if !bytes.isEmpty {
      _ = try Descriptor.write(answers.write.rawValue, bytes, 0..<bytes.count)
    }
    let theirInput = requests.read
    let writing = requests.write
    let exchange = ProbeExchange(
      deadline: Clock.monotonicMicroseconds() + milliseconds * 1000, signals: -1)
    // Both other ends are kept until the end.
    defer { _ = (theirInput.rawValue, answers.write.rawValue) }
    return try exchange.ask(attempts, input: writing, output: answers.read.rawValue)
  }

  private func line(_ attempt: String, _ outcome: String = "refused", detail: String = "") -> String
  {
    """
    {"attempt":"\(attempt)","outcome":"\(outcome)","errno":"EPERM","detail":"\(detail)"}\n
    """
  }

  @Test("an answer for each attempt, in their order")
  func good() throws {
    let answers = try ask(["a:/b", "c"], saying: line("a:/b") + line("c", "done", detail: "d"))
    #expect(answers.map(\.outcome) == [.refused, .done])
    #expect(answers.map(\.text) == ["refused, EPERM", "done, EPERM, d"])
  }

  @Test(
    "anything else is an error",
    arguments: [
      "{\"attempt\":\"b\",\"outcome\":\"refused\",\"errno\":\"\",\"detail\":\"\"}\n",
      "{\"attempt\":\"a\",\"outcome\":\"held\",\"errno\":\"\",\"detail\":\"\"}\n",
      "{\"attempt\":\"a\",\"outcome\":\"refused\",\"errno\":\"\"}\n",
      "{\"attempt\":\"a\",\"outcome\":\"done\",\"outcome\":\"refused\",\"errno\":\"\",\"detail\":\"\"}\n",
      "{\"attempt\":\"a\",\"outcome\":1,\"errno\":\"\",\"detail\":\"\"}\n",
      "[\"a\"]\n", "\n", "refused\n",
    ])
  func bad(_ text: String) {
    #expect(throws: SessionError.self) { try ask(["a"], saying: text) }
  }

  @Test("a line too many is an error, and so is one too few")
  func count() {
    #expect(throws: SessionError.self) { try ask(["a"], saying: line("a") + line("a")) }
    #expect(throws: SessionError.self) {
      try ask(["a", "b"], saying: line("a"), milliseconds: 100)
    }
  }

  @Test("silence is an error when the time is over")
  func silence() {
    #expect(throws: SessionError.self) { try ask(["a"], saying: "", milliseconds: 50) }
  }
}

@Suite("A check is held only when its control came through")
struct VerificationCheckTests {
  private func check(
    _ inside: ProbeAnswer.Outcome, _ outside: ProbeAnswer.Outcome,
    _ apart: ProbeAnswer.Outcome? = nil, isPromised: Bool = true
  ) -> VerificationCheck {
    func answer(_ outcome: ProbeAnswer.Outcome) -> ProbeAnswer {
      ProbeAnswer(outcome: outcome, error: "", detail: "")
    }
    return VerificationCheck(
      ProbeCheck("class", "name", "attempt"), inside: answer(inside), outside: answer(outside),
      apart: apart.map(answer), isPromised: isPromised)
  }

  private func report(_ checks: [VerificationCheck]) -> VerificationReport {
    VerificationReport(
      profile: "p", isolation: "full", checks: checks, seal: [], allowed: [], notes: [])
  }

  @Test("stopped inside and open outside is held, whichever way it is open")
  func held() {
    for (check, control) in [
      (check(.refused, .done), VerificationControl.done), (check(.killed, .reached), .reached),
      (check(.refused, .refused, .done), .doneApart),
      (check(.refused, .unknown, .reached), .reachedApart),
    ] {
      #expect(check.held && !check.isAbsent && check.control == control)
      #expect(report([check]).held)
    }
  }

  @Test("stopped on both sides shows nothing, and nothing but that is no pass")
  func absent() {
    let nothing = check(.refused, .refused, .refused)
    #expect(!nothing.held && nothing.isAbsent && nothing.control == .absent)
    #expect(report([nothing, check(.refused, .done)]).held)
    #expect(!report([nothing]).held)
    #expect(!report([]).held)
  }

  @Test("what the level does not promise counts neither way, and is never held")
  func notPromised() {
    for check in [
      check(.done, .done, isPromised: false), check(.refused, .done, isPromised: false),
      check(.refused, .refused, isPromised: false),
    ] {
      #expect(!check.held && !check.isAbsent && !check.isPromised)
      #expect(report([check, self.check(.refused, .done)]).held)
      #expect(!report([check]).held)
    }
  }

  @Test("what is open inside is a finding, whatever its control")
  func open() {
    for finding in [
      check(.done, .done), check(.reached, .done), check(.done, .refused), check(.unknown, .done),
    ] {
      #expect(!finding.held && !finding.isAbsent)
      #expect(!report([finding, check(.refused, .done)]).held)
    }
  }
}
