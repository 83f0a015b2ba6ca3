/// A system call of the baseline that is decided by its arguments, and why.
public struct ConditionalCall: Sendable {
  /// The call.
  public let call: Syscall
  /// Why these arguments and no others.
  public let reason: StaticString
  /// What matches; anything else gets the filter's default, `ENOSYS`.
  public let clauses: [SeccompClause]

  /// The arguments with which the call is allowed, as a message says it.
  public var allowedArguments: String {
    var ways: [String] = []
    var exact: [(argument: Int, values: [String])] = []
    for clause in clauses where clause.action == .allow {
      if clause.conditions.count == 1, let only = clause.conditions.first, only.isInt {
        if exact.last?.argument != only.argument { exact.append((only.argument, [])) }
        exact[exact.count - 1].values.append("0x" + String(only.value, radix: 16))
      } else {
        ways.append(clause.conditions.map(\.sentence).joined(separator: " and "))
      }
    }
    let lists = exact.map { argument, values in
      SeccompCondition.ordinals[argument]
        + (values.count == 1 ? " argument " : " argument one of ") + values.joined(separator: ", ")
    }
    return (lists + ways).joined(separator: ", or ")
  }
}

extension SeccompCondition {
  static let ordinals = ["first", "second", "third", "fourth", "fifth", "sixth"]

  /// Whether this compares all that the kernel reads of an `int`.
  var isInt: Bool { mask == 0xffff_ffff }

  /// The condition in words.
  var sentence: String {
    let name = Self.ordinals[argument] + " argument "
    let number = "0x" + String(value, radix: 16)
    if isInt { return name + number }
    let bits = "0x" + String(mask, radix: 16)
    return value == 0 ? name + "without bits \(bits)" : name + "with \(number) in bits \(bits)"
  }
}

extension SyscallGroups {
  /// The calls of baseline 1 that are decided by their arguments.
  ///
  /// What no clause matches gets `ENOSYS`: libseccomp has one default for the whole filter, and
  /// the complement of a list cannot be said with equalities.
  public static let conditional1: [ConditionalCall] =
    [
      ConditionalCall(
        call: .clone,
        reason: "new processes and threads, but no new namespaces",
        clauses: [SeccompClause(.allow, .bits(0, namespaceFlags.reduce(0, |), are: 0))]
          + namespaceFlags.map { SeccompClause(.denied, .bits(0, $0, are: $0)) }),
      ConditionalCall(
        call: .socketpair,
        reason: "connected pairs only; a datagram end could be sent to any path socket",
        clauses: [SocketType.stream, SocketType.sequencedPacket].map {
          SeccompClause(
            .allow, .int(0, is: 1), .bits(1, SocketType.withoutFlags, are: UInt64($0)))
        }),
      ConditionalCall(
        call: .setsockopt,
        reason: "buffers and timeouts of a socket pair; no packet filter can be attached",
        clauses: socketOptions.map {
          SeccompClause(.allow, .int(1, is: 1), .int(2, is: $0))
        }),
      ConditionalCall(
        call: .ioctl,
        reason: """
          a list of requests that plain files, pipes and terminals need: file systems and drivers \
          answer hundreds of others, and two of them (TIOCSTI, TIOCLINUX) type into a terminal
          """,
        clauses: ioctlRequests.map { SeccompClause(.allow, .int(1, is: $0)) }),
      ConditionalCall(
        call: .fcntl,
        reason: """
          copies, flags, locks and pipe sizes; a lease would stall every writer of a file that is \
          granted for reading, and an owner or a notice sends signals
          """,
        clauses: controlCommands.map { SeccompClause(.allow, .int(1, is: $0)) }
          + controlDenied.map { SeccompClause(.denied, .int(1, is: $0)) }),
      ConditionalCall(
        call: .prctl,
        reason: "settings of the calling process that take nothing away from the cell",
        clauses: prctlAllowed.map { SeccompClause(.allow, .int(0, is: $0)) }
          + prctlDenied.map { SeccompClause(.denied, .int(0, is: $0)) }),
      ConditionalCall(
        call: .setrlimit, reason: keepsCoreLimit,
        clauses: resourceClauses(0) + [SeccompClause(.denied, .int(0, is: coreResource))]),
      ConditionalCall(
        call: .prlimit64, reason: keepsCoreLimit,
        // Without a new limit it only asks. Setting the core limit is left to the default, because
        // "a new limit" is not an equality.
        clauses: [SeccompClause(.allow, .bits(2, .max, are: 0))] + resourceClauses(1)),
      ConditionalCall(
        call: .personality,
        reason: "asking, and the ordinary Linux personality; others switch protections off",
        clauses: [0, 0xffff_ffff].map { SeccompClause(.allow, .int(0, is: $0)) }),
      ConditionalCall(
        call: .mknod, reason: "plain files and pipes with a name; no devices, no set-id bits",
        clauses: nodeClauses(modeArgument: 1)),
      ConditionalCall(
        call: .mknodat, reason: "plain files and pipes with a name; no devices, no set-id bits",
        clauses: nodeClauses(modeArgument: 2)),
      ConditionalCall(
        call: .open, reason: noSetIdentifier, clauses: openClauses(flagsArgument: 1)),
      ConditionalCall(
        call: .openat, reason: noSetIdentifier, clauses: openClauses(flagsArgument: 2)),
    ]
    // mkdir and mkdirat are not here: the kernel takes the set-id bits out of their mode.
    + [(Syscall.chmod, 1), (.fchmod, 1), (.fchmodat, 2), (.fchmodat2, 2), (.creat, 1)].map {
      call, argument in
      ConditionalCall(
        call: call, reason: noSetIdentifier,
        clauses: [
          SeccompClause(.allow, .bits(argument, setIdentifierBits, are: 0)),
          SeccompClause(.denied, .bits(argument, 0o4000, are: 0o4000)),
          SeccompClause(.denied, .bits(argument, 0o2000, are: 0o2000)),
        ])
    }

  private static let keepsCoreLimit: StaticString = """
    every limit but that of core files, which is 1: with any other value, 0 too, a crash is handed \
    to the host's handler of core dumps
    """

  /// `RLIMIT_CORE`.
  private static let coreResource: UInt32 = 4

  /// The sixteen resources but `RLIMIT_CORE`.
  private static func resourceClauses(_ argument: Int) -> [SeccompClause] {
    (0..<16).filter { $0 != coreResource }.map { SeccompClause(.allow, .int(argument, is: $0)) }
  }

  private static let noSetIdentifier: StaticString = """
    no set-user-id or set-group-id bit: such a file in a writable grant would give others on the \
    host the server's identity
    """

  /// `S_ISUID` and `S_ISGID`.
  private static let setIdentifierBits: UInt64 = 0o6000

  /// `O_CREAT` and `__O_TMPFILE`: with one of them the argument after the flags is a mode.
  private static let creatingFlags: [UInt64] = [0o100, 0o20_000_000]

  /// Without a creating flag the kernel does not read the mode, and there may be anything.
  private static func openClauses(flagsArgument flags: Int) -> [SeccompClause] {
    [
      SeccompClause(.allow, .bits(flags, creatingFlags.reduce(0, |), are: 0)),
      SeccompClause(.allow, .bits(flags + 1, setIdentifierBits, are: 0)),
    ]
      + creatingFlags.flatMap { creating in
        [0o4000, 0o2000].map {
          SeccompClause(
            .denied, .bits(flags, creating, are: creating), .bits(flags + 1, $0, are: $0))
        }
      }
  }

  /// `CLONE_NEWTIME`, `CLONE_NEWNS`, `CLONE_NEWCGROUP`, `CLONE_NEWUTS`, `CLONE_NEWIPC`,
  /// `CLONE_NEWUSER`, `CLONE_NEWPID`, `CLONE_NEWNET`. The first lies in the exit-signal byte of
  /// `clone`, where it means nothing, but no real signal has that bit either.
  static let namespaceFlags: [UInt64] = [
    0x80, 0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
  ]

  private enum SocketType {
    /// `SOCK_STREAM`.
    static let stream: UInt32 = 1
    /// `SOCK_SEQPACKET`.
    static let sequencedPacket: UInt32 = 5
    /// All 32 bits but `SOCK_CLOEXEC` and `SOCK_NONBLOCK`.
    static let withoutFlags: UInt64 = 0xffff_ffff & ~(0o2_000_000 | 0o4000)
  }

  /// At level `SOL_SOCKET`: `SO_REUSEADDR`, `SO_SNDBUF`, `SO_RCVBUF`, `SO_KEEPALIVE`, `SO_LINGER`,
  /// `SO_PASSCRED`, `SO_RCVTIMEO`, `SO_SNDTIMEO`.
  static let socketOptions: [UInt32] = [2, 7, 8, 9, 13, 16, 20, 21]

  /// `TCGETS`, `TCGETS2`, `TIOCGWINSZ`, `TIOCGPGRP`, `FIONREAD`, `FIONBIO`, `FIONCLEX`, `FIOCLEX`,
  /// `FIOASYNC`, `FIOQSIZE`, `FIGETBSZ`, `FS_IOC_GETFLAGS`, `FICLONE`, `FICLONERANGE`.
  static let ioctlRequests: [UInt32] = [
    0x5401, 0x802c_542a, 0x5413, 0x540f, 0x541b, 0x5421, 0x5450, 0x5451, 0x5452, 0x5460, 2,
    0x8008_6601, 0x4004_9409, 0x4020_940d,
  ]

  /// `F_DUPFD`, `F_GETFD`, `F_SETFD`, `F_GETFL`, `F_SETFL`, `F_GETLK`, `F_SETLK`, `F_SETLKW`,
  /// `F_GETOWN`, `F_GETSIG`, `F_GETOWN_EX`, `F_OFD_GETLK`, `F_OFD_SETLK`, `F_OFD_SETLKW`,
  /// `F_GETLEASE`, `F_DUPFD_QUERY`, `F_CREATED_QUERY`, `F_DUPFD_CLOEXEC`, `F_SETPIPE_SZ`,
  /// `F_GETPIPE_SZ`, `F_ADD_SEALS`, `F_GET_SEALS`, `F_GET_RW_HINT`, `F_SET_RW_HINT`,
  /// `F_GET_FILE_RW_HINT`, `F_SET_FILE_RW_HINT`.
  ///
  /// `F_SETFL` may set `O_ASYNC`, which without an owner sends nothing to anyone.
  static let controlCommands: [UInt32] =
    [0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 16, 36, 37, 38] + [1025, 1027, 1028] + Array(1030...1038)

  /// `F_SETOWN`, `F_SETSIG`, `F_SETOWN_EX`, `F_SETLEASE`, `F_NOTIFY`: known, and refused as such.
  static let controlDenied: [UInt32] = [8, 10, 15, 1024, 1026]

  /// `PR_SET_PDEATHSIG`, `PR_GET_PDEATHSIG`, `PR_GET_DUMPABLE`, `PR_SET_DUMPABLE`,
  /// `PR_GET_KEEPCAPS`, `PR_GET_TIMING`, `PR_SET_NAME`, `PR_GET_NAME`, `PR_GET_SECCOMP`,
  /// `PR_CAPBSET_READ`, `PR_GET_TSC`, `PR_GET_SECUREBITS`, `PR_SET_TIMERSLACK`,
  /// `PR_GET_TIMERSLACK`, `PR_SET_CHILD_SUBREAPER`, `PR_GET_CHILD_SUBREAPER`,
  /// `PR_SET_NO_NEW_PRIVS`, `PR_GET_NO_NEW_PRIVS`, `PR_GET_TID_ADDRESS`, `PR_SET_THP_DISABLE`,
  /// `PR_GET_THP_DISABLE`, `PR_GET_SPECULATION_CTRL`, `PR_SET_VMA`.
  static let prctlAllowed: [UInt32] = [
    1, 2, 3, 4, 7, 13, 15, 16, 21, 23, 25, 27, 29, 30, 36, 37, 38, 39, 40, 41, 42, 52,
    0x5356_4d41,
  ]

  /// `PR_SET_KEEPCAPS`, `PR_SET_SECCOMP`, `PR_CAPBSET_DROP`, `PR_SET_SECUREBITS`, `PR_SET_MM`,
  /// `PR_CAP_AMBIENT`, `PR_SET_PTRACER`: known, and refused as such.
  static let prctlDenied: [UInt32] = [8, 22, 24, 28, 35, 47, 0x5961_6d61]

  /// File type and the set-id bits of a mode: 0 and `S_IFREG` are plain files, `S_IFIFO` a pipe.
  private static func nodeClauses(modeArgument: Int) -> [SeccompClause] {
    [0, 0o100000, 0o010000].map {
      SeccompClause(.allow, .bits(modeArgument, 0o176000, are: $0))
    }
  }
}
