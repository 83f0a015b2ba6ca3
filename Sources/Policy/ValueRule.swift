internal import Profile
internal import Schema
internal import Wire

/// What one value must be: a rule of the profile, compiled.
struct ValueRule: Sendable {
  /// Kinds of JSON value, with integers told apart.
  struct Kinds: OptionSet, Sendable {
    let rawValue: UInt8
    static let string = Kinds(rawValue: 1)
    static let integer = Kinds(rawValue: 2)
    static let fraction = Kinds(rawValue: 4)
    static let boolean = Kinds(rawValue: 8)
    static let array = Kinds(rawValue: 16)
    static let object = Kinds(rawValue: 32)
    static let all = Kinds(rawValue: 63)
    static let number: Kinds = [.integer, .fraction]
  }

  fileprivate indirect enum Demand: Sendable {
    case literals([Literal])
    case minimum(Numeral, String)
    case maximum(Numeral, String)
    case minLength(Int)
    case maxLength(Int)
    case minItems(Int)
    case maxItems(Int)
    case items(ValueRule)
    case alternatives([ValueRule])
    case under(PathRule, String)
    case host(HostRule, String)
    case forbidLeading([[UInt8]], String)
    case pattern(Pattern, String, isWanted: Bool)
    /// What this version does not know holds for nothing.
    case nothing
  }

  fileprivate enum Literal: Sendable {
    /// A string with its quotes, or a word, as canonical JSON.
    case text([UInt8])
    case number(Numeral, String)
  }

  /// The line of the profile.
  let line: Int
  private let isAbsent: Bool
  private let isNullable: Bool
  private var kinds = Kinds.all
  /// What the kinds come from.
  private var kindLine: Int
  private var demands: [(demand: Demand, keyword: String, line: Int)] = []

  init(_ rule: ArgumentRule, workdir: String?) {
    line = rule.line
    kindLine = rule.line
    isAbsent = rule.isAbsent
    isNullable = rule.isNullable
    for demand in rule.demands {
      if let needed = demand.value.kinds { kinds.formIntersection(Kinds(needed)) }
      if case .kind = demand.value {
        kindLine = demand.line
        continue
      }
      let (compiled, keyword) = Self.compile(demand.value, workdir: workdir)
      demands.append((compiled, keyword, demand.line))
    }
  }

  /// The first fault of a value, nil if there is none; the pointer is relative to the value.
  func violation(_ document: borrowing Document, _ value: Value) -> ArgumentViolation? {
    if isAbsent {
      return ArgumentViolation(
        pointer: "", keyword: "absent", text: "is not allowed, leave it out", line: line)
    }
    if value.kind == .null, isNullable { return nil }
    // Without a demand, or with alternatives that may take it, null is like any other value.
    guard kinds == .all || value.kind != .null && kinds.contains(Self.kind(of: value, in: document))
    else {
      return ArgumentViolation(
        pointer: "", keyword: "type", text: "must be \(kinds.noun)", line: kindLine)
    }
    for (demand, keyword, line) in demands {
      guard var fault = Self.fault(demand, document, value) else { continue }
      if fault.line == 0 {
        fault.keyword = keyword
        fault.line = line
      }
      return fault
    }
    return nil
  }

  /// The kind of a value; of null, none.
  private static func kind(of value: Value, in document: borrowing Document) -> Kinds {
    switch value.kind {
    case .string: .string
    case .true, .false: .boolean
    case .array: .array
    case .object: .object
    case .null: []
    case .number: isInteger(value, in: document) ? .integer : .fraction
    }
  }

  private static func isInteger(_ value: Value, in document: borrowing Document) -> Bool {
    let text = document.bytes[value.range]
    if text.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }) { return true }
    return Numeral(text)?.isInteger ?? false
  }
}

extension ValueRule {
  private static func compile(
    _ demand: ArgumentRule.Demand, workdir: String?
  ) -> (Demand, String) {
    switch demand {
    case .kind: return (.nothing, "type")
    case .literals(let literals): return (.literals(literals.map(literal)), "enum")
    case .minimum(let text):
      return (Numeral(text.utf8).map { .minimum($0, text) } ?? .nothing, "minimum")
    case .maximum(let text):
      return (Numeral(text.utf8).map { .maximum($0, text) } ?? .nothing, "maximum")
    case .minLength(let count): return (.minLength(count), "min_length")
    case .maxLength(let count): return (.maxLength(count), "max_length")
    case .minItems(let count): return (.minItems(count), "min_items")
    case .maxItems(let count): return (.maxItems(count), "max_items")
    case .items(let rule): return (.items(ValueRule(rule, workdir: workdir)), "items")
    case .alternatives(let rules):
      return (.alternatives(rules.map { ValueRule($0, workdir: workdir) }), "one_of")
    case .pattern(let text): return (pattern(text, isWanted: true), "pattern")
    case .notPattern(let text): return (pattern(text, isWanted: false), "not_pattern")
    case .under(let directory):
      return (.under(PathRule(directory: directory, workdir: workdir), directory), "under")
    case .hosts(let hosts): return (.host(HostRule(hosts), list(hosts)), "host")
    case .forbidLeading(let texts):
      return (
        .forbidLeading(
          texts.map { canonicalContent(of: Array($0.utf8)) }, list(texts.map { quoted($0) })),
        "forbid_leading"
      )
    }
  }

  /// The format has refused what cannot be compiled; if it is here nevertheless, nothing passes.
  private static func pattern(_ text: String, isWanted: Bool) -> Demand {
    do throws(PatternFault) {
      return .pattern(try Pattern(Array(text.utf8)), text, isWanted: isWanted)
    } catch {
      return .nothing
    }
  }

  private static func literal(_ literal: ArgumentRule.Literal) -> Literal {
    switch literal {
    case .text(let text):
      var writer = ByteWriter()
      writer.appendString(text.utf8)
      return .text(writer.bytes)
    case .boolean(let flag): return .text(Array((flag ? "true" : "false").utf8))
    case .number(let text): return Numeral(text.utf8).map { .number($0, text) } ?? .text([])
    }
  }

  /// Some of a list in words.
  private static func list(_ texts: [String]) -> String {
    texts.count <= 8 ? alternatives(texts) : texts.prefix(8).joined(separator: ", ") + ", …"
  }
}

extension ValueRule {
  private static func fault(
    _ demand: Demand, _ document: borrowing Document, _ value: Value
  ) -> ArgumentViolation? {
    func says(_ text: String) -> ArgumentViolation {
      ArgumentViolation(pointer: "", keyword: "", text: text, line: 0)
    }
    switch demand {
    case .nothing: return says("has a rule that cannot be kept")
    case .literals(let literals):
      return literals.contains { equals($0, document, value) }
        ? nil : says("must be \(list(literals.map(\.shown)))")
    case .minimum(let least, let text):
      guard let number = Numeral(document.bytes[value.range]), !number.isLess(than: least) else {
        return says("must be at least \(text)")
      }
      return nil
    case .maximum(let most, let text):
      guard let number = Numeral(document.bytes[value.range]), !most.isLess(than: number) else {
        return says("must be at most \(text)")
      }
      return nil
    case .minLength(let least):
      return length(document, value) >= least ? nil : says("must have at least \(least) characters")
    case .maxLength(let most):
      return length(document, value) <= most ? nil : says("must have at most \(most) characters")
    case .minItems(let least):
      return count(document, value, upTo: least) >= least
        ? nil : says("must have at least \(least) elements")
    case .maxItems(let most):
      return count(document, value, upTo: most + 1) <= most
        ? nil : says("must have at most \(most) elements")
    case .items(let rule): return fault(ofElements: rule, document, value)
    case .alternatives(let rules):
      return rules.contains { $0.violation(document, value) == nil }
        ? nil : says("keeps none of the profile's alternatives")
    case .pattern(let pattern, let text, let isWanted):
      var steps = Bounds.patternSteps
      guard let found = pattern.matches(document.utf8(value).span, steps: &steps) else {
        return says("is too long to be matched with \(text)")
      }
      guard found != isWanted else { return nil }
      return says(isWanted ? "must match \(text)" : "must not match \(text)")
    case .under(let rule, let directory):
      return rule.fault(document.utf8(value)).map {
        says("must be a path in \(quoted(directory)): it \($0)")
      }
    case .host(let rule, let hosts):
      return rule.fault(document.utf8(value)).map { says("must be at \(hosts): it \($0)") }
    case .forbidLeading(let texts, let shown):
      let content = document.bytes[value.range].dropFirst().dropLast()
      return texts.contains { content.starts(with: $0) }
        ? says("must not begin with \(shown)") : nil
    }
  }

  private static func fault(
    ofElements rule: ValueRule, _ document: borrowing Document, _ value: Value
  ) -> ArgumentViolation? {
    var index = 0
    for element in document.elements(of: value) {
      if var fault = rule.violation(document, element) {
        fault.pointer = "/\(index)" + fault.pointer
        return fault
      }
      index += 1
    }
    return nil
  }

  private static func equals(
    _ literal: Literal, _ document: borrowing Document, _ value: Value
  ) -> Bool {
    switch literal {
    case .text(let text): document.bytes[value.range].elementsEqual(text)
    case .number(let number, _):
      value.kind == .number && Numeral(document.bytes[value.range]) == number
    }
  }

  private static func count(
    _ document: borrowing Document, _ value: Value, upTo most: Int
  ) -> Int {
    var count = 0
    for _ in document.elements(of: value) {
      count += 1
      if count >= most { break }
    }
    return count
  }

  /// How many characters (code points) a string has.
  private static func length(_ document: borrowing Document, _ value: Value) -> Int {
    let bytes = document.bytes
    var at = value.range.lowerBound + 1
    var count = 0
    while at < value.range.upperBound - 1 {
      if bytes[at] == UInt8(ascii: "\\") {
        at += bytes[at + 1] == UInt8(ascii: "u") ? 6 : 2
        count += 1
      } else {
        if bytes[at] & 0xC0 != 0x80 { count += 1 }
        at += 1
      }
    }
    return count
  }
}

extension ValueRule.Literal {
  fileprivate var shown: String {
    switch self {
    case .text(let text): String(decoding: text, as: UTF8.self)
    case .number(_, let text): text
    }
  }
}

extension ValueRule.Kinds {
  fileprivate init(_ kinds: Set<ArgumentRule.Kind>) {
    self = []
    for kind in kinds {
      switch kind {
      case .string: insert(.string)
      case .integer: insert(.integer)
      case .number: insert(.number)
      case .boolean: insert(.boolean)
      case .array: insert(.array)
      case .object: insert(.object)
      }
    }
  }

  /// What a message calls such a value.
  fileprivate var noun: String {
    let names: [(ValueRule.Kinds, String)] = [
      (.string, "a string"), (.number, "a number"), (.integer, "an integer"),
      (.boolean, "true or false"), (.array, "a list"), (.object, "an object"),
    ]
    var rest = self
    var nouns: [String] = []
    for (kind, name) in names where rest.isSuperset(of: kind) {
      nouns.append(name)
      rest.subtract(kind)
    }
    return alternatives(nouns)
  }
}
