/// A test of some bits of one 32-bit word of a call.
struct WordTest {
  /// Which word of `struct seccomp_data`.
  let word: Int
  /// The bits that are compared.
  let mask: UInt32
  /// What they are compared with; no bit outside `mask`.
  let value: UInt32
}

/// All calls that a path of `SeccompProof` stands for: two intervals, and known argument bits.
struct CallSet {
  /// The first of the 12 words that arguments are made of.
  static let firstArgument = 4

  private var numbers: ClosedRange<UInt32> = 0 ... .max
  private var architectures: ClosedRange<UInt32> = 0 ... .max
  private var knownMask = [16 of UInt32](repeating: 0)
  private var knownValue = [16 of UInt32](repeating: 0)

  /// Whether a test holds for the calls of a set.
  enum Outcome {
    /// For all of them.
    case holds
    /// For none of them.
    case fails
    /// Not known: it may hold for some.
    case open
  }

  /// The values of word 0 (number) or 1 (architecture).
  func interval(_ word: Int) -> ClosedRange<UInt32> { word == 0 ? numbers : architectures }

  /// The calls of this set whose word 0 or 1 lies in `range`.
  func with(_ word: Int, _ range: ClosedRange<UInt32>) -> CallSet {
    var copy = self
    if word == 0 { copy.numbers = range } else { copy.architectures = range }
    return copy
  }

  /// Whether `test` holds, given that none of `exclusions` does.
  func outcome(of test: WordTest, _ exclusions: [WordTest]) -> Outcome {
    let known = knownMask[test.word]
    let value = knownValue[test.word]
    if (value ^ test.value) & known & test.mask != 0 { return .fails }
    if known & test.mask == test.mask { return .holds }
    // If it held, would an excluded value be there?
    let mask = known | test.mask
    let together = (value & known) | test.value
    for exclusion in exclusions where exclusion.word == test.word {
      if exclusion.mask & ~mask == 0, together & exclusion.mask == exclusion.value { return .fails }
    }
    return .open
  }

  /// Narrows the set to the calls for which `test` holds; false if there are none.
  mutating func assume(_ test: WordTest, _ exclusions: [WordTest]) -> Bool {
    knownMask[test.word] |= test.mask
    knownValue[test.word] = (knownValue[test.word] & ~test.mask) | test.value
    return settle(test.word, exclusions)
  }

  /// Learns from the exclusions of `word`: where all but one bit of an excluded value are there,
  /// the last one must differ. False if an excluded value is there in full.
  mutating func settle(_ word: Int, _ exclusions: [WordTest]) -> Bool {
    var learned = true
    while learned {
      learned = false
      for exclusion in exclusions where exclusion.word == word {
        let known = knownMask[word]
        if (knownValue[word] ^ exclusion.value) & known & exclusion.mask != 0 { continue }
        let open = exclusion.mask & ~known
        if open == 0 { return false }
        if open.nonzeroBitCount == 1 {
          knownMask[word] |= open
          knownValue[word] |= ~exclusion.value & open
          learned = true
        }
      }
    }
    return true
  }

  /// One call of the set, for a message.
  func example(number: UInt32, architecture: UInt32, avoiding exclusions: [WordTest]) -> SeccompCall
  {
    var words = [UInt32](repeating: 0, count: 16)
    for word in CallSet.firstArgument..<16 {
      words[word] = knownValue[word]
      for exclusion in exclusions where exclusion.word == word {
        if words[word] & exclusion.mask == exclusion.value {
          let open = exclusion.mask & ~knownMask[word]
          words[word] ^= open & (0 &- open)
        }
      }
    }
    let arguments = (0..<6).map { UInt64(words[4 + 2 * $0]) | UInt64(words[5 + 2 * $0]) << 32 }
    return SeccompCall(number: number, architecture: architecture, arguments: arguments)
  }
}
