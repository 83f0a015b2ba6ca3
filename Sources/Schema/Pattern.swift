/// A regular expression of ECMA-262 with the flag `u`, compiled to say whether a text has a match.
///
/// Matching follows all ways through the expression at once, character by character, so its time
/// is at most the number of states times the length of the text, whatever the expression is;
/// lookahead and lookbehind included, each of which is one more such pass.
///
/// *Limits*: no back references, no scripts in `\p{…}` and of the binary properties only some; these
/// are faults. Beyond the standard's syntax, an escaped ASCII punctuation mark is that mark, and
/// `]`, `{` and `}` stand for themselves where nothing else can be meant.
public struct Pattern: Sendable {
  /// The longest expression, in bytes.
  public static let maxSize = 16 << 10
  /// How deep groups may nest.
  public static let maxDepth = 128

  let code: [PatternStep]
  let classes: [PatternClass]
  let looks: [PatternLook]
  /// Where the expression itself begins in `code`.
  let start: Int
  /// Whether every match begins at the start of the text.
  let isAnchored: Bool

  /// How many states it has.
  public var states: Int { code.count }

  /// Compiles an expression of UTF-8.
  ///
  /// - Throws: ``PatternFault`` for what is not understood or has more than so many states.
  public init(_ expression: [UInt8], maxStates: Int = 8192) throws(PatternFault) {
    guard expression.count <= Self.maxSize else {
      throw PatternFault("the pattern is longer than \(Self.maxSize) bytes", at: 0)
    }
    var parser = try PatternParser(expression)
    let root = try parser.parse()
    var compiler = PatternCompiler(parser.nodes, maxStates: maxStates)
    start = try compiler.compile(root)
    code = compiler.code
    classes = parser.classes
    looks = compiler.looks
    isAnchored = parser.isAnchored(root)
  }

  /// Whether a text of valid UTF-8 has a match anywhere; nil if that takes more than `steps`, from
  /// which what was used is taken.
  public func matches(_ text: Span<UInt8>, steps: inout Int) -> Bool? {
    var matcher = PatternMatcher()
    return matcher.matches(self, text, steps: &steps)
  }
}

/// Why a pattern is not compiled.
public struct PatternFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong, for a person.
  public var text: String
  /// Where, in characters from the start of the expression.
  public var offset: Int

  init(_ text: String, at offset: Int) {
    self.text = text
    self.offset = offset
  }

  /// The text and the place.
  public var description: String { "\(text) (character \(offset + 1) of the pattern)" }
}

/// One state: what is done there, and where it goes on.
enum PatternStep: Sendable {
  /// One character of a class.
  case character(class: Int32)
  /// One certain character.
  case literal(UInt32)
  /// Both ways.
  case split(Int32, Int32)
  case jump(Int32)
  /// Only where this is so.
  case textStart, textEnd
  case wordBoundary(Bool)
  /// Only where a look around finds, or does not find, what it looks for.
  case look(Int32, Bool)
  case accept
}

/// A lookahead or lookbehind: found out for every place of the text before it is asked for.
struct PatternLook: Sendable {
  /// Where it begins in the code; what a lookahead looks for is compiled backward.
  let start: Int
  let isAhead: Bool
}
