import Testing

@testable import Confinement

@Suite("the proof of a seccomp program")
struct SeccompProofTests {
  /// Calls at which programs and rules tend to differ.
  static func interestingCalls(_ rules: SeccompRules) -> [SeccompCall] {
    var calls: [SeccompCall] = []
    let numbers =
      Array(UInt32(0)..<600) + [0x3fff_ffff, 0x4000_0000, 0x4000_0027, 0x8000_0001, .max - 1, .max]
    for number in numbers {
      for architecture in [SeccompCall.nativeArchitecture, 0x4000_0003, 0xc000_00b7, 0] {
        calls.append(SeccompCall(number: number, architecture: architecture))
      }
      calls.append(SeccompCall(number: number, arguments: Array(repeating: .max, count: 6)))
    }
    for (call, clauses) in rules.conditional {
      guard let number = call.number else { continue }
      for clause in clauses {
        var exact = [UInt64](repeating: 0, count: 6)
        for condition in clause.conditions { exact[condition.argument] |= condition.value }
        calls.append(SeccompCall(number: number, arguments: exact))
        for argument in 0..<6 {
          for bit in 0..<64 {
            var flipped = exact
            flipped[argument] ^= 1 << UInt64(bit)
            calls.append(SeccompCall(number: number, arguments: flipped))
          }
        }
      }
    }
    return calls
  }

  @Test("simulator and rules agree on calls at every edge")
  func simulatorAgrees() throws {
    for program in [try SeccompProgram.cell(), try SeccompProgram.relay()] {
      for call in Self.interestingCalls(program.rules) {
        let answer = try BPFSimulator.run(program.instructions, on: call)
        try #require(answer == program.rules.returnValue(for: call), "\(call)")
      }
    }
  }

  @Test("a program with any one bit changed is refused, or means the same")
  func mutations() throws {
    let program = try SeccompProgram.relay()
    let calls = Self.interestingCalls(program.rules)
    var refused = 0
    var accepted = 0
    for position in program.instructions.indices {
      for bit in 0..<64 {
        var changed = program.instructions
        changed[position] ^= 1 << UInt64(bit)
        do {
          try SeccompProof.check(changed, against: program.rules)
        } catch {
          refused += 1
          continue
        }
        accepted += 1
        // Return instructions and loads have unused jump fields; nothing else may be accepted.
        for call in calls {
          try #require(
            try BPFSimulator.run(changed, on: call) == program.rules.returnValue(for: call),
            "bit \(bit) of instruction \(position)")
        }
      }
    }
    #expect(refused > accepted)
    print("mutations: \(refused) refused, \(accepted) without meaning")
  }

  @Test("the example of a mismatch is a real one")
  func examples() throws {
    let program = try SeccompProgram.cell()
    var weaker = program.rules
    weaker.set(.ptrace, .allow)
    var other = program.rules
    other.set(.socketpair, clauses: [SeccompClause(.allow, .int(0, is: 1))])
    var wider = program.rules
    wider.set(.clone, clauses: [SeccompClause(.allow, .bits(0, 0x1000_0000, are: 0))])
    for rules in [weaker, other, wider] {
      do {
        try SeccompProof.check(program.instructions, against: rules)
        Issue.record("accepted")
      } catch .mismatch(let call, let expected, let found) {
        #expect(try BPFSimulator.run(program.instructions, on: call) == found)
        #expect(rules.returnValue(for: call) == expected)
        #expect(expected != found)
      }
    }
  }

  /// What libseccomp makes of `socket(…) with arg0 == 1` when the comparison is 64 bits wide.
  @Test("a rule on an int that compares 64 bits is noticed")
  func wideComparison() throws {
    var rules = SeccompRules(name: "test", otherwise: .allow)
    rules.set(.socket, clauses: [SeccompClause(.denied, .int(0, is: 1))])
    var wide = SeccompRules(name: "test", otherwise: .allow)
    wide.set(.socket, clauses: [SeccompClause(.denied, .bits(0, .max, are: 1))])
    let compiled = try SeccompCompiler.compile(wide)
    try SeccompProof.check(compiled, against: wide)
    #expect(throws: SeccompError.self) { try SeccompProof.check(compiled, against: rules) }
  }

  @Test("programs that the kernel or the proof cannot follow are refused")
  func malformed() {
    let answer: UInt64 = 0x7fff_0000_0000_0006
    let programs: [[UInt64]] = [
      [], [0x0000_0000_0000_0020], [0x0000_0003_0000_0020, answer],
      [0x0000_0040_0000_0020, answer],
      [0x0000_0000_0005_0015, answer], [0x0000_00ff_0000_0005, answer], [0x16], [answer],
      Array(repeating: 0x0000_0000_0000_0020, count: 5000),
    ]
    for program in programs {
      #expect(throws: SeccompError.self) { try SeccompProof.check(program, against: .relay) }
    }
  }

  @Test("a stored program is checked when it is loaded")
  func load() throws {
    let program = try SeccompProgram.cell()
    let loaded = try SeccompProgram.load(bytes: program.bytes, rules: program.rules)
    #expect(loaded.instructions == program.instructions)
    #expect(throws: SeccompError.self) {
      try SeccompProgram.load(bytes: program.bytes, rules: .cell(adding: [.ptrace]))
    }
    #expect(throws: SeccompError.self) {
      try SeccompProgram.load(bytes: program.bytes.dropLast(), rules: program.rules)
    }
  }

  @Test("a profile cannot add a call that undoes the cell, and can add others")
  func adding() throws {
    for call in [Syscall.mount, .unshare, .clone3, .io_uring_setup, .socket, .setuid, .bpf] {
      #expect(throws: SeccompError.self) { try SeccompRules.cell(adding: [call]) }
    }
    let rules = try SeccompRules.cell(adding: [.ptrace, .shmget])
    for call in [Syscall.ptrace, .shmget] {
      let probe = SeccompCall(number: try #require(call.number))
      #expect(rules.returnValue(for: probe) == SeccompAction.allow.returnValue)
      #expect(try SeccompRules.cell().returnValue(for: probe) != SeccompAction.allow.returnValue)
    }
  }

  @Test(
    "a call whose arguments decide cannot be added, because that would let every argument through",
    arguments: SyscallGroups.conditional1.map(\.call))
  func addingDecided(_ call: Syscall) throws {
    do {
      _ = try SeccompRules.cell(adding: [call])
      Issue.record("\(call.name) was added")
    } catch {
      #expect(error.description.hasPrefix("\(call.name) cannot be added (its arguments decide): "))
      #expect(try #require(error.hint).contains(" argument "))
    }
    // The control: without the addition the call is there, with the arguments of its rule.
    let rules = try SeccompRules.cell()
    let entry = rules.table[Int(try #require(call.number))]
    #expect(try #require(rules.clauses(of: entry)).contains { $0.action == .allow })
  }

  @Test("the hint names the arguments that are allowed already")
  func allowedArguments() throws {
    func hint(_ call: Syscall) throws -> String {
      try #require(SyscallGroups.conditional1.first { $0.call == call }).allowedArguments
    }
    #expect(try hint(.personality) == "first argument one of 0x0, 0xffffffff")
    #expect(try hint(.fchmod) == "second argument without bits 0xc00")
    #expect(try hint(.setsockopt).hasPrefix("second argument 0x1 and third argument 0x2, or "))
  }

  @Test("each call is in one group, and no call is forgotten")
  func groups() {
    var seen: [Syscall: Int] = [:]
    for group in SyscallGroups.baseline1 { for call in group.calls { seen[call, default: 0] += 1 } }
    for entry in SyscallGroups.conditional1 { seen[entry.call, default: 0] += 1 }
    for call in Syscall.allCases { #expect(seen[call] == 1, "\(call.name)") }
  }
}
