internal import Confinement
internal import Profile

extension Verb {
  static let doctor = Verb(
    name: "doctor", synopsis: "[--json]",
    summary: "say what this machine lets a cell enforce, and what mends what is missing",
    details: """
      Tries each control of a cell on this machine, in short-lived processes, and prints for each
      isolation level whether it can be held here, what is missing and what mends it. Nothing is
      guessed from a version or a setting.

      The exit status is 0 when isolation full can be held here, 1 when it cannot, and 2 when
      that could not be found out.
      """,
    options: [Option(name: "--json", value: nil, summary: "print the findings as JSON")],
    examples: ["anchorhold doctor", "anchorhold doctor --json"],
    usageStatus: CommandLineTool.failed,
    body: { arguments throws(UsageError) in try DoctorVerb.run(arguments) })
}

/// Prints what the trials found.
enum DoctorVerb {
  private static let levels: [Isolation] = [.full, .container]

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard arguments.operands.isEmpty, arguments.rest?.isEmpty ?? true else {
      throw UsageError(message: "doctor takes no arguments", hint: "write anchorhold doctor")
    }
    let report = Doctor.examine()
    return CommandLineTool.answer(
      arguments.has("--json") ? json(report).text : text(report),
      status: !report.isComplete ? CommandLineTool.failed : report.holds(.full) ? 0 : 1)
  }

  // ---- for a person

  private static func text(_ report: DoctorReport) -> String {
    var text = ""
    for level in levels {
      let missing = report.missing(for: level)
      text += padded(level.rawValue, 11)
      text +=
        !report.isComplete
        ? "could not be found out: no process could be started to try\n"
        : missing.isEmpty
          ? "can be held here\n"
          : "cannot be held here: \(missing.count) missing, \(named(missing[0]))"
            + "\(missing.count > 1 ? " first" : "")\n"
    }
    let width = 2 + (report.findings.map(\.name.utf8.count).max() ?? 0)
    text += "\n" + padded("", width)
    for level in levels { text += padded(level.rawValue, 11) }
    text += "\n"
    for finding in report.findings {
      text += padded(named(finding.name), width)
      for level in levels { text += padded(word(finding, level), 11) }
      text += finding.purpose + (finding.detail == "works" ? "\n" : ": \(finding.detail)\n")
    }
    text += "\nhere: \(surroundings(report))\n"
    return text + mends(report)
  }

  /// What a finding means for a level.
  private static func word(_ finding: DoctorFinding, _ level: Isolation) -> String {
    if finding.levels.contains(level) { return finding.works ? "ok" : "MISSING" }
    if finding.levels.isEmpty { return finding.works ? "ok" : "absent" }
    return "-"
  }

  private static func surroundings(_ report: DoctorReport) -> String {
    var words = [report.user == 0 ? "root" : "user \(report.user)", "Linux \(report.kernel)"]
    if let runtime = report.runtime { words.append("in a container (\(runtime))") }
    if report.isChangedRoot { words.append("in a chroot") }
    if !report.refusedCalls.isEmpty {
      words.append("under a filter that refuses \(report.refusedCalls.joined(separator: ", "))")
    } else if report.isFiltered {
      words.append("under a filter of system calls")
    }
    return words.joined(separator: ", ")
  }

  private static func mends(_ report: DoctorReport) -> String {
    var text = ""
    for level in levels where !report.holds(level) {
      text += "\nto hold \(level.rawValue):\n"
      var isKnown = false
      for (mend, findings) in report.mends {
        let names = findings.filter { $0.levels.contains(level) }.map { named($0.name) }
        if names.isEmpty { continue }
        isKnown = true
        text += "  \(mend)\n    (\(names.joined(separator: ", ")))\n"
      }
      if !isKnown { text += "  nothing is known that mends it\n" }
      if level == .full, report.holds(.container) {
        text += "  or take the level that can be held: anchorhold run --isolation container\n"
      }
    }
    let additions = report.mends.compactMap { mend, findings -> String? in
      let names = findings.filter(\.levels.isEmpty).map { named($0.name) }
      return names.isEmpty ? nil : "  \(mend)\n    (\(names.joined(separator: ", ")))\n"
    }
    return additions.isEmpty ? text : text + "\nto have what is absent:\n" + additions.joined()
  }

  private static func named(_ name: String) -> String { String(name.map { $0 == "-" ? " " : $0 }) }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.utf8.count))
  }

  // ---- for a program

  private static func json(_ report: DoctorReport) -> JSONValue {
    .object([
      ("full", .boolean(report.holds(.full))),
      (
        "levels",
        .array(
          levels.map { level in
            .object([
              ("level", .string(level.rawValue)), ("holds", .boolean(report.holds(level))),
              ("missing", strings(report.missing(for: level))),
            ])
          })
      ),
      (
        "here",
        .object([
          ("user", .integer(Int64(report.user))), ("kernel", .string(report.kernel)),
          ("runtime", report.runtime.map(JSONValue.string) ?? .null),
          ("chroot", .boolean(report.isChangedRoot)),
          ("filtered", .boolean(report.isFiltered)),
          ("refused_calls", strings(report.refusedCalls)),
        ])
      ),
      (
        "controls",
        .array(
          report.findings.map { finding in
            .object([
              ("name", .string(finding.name)), ("purpose", .string(finding.purpose)),
              ("levels", strings(finding.levels.map(\.rawValue))),
              ("required", .boolean(finding.isRequired)), ("works", .boolean(finding.works)),
              ("tried", .boolean(finding.wasTried)),
              ("detail", .string(finding.detail)),
              ("mend", finding.mend.map(JSONValue.string) ?? .null),
            ])
          })
      ),
      (
        "mends",
        .array(
          report.mends.map { mend, findings in
            .object([("mend", .string(mend)), ("controls", strings(findings.map(\.name)))])
          })
      ),
    ])
  }

  private static func strings(_ values: [String]) -> JSONValue {
    .array(values.map(JSONValue.string))
  }
}
