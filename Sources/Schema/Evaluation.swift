/// One check of one value: walks the canonical text as often as the schema asks for it, without a
/// tree of it, and keeps nothing but what unfinished keywords need.
struct Evaluation {
  /// Instead of a frame of marks: nobody asks what was evaluated.
  static let untracked = -1

  let program: Program
  var steps: Int
  var isExhausted = false
  var depth = 0
  /// The value whose end was found last; its parent asks for it next.
  private var known = (start: -1, end: -1)
  /// The resources that evaluation came through, outermost first; only if that matters.
  private var scopes: [UInt16] = []
  /// Frames of one word that says how many words of marks follow, and those.
  var marks: [UInt64] = []
  var matcher = PatternMatcher()
  var failure = Failure(reason: .nothing, at: 0, index: 0)

  /// Why and where a value failed; the last one counts.
  struct Failure {
    enum Reason: UInt8 {
      case kind, nothing, closed, enumeration, constant
      case maximum, exclusiveMaximum, minimum, exclusiveMinimum, multipleOf
      case maxLength, minLength, pattern
      case minItems, maxItems, minContains, maxContains, items, additionalItems, unique
      case minProperties, maxProperties, required, additionalProperties, propertyNames
      case dependentRequired, any, one, several, not
      case unevaluatedItems, unevaluatedProperties
    }

    var reason: Reason
    /// In the text that is checked.
    var at: Int
    /// In the table that belongs to the reason.
    var index: Int32
  }

  init(program: Program, steps: Int) {
    self.program = program
    self.steps = steps
  }

  /// Whether the value at `at` is valid against a node.
  ///
  /// - Parameter frame: where to mark which members or elements of it were evaluated.
  mutating func holds(_ index: Int32, _ text: Span<UInt8>, _ at: Int, _ frame: Int) -> Bool {
    steps -= 1
    guard steps >= 0, depth < program.maxDepth else { return exhaust() }
    let node = program.tables.nodes[Int(index)]
    let kind = Text.kind(text[at])
    if !node.kinds.contains(kind) {
      guard kind == .number, node.kinds.contains(.integer),
        isInteger(text, at, plain: node.wantsPlainIntegers)
      else {
        if isExhausted { return false }
        let reason: Failure.Reason =
          index == Program.closed ? .closed : node.kinds.isEmpty ? .nothing : .kind
        return fail(reason, at, index)
      }
    }
    if node.count == 0 { return true }
    depth += 1
    let result =
      node.tracks || program.isDynamic
      ? holdsTracked(node, text, at, kind, frame) : holdsRules(node, text, at, kind, frame)
    depth -= 1
    return result
  }

  private mutating func holdsRules(
    _ node: Node, _ text: Span<UInt8>, _ at: Int, _ kind: Text.Kinds, _ frame: Int
  ) -> Bool {
    var index = Int(node.first)
    let end = index + Int(node.count)
    while index < end {
      let rule = program.tables.rules[index]
      index += 1
      if !rule.kinds.contains(kind) { continue }
      steps -= 1
      let holds =
        switch rule.operation {
        case .enumeration: isOneOf(rule, text, at)
        case .constant: isConstant(rule, text, at)
        case .maximum, .exclusiveMaximum, .minimum, .exclusiveMinimum, .multipleOf:
          isInBound(rule, text, at)
        case .maxLength, .minLength: hasLength(rule, text, at)
        case .pattern: hasPattern(rule, text, at)
        case .array: holdsArray(rule.a, text, at, frame)
        case .unique: isUnique(text, at)
        case .object: holdsObject(rule.a, text, at, frame)
        case .dependentRequired: hasDependents(rule, text, at)
        case .reference: self.holds(rule.a, text, at, frame)
        case .dynamicReference: self.holds(dynamicTarget(rule), text, at, frame)
        case .all: holdsAll(rule, text, at, frame)
        case .any: holdsAny(rule, text, at, frame)
        case .one: holdsOne(rule, text, at, frame)
        case .not: holdsNot(rule, text, at)
        case .conditional: holdsConditional(rule, text, at, frame)
        case .dependentSchemas: holdsDependents(rule, text, at, frame)
        case .unevaluatedItems: holdsUnevaluatedItems(rule.a, text, at, frame)
        case .unevaluatedProperties: holdsUnevaluatedProperties(rule.a, text, at, frame)
        }
      if !holds || isExhausted { return false }
    }
    return true
  }

  /// The same for a node that has to know what was evaluated, or where the way here matters.
  private mutating func holdsTracked(
    _ node: Node, _ text: Span<UInt8>, _ at: Int, _ kind: Text.Kinds, _ frame: Int
  ) -> Bool {
    let isEntered = program.isDynamic && scopes.last != node.resource
    if isEntered { scopes.append(node.resource) }
    var own = frame
    if node.tracks, kind == .object || kind == .array { own = pushFrame(text, at) }
    let result = holdsRules(node, text, at, kind, own)
    if own != frame { popFrame(own, into: result ? frame : Self.untracked) }
    if isEntered { scopes.removeLast() }
    return result
  }

  /// The outermost resource on the way here that has the anchor decides.
  private mutating func dynamicTarget(_ rule: Rule) -> Int32 {
    for scope in scopes {
      steps -= Int(rule.c - rule.b)
      for target in program.tables.dynamicTargets[Int(rule.b)..<Int(rule.c)]
      where target.resource == scope { return target.node }
    }
    return rule.a
  }

  private mutating func isInteger(_ text: Span<UInt8>, _ at: Int, plain: Bool) -> Bool {
    let end = Text.numberEnd(text, from: at)
    if Bound.small(text, at, end) != nil { return true }
    guard charge(end - at) else { return false }
    if plain {
      var index = at
      while index < end {
        switch text[index] {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return false
        default: index += 1
        }
      }
      return true
    }
    guard let decimal = Decimal(text, at, end) else { return exhaust() }
    return decimal.isInteger
  }

  // MARK: What everything here uses

  /// Notes why a value is not valid.
  mutating func fail(_ reason: Failure.Reason, _ at: Int, _ index: Int32 = 0) -> Bool {
    failure = Failure(reason: reason, at: at, index: index)
    return false
  }

  /// Ends the check without an answer.
  mutating func exhaust() -> Bool {
    isExhausted = true
    return false
  }

  /// Counts bytes that were passed over.
  mutating func charge(_ bytes: Int) -> Bool {
    steps -= bytes >> 5
    return steps >= 0 ? true : exhaust()
  }

  /// Counts bytes that are looked at one by one, which takes longer.
  mutating func compares(_ bytes: Int) -> Bool { charge(bytes << 3) }

  /// Where the value that begins at `start` ends.
  @inline(__always)
  mutating func end(_ text: Span<UInt8>, _ start: Int) -> Int {
    if known.start == start { return known.end }
    let end = Text.end(text, from: start)
    steps -= (end - start) >> 5
    known = (start, end)
    return end
  }

  /// Notes where a value ends that was walked through.
  @inline(__always)
  mutating func found(_ start: Int, end: Int) { known = (start, end) }
}
