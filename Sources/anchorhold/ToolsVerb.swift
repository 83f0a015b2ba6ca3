internal import Profile
internal import Session

extension Verb {
  static let tools = Verb(
    name: "tools",
    synopsis: "[PROFILE] [--set NAME=VALUE]… [--isolation LEVEL] [--approve [NAME…]] [--json]"
      + " [--pins FILE] [--timeout SECONDS] [--cgroup PATH] [-- COMMAND [ARGUMENT]…]",
    summary: "show what a server offers, what passes, and what changed since it was pinned",
    details: """
      Starts the server in its cell as run would, asks it for its tools, and shows of each
      whether the profile allows it and whether it is as it was pinned: if not, every line
      that is different, with what cannot be seen written out. A tool that is not as pinned
      is held back by run until it is approved; NAME approves one tool, @instructions the
      instructions, @server another program, and --approve without any NAME everything.

      The exit status is 0 when nothing is left that changed, 1 when something is, and 2 when
      that could not be found out or nothing could be approved.
      """,
    options: [
      Option(
        name: "--set", value: "NAME=VALUE", summary: "give a variable of the profile its value",
        isRepeatable: true),
      Option.isolation,
      Option(
        name: "--approve", value: nil,
        summary: "pin what the server says now of the tools named after PROFILE, or of all"),
      Option(name: "--json", value: nil, summary: "print it as JSON"),
      Option.pins,
      Option(
        name: "--timeout", value: "SECONDS",
        summary: "how long the server may take to answer, 60 unless given"),
      Option(
        name: "--cgroup", value: "PATH", summary: "make the session's control group in this one"),
    ],
    examples: [
      "anchorhold tools git --set repository=/src/app",
      "anchorhold tools git --set repository=/src/app --approve git_log",
      "anchorhold tools /etc/anchorhold/server.yaml --approve --pins /etc/anchorhold/server.pins",
    ],
    usageStatus: CommandLineTool.failed,
    body: { arguments throws(UsageError) in try ToolsVerb.run(arguments) })
}

/// Asks a server what it offers.
enum ToolsVerb {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    var names: [String]?
    if arguments.has("--approve") {
      names = Array(arguments.operands.dropFirst())
      for name in names ?? [] where name.utf8.first == UInt8(ascii: "@") {
        guard [ToolsRequest.instructions, ToolsRequest.server].contains(name) else {
          throw UsageError(
            message: "\(quoted(name)) is nothing to approve",
            hint: "write a tool's name, @instructions or @server")
        }
      }
    }
    let patience = try patience(arguments)
    let request = try RunVerb.request(
      arguments, of: .tools, operands: names == nil ? 1 : .max)
    guard let request else { return CommandLineTool.failed }
    if names != nil, request.profile.pins == .off {
      Console.error(
        "nothing can be approved: pins of the profile is off", hint: "write pins: strict or warn")
      return CommandLineTool.failed
    }
    do throws(SessionError) {
      let changed = try Session.inspect(
        request,
        ToolsRequest(isJSON: arguments.has("--json"), approves: names, patience: patience))
      return changed == 0 ? 0 : 1
    } catch {
      Console.error(error.message, hint: error.hint)
      return CommandLineTool.failed
    }
  }

  private static func patience(_ arguments: Arguments) throws(UsageError) -> Int64 {
    guard let text = arguments.value(of: "--timeout") else { return 60 }
    guard let seconds = Int64(text), (1...3600).contains(seconds) else {
      throw UsageError(
        message: "--timeout takes seconds from 1 to 3600", hint: "write --timeout 60")
    }
    return seconds
  }
}
