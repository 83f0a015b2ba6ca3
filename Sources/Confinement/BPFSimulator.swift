/// One instruction of a filter program: the kernel's `struct sock_filter`.
struct BPFInstruction {
  /// Operation and addressing mode.
  let code: UInt16
  /// How many instructions a jump skips when its test holds.
  let jumpTrue: Int
  /// How many instructions a jump skips when its test fails.
  let jumpFalse: Int
  /// The constant operand.
  let constant: UInt32

  /// Reads an instruction as it lies in memory on a little-endian machine.
  @inline(__always)
  init(_ raw: UInt64) {
    code = UInt16(truncatingIfNeeded: raw)
    jumpTrue = Int(UInt8(truncatingIfNeeded: raw >> 16))
    jumpFalse = Int(UInt8(truncatingIfNeeded: raw >> 24))
    constant = UInt32(truncatingIfNeeded: raw >> 32)
  }

  /// The operations that filters of this package consist of.
  /// Source: `linux/bpf_common.h`.
  enum Code {
    /// `BPF_LD | BPF_W | BPF_ABS`: load a word of the call.
    static let load: UInt16 = 0x20
    /// `BPF_ALU | BPF_AND | BPF_K`.
    static let and: UInt16 = 0x54
    /// `BPF_JMP | BPF_JA`.
    static let jump: UInt16 = 0x05
    /// `BPF_JMP | BPF_JEQ | BPF_K`.
    static let jumpIfEqual: UInt16 = 0x15
    /// `BPF_JMP | BPF_JGT | BPF_K`.
    static let jumpIfGreater: UInt16 = 0x25
    /// `BPF_JMP | BPF_JGE | BPF_K`.
    static let jumpIfGreaterOrEqual: UInt16 = 0x35
    /// `BPF_RET | BPF_K`.
    static let answer: UInt16 = 0x06
  }
}

/// Runs a filter program on one call, as the kernel does.
///
/// `SeccompProof` needs no runs; this is for tests, which hold it against the proof and against
/// the running kernel.
public enum BPFSimulator {
  /// What the program answers to `call`.
  ///
  /// - Throws: `SeccompError.malformed` for a program that the kernel would not accept, or that
  ///   has an operation which filters of this package never use.
  public static func run(
    _ instructions: [UInt64], on call: SeccompCall
  ) throws(SeccompError) -> UInt32 {
    var position = 0
    var accumulator: UInt32 = 0
    while position < instructions.count {
      let instruction = BPFInstruction(instructions[position])
      let constant = instruction.constant
      var skip = 0
      switch instruction.code {
      case BPFInstruction.Code.load:
        guard constant % 4 == 0, constant < 64 else {
          throw .malformed("loads outside the call", at: position)
        }
        accumulator = call[word: Int(constant / 4)]
      case BPFInstruction.Code.and: accumulator &= constant
      case BPFInstruction.Code.jump: skip = Int(constant)
      case BPFInstruction.Code.jumpIfEqual:
        skip = accumulator == constant ? instruction.jumpTrue : instruction.jumpFalse
      case BPFInstruction.Code.jumpIfGreater:
        skip = accumulator > constant ? instruction.jumpTrue : instruction.jumpFalse
      case BPFInstruction.Code.jumpIfGreaterOrEqual:
        skip = accumulator >= constant ? instruction.jumpTrue : instruction.jumpFalse
      case BPFInstruction.Code.answer: return constant
      default: throw .malformed("unknown operation \(instruction.code)", at: position)
      }
      position += 1 + skip
    }
    throw .malformed("runs past its end", at: position)
  }
}

extension SeccompCall {
  /// A 32-bit word of the kernel's `struct seccomp_data` on a little-endian machine: 0 the number,
  /// 1 the architecture, 2 and 3 the instruction pointer (always 0 here), from 4 on the arguments,
  /// lower halves first.
  subscript(word index: Int) -> UInt32 {
    switch index {
    case 0: number
    case 1: architecture
    case 2, 3: 0
    default:
      UInt32(truncatingIfNeeded: self[argument: (index - 4) / 2] >> (index % 2 == 0 ? 0 : 32))
    }
  }
}
