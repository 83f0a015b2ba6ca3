/// Makes of a program that refuses one that tells of it.
///
/// Every instruction stays where it is and what it is, but for the refusals themselves, which end a
/// run: a call that is allowed takes the same way as before, instruction by instruction, and the
/// kernel's own table of calls that are allowed without running a program is the same. What comes
/// of it is checked against the rules like every program.
enum SeccompWatch {
  /// `plain` with its refusals told as `rules` say, which are those of `plain` but for that.
  static func instructions(_ plain: [UInt64], of rules: SeccompRules) -> [UInt64] {
    let standard = UInt16(truncatingIfNeeded: rules.otherwise.returnValue & 0xffff)
    var program = plain
    for (position, word) in plain.enumerated() {
      let instruction = BPFInstruction(word)
      guard instruction.code == BPFInstruction.Code.answer,
        instruction.constant & 0xffff_0000 == SeccompAction.refusal
      else { continue }
      let errno = UInt16(instruction.constant & 0xffff)
      // What the rules do not name, and what libraries try, got the same answer until now.
      program[position] =
        errno == standard
        ? raw(BPFInstruction.Code.jump, UInt32(plain.count - position - 1))
        : answer(.report(errno: errno))
    }
    return program + distinction(rules, standard)
  }

  /// What follows the program: whether it is a call that libraries make to see if it is there.
  private static func distinction(_ rules: SeccompRules, _ errno: UInt16) -> [UInt64] {
    let quiet = rules.table.indices.filter {
      rules.table[$0] & 0xffff_0000 == SeccompAction.refusal
    }
    // Jumps reach 255 instructions far; there are some twenty such calls, with high numbers.
    precondition(quiet.count < 200)
    var tail = [raw(BPFInstruction.Code.load, 0)]
    if let first = quiet.first {
      tail.append(
        raw(
          BPFInstruction.Code.jumpIfGreaterOrEqual, UInt32(first), onFalse: quiet.count))
    }
    for (index, number) in quiet.enumerated() {
      tail.append(
        raw(BPFInstruction.Code.jumpIfEqual, UInt32(number), onTrue: quiet.count - index))
    }
    return tail + [answer(.report(errno: errno)), answer(.refuse(errno: errno))]
  }

  private static func answer(_ action: SeccompAction) -> UInt64 {
    raw(BPFInstruction.Code.answer, action.returnValue)
  }

  private static func raw(
    _ code: UInt16, _ constant: UInt32, onTrue: Int = 0, onFalse: Int = 0
  ) -> UInt64 {
    UInt64(code) | UInt64(onTrue) << 16 | UInt64(onFalse) << 24 | UInt64(constant) << 32
  }
}
