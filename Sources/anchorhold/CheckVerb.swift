internal import Confinement
internal import Linux
internal import Profile

extension Verb {
  static let check = Verb(
    name: "check", synopsis: "PROFILE… [--set NAME=VALUE]… [--isolation LEVEL] [--json] | --schema",
    summary: "say what is wrong with profiles, and what a good one grants here",
    details: """
      Reads each PROFILE and prints every finding as FILE:LINE:COLUMN: error: MESSAGE, with a
      hint on what to write. Of a good profile it prints what is granted, with what its preset
      found on this machine. A required variable that is not set is a warning only.

      The exit status is 0 when every profile is good, 1 when there are errors, and 2 when a
      profile could not be read.
      """,
    options: [
      Option(
        name: "--set", value: "NAME=VALUE", summary: "give a variable of the profile its value",
        isRepeatable: true),
      Option.isolation,
      Option(name: "--json", value: nil, summary: "print the findings as JSON"),
      Option(
        name: "--schema", value: nil, summary: "print the JSON Schema of profiles, for editors"),
    ],
    examples: [
      "anchorhold check git --set repository=/src/app",
      "anchorhold check ./profiles/mail.yaml --json",
    ],
    usageStatus: CommandLineTool.failed,
    body: { arguments throws(UsageError) in try CheckVerb.run(arguments) })
}

/// Checks profiles one by one and prints what there is to say.
enum CheckVerb {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    if arguments.has("--schema") {
      guard arguments.operands.isEmpty else {
        throw UsageError(message: "--schema takes no profile", hint: nil)
      }
      return CommandLineTool.answer(FormatSchema.json.text)
    }
    let names = arguments.operands + (arguments.rest ?? [])
    guard !names.isEmpty else {
      throw UsageError(
        message: "no profile is given", hint: "write for example anchorhold check git")
    }
    let settings = try arguments.settings()
    let isolation = try arguments.isolation()
    let reports = names.map {
      CheckReport.make($0, settings: settings, isolation: isolation)
    }
    let status = reports.map(\.status).max() ?? 0
    guard !arguments.has("--json") else {
      let json = JSONValue.object([("profiles", .array(reports.map(\.json)))])
      return CommandLineTool.answer(json.text, status: status)
    }
    return CommandLineTool.answer(reports.map(\.text).joined(separator: "\n"), status: status)
  }
}
