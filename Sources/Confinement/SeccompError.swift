/// Why there is no filter.
public enum SeccompError: Error, Sendable, Equatable {
  /// libseccomp refused a step; `errno` is its error number.
  case compiler(step: StaticString, call: Syscall?, errno: Int32)
  /// The program is not one that a filter of this package can be.
  case malformed(String, at: Int)
  /// The program answers `call` with `found`, the rules with `expected`.
  case mismatch(call: SeccompCall, expected: UInt32, found: UInt32)
  /// No profile can add this call.
  case closedCall(Syscall, group: StaticString, reason: StaticString)
  /// No profile can add this call, because its arguments decide what it does.
  case decidedCall(ConditionalCall)

  /// Value equality; static strings compare by their bytes.
  public static func == (left: SeccompError, right: SeccompError) -> Bool {
    left.description.utf8.elementsEqual(right.description.utf8)
  }
}

extension SeccompError: CustomStringConvertible {
  /// What failed, why, and on what; lower case, no full stop.
  public var description: String {
    switch self {
    case .compiler(let step, let call, let errno):
      "cannot build the system call filter: libseccomp, \(step)"
        + (call.map { " for \($0.name)" } ?? "") + ": error \(errno)"
    case .malformed(let why, let position):
      "cannot use the system call filter: \(why) (instruction \(position))"
    case .mismatch(let call, let expected, let found):
      "the system call filter does not say what its rules say: number \(call.number), "
        + "architecture 0x\(String(call.architecture, radix: 16)), arguments "
        + (0..<6).map { "0x" + String(call[argument: $0], radix: 16) }.joined(separator: " ")
        + ": \(SeccompAction.name(of: found)) instead of \(SeccompAction.name(of: expected))"
    case .closedCall(let call, let group, let reason):
      "\(call.name) cannot be added (\(group)): \(reason)"
    case .decidedCall(let decided):
      "\(decided.call.name) cannot be added (its arguments decide): \(decided.reason)"
    }
  }

  /// What a person can do about a call in `syscalls.add`; nil for any other error.
  public var hint: String? {
    switch self {
    case .closedCall: "remove it; no profile can add it"
    case .decidedCall(let decided):
      "remove it; every server may make it already with \(decided.allowedArguments)"
    case .compiler, .malformed, .mismatch: nil
    }
  }
}
