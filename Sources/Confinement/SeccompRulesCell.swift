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
  /// and `O_APPEND` of the audit file stays. `abort` cannot raise its signal: the relay still
  /// dies, of `SIGSYS`.
  public static let relay: SeccompRules = {
    var rules = SeccompRules(name: "relay", otherwise: .kill)
    let allowed: [Syscall] = [
      .read, .write, .readv, .writev, .recvfrom, .sendto, .recvmsg, .sendmsg, .close,
      .poll, .ppoll, .epoll_wait, .epoll_pwait, .epoll_ctl, .sched_yield,
      .munmap, .mremap, .brk, .madvise, .futex,
      .clock_gettime, .gettimeofday, .getrandom, .getpid, .gettid, .fsync, .fdatasync,
      .rt_sigreturn, .rt_sigprocmask, .sigaltstack, .restart_syscall,
      .exit, .exit_group,
    ]
    for call in allowed { rules.set(call, .allow) }
    // No new code: PROT_EXEC is bit 2 of the protection.
    rules.set(.mmap, clauses: [SeccompClause(.allow, .bits(2, 4, are: 0))])
    rules.set(.mprotect, clauses: [SeccompClause(.allow, .bits(2, 4, are: 0))])
    // Only F_GETFL.
    rules.set(.fcntl, clauses: [SeccompClause(.allow, .int(1, is: 3))])
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
