public import Linux

/// Compares a keeper with what one should be, as the monitor sees it and as it says itself.
public struct KeeperComparison: Sendable {
  /// What messages and the record call it, for example "group_keeper".
  let name: String
  let process: Int32
  let facts: KeeperFacts

  /// Of root's rights those over files: `CAP_CHOWN`, `CAP_DAC_OVERRIDE`, `CAP_FOWNER`.
  private static let rights: UInt64 = 1 << 0 | 1 << 1 | 1 << 3

  /// A comparison of the keeper `process` that said `facts`.
  public init(_ name: String, process: Int32, facts: KeeperFacts) {
    self.name = name
    self.process = process
    self.facts = facts
  }

  /// The comparisons. Throws what the kernel answers when something cannot be read.
  public func checks() throws(Errno) -> [SealCheck] {
    let state = ProcessState(process)
    let status = try state.status()
    let ours = try ProcessState(Process.identifier).status()
    let filters = (Int(ours["Seccomp_filters"] ?? "0") ?? 0) + 1
    let none = "0000000000000000"
    let planned = facts.plannedDescriptors
    return [
      check("no_new_privs", "1", status["NoNewPrivs"] ?? "?"),
      check("seccomp", "2", status["Seccomp"] ?? "?"),
      check("seccomp_filters", "\(filters)", status["Seccomp_filters"] ?? "?"),
      check("dumpable", "no", facts.isDumpable ? "yes" : "no"),
      check("CapInh", none, status["CapInh"] ?? "?"),
      check("CapAmb", none, status["CapAmb"] ?? "?"),
      check("CapPrm", fileRights(ours["CapPrm"]), status["CapPrm"] ?? "?"),
      check("CapEff", fileRights(ours["CapEff"]), status["CapEff"] ?? "?"),
      // All but SIGKILL and SIGSTOP, which nobody blocks.
      check("signals_blocked", "fffffffffffbfeff", status["SigBlk"] ?? "?"),
      check("session", "its own", try state.session().session == process ? "its own" : "ours"),
      check("caller_environment", "0 bytes", "\(facts.environmentBytes) bytes"),
      check("descriptors", "\(planned) of \(planned)", "\(planned) of \(facts.openDescriptors)"),
      check(
        "landlock", "opens before, Permission denied after",
        "\(text(facts.canaryBefore)) before, \(text(facts.canaryAfter)) after"),
    ]
  }

  private func check(_ what: String, _ expected: String, _ observed: String) -> SealCheck {
    SealCheck("\(name).\(what)", expected: expected, observed: observed)
  }

  /// What a set of ours leaves it.
  private func fileRights(_ set: String?) -> String {
    let rest = (set.flatMap { UInt64($0, radix: 16) } ?? 0) & KeeperComparison.rights
    let digits = String(rest, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  private func text(_ canary: Int32) -> String {
    canary == 0 ? "opens" : "\(Errno(rawValue: canary))"
  }
}
