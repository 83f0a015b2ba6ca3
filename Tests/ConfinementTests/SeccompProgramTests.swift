import Foundation
import Testing

@testable import Confinement

@Suite("seccomp programs")
struct SeccompProgramTests {
  static func instructions(of rules: SeccompRules) throws -> [UInt64] {
    try SeccompCompiler.compile(rules)
  }

  @Test("libseccomp's programs mean what the rules say")
  func compiled() throws {
    let added: SeccompRules = try .cell(adding: [.ptrace, .read, .shmget])
    for rules in [try SeccompRules.cell(), .relay, .keeper, added] {
      let program = try SeccompProgram.compile(rules)
      print(rules.name, program.instructions.count, "instructions")
    }
  }

  @Test("the programs of isolation level container mean what their rules say")
  func container() throws {
    for sharesUser in [false, true] {
      for refusesSignals in [false, true] {
        let container = SeccompContainer(sharesUser: sharesUser, refusesSignals: refusesSignals)
        let program = try SeccompProgram.cell(container: container)
        func answer(_ call: Syscall, _ arguments: UInt64...) -> UInt32 {
          let number = call.number ?? 0
          return program.rules.returnValue(for: SeccompCall(number: number, arguments: arguments))
        }
        let allow = SeccompAction.allow.returnValue
        #expect(answer(.inotify_add_watch) != allow)
        #expect(answer(.getxattr) == SeccompAction.unsupported.returnValue)
        #expect(answer(.fgetxattr) == allow)
        for call in [Syscall.prlimit64, .sched_setaffinity, .sched_setscheduler] {
          #expect(answer(call, 0, 0, 0) == allow)
          #expect(answer(call, 1, 0, 0) != allow)
          #expect(answer(call, 0x1_0000_0001, 0, 0) != allow)
        }
        #expect(answer(.prlimit64, 0, 4, 0x1000) != allow)
        #expect(answer(.setpriority, 2, 0) != allow)
        #expect(answer(.setpriority, 0, 7) != allow)
        #expect((answer(.chmod, 0, 0o644) == allow) == !sharesUser)
        #expect((answer(.utimensat, 0, 0x1000) == allow) == !sharesUser)
        #expect(answer(.utimensat, 3, 0) == allow)
        #expect(answer(.fchmod, 3, 0o644) == allow)
        #expect((answer(.kill, 77, 9) == allow) == !refusesSignals)
        #expect((answer(.tgkill, 77, 77, 9) == allow) == !refusesSignals)
        #expect(answer(.kill, 0, 9) == allow)
        #expect(throws: SeccompError.self) {
          try SeccompRules.cell(adding: [.inotify_add_watch], container: container)
        }
      }
    }
  }

  @Test("a keeper makes and removes, and opens with openat what it lists")
  func keeper() throws {
    let rules = try SeccompProgram.keeper().rules
    func answer(_ call: Syscall, _ arguments: UInt64...) -> UInt32 {
      rules.returnValue(for: SeccompCall(number: call.number ?? 0, arguments: arguments))
    }
    let (allow, kill) = (SeccompAction.allow.returnValue, SeccompAction.kill.returnValue)
    for call in [Syscall.mkdirat, .unlinkat, .getdents64, .poll, .recvmsg, .openat2] {
      #expect(answer(call) == allow)
    }
    #expect(answer(.openat, 3, 0x1000, 0xb_0000) == allow)
    #expect(answer(.openat, 3, 0x1000, 0xb_0001) == kill)
    #expect(answer(.openat, 3, 0x1000, 0xb_0042) == kill)
    for call in [
      Syscall.execve, .execveat, .clone, .fork, .socket, .connect, .sendmsg, .sendto, .ptrace,
      .kill, .tkill, .tgkill, .open, .read, .mmap, .mprotect, .linkat, .symlinkat, .mount,
      .setuid, .capset, .prctl, .ioctl, .chown, .fchownat, .dup, .fcntl,
    ] { #expect(answer(call) == kill, "\(call)") }
  }

  /// Set `ANCHORHOLD_WRITE_PRECOMPILED=1` to write the file anew after a change of the rules.
  @Test("the programs in this executable are the ones that libseccomp makes of the rules")
  func precompiled() throws {
    let cell = try Self.instructions(of: .cell())
    let relay = try Self.instructions(of: .relay)
    let keeper = try Self.instructions(of: .keeper)
    if ProcessInfo.processInfo.environment["ANCHORHOLD_WRITE_PRECOMPILED"] == "1" {
      try SeccompPrecompiledText.write([("cell1", cell), ("relay", relay), ("keeper", keeper)])
      return
    }
    #expect(SeccompPrecompiled.cell1 == cell)
    #expect(SeccompPrecompiled.relay == relay)
    #expect(try SeccompProgram.cell().instructions == cell)
    #expect(try SeccompProgram.relay().instructions == relay)
    #expect(SeccompPrecompiled.keeper == keeper)
    #expect(try SeccompProgram.keeper().instructions == keeper)
  }
}

enum SeccompPrecompiledText {
  static func write(_ programs: [(name: String, program: [UInt64])]) throws {
    var text = """
      // Written by the test "the programs in this executable are the ones that libseccomp makes".
      #if arch(x86_64)
        /// Filters that libseccomp made of the rules, so that a start need not wait for it.
        ///
        /// They are checked against the rules at every start, like any other program.
        enum SeccompPrecompiled {

      """
    for (name, program) in programs {
      text += "    /// The `\(name)` rules: \(program.count) instructions.\n"
      text += "    static let \(name): [UInt64] = [\n"
      var line = "     "
      for instruction in program {
        let word = " 0x" + String(instruction, radix: 16) + ","
        if line.utf8.count + word.utf8.count > 100 {
          text += line + "\n"
          line = "     "
        }
        line += word
      }
      text += line + "\n    ]\n"
    }
    text += "  }\n#endif\n"
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/Confinement/SeccompPrecompiled.swift")
    try text.write(to: file, atomically: true, encoding: .utf8)
  }
}
