/// A system call that the filter of a cell refuses, by its number, and what a profile can do about it.
///
/// Made of fixed tables alone: nothing in it comes from the process that made the call, but the
/// choice of the number.
public struct DeniedCall: Sendable, Equatable {
  /// How many kinds there are: one for each number of the filter's table, and one for all others.
  public static let kinds = SeccompRules.tableSize + 1

  /// The kind, 0 to ``kinds`` - 1.
  public let kind: Int

  /// The kind of a call number.
  public init(number: UInt32) {
    kind = Int(min(number, UInt32(SeccompRules.tableSize)))
  }

  /// A kind out of a message; nil when there is none of that number.
  public init?(kind: Int) {
    guard kind >= 0, kind < DeniedCall.kinds else { return nil }
    self.kind = kind
  }

  /// The number; nil for those beyond the filter's table.
  public var number: Int? { kind < SeccompRules.tableSize ? kind : nil }

  private var call: Syscall? {
    Syscall.allCases.first { $0.number.map(Int.init) == kind }
  }

  /// The call's name; of one that this version does not know, "number 467".
  public var name: String {
    call?.name ?? (number.map { "number \($0)" } ?? "number \(SeccompRules.tableSize) or above")
  }

  /// What a profile would have to say for the call to be let through; nil if nothing helps.
  public var remedy: String? {
    guard let call, let group = SyscallGroups.group(of: call) else { return nil }
    switch group.verdict {
    case .denied, .unsupported, .absent: return "syscalls: {add: [\(call.name)]}"
    case .allowed, .closed, .closedAbsent: return nil
    }
  }

  /// Why it is refused, in the words of the tables.
  public var reason: String {
    guard let call else { return "unknown to this version" }
    if let group = SyscallGroups.group(of: call) { return "\(group.name): \(group.reason)" }
    if let decided = SyscallGroups.conditional1.first(where: { $0.call == call }) {
      return "with these arguments: \(decided.reason)"
    }
    return "in no group"
  }

  /// The name of an error number that the filter answers with, such as `EPERM`.
  public static func name(ofError errno: UInt16) -> String { SeccompAction.name(ofError: errno) }
}

extension SyscallGroups {
  /// The group that a call is in; nil if its arguments decide.
  static func group(of call: Syscall) -> SyscallGroup? {
    baseline1.first { $0.calls.contains(call) }
  }
}

extension SeccompRules {
  /// The error number for a call that the filter told of, from the rules that it was made of.
  ///
  /// Whatever the call is, it is refused: one that these rules would let through could not have been
  /// told of, and gets `EPERM`.
  public func refusal(of call: SeccompCall) -> UInt16 {
    let value = returnValue(for: call)
    switch value & 0xffff_0000 {
    case SeccompAction.refusal, SeccompAction.notification: return UInt16(value & 0xffff)
    default: return 1
    }
  }
}
