/// A compiled filter that was shown to say exactly what its rules say.
///
/// There is no way to make one without the check in `SeccompProof`: it does not matter whether
/// the instructions came from libseccomp, from this executable or from a file.
public struct SeccompProgram: Sendable {
  /// What the program does, in the rules' own terms.
  public let rules: SeccompRules
  /// The instructions, each one a `struct sock_filter` in this machine's byte order.
  public let instructions: [UInt64]

  /// Accepts `instructions` if they mean the same as `rules`.
  ///
  /// - Throws: `SeccompError.malformed` or `.mismatch`.
  public init(rules: SeccompRules, instructions: [UInt64]) throws(SeccompError) {
    try SeccompProof.check(instructions, against: rules)
    self.rules = rules
    self.instructions = instructions
  }

  /// Compiles `rules` with libseccomp (1 to 2 ms for a cell) and checks the result.
  ///
  /// - Throws: `SeccompError`.
  public static func compile(_ rules: SeccompRules) throws(SeccompError) -> SeccompProgram {
    try SeccompProgram(rules: rules, instructions: SeccompCompiler.compile(rules))
  }

  /// Reads a program from the bytes of an earlier one and checks it against `rules`.
  ///
  /// A file that was changed cannot weaken a filter: it is accepted only if it means the same.
  ///
  /// - Throws: `SeccompError.malformed` or `.mismatch`.
  public static func load(
    bytes: [UInt8], rules: SeccompRules
  ) throws(SeccompError) -> SeccompProgram {
    guard bytes.count % 8 == 0 else { throw .malformed("its size is not a multiple of 8", at: 0) }
    var instructions: [UInt64] = []
    instructions.reserveCapacity(bytes.count / 8)
    for start in stride(from: 0, to: bytes.count, by: 8) {
      var instruction: UInt64 = 0
      for index in 0..<8 { instruction |= UInt64(bytes[start + index]) << (8 * UInt64(index)) }
      instructions.append(instruction)
    }
    return try SeccompProgram(rules: rules, instructions: instructions)
  }

  /// The instructions as bytes, for `load(bytes:rules:)`.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(instructions.count * 8)
    for instruction in instructions {
      for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: instruction >> (8 * index))) }
    }
    return bytes
  }

  /// The filter of a cell without network.
  ///
  /// Without added calls the program compiled into this executable is used, which saves the 1 to
  /// 2 ms that libseccomp takes; it is checked like any other. Otherwise libseccomp compiles.
  ///
  /// - Parameter watched: whether refusals are told to a listener; see `SeccompRules.cell`.
  /// - Throws: `SeccompError`.
  public static func cell(
    adding added: [Syscall] = [], container: SeccompContainer? = nil, watched: Bool = false
  ) throws(SeccompError) -> SeccompProgram {
    let plain = try SeccompRules.cell(adding: added, container: container)
    var instructions = try cellInstructions(
      plain, isBaseline: added.isEmpty && container == nil)
    guard watched else { return try SeccompProgram(rules: plain, instructions: instructions) }
    let rules = try SeccompRules.cell(adding: added, container: container, watched: true)
    instructions = SeccompWatch.instructions(instructions, of: rules)
    return try SeccompProgram(rules: rules, instructions: instructions)
  }

  private static func cellInstructions(
    _ rules: SeccompRules, isBaseline: Bool
  ) throws(SeccompError) -> [UInt64] {
    #if arch(x86_64)
      if isBaseline { return SeccompPrecompiled.cell1 }
    #endif
    return try SeccompCompiler.compile(rules)
  }

  /// The filter of the relay.
  ///
  /// - Throws: `SeccompError`.
  public static func relay() throws(SeccompError) -> SeccompProgram {
    #if arch(x86_64)
      return try SeccompProgram(rules: .relay, instructions: SeccompPrecompiled.relay)
    #else
      return try compile(.relay)
    #endif
  }

  /// The filter of a relay that is given another server's pipes on this socket, if need be.
  ///
  /// - Throws: `SeccompError`.
  public static func relay(receivingOn control: Int32) throws(SeccompError) -> SeccompProgram {
    try compile(.relay(receivingOn: control))
  }

  /// The filter of a keeper.
  ///
  /// - Throws: `SeccompError`.
  public static func keeper() throws(SeccompError) -> SeccompProgram {
    #if arch(x86_64)
      return try SeccompProgram(rules: .keeper, instructions: SeccompPrecompiled.keeper)
    #else
      return try compile(.keeper)
    #endif
  }
}
