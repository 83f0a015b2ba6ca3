internal import Confinement
internal import Profile
internal import Session

extension Verb {
  static let verify = Verb(
    name: "verify",
    synopsis: "[PROFILE] [--set NAME=VALUE]… [--verbose | --json] [-- COMMAND [ARGUMENT]…]",
    summary: "try to get out of a profile's real cell, and show what held",
    details: """
      Seals the same cell as run would, by the same plan and the same filter, and executes a
      probe in it instead of the server. What the probe tries is tried outside as well, with
      arguments that do no harm: a check counts only where that works. It is safe on a machine
      in production, and takes less than ten seconds.

      The exit status is 0 when everything held that could be shown, 1 when something did not,
      and 2 when that could not be found out.
      """,
    options: [
      Option(
        name: "--set", value: "NAME=VALUE", summary: "give a variable of the profile its value",
        isRepeatable: true),
      Option(name: "--verbose", value: nil, summary: "print every check"),
      Option(name: "--json", value: nil, summary: "print the checks as JSON"),
    ],
    examples: [
      "anchorhold verify git --set repository=/src/app",
      "anchorhold verify --json -- mcp-server-time",
    ],
    usageStatus: CommandLineTool.failed,
    body: { arguments throws(UsageError) in try VerifyVerb.run(arguments) })
}

/// Runs the probe and prints what it found.
enum VerifyVerb {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    if arguments.has("--json"), arguments.has("--verbose") {
      throw UsageError(message: "--json has every check anyway", hint: "leave out --verbose")
    }
    guard let request = try RunVerb.request(arguments) else { return CommandLineTool.failed }
    do throws(SessionError) {
      let report = try Verification.run(request)
      let text =
        arguments.has("--json")
        ? VerifyReport.json(report).text
        : VerifyReport.text(report, isVerbose: arguments.has("--verbose"))
      return CommandLineTool.answer(text, status: report.held ? 0 : 1)
    } catch {
      Console.error(error.message, hint: error.hint)
      return CommandLineTool.failed
    }
  }
}

/// What `verify` prints.
enum VerifyReport {
  static func json(_ report: VerificationReport) -> JSONValue {
    .object([
      ("profile", .string(report.profile)), ("held", .boolean(report.held)),
      (
        "checks",
        .array(
          report.checks.map { check in
            .object([
              ("name", .string(check.name)), ("class", .string(check.group)),
              ("held", .boolean(check.held)), ("control", .string(check.control.rawValue)),
              ("detail", .string(check.detail)),
            ])
          })
      ),
      (
        "seal",
        .object([
          ("held", .boolean(report.seal.allSatisfy(\.holds))),
          ("comparisons", .integer(Int64(report.seal.count))),
          (
            "broken",
            .array(report.seal.filter { !$0.holds }.map { .string(Self.sentence($0)) })
          ),
        ])
      ),
      (
        "allowed",
        .array(
          report.allowed.map {
            .object([("check", .string($0.name)), ("reason", .string($0.reason))])
          })
      ),
      ("notes", .array(report.notes.map(JSONValue.string))),
    ])
  }

  static func text(_ report: VerificationReport, isVerbose: Bool) -> String {
    var groups: [String] = []
    for check in report.checks where !groups.contains(check.group) { groups.append(check.group) }
    let width = max(groups.map(\.utf8.count).max() ?? 0, 9)
    var text = ""
    for group in groups {
      text += lines(of: group, report.checks.filter { $0.group == group }, width, isVerbose)
    }
    let whole = report.seal.filter(\.holds).count
    text += row(whole == report.seal.count, "read-back", whole, report.seal.count, width)
    for check in report.seal where !check.holds { text += "         OPEN    \(sentence(check))\n" }
    if isVerbose {
      for (name, reason) in report.allowed { text += "not tried: \(name): \(reason)\n" }
    } else if !report.allowed.isEmpty {
      // Named, because each of them is something that this cell does not stop.
      let names = report.allowed.map(\.name).joined(separator: "; ")
      text += "not tried, because the filter or a grant allows it: \(names)\n"
    }
    for note in report.notes { text += "note: \(note)\n" }
    return text + "\n" + verdict(report)
  }

  private static func lines(
    of group: String, _ checks: [VerificationCheck], _ width: Int, _ isVerbose: Bool
  ) -> String {
    let held = checks.count(where: \.held)
    let absent = checks.filter(\.isAbsent)
    let counted = checks.count - absent.count
    var text = row(held == counted, group, held, counted, width)
    for check in checks where !check.held && !check.isAbsent {
      text += "         OPEN    \(check.name): \(check.detail)"
      text += check.control == .absent ? "\n" : " (outside: \(check.control.rawValue))\n"
    }
    if isVerbose {
      for check in checks where check.held {
        text += "         held    \(check.name): \(check.detail)"
        text += " (outside: \(check.control.rawValue))\n"
      }
      for check in absent { text += "         absent  \(check.name): \(check.detail)\n" }
    } else if !absent.isEmpty {
      text += "         absent  \(absent.map(\.name).joined(separator: ", "))\n"
    }
    return text
  }

  private static func row(
    _ isWhole: Bool, _ name: String, _ held: Int, _ total: Int, _ width: Int
  ) -> String {
    let gap = String(repeating: " ", count: max(width - name.utf8.count, 0))
    return "\(isWhole ? "held   " : "BROKEN ")  \(name)\(gap)  \(held)/\(total)\n"
  }

  private static func sentence(_ check: SealCheck) -> String {
    "\(check.name): should be \"\(check.expected)\" and is \"\(check.observed)\""
  }

  private static func verdict(_ report: VerificationReport) -> String {
    let held = report.checks.count(where: \.held)
    let absent = report.checks.count(where: \.isAbsent)
    let open = report.checks.count - held - absent + report.seal.count { !$0.holds }
    let shown = absent > 0 ? "; \(absent) cannot be shown here" : ""
    return report.held
      ? "\(report.profile): all \(held) checks held\(shown)\n"
      : "\(report.profile): \(open) did not hold, \(held) did\(shown)\n"
  }
}
