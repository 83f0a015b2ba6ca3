public import Confinement
internal import Linux

/// How the positive control of a check went: the same attempt outside of the cell.
public enum VerificationControl: String, Sendable {
  /// It worked, as the caller.
  case done
  /// The kernel's own code answered it, as the caller, with an error that is not a refusal.
  case reached
  /// It worked as root of a scratch user namespace.
  case doneApart = "done apart"
  /// The kernel's own code answered it there.
  case reachedApart = "reached apart"
  /// It came to nothing outside either, so the check shows nothing here.
  case absent
}

/// What came of one check.
public struct VerificationCheck: Sendable {
  /// The class.
  public var group: String
  /// A stable name within the class.
  public var name: String
  /// Whether the attempt was stopped in the cell and its control shows that this means something.
  public var held: Bool
  /// The control.
  public var control: VerificationControl
  /// What the attempt met in the cell.
  public var detail: String
  /// Whether the check shows nothing: it did not get through, and does not outside either.
  public var isAbsent: Bool
  /// Whether the isolation level promises that it holds; if not it counts neither way, and `held` is
  /// false.
  public var isPromised: Bool
}

/// What `verify` found out.
public struct VerificationReport: Sendable {
  /// The profile's name.
  public var profile: String
  /// The isolation level of the cell.
  public var isolation: String
  /// Everything that was tried.
  public var checks: [VerificationCheck]
  /// The read-back of the cell, both looks.
  public var seal: [SealCheck]
  /// What was not tried because this plan allows it: check and reason.
  public var allowed: [(name: String, reason: String)]
  /// What a reader should know beside it, one sentence each.
  public var notes: [String]

  /// Whether all that could be shown held, and the cell is as planned.
  public var held: Bool {
    seal.allSatisfy(\.holds) && checks.allSatisfy { $0.held || $0.isAbsent || !$0.isPromised }
      && checks.contains(where: \.held)
  }
}

extension VerificationCheck {
  /// Judges an attempt by its answers in the cell, as the caller and, if it was needed, apart.
  init(
    _ check: ProbeCheck, inside: ProbeAnswer, outside: ProbeAnswer, apart: ProbeAnswer?,
    isPromised: Bool
  ) {
    self.isPromised = isPromised
    group = check.group
    name = check.name
    if check.attempt.hasPrefix("write-in:"), inside.outcome == .refused,
      inside.error != "EACCES", inside.error != "EPERM"
    {
      // Outside it was asked only: what is no matter of rights, such as a program that is running
      // (ETXTBSY), would have met the caller, too.
      control = .absent
    } else if outside.outcome.isOpen {
      control = outside.outcome == .done ? .done : .reached
    } else if let apart, apart.outcome.isOpen {
      control = apart.outcome == .done ? .doneApart : .reachedApart
    } else {
      control = .absent
    }
    isAbsent = isPromised && control == .absent && !inside.outcome.isOpen
    held = isPromised && inside.outcome.isStopped && control != .absent
    detail = inside.text
  }
}
