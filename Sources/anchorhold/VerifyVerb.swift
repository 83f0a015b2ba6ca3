internal import Profile
internal import Session

extension Verb {
  static let verify = Verb(
    name: "verify",
    synopsis: "[PROFILE] [--set NAME=VALUE]… [--isolation LEVEL] [--verbose | --json]"
      + " [-- COMMAND [ARGUMENT]…]",
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
      Option.isolation,
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
