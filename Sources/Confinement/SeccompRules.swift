/// What the kernel does with a system call.
public enum SeccompAction: Sendable, Hashable {
  /// The call proceeds.
  case allow
  /// The call fails with this error number and has no effect.
  case refuse(errno: UInt16)
  /// The call fails likewise, but the kernel asks the filter's listener first. The program carries
  /// the error number, which the kernel does not hand on: the listener looks it up in the rules.
  case report(errno: UInt16)
  /// The whole process ends with `SIGSYS`.
  case kill

  /// `EPERM`: this policy knows the call and refuses it.
  public static let denied = SeccompAction.refuse(errno: 1)
  /// `ENOTSUP`: as though the file system did not have it, so that copies do without.
  public static let unsupported = SeccompAction.refuse(errno: 95)
  /// `ENOSYS`: as though the kernel did not have the call, so that libraries fall back.
  public static let absent = SeccompAction.refuse(errno: 38)

  /// `SECCOMP_RET_ERRNO` and `SECCOMP_RET_USER_NOTIF`, in the upper half of a return value.
  static let refusal: UInt32 = 0x0005_0000, notification: UInt32 = 0x7fc0_0000

  /// The value a filter program returns for this action.
  /// Source: `linux/seccomp.h`, `SECCOMP_RET_*`.
  public var returnValue: UInt32 {
    switch self {
    case .allow: 0x7fff_0000
    case .refuse(let errno): Self.refusal | UInt32(errno)
    case .report(let errno): Self.notification | UInt32(errno)
    case .kill: 0x8000_0000
    }
  }
}

/// A test of one argument: `argument & mask == value`.
///
/// The only comparison this package uses: libseccomp compiles ordered comparisons wrongly on
/// 64-bit data. An argument the kernel reads as an `int` is masked to 32 bits, because the upper
/// half of the register is the caller's to set and the kernel ignores it.
public struct SeccompCondition: Sendable, Hashable {
  /// Which argument, 0 to 5.
  public var argument: Int
  /// The bits that are compared.
  public var mask: UInt64
  /// What those bits must be; never has a bit outside `mask`.
  public var value: UInt64

  /// Compares the bits of `mask`, for flags.
  public static func bits(_ argument: Int, _ mask: UInt64, are value: UInt64) -> Self {
    Self(argument: argument, mask: mask, value: value)
  }

  /// Compares the 32 bits that the kernel reads of an `int` argument.
  public static func int(_ argument: Int, is value: UInt32) -> Self {
    Self(argument: argument, mask: 0xffff_ffff, value: UInt64(value))
  }
}

/// One way a call can match: all conditions hold, then `action`.
public struct SeccompClause: Sendable, Hashable {
  /// Tests on different arguments; none means that the clause always matches.
  public var conditions: [SeccompCondition]
  /// What happens then.
  public var action: SeccompAction

  /// A clause that matches when all `conditions` hold.
  public init(_ action: SeccompAction, _ conditions: SeccompCondition...) {
    self.init(action, conditions)
  }

  init(_ action: SeccompAction, _ conditions: [SeccompCondition]) {
    self.action = action
    self.conditions = conditions
  }
}

/// What a filter is meant to say: the rules, before and apart from any compiled program.
///
/// Clauses of one call either share an action or cannot match together, so their order has no
/// meaning. A call without a rule, or none of whose clauses match, gets `otherwise`.
public struct SeccompRules: Sendable {
  /// Names the filter in messages: `cell`, `relay` or `keeper`.
  public let name: StaticString
  /// What a call without a matching rule gets.
  public let otherwise: SeccompAction
  /// What a call of a foreign architecture, or with the x32 bit, gets.
  public let foreign = SeccompAction.kill
  /// By call number: a return value, or `conditionalMark` and an index into `conditional`.
  private(set) var table: [UInt32]
  /// The calls whose arguments decide.
  public private(set) var conditional: [(call: Syscall, clauses: [SeccompClause])] = []

  /// Marks an entry of `table` that refers to `conditional`; no filter returns this value.
  static let conditionalMark: UInt32 = 0xffff_0000
  /// Call numbers at or above this one have no rule.
  static let tableSize = 512

  /// Rules in which every call gets `otherwise`.
  init(name: StaticString, otherwise: SeccompAction) {
    self.name = name
    self.otherwise = otherwise
    self.table = Array(repeating: otherwise.returnValue, count: Self.tableSize)
  }

  /// Decides `call` the same way whatever its arguments.
  mutating func set(_ call: Syscall, _ action: SeccompAction) {
    guard let number = call.number else { return }
    table[Int(number)] = action.returnValue
  }

  /// Decides `call` by its arguments.
  mutating func set(_ call: Syscall, clauses: [SeccompClause]) {
    guard let number = call.number else { return }
    table[Int(number)] = Self.conditionalMark | UInt32(conditional.count)
    conditional.append((call, clauses))
  }

  /// The clauses that a table entry refers to; nil if the entry is a return value.
  func clauses(of entry: UInt32) -> [SeccompClause]? {
    guard entry >= Self.conditionalMark else { return nil }
    return conditional[Int(entry & 0xffff)].clauses
  }
}

extension SeccompRules {
  /// What the rules say of one call, as the return value a correct program gives.
  ///
  /// Written without libseccomp and without the simulator, so that the three can be compared.
  public func returnValue(for call: SeccompCall) -> UInt32 {
    guard call.architecture == SeccompCall.nativeArchitecture else { return foreign.returnValue }
    if SeccompCall.hasX32Numbers, call.number >= SeccompCall.x32Bit, call.number != .max {
      return foreign.returnValue
    }
    guard call.number < UInt32(table.count) else { return otherwise.returnValue }
    let entry = table[Int(call.number)]
    guard let clauses = clauses(of: entry) else { return entry }
    for clause in clauses
    where clause.conditions.allSatisfy({ call[argument: $0.argument] & $0.mask == $0.value }) {
      return clause.action.returnValue
    }
    return otherwise.returnValue
  }
}

/// What a filter sees of a system call: the kernel's `struct seccomp_data`.
public struct SeccompCall: Sendable, Equatable {
  /// The call's number.
  public var number: UInt32
  /// The `AUDIT_ARCH_*` value of the instruction set the call came by.
  public var architecture: UInt32
  /// The six argument registers.
  public var arguments: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

  /// A call with the given arguments, the rest zero.
  public init(
    number: UInt32, architecture: UInt32 = Self.nativeArchitecture, arguments: [UInt64] = []
  ) {
    func argument(_ index: Int) -> UInt64 { index < arguments.count ? arguments[index] : 0 }
    self.number = number
    self.architecture = architecture
    self.arguments = (
      argument(0), argument(1), argument(2), argument(3), argument(4), argument(5)
    )
  }

  /// One argument register, 0 to 5.
  public subscript(argument index: Int) -> UInt64 {
    switch index {
    case 0: arguments.0
    case 1: arguments.1
    case 2: arguments.2
    case 3: arguments.3
    case 4: arguments.4
    default: arguments.5
    }
  }

  /// Field-wise equality.
  public static func == (left: Self, right: Self) -> Bool {
    left.number == right.number && left.architecture == right.architecture
      && left.arguments == right.arguments
  }

  #if arch(x86_64)
    /// `AUDIT_ARCH_X86_64`.
    public static let nativeArchitecture: UInt32 = 0xc000_003e
    /// Whether this architecture has a second number table behind a bit of the number.
    public static let hasX32Numbers = true
  #elseif arch(arm64)
    /// `AUDIT_ARCH_AARCH64`.
    public static let nativeArchitecture: UInt32 = 0xc000_00b7
    /// Whether this architecture has a second number table behind a bit of the number.
    public static let hasX32Numbers = false
  #endif
  /// `__X32_SYSCALL_BIT`: numbers from it on may go to the x32 table. The number −1 is one too, but
  /// is a tracer's way of saying "no call" and reaches no table.
  public static let x32Bit: UInt32 = 0x4000_0000
}
