/// The variables of a profile: what it declares, what `--set` gives, and where they are put in.
struct Variables {
  private struct Declaration {
    var name: String
    var position: Position
    var type: VariableType
    /// Nil when it has no value, which was reported unless the loader is lenient.
    var value: String?
    var isUsed = false
    /// Whether the value is one of `--set`, the profile's, or only stands in for one.
    var origin = Origin.profile
  }

  private enum Origin { case setting, profile, placeholder }

  private var declarations: [Declaration] = []

  /// Reads the section `variables`; what is malformed in it is left to `Walk`.
  init(_ root: Node, _ loader: ProfileLoader, _ findings: inout Findings) {
    for entry in root["variables"]?.entries ?? [] {
      guard TextRule.variableName.allows(entry.key) else { continue }
      let typeName = entry.value["type"]?.scalar?.text ?? VariableType.string.rawValue
      var declaration = Declaration(
        name: entry.key, position: entry.keyPosition,
        type: VariableType(rawValue: typeName) ?? .string)
      declaration.value = Self.value(of: declaration, entry.value, loader, &findings)
      if loader.settings.contains(where: { $0.name.isSame(entry.key) }) {
        declaration.origin = .setting
      } else if entry.value["default"] == nil {
        declaration.origin = .placeholder
      }
      declarations.append(declaration)
    }
    checkSettings(loader, &findings)
  }

  /// The variables that have a value, in the order of the text.
  var settings: [ProfileLoader.Setting] {
    declarations.compactMap { declaration in
      declaration.value.map { ProfileLoader.Setting(name: declaration.name, value: $0) }
    }
  }

  /// Those without a value, with what stands for it.
  var open: [ProfileLoader.Setting] {
    declarations.compactMap { declaration in
      guard declaration.origin == .placeholder, let value = declaration.value else { return nil }
      return ProfileLoader.Setting(name: declaration.name, value: value)
    }
  }

  /// The paths among them, but for those that only stand in for a value.
  var paths: [Profile.PathVariable] {
    declarations.compactMap { declaration in
      guard let value = declaration.value, [.directory, .file].contains(declaration.type),
        declaration.origin != .placeholder
      else { return nil }
      return Profile.PathVariable(
        name: declaration.name, path: value, isDirectory: declaration.type == .directory,
        isSet: declaration.origin == .setting, line: declaration.position.line,
        column: declaration.position.column)
    }
  }

  private func checkSettings(_ loader: ProfileLoader, _ findings: inout Findings) {
    let known = declarations.map(\.name)
    for (index, setting) in loader.settings.enumerated() {
      if loader.settings[..<index].contains(where: { $0.name.isSame(setting.name) }) {
        findings.error(.nowhere, "--set \(shown(setting.name)) is given twice")
      }
      guard !known.contains(where: { $0.isSame(setting.name) }) else { continue }
      let hint =
        nearest(to: setting.name, among: known).map { "did you mean --set \($0)=…" }
        ?? (known.isEmpty
          ? "it has none at all: leave out --set" : "the profile has \(alternatives(known))")
      findings.error(
        .nowhere, "the profile has no variable \(shown(setting.name))", hint: hint)
    }
  }

  private static func value(
    of declaration: Declaration, _ node: Node, _ loader: ProfileLoader, _ findings: inout Findings
  ) -> String? {
    let name = declaration.name
    let type = declaration.type
    let isRequired = node["required"]?.scalar?.text == "true"
    let standard = node["default"]
    if isRequired, let standard {
      findings.error(
        standard.position, "the variable \(name) is required and has a default",
        hint: "remove one of the two")
    }
    if let setting = loader.settings.first(where: { $0.name.isSame(name) }) {
      let (value, fault) = check(
        setting.value, type,
        // Without a name a relative path is refused, and an absolute one made plain as ever.
        from: loader.workingDirectory ?? (setting.value.utf8.first == 0x2F ? "/" : nil))
      if value == nil {
        findings.error(
          .nowhere,
          "--set \(name)=\([.directory, .file].contains(type) ? shellQuoted(setting.value) : shown(setting.value)) does not fit: \(fault)",
          hint: "write for example --set \(name)=\(type.example)")
      }
      return value
    }
    if let standard, let scalar = standard.scalar, scalar.kind != .null {
      let text = scalar.text
      // Reported by `substitute`: a default is a value, not a formula.
      guard !mentions(text) else { return nil }
      // Without a working directory: what a default means must not depend on where one stands.
      let isTyped = scalar.kind == .text || type != .string
      let (value, fault) = isTyped ? check(text, type, from: nil) : (nil, "it is not a string")
      if value == nil {
        findings.error(
          standard.position, "the default of \(name) does not fit: \(fault)",
          hint: isTyped ? "write for example \(type.example)" : "put it in quotes")
      }
      return value
    }
    guard standard == nil, case .mapping = node.content else { return nil }
    guard isRequired else {
      findings.error(
        declaration.position, "the variable \(name) has neither a default nor required: true",
        hint: "add required: true, or a default")
      return nil
    }
    let message = "the variable \(name) is required and not set"
    let hint = "--set \(name)=\(type.example)"
    guard !loader.requiresSettings else {
      findings.error(declaration.position, message, hint: hint)
      return nil
    }
    findings.open(declaration.position, message, hint: hint)
    return placeholder(name, type)
  }

  /// Stands for a value where a profile is only looked at and not run.
  private static func placeholder(_ name: String, _ type: VariableType) -> String {
    switch type {
    case .string: "{\(name)}"
    case .directory, .file: "/{\(name)}"
    case .integer: "0"
    case .boolean: "false"
    }
  }

  /// The value in its plain form, or what is wrong with it.
  private static func check(
    _ text: String, _ type: VariableType, from workingDirectory: String?
  ) -> (value: String?, fault: String) {
    guard !text.utf8.contains(0) else { return (nil, "it holds a NUL character") }
    switch type {
    case .string: return (text, "")
    case .integer:
      let isInteger = Scalar(text: text, isPlain: true).kind == .integer && Int64(text) != nil
      return isInteger ? (text, "") : (nil, "it is not an integer")
    case .boolean:
      let isBoolean = text.isSame("true") || text.isSame("false")
      return isBoolean ? (text, "") : (nil, "it is neither true nor false")
    case .directory, .file:
      // Only a shell knows the home directory by this sign, and it did not see it.
      if text.isSame("~") || text.utf8.starts(with: "~/".utf8) {
        return (nil, "\(quotedPath(text)) is not the home directory here; write it out")
      }
      guard let workingDirectory else {
        return PathText.fault(text).map { (nil, $0.message) } ?? (text, "")
      }
      let (path, fault) = PathText.resolve(text, from: workingDirectory)
      return (path, fault)
    }
  }
}

extension Variables {
  /// The sections whose strings take variables.
  private static let openSections = ["server", "filesystem", "user"]

  /// Puts the values in where they may stand and reports where they may not.
  mutating func substitute(_ root: Node, _ findings: inout Findings) -> Node {
    guard case .mapping(var entries) = root.content else { return root }
    for index in entries.indices {
      let key = entries[index].key
      if key.isSame("description") { continue }
      let isOpen = Self.openSections.contains { $0.isSame(key) }
      entries[index].value =
        key.isSame("tools")
        ? substituteRules(entries[index].value, &findings)
        : substitute(entries[index].value, isOpen: isOpen, &findings)
    }
    for declaration in declarations where !declaration.isUsed {
      findings.error(
        declaration.position, "the variable \(declaration.name) is never used",
        hint: "write ${\(declaration.name)} under server, filesystem or user, or remove it")
    }
    return Node(content: .mapping(entries), position: root.position)
  }

  /// In the section `tools` values take variables that are compared as a whole: never a pattern or
  /// a name, which a value could turn into another one.
  private mutating func substituteRules(_ node: Node, _ findings: inout Findings) -> Node {
    var result = node
    switch node.content {
    case .sequence(let elements):
      result.content = .sequence(elements.map { substituteRules($0, &findings) })
    case .mapping(var entries):
      for index in entries.indices {
        var isOpen = Self.openRules.contains { $0.isSame(entries[index].key) }
        // An argument may have such a name.
        if case .mapping = entries[index].value.content { isOpen = false }
        let value = entries[index].value
        entries[index].value =
          isOpen
          ? substitute(value, isOpen: true, &findings) : substituteRules(value, &findings)
        if entries[index].key.isSame("host") {
          entries[index].value = withoutPatterns(entries[index].value, of: value, &findings)
        }
      }
      result.content = .mapping(entries)
    default: result = substitute(node, isOpen: false, &findings)
    }
    return result
  }

  /// A host that a value turned into a pattern is refused.
  private func withoutPatterns(
    _ filled: Node, of written: Node, _ findings: inout Findings
  ) -> Node {
    var result = filled
    switch (filled.content, written.content) {
    case (.sequence(let elements), .sequence(let before)):
      result.content = .sequence(
        zip(elements, before).map { withoutPatterns($0, of: $1, &findings) })
    case (.scalar(let scalar), .scalar(let before)):
      func stars(_ text: String) -> Int { text.utf8.count { $0 == UInt8(ascii: "*") } }
      guard stars(scalar.text) > stars(before.text) else { break }
      findings.error(
        written.position, "a variable's value may not make a pattern of a host",
        hint: "leave the * out of the value, and write the pattern here")
      result.content = .refused
    default: break
    }
    return result
  }

  /// The keys of an argument's rule whose strings take variables.
  private static let openRules = ["under", "const", "enum", "host"]

  private mutating func substitute(
    _ node: Node, isOpen: Bool, _ findings: inout Findings
  ) -> Node {
    var result = node
    switch node.content {
    case .refused: break
    case .sequence(let elements):
      result.content = .sequence(
        elements.map { substitute($0, isOpen: isOpen, &findings) })
    case .mapping(var entries):
      for index in entries.indices {
        entries[index].value = substitute(entries[index].value, isOpen: isOpen, &findings)
      }
      result.content = .mapping(entries)
    case .scalar(let scalar):
      guard Self.mentions(scalar.text) else { break }
      guard isOpen else {
        findings.error(
          node.position, "a variable cannot stand here",
          hint: "variables are put in below server, filesystem and user, and in an argument's "
            + "under, const, enum and host")
        result.content = .refused
        break
      }
      // Put in as a value, after the YAML was read, and never read as YAML again.
      let text = fill(scalar.text, at: node.position, &findings)
      result.content = text.map { .scalar(Scalar(text: $0, isPlain: false)) } ?? .refused
    }
    return result
  }

  fileprivate static func mentions(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return bytes.indices.dropLast().contains { bytes[$0] == 0x24 && bytes[$0 + 1] == 0x7B }
  }

  /// The text with its variables filled in, or nil when something about them was reported.
  private mutating func fill(
    _ text: String, at position: Position, _ findings: inout Findings
  ) -> String? {
    var result = ""
    var isWhole = true
    var rest = text.utf8[...]
    while let dollar = rest.firstIndex(of: 0x24) {
      result += Substring(rest[..<dollar])
      let after = rest[rest.index(after: dollar)...]
      if after.starts(with: "${".utf8) {
        result += "${"
        rest = after.dropFirst(2)
      } else if after.first == 0x7B {
        guard let end = after.firstIndex(of: 0x7D) else {
          findings.error(
            position, "${ without a closing }",
            hint: "close it, or write $${ if no variable is meant")
          return nil
        }
        let name = String(Substring(after[after.index(after: after.startIndex)..<end]))
        if let value = use(name, at: position, &findings) {
          result += value
        } else {
          isWhole = false
        }
        rest = after[after.index(after: end)...]
      } else {
        result += "$"
        rest = after
      }
    }
    return isWhole ? result + Substring(rest) : nil
  }

  private mutating func use(
    _ name: String, at position: Position, _ findings: inout Findings
  ) -> String? {
    guard let index = declarations.firstIndex(where: { $0.name.isSame(name) }) else {
      let known = declarations.map(\.name)
      findings.error(
        position, "the variable \(shown(name)) is not declared",
        hint: nearest(to: name, among: known).map { "did you mean ${\($0)}" }
          ?? "declare it under variables, or write $${ if no variable is meant")
      return nil
    }
    declarations[index].isUsed = true
    return declarations[index].value
  }
}
