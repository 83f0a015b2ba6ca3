extension SeccompRules {
  /// The rules of a cell without network: baseline 1, and what the profile adds to it.
  ///
  /// Init carries the same filter as the server below it.
  ///
  /// - Parameters:
  ///   - added: calls to allow whatever their arguments. A call that the baseline allows already may
  ///     be named.
  ///   - container: what is decided otherwise at isolation level container; nil at level full.
  ///   - watched: whether refusals are told to a listener, but for those that libraries expect.
  /// - Throws: `SeccompError.closedCall` for a call that no profile can add, and `.decidedCall` for
  ///   one whose arguments decide: allowed without conditions, `clone` makes a user namespace and
  ///   `ioctl` types into a terminal.
  public static func cell(
    adding added: [Syscall] = [], container: SeccompContainer? = nil, watched: Bool = false
  ) throws(SeccompError) -> SeccompRules {
    func told(_ action: SeccompAction) -> SeccompAction {
      guard watched, case .refuse(let errno) = action else { return action }
      return .report(errno: errno)
    }
    var rules = SeccompRules(name: "cell", otherwise: told(.absent))
    let special = container?.entries ?? []
    for group in SyscallGroups.baseline1 {
      for call in group.calls {
        rules.set(call, group.isProbed ? group.verdict.action : told(group.verdict.action))
      }
    }
    for entry in SyscallGroups.conditional1
    where !special.contains(where: { $0.call == entry.call }) {
      rules.set(
        entry.call,
        clauses: entry.clauses.map { SeccompClause(told($0.action), $0.conditions) })
    }
    for entry in special {
      if entry.clauses.isEmpty {
        rules.set(entry.call, told(entry.action))
      } else {
        rules.set(entry.call, clauses: entry.clauses)
      }
    }
    for call in added {
      if let entry = special.first(where: { $0.call == call }) {
        throw SeccompError.closedCall(call, group: "isolation container", reason: entry.reason)
      }
      if let group = SyscallGroups.closedGroup(of: call) {
        throw SeccompError.closedCall(call, group: group.name, reason: group.reason)
      }
      if let decided = SyscallGroups.conditional1.first(where: { $0.call == call }) {
        throw SeccompError.decidedCall(decided)
      }
      rules.set(call, .allow)
    }
    return rules
  }

  /// The rules of the relay: moving bytes between descriptors it holds, memory, and ending.
  ///
  /// Anything else ends the relay at once with `SIGSYS`: nothing in it should ever ask for more,
  /// so a call outside the list is a fault or an attack, and neither should get a second try.
  ///
  /// *Limits*: descriptor flags cannot be changed, so `O_NONBLOCK` is set before this is loaded,
  /// and `O_APPEND` of the audit file stays. No call that takes or gives descriptors is on the list
  /// (but see ``relay(receivingOn:)``), and none that names an address: what the client has given us for a stream may be a socket of
  /// any kind. `abort` cannot raise its signal: the relay still dies, of `SIGSYS`.
  public static let relay: SeccompRules = {
    var rules = SeccompRules(name: "relay", otherwise: .kill)
    let allowed: [Syscall] = [
      .read, .write, .close, .poll, .ppoll, .sched_yield,
      .munmap, .mremap, .brk, .madvise, .futex,
      .clock_gettime, .getrandom, .rt_sigprocmask, .restart_syscall, .exit, .exit_group,
    ]
    for call in allowed { rules.set(call, .allow) }
    // A client's socket, never waiting (MSG_DONTWAIT, and MSG_NOSIGNAL to send) and without an
    // address: a datagram socket would take one that leads anywhere.
    rules.set(
      .recvfrom, clauses: [SeccompClause(.allow, .int(3, is: 0x40), .bits(4, .max, are: 0))])
    rules.set(
      .sendto, clauses: [SeccompClause(.allow, .int(3, is: 0x4040), .bits(4, .max, are: 0))])
    // Memory of its own only, no file and nothing shared (MAP_PRIVATE | MAP_ANONYMOUS), and no new
    // code: PROT_EXEC is bit 2 of the protection.
    rules.set(
      .mmap,
      clauses: [SeccompClause(.allow, .bits(2, 4, are: 0), .bits(3, 0x23, are: 0x22))])
    rules.set(.mprotect, clauses: [SeccompClause(.allow, .bits(2, 4, are: 0))])
    return rules
  }()

  /// The rules of a relay that is given the pipes of another server, should its own fail: it may
  /// receive descriptors as well, on its control socket alone, without waiting and close-on-exec
  /// (`MSG_DONTWAIT | MSG_CMSG_CLOEXEC`).
  ///
  /// Nobody but the monitor has the other end of that socket, and what the monitor passes is never the
  /// relay's choice. The number cannot come to mean anything else than one of these pipes: nothing on
  /// the list duplicates a descriptor.
  public static func relay(receivingOn control: Int32) -> SeccompRules {
    var rules = relay
    rules.set(
      .recvmsg,
      clauses: [
        SeccompClause(
          .allow, .int(0, is: UInt32(bitPattern: control)), .int(2, is: 0x4000_0040))
      ])
    return rules
  }

  /// The rules of a keeper: waiting, making directories, and removing them with what is in them.
  ///
  /// *Limits*: what `openat2` is asked for stands in memory, so a file of a control group can be
  /// opened for writing (`cgroup.kill`); Landlock says which files are in reach at all.
  public static let keeper: SeccompRules = {
    var rules = SeccompRules(name: "keeper", otherwise: .kill)
    let allowed: [Syscall] = [
      .write, .close, .recvmsg, .poll, .pread64, .lseek, .getdents64, .flock, .openat2,
      .newfstatat, .fstat, .mkdirat, .unlinkat, .renameat2, .fchown, .fchmod, .chmod,
      .clock_gettime, .clock_nanosleep, .nanosleep, .restart_syscall, .exit, .exit_group,
    ]
    for call in allowed { rules.set(call, .allow) }
    // Directories, to list them: O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC and nothing else.
    rules.set(.openat, clauses: [SeccompClause(.allow, .int(2, is: 0xb_0000))])
    return rules
  }()
}

extension SyscallGroups {
  /// The group that keeps `call` from being added by a profile, if any does.
  static func closedGroup(of call: Syscall) -> SyscallGroup? {
    baseline1.first {
      ($0.verdict == .closed || $0.verdict == .closedAbsent) && $0.calls.contains(call)
    }
  }
}

extension SeccompRules: CustomStringConvertible {
  /// One line for each call that does not get the default, by number.
  public var description: String {
    var lines = ["filter \(name): \(otherwise) unless listed; foreign architecture: \(foreign)"]
    for call in Syscall.allCases {
      guard let number = call.number else { continue }
      let entry = table[Int(number)]
      if let clauses = clauses(of: entry) {
        for clause in clauses {
          let conditions = clause.conditions.map(\.description).joined(separator: ", ")
          lines.append("\(call.name)(\(conditions)): \(clause.action)")
        }
      } else if entry != otherwise.returnValue {
        lines.append("\(call.name): \(SeccompAction.name(of: entry))")
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension SeccompAction: CustomStringConvertible {
  /// `allow`, `EPERM`, `ENOSYS`, `ENOTSUP`, `errno N`, one of these with ` (told)`, or `kill`.
  public var description: String { Self.name(of: returnValue) }

  /// What a filter's return value means.
  static func name(of returnValue: UInt32) -> String {
    switch returnValue {
    case 0x7fff_0000: "allow"
    case 0x8000_0000: "kill"
    case refusal...(refusal | 0xfff): name(ofError: UInt16(returnValue & 0xfff))
    case notification...(notification | 0xfff):
      name(ofError: UInt16(returnValue & 0xfff)) + " (told)"
    default: "0x" + String(returnValue, radix: 16)
    }
  }

  /// The name of an error number that filters answer with.
  static func name(ofError errno: UInt16) -> String {
    switch errno {
    case 1: "EPERM"
    case 38: "ENOSYS"
    case 95: "ENOTSUP"
    default: "errno \(errno)"
    }
  }
}

extension SeccompCondition: CustomStringConvertible {
  /// The condition in the notation of C.
  public var description: String {
    "arg\(argument) & 0x\(String(mask, radix: 16)) == 0x\(String(value, radix: 16))"
  }
}
