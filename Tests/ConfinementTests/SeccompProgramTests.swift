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
    for rules in [try SeccompRules.cell(), .relay, try .cell(adding: [.ptrace, .read, .shmget])] {
      let program = try SeccompProgram.compile(rules)
      print(rules.name, program.instructions.count, "instructions")
    }
  }

  /// Set `ANCHORHOLD_WRITE_PRECOMPILED=1` to write the file anew after a change of the rules.
  @Test("the programs in this executable are the ones that libseccomp makes of the rules")
  func precompiled() throws {
    let cell = try Self.instructions(of: .cell())
    let relay = try Self.instructions(of: .relay)
    if ProcessInfo.processInfo.environment["ANCHORHOLD_WRITE_PRECOMPILED"] == "1" {
      try SeccompPrecompiledText.write(cell: cell, relay: relay)
      return
    }
    #expect(SeccompPrecompiled.cell1 == cell)
    #expect(SeccompPrecompiled.relay == relay)
    #expect(try SeccompProgram.cell().instructions == cell)
    #expect(try SeccompProgram.relay().instructions == relay)
  }
}

enum SeccompPrecompiledText {
  static func write(cell: [UInt64], relay: [UInt64]) throws {
    var text = """
      // Written by the test "the programs in this executable are the ones that libseccomp makes".
      #if arch(x86_64)
        /// Filters that libseccomp made of the rules, so that a start need not wait for it.
        ///
        /// They are checked against the rules at every start, like any other program.
        enum SeccompPrecompiled {

      """
    for (name, program) in [("cell1", cell), ("relay", relay)] {
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
