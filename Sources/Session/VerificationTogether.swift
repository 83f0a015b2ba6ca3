internal import Confinement
internal import Linux

/// What a control group holds, tried in cells of its own: reaching the limit of memory ends the cell.
///
/// *Limits.* The numbers are smaller than a profile's may be, so that a busy host is spared; that the
/// profile's own are in force is the read-back's to show. Processors' time is read back only.
extension Verification.Verifier {
  /// At most so many processes and so much memory (bytes), and what goes beyond the latter.
  private static let mostProcesses: UInt64 = 64
  private static let mostMemory: UInt64 = 128 << 20
  private static let beyond = "together:4:48"

  /// The checks; none when the plan has no control group.
  func together() throws(SessionError) -> [VerificationCheck] {
    guard let group = plan.controlGroup else { return [] }
    var small = plan
    // Without the limits of each process, so that nothing but the group can stop them.
    small.blueprint.limits.removeAll { [.processes, .data].contains($0.resource) }
    func number(_ name: String) -> UInt64 {
      UInt64(group.settings.first { $0.name.utf8.elementsEqual(name.utf8) }?.value ?? "") ?? 0
    }
    let processes = min(number("pids.max"), Self.mostProcesses)
    let memory = min(number("memory.max"), Self.mostMemory)
    small.controlGroup?.set("pids.max", "\(processes)")
    small.controlGroup?.set("memory.max", "\(memory)")
    let attempts = ["processes:\(processes)", Self.beyond]
    let outside = try control(attempts, apart: false)
    var checks: [VerificationCheck] = []
    let names = ["processes of the cell together stop", "memory of the cell together stops"]
    for index in attempts.indices {
      checks.append(
        VerificationCheck(
          ProbeCheck("limits", names[index], attempts[index]),
          inside: try limited(small, attempts[index]), outside: outside.answers[index], apart: nil,
          isPromised: true))
    }
    return checks
  }

  /// The answer of a cell of its own to one attempt. That the group's limit killed the cell is one.
  private func limited(_ plan: Plan, _ attempt: String) throws(SessionError) -> ProbeAnswer {
    let answers: [ProbeAnswer]
    var events: ControlGroupEvents?
    do { answers = try cell(plan, [attempt], events: &events).answers.get() } catch {
      guard let events, events.memoryKills > 0 else { throw error }
      return ProbeAnswer(
        outcome: .killed, error: "", detail: "\(events.memoryKills) processes, by the control group"
      )
    }
    guard var answer = answers.first else {
      throw SessionError("the probe failed: it gave no answer", status: 2)
    }
    // The kernel says itself that it was the group that refused.
    if answer.outcome == .refused, let events, events.refusedProcesses == 0, events.memoryKills == 0
    {
      answer.outcome = .unknown
      answer.detail = "something other than the control group refused it"
    }
    return answer
  }
}
