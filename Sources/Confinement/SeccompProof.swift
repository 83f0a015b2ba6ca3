/// Shows that a program means what its rules say, for every call there can be.
///
/// Not a sample: the walk takes every path through the program and carries along what is known of
/// the call on it. Number and architecture are intervals, which comparisons cut exactly; of each
/// half of an argument it knows some bits, and some masked values that it does not have. At each
/// answer the rules are asked about all calls that end there, and a rule that could still go
/// either way splits the path once more. Together the paths cover all 2³² numbers, all
/// architectures and all arguments, in some thousand steps: libseccomp has compiled filters
/// wrongly before, and a cached program may have been changed.
///
/// *Limits*: a path may be kept although no call takes it (three excluded values that leave no
/// other are not noticed), so a correct program could be refused; a wrong one is never accepted.
struct SeccompProof {
  private let instructions: [UInt64]
  private let rules: SeccompRules
  private let meaning: SeccompMeaning
  /// The masked values that the call of the current path does not have; a stack.
  private var exclusions: [WordTest] = []
  /// Steps left before a program counts as too complex.
  private var budget = 1_000_000

  /// Compares a program with its rules.
  ///
  /// - Throws: `SeccompError.mismatch` with a call as an example, or `.malformed`.
  static func check(
    _ instructions: [UInt64], against rules: SeccompRules
  ) throws(SeccompError) {
    // The kernel's own limit, `BPF_MAXINSNS`.
    guard !instructions.isEmpty, instructions.count <= 4096 else {
      throw .malformed("\(instructions.count) instructions", at: 0)
    }
    var proof = SeccompProof(instructions, rules)
    try proof.walk(from: 0, CallSet(), .unknown)
  }

  private init(_ instructions: [UInt64], _ rules: SeccompRules) {
    self.instructions = instructions
    self.rules = rules
    self.meaning = SeccompMeaning(rules)
    exclusions.reserveCapacity(256)
  }

  /// What the accumulator holds: a word of the call, or some bits of one.
  private enum Accumulator {
    case unknown
    case word(Int)
    case bits(Int, UInt32)
  }

  private mutating func walk(
    from start: Int, _ calls: CallSet, _ loaded: Accumulator
  ) throws(SeccompError) {
    var position = start
    var calls = calls
    var accumulator = loaded
    while position < instructions.count {
      budget -= 1
      if budget < 0 { throw .malformed("too complex to check", at: position) }
      let instruction = BPFInstruction(instructions[position])
      let constant = instruction.constant
      let onTrue = position + 1 + instruction.jumpTrue
      let onFalse = position + 1 + instruction.jumpFalse
      switch instruction.code {
      case BPFInstruction.Code.load:
        let word = Int(constant / 4)
        // The instruction pointer, words 2 and 3, is no business of any rule.
        guard constant % 4 == 0, word < 16, word != 2, word != 3 else {
          throw .malformed("loads something that no rule is about", at: position)
        }
        accumulator = .word(word)
        position += 1
      case BPFInstruction.Code.and:
        switch accumulator {
        case .word(let word) where word >= CallSet.firstArgument:
          accumulator = .bits(word, constant)
        case .bits(let word, let mask): accumulator = .bits(word, mask & constant)
        default: throw .malformed("masks what is not an argument", at: position)
        }
        position += 1
      case BPFInstruction.Code.jump:
        position += 1 + Int(constant)
      case BPFInstruction.Code.jumpIfEqual:
        switch accumulator {
        case .word(let word) where word < CallSet.firstArgument:
          let range = calls.interval(word)
          if range.contains(constant) {
            try walk(from: onTrue, calls.with(word, constant...constant), accumulator)
            if constant > range.lowerBound {
              let below = calls.with(word, range.lowerBound...(constant - 1))
              try walk(from: onFalse, below, accumulator)
            }
            if constant == range.upperBound { return }
            calls = calls.with(word, (constant + 1)...range.upperBound)
          }
          position = onFalse
        case .word(let word):
          let test = WordTest(word: word, mask: .max, value: constant)
          try split(on: test, calls, accumulator, onTrue, onFalse)
          return
        case .bits(let word, let mask):
          // A value with a bit outside the mask is never equal.
          guard constant & ~mask == 0 else {
            position = onFalse
            continue
          }
          let test = WordTest(word: word, mask: mask, value: constant)
          try split(on: test, calls, accumulator, onTrue, onFalse)
          return
        case .unknown: throw .malformed("tests what was never loaded", at: position)
        }
      case BPFInstruction.Code.jumpIfGreater, BPFInstruction.Code.jumpIfGreaterOrEqual:
        guard case .word(let word) = accumulator, word < CallSet.firstArgument else {
          throw .malformed("compares the order of what is not a number", at: position)
        }
        let orEqual = instruction.code == BPFInstruction.Code.jumpIfGreaterOrEqual
        let range = calls.interval(word)
        // The first value for which the test holds; nil if there is none.
        let first: UInt32? = orEqual ? constant : (constant == .max ? nil : constant + 1)
        guard let first, first <= range.upperBound else {
          position = onFalse
          continue
        }
        if first <= range.lowerBound {
          position = onTrue
          continue
        }
        try walk(from: onTrue, calls.with(word, first...range.upperBound), accumulator)
        calls = calls.with(word, range.lowerBound...(first - 1))
        position = onFalse
      case BPFInstruction.Code.answer:
        try compare(constant, calls)
        return
      default: throw .malformed("unknown operation \(instruction.code)", at: position)
      }
    }
    throw .malformed("runs past its end", at: position)
  }

  /// Goes both ways at a test of an argument, as far as they are open.
  private mutating func split(
    on test: WordTest, _ calls: CallSet, _ accumulator: Accumulator, _ onTrue: Int, _ onFalse: Int
  ) throws(SeccompError) {
    switch calls.outcome(of: test, exclusions) {
    case .holds: try walk(from: onTrue, calls, accumulator)
    case .fails: try walk(from: onFalse, calls, accumulator)
    case .open:
      let depth = exclusions.count
      var some = calls
      if some.assume(test, exclusions) { try walk(from: onTrue, some, accumulator) }
      var others = calls
      exclusions.append(test)
      if others.settle(test.word, exclusions) { try walk(from: onFalse, others, accumulator) }
      exclusions.removeLast(exclusions.count - depth)
    }
  }

  /// Holds an answer of the program against the rules, for all calls that get it.
  private mutating func compare(_ answer: UInt32, _ calls: CallSet) throws(SeccompError) {
    let foreign = rules.foreign.returnValue
    let architectures = calls.interval(1)
    let native = SeccompCall.nativeArchitecture
    if architectures != native...native, answer != foreign {
      let other =
        architectures.lowerBound == native ? architectures.upperBound : architectures.lowerBound
      throw mismatch(calls, calls.interval(0).lowerBound, other, foreign, answer)
    }
    guard architectures.contains(native) else { return }
    let numbers = calls.interval(0)
    let first = numbers.lowerBound
    if first < UInt32(SeccompRules.tableSize) {
      for number in first...min(numbers.upperBound, UInt32(SeccompRules.tableSize) - 1) {
        let entry = rules.table[Int(number)]
        if entry < SeccompRules.conditionalMark {
          if entry != answer { throw mismatch(calls, number, native, entry, answer) }
        } else {
          let clauses = meaning.calls[Int(entry & 0xffff)]
          try compare(answer, calls.with(0, number...number), clauses.lowerBound, of: clauses)
        }
      }
    }
    // Beyond the table: unknown numbers, x32 numbers, and −1.
    let x32 = SeccompCall.hasX32Numbers ? SeccompCall.x32Bit : UInt32.max
    try compare(
      answer, calls, UInt32(SeccompRules.tableSize)...(x32 - 1), rules.otherwise.returnValue)
    if SeccompCall.hasX32Numbers { try compare(answer, calls, x32...(.max - 1), foreign) }
    try compare(answer, calls, .max ... .max, rules.otherwise.returnValue)
  }

  private func compare(
    _ answer: UInt32, _ calls: CallSet, _ numbers: ClosedRange<UInt32>, _ expected: UInt32
  ) throws(SeccompError) {
    let range = calls.interval(0)
    guard answer != expected, range.overlaps(numbers) else { return }
    let number = range.clamped(to: numbers).lowerBound
    throw mismatch(calls, number, SeccompCall.nativeArchitecture, expected, answer)
  }

  /// Asks the clauses of one call from `index` on, splitting where one could go either way.
  private mutating func compare(
    _ answer: UInt32, _ calls: CallSet, _ index: Int, of clauses: Range<Int>
  ) throws(SeccompError) {
    budget -= 1
    if budget < 0 { throw .malformed("too complex to check", at: 0) }
    var index = index
    next: while index < clauses.upperBound {
      let clause = meaning.clauses[index]
      for test in meaning.tests[clause.tests] {
        switch calls.outcome(of: test, exclusions) {
        case .holds: continue
        case .fails:
          index += 1
          continue next
        case .open:
          let depth = exclusions.count
          var some = calls
          if some.assume(test, exclusions) { try compare(answer, some, index, of: clauses) }
          var others = calls
          exclusions.append(test)
          if others.settle(test.word, exclusions) {
            try compare(answer, others, index + 1, of: clauses)
          }
          exclusions.removeLast(exclusions.count - depth)
          return
        }
      }
      return try compare(answer, calls, calls.interval(0), clause.action)
    }
    try compare(answer, calls, calls.interval(0), rules.otherwise.returnValue)
  }

  private func mismatch(
    _ calls: CallSet, _ number: UInt32, _ architecture: UInt32, _ expected: UInt32, _ found: UInt32
  ) -> SeccompError {
    .mismatch(
      call: calls.example(number: number, architecture: architecture, avoiding: exclusions),
      expected: expected, found: found)
  }
}

/// The conditional rules, flat and split into 32-bit tests, as the walk needs them.
private struct SeccompMeaning {
  var tests: [WordTest] = []
  var clauses: [(tests: Range<Int>, action: UInt32)] = []
  var calls: [Range<Int>] = []

  init(_ rules: SeccompRules) {
    for entry in rules.conditional {
      let firstClause = clauses.count
      for clause in entry.clauses {
        let firstTest = tests.count
        for condition in clause.conditions {
          let word = CallSet.firstArgument + 2 * condition.argument
          for half in 0..<2 {
            let mask = UInt32(truncatingIfNeeded: condition.mask >> UInt64(32 * half))
            let value = UInt32(truncatingIfNeeded: condition.value >> UInt64(32 * half))
            if mask != 0 { tests.append(WordTest(word: word + half, mask: mask, value: value)) }
          }
        }
        clauses.append((firstTest..<tests.count, clause.action.returnValue))
      }
      calls.append(firstClause..<clauses.count)
    }
  }
}
