internal import Confinement
internal import Profile

extension Verb {
  static let doctor = Verb(
    name: "doctor", synopsis: "[--json]",
    summary: "say what this machine lets a cell enforce, and what mends what is missing",
    details: """
      Tries each control of a cell on this machine, in short-lived processes, and prints what
      came of it. Nothing is guessed from a version.

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
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard arguments.operands.isEmpty, arguments.rest?.isEmpty ?? true else {
      throw UsageError(message: "doctor takes no arguments", hint: "write anchorhold doctor")
    }
    let findings = Doctor.examine()
    let status: Int32 = Doctor.allowsFull(findings) ? 0 : 1
    return CommandLineTool.answer(
      arguments.has("--json") ? json(findings).text : text(findings), status: status)
  }

  private static func text(_ findings: [DoctorFinding]) -> String {
    let width = findings.map(\.name.utf8.count).max() ?? 0
    var text = ""
    for finding in findings {
      let word = finding.works ? "ok     " : finding.isRequired ? "MISSING" : "absent "
      let gap = String(repeating: " ", count: width - finding.name.utf8.count)
      let name = finding.name.replacing("-", with: " ")
      text += "\(word)  \(name)\(gap)  \(finding.purpose)"
      text += finding.detail == "works" ? "\n" : ": \(finding.detail)\n"
      if let mend = finding.mend { text += "\(String(repeating: " ", count: 9))mend: \(mend)\n" }
    }
    return text + "\n"
      + (Doctor.allowsFull(findings)
        ? "isolation full can be held here\n" : "isolation full cannot be held here\n")
  }

  private static func json(_ findings: [DoctorFinding]) -> JSONValue {
    .object([
      ("full", .boolean(Doctor.allowsFull(findings))),
      (
        "controls",
        .array(
          findings.map { finding in
            .object([
              ("name", .string(finding.name)), ("purpose", .string(finding.purpose)),
              ("required", .boolean(finding.isRequired)), ("works", .boolean(finding.works)),
              ("detail", .string(finding.detail)),
              ("mend", finding.mend.map(JSONValue.string) ?? .null),
            ])
          })
      ),
    ])
  }
}
