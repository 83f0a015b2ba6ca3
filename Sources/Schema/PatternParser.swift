/// A part of an expression; parts refer to others by index, which are before them.
enum PatternNode: Sendable {
  case literal(UInt32)
  case character(class: Int32)
  case sequence([Int])
  case alternatives([Int])
  /// At least and at most so often, -1 for without bound.
  case repeated(Int, least: Int, most: Int)
  case textStart, textEnd
  case wordBoundary(Bool)
  case look(Int, isAhead: Bool, isNegated: Bool)
}

/// Reads an expression.
struct PatternParser {
  var nodes: [PatternNode] = []
  var classes: [PatternClass] = []
  let text: [UInt32]
  var at = 0
  private var depth = 0

  init(_ expression: [UInt8]) throws(PatternFault) {
    var text: [UInt32] = []
    text.reserveCapacity(expression.count)
    var codec = UTF8()
    var iterator = expression.makeIterator()
    decoding: while true {
      switch codec.decode(&iterator) {
      case .scalarValue(let scalar): text.append(scalar.value)
      case .error: throw PatternFault("the pattern is not UTF-8", at: text.count)
      case .emptyInput: break decoding
      }
    }
    self.text = text
  }

  /// Reads all of it.
  mutating func parse() throws(PatternFault) -> Int {
    let root = try alternatives()
    if at < text.count { throw fault("a closing parenthesis without an opening one") }
    return root
  }

  func fault(_ text: String) -> PatternFault { PatternFault(text, at: at) }

  mutating func add(_ node: PatternNode) -> Int {
    nodes.append(node)
    return nodes.count - 1
  }

  /// The character at an offset from here, if there is one.
  func peek(_ offset: Int = 0) -> UInt32? { at + offset < text.count ? text[at + offset] : nil }

  /// Passes over a character if it is that one.
  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek() == character.value else { return false }
    at += 1
    return true
  }

  private mutating func alternatives() throws(PatternFault) -> Int {
    guard depth < Pattern.maxDepth else { throw fault("the groups nest too deep") }
    depth += 1
    defer { depth -= 1 }
    var found = [try sequence()]
    while take("|") { found.append(try sequence()) }
    return found.count == 1 ? found[0] : add(.alternatives(found))
  }

  private mutating func sequence() throws(PatternFault) -> Int {
    var parts: [Int] = []
    while let character = peek(), character != bar, character != closing {
      parts.append(try term())
    }
    return parts.count == 1 ? parts[0] : add(.sequence(parts))
  }

  private mutating func term() throws(PatternFault) -> Int {
    guard let character = peek() else { throw fault("the pattern ends too soon") }
    var isRepeatable = true
    let node: Int
    switch Unicode.Scalar(character) {
    case "^":
      at += 1
      node = add(.textStart)
      isRepeatable = false
    case "$":
      at += 1
      node = add(.textEnd)
      isRepeatable = false
    case "(": (node, isRepeatable) = try group()
    case ".":
      at += 1
      var any = PatternClass()
      any.add(complementOf: PatternClass.lineEnds)
      node = add(any, negated: false)
    case "[": node = try characterClass()
    case "\\":
      if peek(1) == UInt32(UInt8(ascii: "b")) || peek(1) == UInt32(UInt8(ascii: "B")) {
        node = add(.wordBoundary(peek(1) == UInt32(UInt8(ascii: "b"))))
        at += 2
        isRepeatable = false
      } else {
        node = try escapedTerm()
      }
    case "*", "+", "?": throw fault("nothing to repeat")
    case "{":
      let before = at
      if try quantifier() != nil {
        at = before
        throw fault("nothing to repeat")
      }
      at = before + 1
      node = add(.literal(character))
    default:
      at += 1
      node = add(.literal(character))
    }
    guard let (least, most) = try quantifier() else { return node }
    guard isRepeatable else { throw fault("an assertion cannot be repeated") }
    return add(.repeated(node, least: least, most: most))
  }

  mutating func add(_ set: PatternClass, negated: Bool) -> Int {
    var set = set
    set.finish(negated: negated)
    // The same few classes come again and again; among many it is not worth the search.
    if let index = classes.suffix(16).firstIndex(of: set) {
      return add(.character(class: Int32(index)))
    }
    classes.append(set)
    return add(.character(class: Int32(classes.count - 1)))
  }

  private mutating func group() throws(PatternFault) -> (Int, Bool) {
    at += 1
    var look: (isAhead: Bool, isNegated: Bool)?
    if take("?") {
      let isAhead = !take("<")
      if take("=") {
        look = (isAhead, false)
      } else if take("!") {
        look = (isAhead, true)
      } else if !isAhead {
        try groupName()
      } else if !take(":") {
        throw fault("a kind of group that ECMA-262 does not have")
      }
    }
    let inner = try alternatives()
    guard take(")") else { throw fault("a parenthesis is not closed") }
    guard let look else { return (inner, true) }
    return (add(.look(inner, isAhead: look.isAhead, isNegated: look.isNegated)), false)
  }

  private mutating func groupName() throws(PatternFault) {
    let start = at
    while let character = peek(), character != UInt32(UInt8(ascii: ">")) {
      guard let scalar = Unicode.Scalar(character),
        scalar == "$" || scalar == "_"
          || (at == start ? scalar.properties.isIDStart : scalar.properties.isIDContinue)
      else { throw fault("the name of a group has a character that names do not have") }
      at += 1
    }
    guard at > start, take(">") else { throw fault("the name of a group does not end") }
  }

  /// A quantifier, nil if there is none here.
  private mutating func quantifier() throws(PatternFault) -> (least: Int, most: Int)? {
    var found: (least: Int, most: Int)?
    if take("*") {
      found = (0, -1)
    } else if take("+") {
      found = (1, -1)
    } else if take("?") {
      found = (0, 1)
    } else if peek() == UInt32(UInt8(ascii: "{")) {
      let before = at
      at += 1
      guard let least = number() else {
        at = before
        return nil
      }
      var most = least
      if take(",") { most = number() ?? -1 }
      guard take("}") else {
        at = before
        return nil
      }
      if most >= 0, most < least { throw fault("the numbers of a quantifier are out of order") }
      found = (least, most)
    }
    if found != nil { _ = take("?") }
    return found
  }

  /// A decimal number, nil if there is none here; what is too large for any use is a large one.
  private mutating func number() -> Int? {
    let start = at
    var value = 0
    while let character = peek(), character >= 0x30, character <= 0x39 {
      value = min(value * 10 + Int(character - 0x30), 1 << 30)
      at += 1
    }
    return at > start ? value : nil
  }

  /// Whether a part can match only where the text starts.
  func isAnchored(_ node: Int) -> Bool {
    switch nodes[node] {
    case .textStart: true
    case .sequence(let parts): parts.first.map { isAnchored($0) } ?? false
    case .alternatives(let parts): parts.allSatisfy { isAnchored($0) }
    default: false
    }
  }
}

private let bar = UInt32(UInt8(ascii: "|"))
private let closing = UInt32(UInt8(ascii: ")"))
