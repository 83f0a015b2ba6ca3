/// Compares the tree with the format and reports every difference.
struct Walk {
  var findings: Findings

  /// The root of the profile.
  mutating func check(_ root: Node) {
    guard case .mapping(let entries) = root.content else {
      if case .refused = root.content { return }
      findings.error(
        root.position, "a profile is a mapping of keys, not \(Self.describe(root))",
        hint: "start with the lines version: 1 and name: NAME")
      return
    }
    check(entries, against: Format.root, at: root.position, path: "")
  }

  private mutating func check(
    _ entries: [Entry], against keys: [Key], at position: Position, path: String
  ) {
    for entry in entries {
      guard let key = keys.first(where: { $0.name.isSame(entry.key) }) else {
        reportUnknown(entry, among: keys, path: path)
        continue
      }
      let keyPath = path.isEmpty ? key.name : "\(path).\(key.name)"
      if case .later(let hint) = key.status {
        notEnforced(keyPath, entry.keyPosition, hint: hint)
      } else {
        check(entry.value, key.shape, keyPath, example: key.example)
      }
    }
    for key in keys where key.isRequired && !entries.contains(where: { $0.key.isSame(key.name) }) {
      findings.error(
        position, path.isEmpty ? "\(key.name) is missing" : "\(path) has no \(key.name)",
        hint: "write \(key.name): \(key.example)")
    }
  }

  private mutating func reportUnknown(_ entry: Entry, among keys: [Key], path: String) {
    guard !findings.isAtBound else { return findings.error(entry.keyPosition, "unknown key") }
    let here = nearest(to: entry.key, among: keys.map(\.name))
    let elsewhere = Format.places(of: entry.key).first
    let usable = keys.filter { if case .enforced = $0.status { true } else { false } }
    let known =
      usable.isEmpty
      ? "write a plain string" : "known here: \(usable.map(\.name).joined(separator: ", "))"
    let hint =
      here.map { "did you mean \($0)" } ?? elsewhere.map { "there is \($0)" } ?? known
    let place = path.isEmpty ? "" : " in \(path)"
    findings.error(entry.keyPosition, "unknown key \(shown(entry.key))\(place)", hint: hint)
  }

  private mutating func notEnforced(_ what: String, _ position: Position, hint: String) {
    findings.error(position, "\(what) is not enforced by this version", hint: hint)
  }

  private mutating func mistyped(
    _ node: Node, _ path: String, _ expected: String, example: String
  ) {
    findings.error(
      node.position, "\(path) must be \(expected), not \(Self.describe(node))",
      hint: "write for example \(example)")
  }

  private mutating func check(_ node: Node, _ shape: Shape, _ path: String, example: String) {
    if case .refused = node.content { return }
    switch shape {
    case .anything: break
    case .scalar:
      if ![.text, .integer, .boolean].contains(node.scalar?.kind) {
        mistyped(node, path, "a string, an integer or a boolean", example: example)
      }
    case .text(let rule): checkText(node, rule, path)
    case .boolean:
      if node.scalar?.kind != .boolean {
        mistyped(node, path, "true or false", example: "true")
      }
    case .integer(let range): checkInteger(node, range, path, example: example)
    case .identifier: checkIdentifier(node, path, example: example)
    case .size(let range): checkSize(node, range, path, example: example)
    case .duration(let range, let orUnlimited):
      checkDuration(node, range, orUnlimited: orUnlimited, path, example: example)
    case .processors(let range): checkProcessors(node, range, path, example: example)
    case .choice(let words, let later):
      checkChoice(node, words, later: later, path, example: example)
    case .number: checkNumber(node, path, example: example)
    case .literal:
      if ![.text, .integer, .number, .boolean].contains(node.scalar?.kind) {
        mistyped(node, path, "a string, a number or a boolean", example: example)
      } else if node.scalar?.kind == .number {
        checkNumber(node, path, example: example)
      }
    case .oneOrList(let element, let most):
      if node.scalar != nil { return check(node, element, path, example: example) }
      checkList(node, of: element, 1...most, path, example: example)
    case .argumentRule:
      check(node, .table(Format.argument), path, example: "{type: string}")
    case .emptyList: checkEmpty(node, path)
    case .list(let element, let count):
      checkList(node, of: element, count, path, example: example)
    case .listOrEverything(let element, let count):
      if node.scalar?.kind == .text, node.scalar?.text == "*" { return }
      checkList(node, of: element, count, path, example: example)
    case .table(let keys):
      guard case .mapping(let entries) = node.content else {
        return mistyped(node, path, "a mapping", example: example)
      }
      check(entries, against: keys, at: node.position, path: path)
    case .either(let scalar, let keys):
      guard case .mapping(let entries) = node.content else {
        return check(node, scalar, path, example: example)
      }
      check(entries, against: keys, at: node.position, path: path)
    case .names(let rule, let value, let most):
      checkNames(node, rule, of: value, most: most, path, example: example)
    }
  }

  private mutating func checkText(_ node: Node, _ rule: TextRule, _ path: String) {
    guard let scalar = node.scalar else {
      return mistyped(node, path, rule.noun, example: rule.example)
    }
    guard scalar.kind == .text else {
      if rule == .rate { return wrongRate(node, scalar.text, path) }
      let example = scalar.kind == .null ? rule.example : "\"\(scalar.text)\""
      let noun = rule == .anything ? "a string" : rule.noun
      return mistyped(node, path, noun, example: example)
    }
    guard rule.allows(scalar.text) else {
      if rule == .rate { return wrongRate(node, scalar.text, path) }
      return mistyped(node, path, rule.noun, example: rule.example)
    }
    if rule == .path, let fault = PathText.fault(scalar.text) {
      findings.error(node.position, "\(path): \(fault.message)", hint: fault.hint)
    }
    if rule == .pattern, let fault = PatternText.fault(scalar.text) {
      findings.error(node.position, "\(path): \(fault)")
    }
    if rule == .argumentHost, let fault = HostText.fault(scalar.text) {
      findings.error(node.position, "\(path): \(fault.message)", hint: fault.hint)
    }
  }

  private mutating func wrongRate(_ node: Node, _ text: String, _ path: String) {
    let likely = Profile.Rate.likely(text)
    findings.error(
      node.position, "\(path) must be \(TextRule.rate.noun), not \(Self.describe(node))",
      hint: text.hasPrefix("0/")
        ? "a rate of 0 lets no call through: take the tool out of tools.allow"
        : likely.map { "did you mean \($0)" } ?? "write for example 30/min")
  }

  private mutating func checkNumber(_ node: Node, _ path: String, example: String) {
    let scalar = node.scalar.flatMap { [.integer, .number].contains($0.kind) ? $0 : nil }
    guard let text = scalar?.text, Quantity.isNumber(text) else {
      return mistyped(node, path, "a number such as 10 or 0.5", example: example)
    }
  }

  private mutating func checkInteger(
    _ node: Node, _ range: ClosedRange<Int64>, _ path: String, example: String
  ) {
    guard node.scalar?.kind == .integer, let text = node.scalar?.text else {
      return mistyped(node, path, "an integer", example: example)
    }
    guard let value = Int64(text), range.contains(value) else {
      let bounds =
        range.count == 1
        ? "\(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      return mistyped(node, path, bounds, example: example)
    }
  }

  private mutating func checkIdentifier(_ node: Node, _ path: String, example: String) {
    if node.scalar?.kind == .integer, let text = node.scalar?.text, Int64(text) == 0 {
      findings.error(
        node.position, "\(path) must not be 0, which is root",
        hint: "a server never runs as root; name a user that owns what it works with")
      return
    }
    checkInteger(node, Shape.identifiers, path, example: example)
  }

  private mutating func checkSize(
    _ node: Node, _ range: ClosedRange<UInt64>, _ path: String, example: String
  ) {
    let scalar = node.scalar.flatMap { [.text, .integer].contains($0.kind) ? $0 : nil }
    guard let text = scalar?.text, let value = Quantity.size(text) else {
      let likely = node.scalar.flatMap { Quantity.likelySize($0.text) }
      findings.error(
        node.position, "\(path) must be a size such as \(example), not \(Self.describe(node))",
        hint: likely.map { "did you mean \($0)" }
          ?? "write bytes, or a number with KiB, MiB, GiB or TiB")
      return
    }
    guard range.contains(value) else {
      let bounds =
        "from \(Quantity.show(size: range.lowerBound)) to \(Quantity.show(size: range.upperBound))"
      return mistyped(node, path, bounds, example: example)
    }
  }

  private mutating func checkProcessors(
    _ node: Node, _ range: ClosedRange<UInt64>, _ path: String, example: String
  ) {
    let scalar = node.scalar.flatMap { [.integer, .number].contains($0.kind) ? $0 : nil }
    guard let text = scalar?.text, let value = Quantity.hundredths(text) else {
      findings.error(
        node.position,
        "\(path) must be a number of processors such as \(example), not \(Self.describe(node))",
        hint: "write a number with at most two decimals: 0.5 is half of one processor's time")
      return
    }
    guard range.contains(value) else {
      let bounds =
        "from \(Quantity.show(hundredths: range.lowerBound)) to "
        + Quantity.show(hundredths: range.upperBound)
      return mistyped(node, path, bounds, example: example)
    }
  }

  private mutating func checkDuration(
    _ node: Node, _ range: ClosedRange<UInt64>, orUnlimited: Bool, _ path: String, example: String
  ) {
    let text = node.scalar?.kind == .text ? node.scalar?.text : nil
    if orUnlimited, text == "unlimited" { return }
    guard let text, let value = Quantity.duration(text) else {
      let unlimited = orUnlimited ? " or unlimited" : ""
      findings.error(
        node.position,
        "\(path) must be a duration such as \(example)\(unlimited), not \(Self.describe(node))",
        hint: "write numbers with the units d, h, m and s, such as 1h30m")
      return
    }
    guard range.contains(value) else {
      let bounds =
        "from \(Quantity.show(duration: range.lowerBound)) to "
        + Quantity.show(duration: range.upperBound)
      return mistyped(node, path, bounds, example: example)
    }
  }

  private mutating func checkChoice(
    _ node: Node, _ words: [String], later: [String], _ path: String, example: String
  ) {
    guard node.scalar?.kind == .text, let text = node.scalar?.text else {
      return mistyped(node, path, alternatives(words), example: words.first ?? "")
    }
    if words.contains(where: { $0.isSame(text) }) { return }
    if later.contains(where: { $0.isSame(text) }) {
      return notEnforced(
        "\(path): \(text)", node.position, hint: "write \(alternatives(words))")
    }
    if path == "extends" {
      findings.error(
        node.position, "extends names a preset, and \(quoted(text)) is none",
        hint: "write \(alternatives(words)); in this version a profile cannot extend a profile")
      return
    }
    var hint = nearest(to: text, among: words + later).map { "did you mean \($0)" }
    // The first is what an omitted key means, or the closed one.
    if hint == nil { hint = "write for example \(words.first ?? example)" }
    if path.hasSuffix(".breaker") { hint = "write off, or a mapping such as \(example)" }
    findings.error(
      node.position, "\(path) must be \(alternatives(words)), not \(Self.describe(node))",
      hint: hint)
  }

  private mutating func checkEmpty(_ node: Node, _ path: String) {
    guard case .sequence(let elements) = node.content else {
      return mistyped(node, path, "an empty list", example: "[]")
    }
    guard let first = elements.first else { return }
    notEnforced(path, first.position, hint: "write [], which allows nothing, or leave it out")
  }

  private mutating func checkList(
    _ node: Node, of element: Shape, _ count: ClosedRange<Int>, _ path: String, example: String
  ) {
    guard case .sequence(let elements) = node.content else {
      let text = node.scalar.flatMap { $0.kind == .null ? nil : $0.text }
      let hint = text.map { "write [\(Self.words($0, path))]" } ?? "write for example \(example)"
      findings.error(
        node.position, "\(path) must be a list, not \(Self.describe(node))", hint: hint)
      return
    }
    guard count.contains(elements.count) else {
      let bounds = elements.isEmpty ? "is empty" : "has more than \(count.upperBound) elements"
      findings.error(
        node.position, "\(path) \(bounds)",
        hint: elements.isEmpty ? "write for example \(example), or leave it out" : nil)
      return
    }
    for (index, node) in elements.enumerated() {
      check(node, element, "\(path)[\(index)]", example: example)
    }
  }

  private mutating func checkNames(
    _ node: Node, _ rule: TextRule, of value: Shape, most: Int, _ path: String, example: String
  ) {
    guard case .mapping(let entries) = node.content else {
      return mistyped(node, path, "a mapping", example: example)
    }
    guard entries.count <= most else {
      findings.error(node.position, "\(path) has more than \(most) entries")
      return
    }
    for entry in entries {
      guard rule.allows(entry.key) else {
        findings.error(
          entry.keyPosition, "\(shown(entry.key)) in \(path) must be \(rule.noun)",
          hint: "write for example \(rule.example)")
        continue
      }
      check(entry.value, value, "\(path).\(madeVisible(entry.key))", example: example)
    }
  }

  /// A scalar as the elements of a list; a command is cut at its spaces, as a shell would.
  private static func words(_ text: String, _ path: String) -> String {
    let parts = path == "server.command" ? text.split(separator: " ").map(String.init) : [text]
    // Within brackets these mean something to YAML.
    let marks = Set(#"[]{},#&*!|>'%@`:?"#.utf8)
    return parts.map { $0.utf8.contains(where: marks.contains) ? quoted($0) : shown($0) }
      .joined(separator: ", ")
  }

  /// What is there, as a message says it.
  private static func describe(_ node: Node) -> String {
    switch node.content {
    case .sequence: return "a list"
    case .mapping: return "a mapping"
    case .refused: return "this"
    case .scalar(let scalar):
      switch scalar.kind {
      case .text: return quoted(scalar.text)
      case .boolean: return "the boolean \(scalar.text)"
      case .integer, .number: return "the number \(shown(scalar.text))"
      case .null: return scalar.text.isEmpty ? "empty" : "null"
      }
    }
  }
}

extension Format {
  /// Where else in the format a key of this name stands, as dotted paths.
  static func places(of name: String) -> [String] {
    paths().filter { path in
      path.split(separator: ".").last.map { String($0).isSame(name) } ?? false
    }
  }

  /// Every key that has a fixed place below fixed keys, as dotted paths.
  static func paths(_ keys: [Key] = root, below path: String = "") -> [String] {
    keys.flatMap { key in
      let here = path.isEmpty ? key.name : "\(path).\(key.name)"
      if case .table(let inner) = key.shape { return [here] + paths(inner, below: here) }
      return [here]
    }
  }
}
