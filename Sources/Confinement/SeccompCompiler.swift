internal import CLinux
internal import CSeccomp

/// Rules to instructions, by libseccomp. Every call of that library is in this file.
///
/// Only equality rules are ever given to it, and what it makes is checked by `SeccompProof`.
enum SeccompCompiler {
  /// Compiles `rules` for this architecture.
  ///
  /// - Throws: `SeccompError.compiler`.
  static func compile(_ rules: SeccompRules) throws(SeccompError) -> [UInt64] {
    guard let filter = unsafe seccomp_init(rules.otherwise.returnValue) else {
      throw .compiler(step: "start", call: nil, errno: 12)
    }
    defer { unsafe seccomp_release(filter) }
    try unsafe attribute(filter, SCMP_FLTATR_ACT_BADARCH, rules.foreign.returnValue)
    // The filter is loaded by the cell's own code, which sets no_new_privs as a step of its own.
    try unsafe attribute(filter, SCMP_FLTATR_CTL_NNP, 0)
    // A binary tree: about 9 comparisons for any call, instead of up to 370.
    try unsafe attribute(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2)
    for call in Syscall.allCases.reversed() {
      guard let number = call.number else { continue }
      let entry = rules.table[Int(number)]
      if let clauses = rules.clauses(of: entry) {
        for clause in clauses {
          try unsafe add(filter, call, number, clause.action.returnValue, clause.conditions)
        }
      } else if entry != rules.otherwise.returnValue {
        try unsafe add(filter, call, number, entry, [])
      }
    }
    return try unsafe export(filter)
  }

  private static func attribute(
    _ filter: scmp_filter_ctx, _ name: scmp_filter_attr, _ value: UInt32
  ) throws(SeccompError) {
    let status = unsafe seccomp_attr_set(filter, name, value)
    guard status == 0 else { throw .compiler(step: "attribute", call: nil, errno: -status) }
  }

  private static func add(
    _ filter: scmp_filter_ctx, _ call: Syscall, _ number: UInt32, _ action: UInt32,
    _ conditions: [SeccompCondition]
  ) throws(SeccompError) {
    let comparisons = conditions.map {
      scmp_arg_cmp(
        arg: UInt32($0.argument), op: SCMP_CMP_MASKED_EQ, datum_a: $0.mask, datum_b: $0.value)
    }
    let status = unsafe comparisons.withUnsafeBufferPointer {
      unsafe seccomp_rule_add_array(
        filter, action, Int32(bitPattern: number), UInt32(conditions.count), $0.baseAddress)
    }
    guard status == 0 else { throw .compiler(step: "rule", call: call, errno: -status) }
  }

  /// libseccomp writes only to a descriptor; a file in memory takes it.
  private static func export(_ filter: scmp_filter_ctx) throws(SeccompError) -> [UInt64] {
    let file = cl_seccomp_file()
    guard file >= 0 else { throw .compiler(step: "file", call: nil, errno: -file) }
    defer { cl_seccomp_close(file) }
    let status = unsafe seccomp_export_bpf(filter, file)
    guard status == 0 else { throw .compiler(step: "export", call: nil, errno: -status) }
    // 4,096 instructions are the kernel's limit.
    let instructions = unsafe [UInt64](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = unsafe cl_seccomp_read(file, buffer.baseAddress, buffer.count * 8) / 8
    }
    guard !instructions.isEmpty else { throw .compiler(step: "read", call: nil, errno: 5) }
    return instructions
  }
}
