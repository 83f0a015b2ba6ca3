internal import Linux

/// Compares the protections that a profile asks for with what the kernel says of the server.
///
/// *Limits.* That memory is either written or executed shows before exec only, by trying it; the
/// kernel hands it on to what is executed.
struct HardeningComparison {
  let plan: Plan

  /// Of what the server's process tried and asked before exec.
  func checks(_ facts: CellFacts) -> [SealCheck] {
    var checks: [SealCheck] = []
    if plan.blueprint.deniesWriteExecute {
      checks.append(
        SealCheck(
          "server.write_execute", expected: "\(Errno.permissionDenied)",
          observed: facts.writeExecute == 0
            ? "mapped" : "\(Errno(rawValue: facts.writeExecute))"))
    }
    if plan.blueprint.mitigatesSpeculation {
      for (name, state) in [
        ("store_bypass", facts.storeBypass), ("indirect_branch", facts.indirectBranch),
      ] {
        checks.append(answer("server.\(name)", HardeningComparison.word(state)))
      }
    }
    return checks
  }

  /// Of what `/proc/PID/status` says after exec.
  func checks(executed status: ProcessStatus) -> [SealCheck] {
    guard plan.blueprint.mitigatesSpeculation else { return [] }
    return [
      ("store_bypass", "Speculation_Store_Bypass"),
      ("indirect_branch", "SpeculationIndirectBranch"),
    ].map { name, field in answer("executed.\(name)", status[field] ?? "?") }
  }

  /// What `PR_GET_SPECULATION_CTRL` answers, in the words of `/proc/PID/status`.
  private static func word(_ state: Int32) -> String {
    switch state {
    case 0: "not affected"
    case 0b1001: "thread force mitigated"
    case 0b0100, 0b1000: "globally mitigated"
    default: "state \(state)"
    }
  }

  /// There is more than one good answer, because what protects is the processor's or the kernel's
  /// affair; the record shows which one it was.
  private static let good = [
    "not affected", "not vulnerable", "thread force mitigated", "globally mitigated",
    "conditional force disabled", "always disabled",
  ]

  private func answer(_ name: String, _ observed: String) -> SealCheck {
    let isGood = HardeningComparison.good.contains { Paths.equal($0, observed) }
    return SealCheck(name, expected: isGood ? observed : "mitigated", observed: observed)
  }
}
