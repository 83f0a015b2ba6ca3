import Testing

@testable import Confinement

@Suite("a filter that tells of its refusals")
struct SeccompWatchTests {
  static let told = SeccompAction.notification
  static let refused = SeccompAction.refusal

  @Test("refuses every call that the plain one refuses, with the same error, and allows the others")
  func sameMeaning() throws {
    let plain = try SeccompProgram.cell()
    let watched = try SeccompProgram.cell(watched: true)
    var kinds: [UInt32: Int] = [:]
    for call in SeccompProofTests.interestingCalls(plain.rules) {
      let before = try BPFSimulator.run(plain.instructions, on: call)
      let after = try BPFSimulator.run(watched.instructions, on: call)
      try #require(after == watched.rules.returnValue(for: call), "\(call)")
      if before & 0xffff_0000 == Self.refused {
        try #require(after & 0xffff_0000 == Self.told || after == before, "\(call)")
        try #require(after & 0xffff == before & 0xffff, "\(call)")
        // What the listener will answer is looked up in the rules, and is the same once more.
        try #require(UInt32(watched.rules.refusal(of: call)) == before & 0xffff, "\(call)")
      } else {
        // Allowed, or the end of a process by a foreign number table: never told.
        try #require(after == before, "\(call)")
      }
      kinds[after & 0xffff_0000, default: 0] += 1
    }
    // The control: all four answers came up.
    #expect(kinds.count == 4, "\(kinds)")
  }

  @Test("the way of an allowed call is the same, instruction by instruction")
  func samePath() throws {
    let plain = try SeccompProgram.cell().instructions
    let watched = try SeccompProgram.cell(watched: true).instructions
    #expect(watched.count > plain.count)
    var answers = 0
    for (before, after) in zip(plain, watched) where before != after {
      let instruction = BPFInstruction(before)
      // Only what ends a run with an error differs.
      #expect(instruction.code == BPFInstruction.Code.answer)
      #expect(instruction.constant & 0xffff_0000 == Self.refused)
      answers += 1
    }
    #expect(answers > 0)
    for instruction in watched.dropFirst(plain.count).map(BPFInstruction.init) {
      let isAnswer = instruction.code == BPFInstruction.Code.answer
      #expect(!isAnswer || instruction.constant & 0xffff_0000 != SeccompAction.allow.returnValue)
      #expect(instruction.constant != SeccompAction.allow.returnValue)
    }
  }

  @Test("what libraries try and do without is refused without a word")
  func probed() throws {
    let rules = try SeccompRules.cell(watched: true)
    for call in [Syscall.clone3, .openat2, .io_uring_setup, .cachestat, .file_setattr] {
      let probe = SeccompCall(number: try #require(call.number))
      #expect(rules.returnValue(for: probe) == SeccompAction.absent.returnValue, "\(call)")
    }
    // The control: others with the same error are told of.
    for call in [Syscall.sync, .shmget, .io_setup] {
      let probe = SeccompCall(number: try #require(call.number))
      #expect(rules.returnValue(for: probe) == SeccompAction.report(errno: 38).returnValue)
    }
    #expect(rules.returnValue(for: SeccompCall(number: 5000)) == Self.told | 38)
    #expect(rules.returnValue(for: SeccompCall(number: .max)) == Self.told | 38)
  }

  @Test("calls that a profile adds stay added, and the others stay refused")
  func added() throws {
    let program = try SeccompProgram.cell(adding: [.ptrace, .shmget, .chown], watched: true)
    for (call, value) in [
      (Syscall.ptrace, SeccompAction.allow.returnValue), (.shmget, SeccompAction.allow.returnValue),
      (.chown, SeccompAction.allow.returnValue), (.mount, Self.told | 1), (.shmat, Self.told | 38),
      (.clone3, Self.refused | 38),
    ] {
      let probe = SeccompCall(number: try #require(call.number))
      #expect(try BPFSimulator.run(program.instructions, on: probe) == value, "\(call)")
    }
  }

  @Test("a program that tells of other calls, with another error, or of none, is not accepted")
  func mismatches() throws {
    let watched = try SeccompProgram.cell(watched: true)
    let plain = try SeccompProgram.cell()
    #expect(throws: SeccompError.self) {
      try SeccompProof.check(plain.instructions, against: watched.rules)
    }
    #expect(throws: SeccompError.self) {
      try SeccompProof.check(watched.instructions, against: plain.rules)
    }
    var changes = 0
    for (position, word) in watched.instructions.enumerated() {
      let instruction = BPFInstruction(word)
      guard instruction.code == BPFInstruction.Code.answer,
        instruction.constant & 0xffff_0000 == Self.told
      else { continue }
      for value in [
        SeccompAction.allow.returnValue, Self.told | (instruction.constant & 0xffff ^ 2),
        Self.refused | instruction.constant & 0xffff, SeccompAction.kill.returnValue,
      ] {
        var changed = watched.instructions
        changed[position] = UInt64(BPFInstruction.Code.answer) | UInt64(value) << 32
        #expect(throws: SeccompError.self) {
          try SeccompProof.check(changed, against: watched.rules)
        }
        changes += 1
      }
    }
    #expect(changes >= 8)
  }

  @Test("a call that the rules would allow gets EPERM all the same")
  func neverAllowed() throws {
    let rules = try SeccompRules.cell(watched: true)
    #expect(rules.refusal(of: SeccompCall(number: 0)) == 1)
    #expect(rules.refusal(of: SeccompCall(number: 0, architecture: 0x4000_0003)) == 1)
  }
}

@Suite("refused system calls, counted")
struct DenialCountsTests {
  @Test("what is said of a call comes from the tables")
  func words() throws {
    func call(_ call: Syscall) throws -> DeniedCall {
      DeniedCall(number: try #require(call.number))
    }
    #expect(try call(.sync).name == "sync")
    #expect(try call(.sync).remedy == "syscalls: {add: [sync]}")
    #expect(try call(.fsetxattr).remedy == "syscalls: {add: [fsetxattr]}")
    #expect(try call(.mount).remedy == nil)
    #expect(try call(.mount).reason.hasPrefix("mounts: "))
    #expect(try call(.ioctl).remedy == nil)
    #expect(try call(.ioctl).reason.hasPrefix("with these arguments: "))
    #expect(DeniedCall(number: 500).name == "number 500")
    #expect(DeniedCall(number: 500).remedy == nil)
    #expect(DeniedCall(number: .max).name == "number 512 or above")
    #expect(DeniedCall(number: .max).number == nil)
    #expect(DeniedCall(number: 512) == DeniedCall(number: 0x8000_0000))
    #expect(DeniedCall(kind: DeniedCall.kinds) == nil && DeniedCall(kind: -1) == nil)
  }

  @Test("every remedy is one that the rules accept, and makes the call one that is allowed")
  func remedies() throws {
    var count = 0
    for call in Syscall.allCases {
      guard let number = call.number else { continue }
      let denied = DeniedCall(number: number)
      let refusal = try SeccompRules.cell(watched: true).returnValue(
        for: SeccompCall(number: number, arguments: Array(repeating: .max, count: 6)))
      guard refusal != SeccompAction.allow.returnValue else { continue }
      if denied.remedy == nil {
        #expect(throws: SeccompError.self) { try SeccompRules.cell(adding: [call]) }
      } else {
        count += 1
        #expect(denied.remedy == "syscalls: {add: [\(call.name)]}")
        let rules = try SeccompRules.cell(adding: [call], watched: true)
        #expect(
          rules.returnValue(for: SeccompCall(number: number)) == SeccompAction.allow.returnValue)
      }
    }
    #expect(count > 40)
  }

  private let sync = DeniedCall(number: 162), mount = DeniedCall(number: 165)

  @Test("the first refusal of each call is told at once, others up to a rate, the rest together")
  func rates() throws {
    var counts = DenialCounts()
    var now: Int64 = 5_000_000
    var atOnce = 0
    for _ in 0..<1000 {
      if counts.note(sync, 38, at: now) != nil { atOnce += 1 }
      now += 10
    }
    #expect(atOnce == 1 + DenialCounts.perSecond)
    // Another call is told of in the midst of the flood.
    let first = counts.note(mount, 1, at: now)
    #expect(first == DenialCounts.Entry(call: mount, errno: 1, count: 1, isFresh: true))
    let deadline = try #require(counts.deadline)
    #expect(deadline > now && deadline <= now + 1_000_000)
    let later = counts.take()
    #expect(
      later == [
        DenialCounts.Entry(call: sync, errno: 38, count: Int64(1000 - atOnce), isFresh: false)
      ])
    let none = counts.take()
    #expect(counts.deadline == nil && none.isEmpty)
    // In another second some are told at once again.
    let again = counts.note(sync, 38, at: now + 1_000_000)
    #expect(again != nil)
    #expect(
      counts.all == [
        DenialCounts.Entry(call: sync, errno: 38, count: 1001, isFresh: false),
        DenialCounts.Entry(call: mount, errno: 1, count: 1, isFresh: false),
      ])
  }

  @Test("what could not be told waits")
  func keeping() throws {
    var counts = DenialCounts()
    let told = counts.note(sync, 38, at: 1)
    counts.keep(try #require(told), at: 1)
    #expect(counts.deadline == 1_000_001)
    let later = counts.take()
    #expect(later == [DenialCounts.Entry(call: sync, errno: 38, count: 1, isFresh: false)])
    #expect(counts.all.map(\.count) == [1])
  }
}
