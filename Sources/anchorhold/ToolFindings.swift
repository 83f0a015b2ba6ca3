internal import Profile

/// What `check` says of the section `tools`.
enum ToolFindings {
  /// Which tools there are, and what is demanded of their calls.
  static func summary(of tools: Profile.Tools) -> [(String, String)] {
    if tools.allow.isEmpty { return [("tools", "none")] }
    if tools.allow.count == 1, let only = tools.allow.first, only.name.value == "*" {
      return [("tools", "every tool (line \(only.name.line))")] + rules(of: only)
    }
    let names = tools.allow.map { shown($0.name.value) }.joined(separator: ", ")
    return [("tools", names)] + tools.allow.flatMap(rules)
  }

  private static func rules(of tool: Profile.Tool) -> [(String, String)] {
    var parts: [String] = []
    if !tool.arguments.isEmpty {
      let names = tool.arguments.map { shown($0.name) }.joined(separator: ", ")
      parts.append("rules for \(names)")
    }
    if tool.description != nil { parts.append("another description") }
    guard !parts.isEmpty else { return [] }
    return [("tool", "\(shown(tool.name.value)): \(parts.joined(separator: "; "))")]
  }

  /// What is worth knowing before the profile is used: what each pattern means.
  static func notes(on tools: Profile.Tools) -> [String] {
    let exact = tools.allow.contains { !$0.isPattern }
    var before = exact ? ["an exact name"] : []
    return tools.allow.filter(\.isPattern).map { tool in
      let others = before.isEmpty ? "" : ", unless \(alternatives(before)) is there for it"
      before = ["an exact name", "a pattern above"].filter { $0 != "an exact name" || exact }
      return "line \(tool.name.line): \(meaning(tool.name.value))\(others); "
        + "tools that the server adds later are callable when they match"
    }
  }

  /// A pattern in words.
  private static func meaning(_ pattern: String) -> String {
    if pattern == "*" { return "every tool of the server is allowed" }
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
    return "every tool \(what) is allowed"
  }
}
