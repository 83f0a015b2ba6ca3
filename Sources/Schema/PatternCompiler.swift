/// Turns the parts of an expression into states.
struct PatternCompiler {
  let nodes: [PatternNode]
  let maxStates: Int
  private(set) var code: [PatternStep] = []
  private(set) var looks: [PatternLook] = []
  /// The number of each part that is a look around.
  private var lookOf: [Int: Int32] = [:]
  /// What may still be done, so that repeating nothing often costs something.
  private var work: Int

  /// The most looks around of one expression, each of which needs a bit for each place of a text.
  private static let maxLooks = 16

  init(_ nodes: [PatternNode], maxStates: Int) {
    self.nodes = nodes
    self.maxStates = maxStates
    work = 4 * maxStates + 64
  }

  /// Compiles the whole expression; gives where it begins.
  mutating func compile(_ root: Int) throws(PatternFault) -> Int {
    // Inner ones are before outer ones here, and so are found out before them.
    for (index, node) in nodes.enumerated() {
      guard case .look(let inner, let isAhead, _) = node else { continue }
      guard looks.count < Self.maxLooks else {
        throw PatternFault("the pattern looks around more than \(Self.maxLooks) times", at: 0)
      }
      let start = code.count
      try emit(inner, backward: isAhead)
      try emit(.accept)
      lookOf[index] = Int32(looks.count)
      looks.append(PatternLook(start: start, isAhead: isAhead))
    }
    let start = code.count
    try emit(root, backward: false)
    try emit(.accept)
    return start
  }

  private mutating func emit(_ step: PatternStep) throws(PatternFault) {
    guard code.count < maxStates else {
      throw PatternFault("the pattern has more states than the limit allows", at: 0)
    }
    code.append(step)
  }

  private mutating func emit(_ node: Int, backward: Bool) throws(PatternFault) {
    work -= 1
    guard work > 0 else {
      throw PatternFault("the pattern has more states than the limit allows", at: 0)
    }
    switch nodes[node] {
    case .literal(let character): try emit(.literal(character))
    case .character(let index): try emit(.character(class: index))
    case .textStart: try emit(.textStart)
    case .textEnd: try emit(.textEnd)
    case .wordBoundary(let wanted): try emit(.wordBoundary(wanted))
    case .look(_, _, let isNegated): try emit(.look(lookOf[node] ?? 0, !isNegated))
    case .sequence(let parts):
      for part in backward ? parts.reversed() : parts { try emit(part, backward: backward) }
    case .alternatives(let parts): try emit(alternatives: parts, backward)
    case .repeated(let inner, let least, let most): try emit(inner, least, most, backward)
    }
  }

  private mutating func emit(
    alternatives parts: [Int], _ backward: Bool
  ) throws(PatternFault) {
    var ends: [Int] = []
    for (index, part) in parts.enumerated() {
      guard index < parts.count - 1 else {
        try emit(part, backward: backward)
        break
      }
      let split = code.count
      try emit(.split(0, 0))
      try emit(part, backward: backward)
      ends.append(code.count)
      try emit(.jump(0))
      code[split] = .split(Int32(split + 1), Int32(code.count))
    }
    for end in ends { code[end] = .jump(Int32(code.count)) }
  }

  private mutating func emit(
    _ inner: Int, _ least: Int, _ most: Int, _ backward: Bool
  ) throws(PatternFault) {
    var done = 0
    while done < least {
      try emit(inner, backward: backward)
      done += 1
    }
    if most < 0 {
      let split = code.count
      try emit(.split(0, 0))
      try emit(inner, backward: backward)
      try emit(.jump(Int32(split)))
      code[split] = .split(Int32(split + 1), Int32(code.count))
      return
    }
    var splits: [Int] = []
    while done < most {
      splits.append(code.count)
      try emit(.split(0, 0))
      try emit(inner, backward: backward)
      done += 1
    }
    for split in splits { code[split] = .split(Int32(split + 1), Int32(code.count)) }
  }
}
