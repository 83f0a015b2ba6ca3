internal import Confinement
internal import Linux
internal import Profile
internal import Session

extension Verb {
  static let run = Verb(
    name: "run",
    synopsis: "[PROFILE] [--set NAME=VALUE]… [--isolation LEVEL] [--cgroup PATH] [--pins FILE] "
      + "[--diagnose] [-- COMMAND [ARGUMENT]…]",
    summary: "start a server in its cell and speak for it on standard input and output",
    details: """
      Reads PROFILE (a path with a / in it, or a name), seals the server that it describes in
      a cell, and relays the messages that the profile allows. COMMAND takes the place of the
      profile's own command. Without PROFILE the profile default is used: no network, nothing
      writable but private temporary space, every tool visible.

      The exit status is the server's own; 125 when the cell could not be sealed or the profile
      is wrong, 126 when the command cannot be executed, 127 when it is not found, and 128+n
      when signal n ended it.
      """,
    options: [
      Option(
        name: "--set", value: "NAME=VALUE", summary: "give a variable of the profile its value",
        isRepeatable: true),
      Option(
        name: "--diagnose", value: nil,
        summary: "show on standard error which system calls were refused, and what allows them"),
      Option.isolation,
      Option(
        name: "--cgroup", value: "PATH", summary: "make the session's control group in this one"),
      Option.pins,
    ],
    examples: [
      "anchorhold run git --set repository=/src/app",
      "anchorhold run -- mcp-server-time",
    ],
    usageStatus: ExitStatusOfRun.refused,
    body: { arguments throws(UsageError) in try RunVerb.run(arguments) })
}

/// The exit statuses of `run` that are not the server's own.
enum ExitStatusOfRun {
  /// The cell could not be sealed, or the profile is wrong.
  static let refused: Int32 = 125
}

/// From the words of the command line to one session.
enum RunVerb {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard let request = try request(arguments, of: .run) else { return ExitStatusOfRun.refused }
    do {
      return try Session.run(request)
    } catch {
      Console.error(error.message, hint: error.hint)
      return error.status
    }
  }

  /// What to start, or nil when the reason was said.
  ///
  /// `verb`: whose words they are. `operands`: how many may stand before the command; the first is
  /// the profile.
  static func request(
    _ arguments: Arguments, of verb: Verb, operands: Int = 1
  ) throws(UsageError) -> SessionRequest? {
    let command = arguments.rest ?? []
    let name = try profileName(arguments, command, of: verb, operands: operands)
    let isolation = try arguments.isolation()
    let settings = try arguments.settings()
    let source: ProfileSource
    let workingDirectory: String?
    do {
      source = try ProfileSource.find(name)
      workingDirectory = try ProfileSource.workingDirectory()
    } catch {
      switch error {
      case .unreadable(let message, let hint), .untrusted(let message, let hint):
        Console.error(message, hint: hint)
      }
      return nil
    }
    let loader = ProfileLoader(
      file: source.label, settings: settings, workingDirectory: workingDirectory)
    let (loaded, diagnostics) = loader.load(source.text)
    let calls =
      loaded.map {
        SystemCallFindings.of($0, in: source.label) + VariableFindings.of($0, in: source.label)
      } ?? []
    for finding in diagnostics + calls {
      switch finding.severity {
      case .error: Console.error(finding.text, hint: finding.hint)
      case .warning: Console.warning(finding.text, hint: finding.hint)
      }
    }
    guard var profile = loaded, calls.isEmpty else { return nil }
    if let isolation { profile.isolation = isolation }
    if !command.isEmpty {
      if workingDirectory == nil, let program = command.first,
        program.utf8.first != UInt8(ascii: "/"), program.utf8.contains(UInt8(ascii: "/"))
      {
        Console.error(
          "cannot find \(quotedPath(program)): the working directory's name is not UTF-8",
          hint: "write the whole path after --")
        return nil
      }
      profile.server.command = Self.command(command, from: workingDirectory)
      profile.server.invokedFrom = workingDirectory
    }
    guard profile.server.command.first.map({ !$0.value.isEmpty }) ?? false else {
      Console.error(
        "\(source.label): the profile names no command",
        hint: "add server.command, or write the command after --")
      return nil
    }
    if let program = profile.server.command.first?.value,
      let note = RuntimeDiscovery.launcherNote(program)
    {
      Console.warning(note)
    }
    if let path = source.path, let grant = ProfileTrust.writeGrant(over: path, in: profile) {
      Console.error(
        "\(source.label):\(grant.line):\(grant.column): the server could write its own profile",
        hint: "keep the profile outside of \(quotedPath(grant.path))")
      return nil
    }
    return SessionRequest(
      profile: profile, profilePath: source.path, profileText: source.text,
      version: CommandLineTool.version, controlGroup: try controlGroup(arguments, profile),
      skip: skippedStep, diagnose: arguments.has("--diagnose"),
      pinFile: try pinFile(arguments, profile, from: workingDirectory))
  }

  /// The pin file that the command line names; a relative path is meant from where one stands.
  private static func pinFile(
    _ arguments: Arguments, _ profile: Profile, from workingDirectory: String?
  ) throws(UsageError) -> String? {
    guard let path = arguments.value(of: Option.pins.name) else { return nil }
    let isAbsolute = path.utf8.first == UInt8(ascii: "/")
    guard isAbsolute || workingDirectory != nil else {
      throw UsageError(
        message: "--pins \(quoted(path)): the working directory's name is not UTF-8",
        hint: "write the whole path")
    }
    let (plain, fault) = PathText.resolve(path, from: workingDirectory ?? "/")
    guard let plain, plain.utf8.count > 1 else {
      throw UsageError(
        message: "--pins \(quoted(path)): \(fault.isEmpty ? "it is no file" : fault)",
        hint: "write --pins /etc/anchorhold/git.pins")
    }
    if profile.pins == .off {
      throw UsageError(
        message: "--pins is given, and pins of the profile is off", hint: "leave out one of the two"
      )
    }
    return plain
  }

  /// The control group that the command line names.
  private static func controlGroup(
    _ arguments: Arguments, _ profile: Profile
  ) throws(UsageError) -> String? {
    guard let path = arguments.value(of: "--cgroup") else { return nil }
    let (plain, fault) = PathText.resolve(path, from: "/")
    guard path.utf8.first == UInt8(ascii: "/"), let plain else {
      throw UsageError(
        message: "--cgroup \(quoted(path)): \(fault.isEmpty ? "it is not absolute" : fault)",
        hint: "write --cgroup /sys/fs/cgroup/anchorhold")
    }
    if profile.limits.controlGroup.value == .off {
      throw UsageError(
        message: "--cgroup is given, and limits.cgroup of the profile is off",
        hint: "leave out one of the two")
    }
    return plain
  }

  /// A command of the command line: as in a shell, a path in it starts from where one stands.
  private static func command(
    _ words: [String], from workingDirectory: String?
  ) -> [Located<String>] {
    var words = words
    if let workingDirectory, let program = words.first, program.utf8.contains(UInt8(ascii: "/")) {
      words[0] = PathText.resolve(program, from: workingDirectory).path ?? program
    }
    return words.map { Located($0) }
  }

  /// The step of sealing that a test leaves out, to see that the loss is noticed.
  ///
  /// Only a build made for that test can do it; every other has not even the variable's name.
  private static var skippedStep: CellStep? {
    #if CL_BACKDOOR
      return Process.environment("ANCHORHOLD_SKIP_STEP").flatMap { CellStep(name: $0) }
    #else
      return nil
    #endif
  }

  private static func profileName(
    _ arguments: Arguments, _ command: [String], of verb: Verb, operands: Int
  ) throws(UsageError) -> String {
    guard arguments.operands.count <= operands else {
      let approves = verb.options.contains { $0.name == "--approve" }
      throw UsageError(
        message: "unexpected argument \(quoted(arguments.operands[1]))",
        hint: "the server's command comes after --"
          + (approves ? ", and with --approve stand the tools that are approved" : ""))
    }
    if let name = arguments.operands.first { return name }
    guard !command.isEmpty else {
      throw UsageError(
        message: "neither a profile nor a command is given",
        hint: "write for example \(verb.examples.first ?? "")")
    }
    return "default"
  }
}
