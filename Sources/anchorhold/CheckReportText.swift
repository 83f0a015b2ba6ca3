internal import Confinement
internal import Profile

extension CheckReport {
  /// The report for a person: findings one per line, then what is granted.
  var text: String {
    var text = ""
    for finding in diagnostics {
      let file = madeVisible(finding.file)
      let place = finding.line == 0 ? "" : "\(finding.line):\(finding.column):"
      text += "\(file):\(place) \(finding.severity.rawValue): \(madeVisible(finding.message))\n"
      if let hint = finding.hint { text += "\(file):\(place) hint: \(madeVisible(hint))\n" }
    }
    guard status == 0, let profile else { return text }
    text += "\(madeVisible(label)): good\n"
    for (name, value) in Self.summary(of: profile) {
      text +=
        "  \(name)\(String(repeating: " ", count: max(1, 13 - name.count)))"
        + "\(madeVisible(Self.withOpen(profile.openVariables, value)))\n"
    }
    for note in ToolFindings.notes(on: profile.tools) + OpeningNotes.notes(on: profile) {
      text += "  note         \(madeVisible(note))\n"
    }
    guard let runtime else { return text }
    text += "  executable   \(quotedPath(runtime.executable))\n"
    for finding in runtime.findings { text += "  found        \(madeVisible(finding))\n" }
    for grant in runtime.grants {
      let what = grant.executable ? "execute" : "read"
      text += "  \(what)\(String(repeating: " ", count: 13 - what.count))"
      text +=
        "\(quotedPath(grant.path))\(grant.isDirectory ? " and below" : "") "
        + "(\(madeVisible(grant.reason)))\n"
    }
    return text + cell
  }

  /// Who the server would run as, and where it differs from what the profile says.
  private var cell: String {
    guard let plan else { return "" }
    let blueprint = plan.blueprint
    let user =
      blueprint.privileged
      ? "  user         \(blueprint.outsideUser), group \(blueprint.outsideGroup)"
        + " (\(madeVisible(plan.userReason)))\n" : ""
    let protected = plan.grants.filter { $0.role == .protected }.map { grant in
      let below = grant.status.kind == .directory ? " and below" : ""
      return "  protected    \(quotedPath(grant.path))\(below) (\(madeVisible(grant.reason)))\n"
    }
    let dangers = plan.dangers.map { danger in
      "  dangerous    \(quotedPath(danger.path)) (\(danger.access.rawValue), line \(danger.line)): "
        + "\(madeVisible(danger.why)); wanted because: \(shown(danger.reason))\n"
    }
    let limits = plan.limitHolders.map {
      "  limit        \($0.name) \($0.value): \($0.holder)\n"
    }
    return user + dangers.joined() + protected.joined() + limits.joined()
      + plan.notes.map { "  note         \(madeVisible($0))\n" }.joined()
  }

  /// Text in which variables without a value stand as the profile has them, and not as the path
  /// that stands for them.
  static func withOpen(_ variables: [ProfileLoader.Setting], _ text: String) -> String {
    variables.reduce(text) { text, variable in
      let sign = Array(variable.value.utf8)
      // A number or a boolean has no sign of its own.
      guard sign.contains(UInt8(ascii: "{")) else { return text }
      var result = ""
      var rest = text.utf8[...]
      while let start = rest.indices.first(where: { rest[$0...].starts(with: sign) }) {
        result += "\(Substring(rest[..<start]))${\(variable.name)}"
        rest = rest[start...].dropFirst(sign.count)
      }
      return result + String(Substring(rest))
    }
  }

  /// What the profile grants, by name, in the order of the format.
  private static func summary(of profile: Profile) -> [(String, String)] {
    var lines = [("isolation", profile.isolation.rawValue), ("preset", profile.preset.rawValue)]
    if !profile.server.command.isEmpty {
      lines.append(
        ("command", profile.server.command.map { quotedPath($0.value) }.joined(separator: " ")))
    }
    func paths(_ name: String, _ grants: [Profile.PathGrant]) {
      for grant in grants {
        let optional = grant.isOptional ? ", if it is there" : ""
        lines.append((name, "\(quotedPath(grant.path)) (line \(grant.line)\(optional))"))
      }
    }
    paths("read", profile.filesystem.read)
    paths("write", profile.filesystem.write)
    paths("hide", profile.filesystem.hide)
    paths("protect", profile.filesystem.protect)
    lines.append(("network", "none"))
    return lines + ToolFindings.summary(of: profile.tools)
  }

  /// The report for a program.
  var json: JSONValue {
    .object([
      ("file", .string(label)), ("good", .boolean(status == 0)),
      ("diagnostics", .array(diagnostics.map(Self.json))),
      ("name", profile.map { .string($0.name) } ?? .null),
      ("preset", profile.map { .string($0.preset.rawValue) } ?? .null),
      ("isolation", profile.map { .string($0.isolation.rawValue) } ?? .null),
      ("tools", profile.map { ToolFindings.json($0.tools) } ?? .null),
      ("runtime", runtime.map(Self.json) ?? .null),
      ("cell", plan.map(Self.json) ?? .null),
    ])
  }

  private static func json(_ finding: Diagnostic) -> JSONValue {
    .object([
      ("severity", .string(finding.severity.rawValue)), ("line", .integer(Int64(finding.line))),
      ("column", .integer(Int64(finding.column))), ("message", .string(finding.message)),
      ("hint", finding.hint.map(JSONValue.string) ?? .null),
    ])
  }

  private static func json(_ plan: Plan) -> JSONValue {
    .object([
      ("user", .integer(Int64(plan.blueprint.outsideUser))),
      ("group", .integer(Int64(plan.blueprint.outsideGroup))),
      (
        "grants",
        .array(
          plan.grants.map { grant in
            .object([
              ("path", .string(grant.path)), ("access", .string(grant.access.rawValue)),
              ("executable", .boolean(grant.executable)), ("reason", .string(grant.reason)),
            ])
          })
      ),
      (
        "dangerous",
        .array(
          plan.dangers.map { danger in
            .object([
              ("path", .string(danger.path)), ("access", .string(danger.access.rawValue)),
              ("why", .string(danger.why)), ("reason", .string(danger.reason)),
              ("line", .integer(Int64(danger.line))),
            ])
          })
      ),
      (
        "landlock",
        .object([
          ("abi", .integer(Int64(plan.blueprint.landlockABI))),
          (
            "rules",
            .array(
              plan.blueprint.landlockRules.map { rule in
                .object([
                  ("path", .string(rule.path)),
                  ("rights", .array(rule.access.names.map(JSONValue.string))),
                ])
              })
          ),
        ])
      ),
      ("hidden", .array(plan.hidden.map(JSONValue.string))),
      ("protected", .array(plan.protected.map(JSONValue.string))),
      (
        "limits",
        .array(
          plan.limitHolders.map {
            .object([
              ("name", .string($0.name)), ("value", .string($0.value)),
              ("holder", .string($0.holder)),
            ])
          })
      ),
      ("notes", .array(plan.notes.map(JSONValue.string))),
      ("groups", json(plan.groups)),
    ])
  }

  private static func json(_ groups: SupplementaryGroups) -> JSONValue {
    var fate = "none"
    var reason: String?
    switch groups.fate {
    case .none: break
    case .dropped: fate = "dropped"
    case .kept(let because):
      fate = "kept"
      reason = because
    }
    return .object([
      ("fate", .string(fate)), ("because", reason.map(JSONValue.string) ?? .null),
      (
        "groups",
        .array(
          groups.held.map {
            .object([
              ("group", .integer(Int64($0.number))),
              ("name", $0.name.map(JSONValue.string) ?? .null),
            ])
          })
      ),
      ("mend", groups.mend.map(JSONValue.string) ?? .null),
    ])
  }

  private static func json(_ runtime: RuntimeDiscovery) -> JSONValue {
    .object([
      ("executable", .string(runtime.executable)),
      (
        "grants",
        .array(
          runtime.grants.map { grant in
            .object([
              ("path", .string(grant.path)), ("directory", .boolean(grant.isDirectory)),
              ("executable", .boolean(grant.executable)), ("reason", .string(grant.reason)),
            ])
          })
      ),
      ("findings", .array(runtime.findings.map(JSONValue.string))),
    ])
  }
}
