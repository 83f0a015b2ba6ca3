import Foundation
import Testing

@testable import Confinement

/// The programs, loaded into the running kernel.
@Suite("seccomp in the kernel", .enabled(if: mustWork || SeccompProbe.hasCompiler, "needs gcc"))
struct SeccompKernelTests {
  typealias Call = SeccompProbe.Call

  /// Calls that cannot be made for a try: they do not return, or leave the child's stack shared.
  static let unusable: Set<Syscall> = [.rt_sigreturn, .vfork, .exit, .exit_group, .pause]

  @Test("every call number gets from the kernel what the rules say")
  func sweep() throws {
    let program = try SeccompProgram.cell()
    // 335 and 336, uretprobe and uprobe, are jumps of the kernel's own probes: newer kernels let
    // them past every filter, and they end in SIGILL or ENXIO when anyone else makes them.
    let skipped = Set(Self.unusable.compactMap(\.number)).union([335, 336])
    let numbers = (UInt32(0)..<600).filter { !skipped.contains($0) }
    // No pointer, no descriptor, no process: whatever is reached fails without a trace.
    let bad = [UInt64](repeating: 0xffff_ffff_ffff_f000, count: 6)
    let calls = numbers.map { Call(number: UInt64($0), arguments: bad) }
    let filtered = try SeccompProbe.answers(calls, under: program)
    let control = try SeccompProbe.answers(calls, under: nil)
    try #require(filtered.count == numbers.count && control.count == numbers.count)
    var refusedOnly = 0
    for (index, number) in numbers.enumerated() {
      let call = SeccompCall(number: number, arguments: bad)
      let meaning = program.rules.returnValue(for: call)
      let refusal = Int(meaning & 0xfff)
      if meaning == SeccompAction.allow.returnValue {
        #expect(
          sameKind(filtered[index], control[index]),
          "call \(number): \(filtered[index]) in the filter, \(control[index]) outside")
      } else {
        #expect(filtered[index] == .errno(refusal), "call \(number)")
        if control[index] != .errno(refusal) { refusedOnly += 1 }
      }
    }
    // The control: most refused calls get something else where there is no filter.
    #expect(refusedOnly > 80, "only \(refusedOnly) calls differ from the control")
  }

  /// Values may differ (ids, times), the way it ended may not.
  private func sameKind(_ left: SeccompProbe.Answer, _ right: SeccompProbe.Answer) -> Bool {
    if case .value = left, case .value = right { return true }
    return left == right
  }

  struct Refusal: CustomTestStringConvertible {
    let name: String
    let call: Call
    let answer: SeccompProbe.Answer
    var testDescription: String { name }

    init(_ name: String, _ call: Syscall, _ arguments: [UInt64], _ answer: SeccompProbe.Answer) {
      self.name = name
      self.call = Call(number: UInt64(call.number ?? 0xffff), arguments: arguments)
      self.answer = answer
    }
  }

  static let refusals: [Refusal] = [
    Refusal("a socket of any family", .socket, [2, 1, 0], .errno(1)),
    Refusal("a path socket", .socket, [1, 1, 0], .errno(1)),
    Refusal("a socket hidden by high bits", .socket, [0x1_0000_0001, 1, 0], .errno(1)),
    Refusal("a datagram pair", .socketpair, [1, 2, 0, 0], .errno(38)),
    Refusal("a datagram pair with flags", .socketpair, [1, 0o2_000_002, 0, 0], .errno(38)),
    Refusal("a datagram pair hidden by high bits", .socketpair, [1, 0xf_0000_0002], .errno(38)),
    Refusal("typing into a terminal", .ioctl, [0, 0x5412, 0], .errno(38)),
    Refusal("typing, hidden by high bits", .ioctl, [0, 0xdead_0000_5412, 0], .errno(38)),
    Refusal("typing into a console", .ioctl, [0, 0x541c, 0], .errno(38)),
    Refusal("a user namespace by clone", .clone, [0x1000_0000 | 0x200], .errno(1)),
    Refusal("a mount namespace by clone", .clone, [0x2_0000 | 0x200], .errno(1)),
    Refusal("a network namespace, high bits set", .clone, [0xf_4000_0000 | 0x200], .errno(1)),
    Refusal("a user namespace by clone3", .clone3, [0, 88], .errno(38)),
    Refusal("a user namespace by unshare", .unshare, [0x1000_0000], .errno(1)),
    Refusal("another personality", .personality, [0x004_0000], .errno(38)),
    Refusal("a filter of its own by prctl", .prctl, [22, 2, 0], .errno(1)),
    Refusal("a filter of its own", .seccomp, [1, 0, 0], .errno(1)),
    Refusal("a packet filter on a socket", .setsockopt, [0, 1, 26, 0, 16], .errno(38)),
    Refusal("a device", .mknodat, [0xffff_ffff, 0, 0o020666, 0x103], .errno(38)),
    Refusal("a set-user-id bit", .fchmod, [0xffff_ffff, 0o4755], .errno(1)),
    Refusal("a set-group-id bit", .fchmod, [0xffff_ffff, 0o2755], .errno(1)),
    Refusal("a set-user-id bit by openat", .openat, [0xffff_ff9c, 0, 0o101, 0o4755], .errno(1)),
    Refusal("a set-group-id bit by openat", .openat, [0xffff_ff9c, 0, 0o101, 0o2755], .errno(1)),
    Refusal("both, hidden by high bits", .openat, [0, 0, 0xf_0000_0041, 0xf_0000_0c00], .errno(1)),
    Refusal("a set-id file without a name", .openat, [0, 0, 0o20_200_002, 0o6755], .errno(1)),
    Refusal("a set-user-id bit by openat2", .openat2, [0xffff_ff9c, 0, 0, 24], .errno(38)),
    Refusal("an access control list", .fsetxattr, [0xffff_ffff, 1, 0, 0, 0], .errno(95)),
    Refusal("a read lease", .fcntl, [1, 1024, 0], .errno(1)),
    Refusal("a write lease", .fcntl, [1, 1024, 1], .errno(1)),
    Refusal("a lease hidden by high bits", .fcntl, [1, 0xf_0000_0400, 0], .errno(1)),
    Refusal("notices of a directory", .fcntl, [1, 1026, 0], .errno(1)),
    Refusal("an owner of signals", .fcntl, [1, 8, 0], .errno(1)),
    Refusal("an owner of signals, by a pointer", .fcntl, [1, 15, 0], .errno(1)),
    Refusal("a signal instead of SIGIO", .fcntl, [1, 10, 0], .errno(1)),
    Refusal("another limit of core files", .setrlimit, [4, 1], .errno(1)),
    Refusal("that limit, hidden by high bits", .setrlimit, [0xf_0000_0004, 1], .errno(1)),
    Refusal("that limit, of oneself", .prlimit64, [0, 4, 1, 0], .errno(38)),
    Refusal("that limit, by a pointer with high bits", .prlimit64, [0, 4, 1 << 40, 0], .errno(38)),
    Refusal("tracing", .ptrace, [16, 0x7fff_ffff, 0, 0], .errno(1)),
    Refusal("reading another process", .process_vm_readv, [1, 0, 1, 0, 1, 0], .errno(1)),
    Refusal("a ring", .io_uring_setup, [1, 0], .errno(38)),
    Refusal("a program in the kernel", .bpf, [0, 0, 0], .errno(1)),
    Refusal("a key", .keyctl, [0, 0xffff_fffd, 0], .errno(1)),
    Refusal("page faults in user space", .userfaultfd, [0xffff_ffff], .errno(1)),
    Refusal("counters of the processor", .perf_event_open, [0, 0, 0, 0, 0], .errno(1)),
    Refusal("a mount", .mount, [0, 0, 0, 0, 0], .errno(1)),
    Refusal("a mount by the newer calls", .fsopen, [0, 0], .errno(1)),
    Refusal("an owner", .chown, [0, 0, 0], .errno(1)),
    Refusal("a file by handle", .open_by_handle_at, [0xffff_ff9c, 0, 0], .errno(1)),
  ]

  @Test("is refused in the filter and not outside it", arguments: refusals)
  func refused(_ refusal: Refusal) throws {
    let program = try SeccompProgram.cell()
    #expect(try SeccompProbe.answers([refusal.call], under: program) == [refusal.answer])
    #expect(try SeccompProbe.answers([refusal.call], under: nil) != [refusal.answer])
  }

  @Test("what servers need is let through")
  func allowed() throws {
    let calls: [(Syscall, [UInt64], SeccompProbe.Answer)] = [
      (.socketpair, [1, 0o2_004_001, 0, 0], .errno(14)),
      (.socketpair, [1, 5, 0, 0], .errno(14)),
      (.ioctl, [0xffff_ffff, 0x5401, 0], .errno(9)),
      (.ioctl, [0xffff_ffff, 0xf_0000_541b, 0], .errno(9)),
      // CLONE_SIGHAND without CLONE_VM is refused by the kernel itself, so nothing is made.
      (.clone, [0x800], .errno(22)),
      (.prctl, [15, 1], .errno(14)),
      (.mknodat, [0xffff_ffff, 1, 0o010666, 0], .errno(14)),
      (.fchmod, [0xffff_ffff, 0o755], .errno(9)),
      (.openat, [0xffff_ff9c, 1, 0o101, 0o1777], .errno(14)),
      // The mode is not read where nothing is made.
      (.openat, [0xffff_ff9c, 1, 0o200000, 0o6755], .errno(14)),
      (.openat, [0xffff_ff9c, 1, 0, UInt64.max], .errno(14)),
      (.fcntl, [0xffff_ffff, 1030, 0], .errno(9)),
      (.fcntl, [0xffff_ffff, 0xf_0000_0003, 0], .errno(9)),
      (.fcntl, [0xffff_ffff, 37, 0], .errno(9)),
      (.setrlimit, [7, 1], .errno(14)),
      (.prlimit64, [0, 7, 1, 0], .errno(14)),
      (.prlimit64, [0, 4, 0, 1], .errno(14)),
      (.execveat, [0xffff_ff9c, 1, 0, 0, 0], .errno(14)),
      (.setsockopt, [0xffff_ffff, 1, 7, 0, 4], .errno(9)),
    ]
    let program = try SeccompProgram.cell()
    for (call, arguments, answer) in calls {
      let probe = Call(number: UInt64(try #require(call.number)), arguments: arguments)
      #expect(try SeccompProbe.answers([probe], under: program) == [answer], "\(call)")
      #expect(try SeccompProbe.answers([probe], under: nil) == [answer], "\(call)")
    }
  }

  #if arch(x86_64)
    @Test("the older calls that make files take no set-id bit either")
    func olderOpens() throws {
      let calls = [
        Call(number: 2, arguments: [1, 0o101, 0o4755]), Call(number: 85, arguments: [1, 0o2755]),
        Call(number: 2, arguments: [1, 0o101, 0o755]), Call(number: 85, arguments: [1, 0o755]),
        Call(number: 2, arguments: [1, 0, 0o6755]),
      ]
      let cell = try SeccompProbe.answers(calls, under: try SeccompProgram.cell())
      #expect(cell == [.errno(1), .errno(1), .errno(14), .errno(14), .errno(14)])
      let control = try SeccompProbe.answers(calls, under: nil)
      #expect(control == Array(repeating: .errno(14), count: 5))
    }

    @Test("calls by another number table end the process")
    func foreign() throws {
      let cell = try SeccompProgram.cell()
      let calls = [
        Call(i386: true, number: 20), Call(number: 0x4000_0000 | 39), Call(number: 0x4000_0209),
      ]
      #expect(
        try SeccompProbe.answers(calls, under: cell) == [.signal(31), .signal(31), .signal(31)])
      // int 0x80 works here without a filter, or the first call proves nothing.
      let control = try SeccompProbe.answers(calls, under: nil)
      if case .signal(31) = control[0] { Issue.record("\(control)") }
      if case .signal(31) = control[1] { Issue.record("\(control)") }
    }

    @Test("the upper half of the number register means nothing")
    func wideNumber() throws {
      let cell = try SeccompProgram.cell()
      let call = Call(number: 0x1_0000_0000 | UInt64(Syscall.unshare.rawValue), arguments: [0])
      #expect(try SeccompProbe.answers([call], under: cell) == [.errno(1)])
    }
  #endif

  @Test("the relay's filter lets these calls through and no other, whatever their arguments")
  func relayCalls() throws {
    let whole: Set<Syscall> = [
      .read, .write, .close, .poll, .ppoll, .sched_yield, .munmap, .mremap, .brk, .madvise, .futex,
      .clock_gettime, .getrandom, .rt_sigprocmask, .restart_syscall, .exit, .exit_group,
    ]
    let byArguments: [Syscall: [[UInt64]]] = [
      .mmap: [[0, 4096, 3, 0x22], [0, 4096, 0, 0x4022]], .mprotect: [[0, 4096, 1]],
      .recvfrom: [[3, 1, 1, 0x40, 0, 0]], .sendto: [[3, 1, 1, 0x4040, 0, 0]],
    ]
    let program = try SeccompProgram.relay()
    func answer(_ number: UInt32, _ arguments: [UInt64]) throws -> UInt32 {
      try BPFSimulator.run(
        program.instructions, on: SeccompCall(number: number, arguments: arguments))
    }
    let allow = SeccompAction.allow.returnValue
    let kill = SeccompAction.kill.returnValue
    let names = Dictionary(
      Syscall.allCases.compactMap { call in call.number.map { ($0, call) } },
      uniquingKeysWith: { $1 })
    for number in UInt32(0)..<1024 {
      let name = names[number]
      let bad = [UInt64](repeating: .max, count: 6)
      let expected = name.map { whole.contains($0) } ?? false ? allow : kill
      #expect(try answer(number, bad) == expected, "\(number)")
      if name.map({ byArguments[$0] == nil }) ?? true {
        #expect(try answer(number, [0, 0, 0, 0, 0, 0]) == expected, "\(number)")
      }
    }
    for (call, good) in byArguments {
      for arguments in good { #expect(try answer(try #require(call.number), arguments) == allow) }
    }
    let refused: [(Syscall, [UInt64])] = [
      (.mmap, [0, 4096, 7, 0x22]), (.mmap, [0, 4096, 4, 0x22]), (.mmap, [0, 4096, 3, 0x21]),
      (.mmap, [0, 4096, 1, 2, 5, 0]), (.mmap, [0, 4096, 1, 1, 5, 0]), (.mmap, [0, 4096, 1, 0x23]),
      (.mprotect, [0, 4096, 4]), (.mprotect, [0, 4096, 0xf_0000_0007]),
      (.recvfrom, [3, 1, 1, 0, 0, 0]), (.recvfrom, [3, 1, 1, 0x40, 1 << 40, 0]),
      (.sendto, [3, 1, 1, 0x4040, 1, 16]), (.sendto, [3, 1, 1, 0x4041, 0, 0]),
      (.sendto, [3, 1, 1, 0x2000_4040, 0, 0]),
    ]
    for (call, arguments) in refused {
      #expect(try answer(try #require(call.number), arguments) == kill, "\(call) \(arguments)")
    }
  }

  @Test("a call outside the relay's list ends the relay")
  func relay() throws {
    // The probe itself forks for each call, which the relay's filter does not let it do.
    let program = try SeccompProgram.relay()
    let probe = try #require(SeccompProbe.executable)
    let run = try SeccompProbe.run(
      probe, [try SeccompProbe.file(program, "relay"), "run", "/bin/true"])
    #expect(run.status == 31)
    let control = try SeccompProbe.run(probe, ["none", "run", "/bin/true"])
    #expect(control.status == 0)
  }
}
