internal import Confinement
internal import Profile
internal import Session

/// What `verify` prints.
enum VerifyReport {
  static func json(_ report: VerificationReport) -> JSONValue {
    .object([
      ("profile", .string(report.profile)), ("isolation", .string(report.isolation)),
      ("held", .boolean(report.held)),
      (
        "checks",
        .array(
          report.checks.map { check in
            .object([
              ("name", .string(check.name)), ("class", .string(check.group)),
              ("held", .boolean(check.held)), ("control", .string(check.control.rawValue)),
              ("promised", .boolean(check.isPromised)), ("detail", .string(check.detail)),
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
    var lines: [String] = []
    for group in groups {
      lines += rows(of: group, report.checks.filter { $0.group == group }, width, isVerbose)
    }
    lines.append(row("read-back", report.seal.count(where: \.holds), report.seal.count, width))
    for check in report.seal where !check.holds { lines.append(entry("OPEN", sentence(check))) }
    if isVerbose {
      for (name, reason) in report.allowed { lines.append("not tried: \(name): \(reason)") }
    } else if !report.allowed.isEmpty {
      // Named, because each of them is something that this cell does not stop.
      let names = report.allowed.map(\.name).joined(separator: "; ")
      lines.append("not tried, because the filter or a grant allows it: \(names)")
    }
    lines += report.notes.map { "note: \($0)" } + ["", verdict(report)]
    // Names of files are in it, and they may hold anything.
    return lines.map { madeVisible($0) + "\n" }.joined()
  }

  private static func rows(
    of group: String, _ checks: [VerificationCheck], _ width: Int, _ isVerbose: Bool
  ) -> [String] {
    let held = checks.filter(\.held)
    let absent = checks.filter(\.isAbsent)
    let unpromised = checks.filter { !$0.isPromised }
    let total = checks.count - absent.count - unpromised.count
    var lines = [row(group, held.count, total, width)]
    for check in checks where !check.held && !check.isAbsent && check.isPromised {
      lines.append(entry("OPEN", described(check)))
    }
    if isVerbose {
      lines += held.map { entry("held", described($0)) }
      lines += absent.map { entry("absent", described($0)) }
      lines += unpromised.map { entry("no word", described($0)) }
      return lines
    }
    if !absent.isEmpty {
      lines.append(entry("absent", absent.map(\.name).joined(separator: ", ")))
    }
    if !unpromised.isEmpty {
      lines.append(entry("no word", unpromised.map(\.name).joined(separator: ", ")))
    }
    return lines
  }

  private static func row(_ name: String, _ held: Int, _ total: Int, _ width: Int) -> String {
    let word = held < total ? "BROKEN" : total == 0 ? "absent" : "held  "
    let gap = String(repeating: " ", count: max(width - name.utf8.count, 0))
    return "\(word)   \(name)\(gap)  \(held)/\(total)"
  }

  private static func entry(_ word: String, _ text: String) -> String {
    let gap = String(repeating: " ", count: 8 - word.utf8.count)
    return "         \(word)\(gap)\(text)"
  }

  private static func described(_ check: VerificationCheck) -> String {
    let control = check.control == .absent ? "" : " (outside: \(check.control.rawValue))"
    return "\(check.name): \(check.detail)\(control)"
  }

  private static func sentence(_ check: SealCheck) -> String {
    "\(check.name): should be \"\(check.expected)\" and is \"\(check.observed)\""
  }

  private static func verdict(_ report: VerificationReport) -> String {
    let held = report.checks.count(where: \.held)
    let absent = report.checks.count(where: \.isAbsent)
    let unpromised = report.checks.count { !$0.isPromised }
    let open = report.checks.count - held - absent - unpromised + report.seal.count { !$0.holds }
    let rest =
      (absent > 0 ? "; \(absent) cannot be shown here" : "")
      + (unpromised > 0
        ? "; isolation \(report.isolation) promises nothing of \(unpromised) others" : "")
    return report.held
      ? "\(report.profile): all \(held) checks held\(rest)"
      : "\(report.profile): \(open) did not hold, \(held) did\(rest)"
  }
}
