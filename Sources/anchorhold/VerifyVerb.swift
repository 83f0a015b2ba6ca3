internal import Profile
internal import Session

extension Verb {
  static let verify = Verb(
    name: "verify",
    synopsis: "[PROFILE] [--set NAME=VALUE]… [--isolation LEVEL] [--verbose | --json]"
      + " [--timeout SECONDS] [--cgroup PATH] [-- COMMAND [ARGUMENT]…]",
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
      Option(
        name: "--cgroup", value: "PATH", summary: "make the cell's control group in this one"),
      Option(
        name: "--timeout", value: "SECONDS",
        summary: "how long everything may take together, 9 unless given"),
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
    let patience = try patience(arguments)
    guard let request = try RunVerb.request(arguments, of: .verify) else {
      return CommandLineTool.failed
    }
    do throws(SessionError) {
      let report = try Verification.run(request, patience: patience)
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

  private static func patience(_ arguments: Arguments) throws(UsageError) -> Int64 {
    guard let text = arguments.value(of: "--timeout") else { return Verification.patience }
    guard let seconds = Int64(text), (1...3600).contains(seconds) else {
      throw UsageError(
        message: "--timeout takes seconds from 1 to 3600", hint: "write --timeout 60")
    }
    return seconds
  }
}
