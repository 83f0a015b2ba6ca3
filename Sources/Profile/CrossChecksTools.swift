/// What no single key of the section `tools` shows.
extension CrossChecks {
  mutating func checkTools(_ root: Node) {
    var seen: [[UInt8]: (line: Int, list: String)] = [:]
    // Those that are asked about come first: their patterns are looked at before those of `allow`.
    var everything = checkTools(root, in: "ask", &seen, after: nil)
    if let ask = root["tools", "ask"], ask.scalar?.text == "*" { everything = ask.position.line }
    _ = checkTools(root, in: "allow", &seen, after: everything)
    if let everything, let allow = root["tools", "allow"], allow.scalar?.text == "*" {
      findings.error(
        allow.position,
        "tools.allow allows every tool, and so does tools.ask in line \(everything)",
        hint: "remove tools.allow: the tools of tools.ask are shown and may be called")
    }
  }

  /// Looks at one of the two lists; gives the line of a `*` in it.
  private mutating func checkTools(
    _ root: Node, in list: String, _ seen: inout [[UInt8]: (line: Int, list: String)],
    after asked: Int?
  ) -> Int? {
    let elements = root["tools", list]?.elements ?? []
    var everything: Int?
    let isPlain = elements.allSatisfy { $0.scalar != nil }
    for element in elements {
      guard let name = element.scalar ?? element["name"]?.scalar else { continue }
      let isPattern = name.text.utf8.contains { $0 == 0x2A || $0 == 0x3F }
      if isPlain, name.text == "*", elements.count > 1 {
        findings.error(
          element.position, "\"*\" allows every tool and stands beside names",
          hint: "write [\"*\"] alone, or the names alone")
      }
      let place = (line: element.position.line, list: list)
      if let other = seen.updateValue(place, forKey: Array(name.text.utf8)) {
        findings.error(
          element.position,
          other.list == list
            ? "the tool \(quoted(name.text)) is there twice"
            : "the tool \(quoted(name.text)) is in tools.ask and in tools.allow",
          hint: other.list == list
            ? "it is already in line \(other.line)"
            : "remove it here: what is in tools.ask (line \(other.line)) is shown, and called once the "
              + "person has agreed")
      } else if isPattern, let everything {
        findings.error(
          element.position, "the pattern \(quoted(name.text)) is never looked at",
          hint: "\"*\" in line \(everything) matches before it; write it after")
      } else if isPattern, let asked {
        findings.error(
          element.position, "the pattern \(quoted(name.text)) is never looked at",
          hint: "\"*\" of tools.ask in line \(asked) matches before it; write the exact names")
      }
      if name.text == "*" { everything = element.position.line }
      for entry in element["arguments"]?.entries ?? [] {
        checkRule(entry.value, of: "the argument \(shown(entry.key))")
      }
    }
    return everything
  }

  /// Looks for what a rule contradicts itself in.
  private mutating func checkRule(_ node: Node, of what: String) {
    let rule = ArgumentRule(node, line: node.position.line)
    if rule.isAbsent, node.entries.count > 1 {
      findings.error(
        node.position, "\(what) has absent: true beside other keys",
        hint: "write {absent: true} alone")
    }
    var kinds: Set<ArgumentRule.Kind>?
    for demand in rule.demands {
      guard let needed = demand.value.kinds, !needed.isEmpty else { continue }
      let both = kinds.map { $0.intersection(needed) } ?? needed
      guard !both.isEmpty else {
        findings.error(
          Position(line: demand.line, column: demand.column),
          "no value can keep every key of \(what): they are for different types",
          hint: "leave one out, or write one_of: [{…}, {…}]")
        return
      }
      kinds = both
    }
    checkRange(node, "minimum", "maximum")
    checkRange(node, "min_length", "max_length")
    checkRange(node, "min_items", "max_items")
    if let items = node["items"] { checkRule(items, of: "items") }
    for rule in node["one_of"]?.elements ?? [] {
      checkRule(rule, of: "one_of")
      for key in ["required", "absent"] {
        guard let place = rule[key] else { continue }
        findings.error(
          place.position, "\(key) is for the argument itself, not for an alternative",
          hint: "write it beside one_of")
      }
    }
    for key in ["required", "absent"] {
      guard let place = node["items", key] else { continue }
      findings.error(
        place.position, "\(key) is for the argument itself, not for elements",
        hint: "write min_items: 1 if the list must not be empty")
    }
  }

  private mutating func checkRange(_ node: Node, _ least: String, _ most: String) {
    guard let low = node[least]?.scalar?.text, let place = node[most],
      let high = place.scalar?.text, let one = Double(low), let other = Double(high), one > other
    else { return }
    findings.error(
      place.position, "\(most) \(high) is less than \(least) \(low)", hint: "exchange the two")
  }
}
