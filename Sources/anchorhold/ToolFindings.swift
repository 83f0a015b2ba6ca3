internal import Profile

/// What `check` says of the section `tools`.
enum ToolFindings {
  /// Which tools there are, and what is demanded of their calls.
  static func summary(of tools: Profile.Tools) -> [(String, String)] {
    if tools.allow.isEmpty { return [("tools", "none")] }
    let together = LimitFindings.together(tools)
    let calls = together.isEmpty ? [] : [("calls", together.joined(separator: "; "))]
    if tools.allow.count == 1, let only = tools.allow.first, only.name.value == "*" {
      let asked = only.asks ? "every tool, once the person agrees" : "every tool"
      return [("tools", "\(asked) (line \(only.name.line))")] + calls + rules(of: only)
    }
    let names = tools.allow.map { shown($0.name.value) }.joined(separator: ", ")
    return [("tools", names)] + calls + tools.allow.flatMap(rules)
  }

  private static func rules(of tool: Profile.Tool) -> [(String, String)] {
    var parts: [String] = []
    if !tool.arguments.isEmpty {
      let names = tool.arguments.map { shown($0.name) }.joined(separator: ", ")
      parts.append("rules for \(names)")
    }
    if tool.asks { parts.append("the person is asked") }
    if tool.description != nil { parts.append("another description") }
    if let annotation = tool.requiredAnnotation {
      parts.append("shown while the server claims \(annotation.value.rawValue)")
    }
    if let unknown = tool.unknownArguments {
      parts.append("unknown arguments \(unknown == .allow ? "allowed" : "refused")")
    }
    if tool.checksOutput { parts.append("results held to the server's schema") }
    parts += LimitFindings.bounds(tool.limits, of: "calls")
    guard !parts.isEmpty else { return [] }
    return [("tool", "\(shown(tool.name.value)): \(parts.joined(separator: "; "))")]
  }

  /// What is worth knowing before the profile is used: what each pattern means, and what is not
  /// checked.
  static func notes(on tools: Profile.Tools) -> [String] {
    guard !tools.allow.isEmpty else { return [] }
    var notes: [String] = []
    if !tools.enforcesSchemas {
      notes.append("tools.schemas: ignore: calls are not held to the server's schemas")
    }
    if tools.unknownArguments == .allow {
      notes.append(
        "tools.unknown_arguments: allow: arguments that nobody names reach the server")
    }
    if tools.allow.contains(where: \.asks) {
      notes.append(
        "tools.ask: a client that cannot put a question to the person (elicitation) has those calls "
          + "refused")
    }
    return notes + patterns(of: tools) + LimitFindings.notes(on: tools)
  }

  /// What each pattern means.
  private static func patterns(of tools: Profile.Tools) -> [String] {
    let exact = tools.allow.contains { !$0.isPattern }
    var before = exact ? ["an exact name"] : []
    return tools.allow.filter(\.isPattern).map { tool in
      let others = before.isEmpty ? "" : ", unless \(alternatives(before)) is there for it"
      before = ["an exact name", "a pattern above"].filter { $0 != "an exact name" || exact }
      return "line \(tool.name.line): \(meaning(tool))\(others); "
        + "tools that the server adds later are callable when they match"
    }
  }

  /// The entries for a program.
  static func json(_ tools: Profile.Tools) -> JSONValue {
    .array(
      tools.allow.map { tool in
        .object([
          ("name", .string(tool.name.value)), ("line", .integer(Int64(tool.name.line))),
          ("pattern", .boolean(tool.isPattern)), ("asks", .boolean(tool.asks)),
          ("arguments", .array(tool.arguments.map { .string($0.name) })),
        ])
      })
  }

  /// A pattern in words.
  private static func meaning(_ tool: Profile.Tool) -> String {
    let pattern = tool.name.value
    let asked = tool.asks ? "asked about" : "allowed"
    if pattern == "*" { return "every tool of the server is \(asked)" }
    let bytes = pattern.utf8
    let wildcards = bytes.count { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
    let what: String
    if wildcards == 1, bytes.last == UInt8(ascii: "*") {
      what = "whose name begins with \(quoted(String(pattern.dropLast())))"
    } else if wildcards == 1, bytes.first == UInt8(ascii: "*") {
      what = "whose name ends with \(quoted(String(pattern.dropFirst())))"
    } else {
      what = "whose name is like \(quoted(pattern)), * for any characters and ? for one,"
    }
    return "every tool \(what) is \(asked)"
  }
}
