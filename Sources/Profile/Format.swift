/// The format of a profile, version 1, as data.
enum Format {
  static let root: [Key] = [
    Key(
      name: "version", shape: .integer(1...1), isRequired: true,
      summary: "The version of the format.", example: "1"),
    Key(
      name: "name", shape: .text(.profileName), isRequired: true,
      summary: "The profile's name; the audit log and the server's messages carry it.",
      example: "git"),
    Key(
      name: "description", shape: .text(.description), omitted: "empty",
      summary: "What the server is for, in words.", example: "Read one Git repository"),
    Key(
      name: "extends", shape: .choice(Preset.allCases.map(\.rawValue), later: []),
      omitted: "`none`",
      summary: "The preset: what such a program needs to start is found and granted for reading.",
      example: "python"),
    Key(
      name: "variables", shape: .names(.variableName, of: .table(variable), most: 64),
      omitted: "none",
      summary: "What the person who starts the server fills in with `--set`.",
      example: "{repository: {type: directory, required: true}}"),
    Key(
      name: "server", shape: .table(server), omitted: "the command line gives the command",
      summary: "What is started, and how.", example: "{command: [mcp-server-git]}"),
    Key(
      name: "secrets", shape: .anything,
      status: .later(hint: "give the server no secret, or wait for a version that keeps them"),
      summary: "Secrets that are handed to the server.",
      example: "{api_token: {from: env, name: GITHUB_TOKEN}}"),
    Key(
      name: "isolation", shape: .choice(["full", "container"], later: []), omitted: "`full`",
      summary:
        "How strongly the server is closed in; `container` makes do without namespaces and mounts.",
      example: "full"),
    Key(
      name: "user", shape: .table(user),
      omitted: "for root's servers a user of the profile's own, for others the caller",
      summary:
        "Who the server runs as on the host: `owner_of`, or `uid` and `group`; and what becomes of the caller's `groups`.",
      example: "{owner_of: /srv/notes}"),
    Key(
      name: "filesystem", shape: .table(filesystem), omitted: "nothing is granted",
      summary: "The paths that the server sees.", example: "{read: [/srv/data]}"),
    Key(
      name: "network", shape: .table(network), omitted: "no network",
      summary: "The hosts that the server reaches.", example: "{allow: []}"),
    Key(
      name: "syscalls", shape: .table(syscalls), omitted: "baseline 1",
      summary: "The system calls that the server may make.", example: "{baseline: 1, add: []}"),
    Key(
      name: "limits", shape: .table(limits), omitted: "the defaults below",
      summary: "What the server may use up.", example: "{memory: 1GiB, processes: 64}"),
    Key(
      name: "hardening", shape: .table(hardening), omitted: "neither",
      summary: "Protections that not every server can live with.",
      example: "{write_execute: deny}"),
    Key(
      name: "tools", shape: .table(tools), omitted: "no tool",
      summary: "The tools that the client sees and may call.",
      example: "{allow: [git_status, git_log]}"),
    Key(
      name: "resources", shape: .table(resources), omitted: "no resource",
      summary: "The resources that the client sees and may read.",
      example: "{allow: [\"file:///srv/data/**\"]}"),
    Key(
      name: "prompts", shape: .table(prompts), omitted: "no prompt",
      summary: "The prompts that the client sees and may ask for.",
      example: "{allow: [review]}"),
    Key(
      name: "requests", shape: .table(requests), omitted: "all denied",
      summary: "What the server may ask of the client.", example: "{sampling: deny}"),
    Key(
      name: "features", shape: .table(features), omitted: "all denied",
      summary: "Further features of the protocol.", example: "{logging: allow}"),
    Key(
      name: "protocol", shape: .table(protocolKeys), omitted: "both eras, every version",
      summary: "The versions of the protocol that client and server may speak.",
      example: "{era: handshake}"),
    Key(
      name: "messages", shape: .table(messages), omitted: "the defaults below",
      summary: "The bounds of messages, in both directions.",
      example: "{max_size: 4MiB, max_depth: 64, in_flight: 64}"),
    Key(
      name: "text", shape: .table(text), omitted: "the defaults below",
      summary: "What the client, and so a model, reads of what the server sends.",
      example: "{hidden: escape, max_field: 1MiB}"),
    Key(
      name: "pins", shape: .choice(Profile.Pins.allCases.map(\.rawValue), later: []),
      omitted: "`strict`",
      summary:
        "What becomes of tools, instructions and programs that are not as they were when the "
        + "profile was first used: held back, let through with a warning, or not looked at.",
      example: "warn"),
    Key(
      name: "audit", shape: .table(audit), omitted: "`arguments: shape`",
      summary: "What the audit log keeps.", example: "{arguments: shape}"),
  ]

  static let variable: [Key] = [
    Key(
      name: "type", shape: .choice(VariableType.allCases.map(\.rawValue), later: []),
      omitted: "`string`",
      summary: "What a value must be.", example: "directory"),
    Key(
      name: "required", shape: .boolean, omitted: "`false`",
      summary: "Whether `--set` must give it; otherwise there is a `default`.", example: "true"),
    Key(
      name: "default", shape: .scalar, omitted: "no default",
      summary: "The value when `--set` gives none.",
      example: "\"/srv/data\""),
    Key(
      name: "description", shape: .text(.description), omitted: "empty",
      summary: "What it is for; shown when it is missing.", example: "The repository to read"),
  ]

  static let server: [Key] = [
    Key(
      name: "command", shape: .list(of: .text(.anything), count: 1...1024),
      omitted: "the command line gives it after `--`",
      summary: "The program and its arguments, one list element each; no shell is involved.",
      example: "[mcp-server-git, --repository, \"${repository}\"]"),
    Key(
      name: "programs", shape: .list(of: .text(.program), count: 0...64), omitted: "`[]`",
      summary: "Further programs that the server starts, looked up like the command.",
      example: "[git]"),
    Key(
      name: "pinned", shape: .list(of: .text(.path), count: 0...64), omitted: "`[]`",
      summary: "Files and directories whose contents are pinned together with the program.",
      example: "[/opt/server]"),
    Key(
      name: "workdir", shape: .text(.path), omitted: "a private, empty home directory",
      summary: "The directory that the server starts in; it must be among what is granted.",
      example: "\"${repository}\""),
    Key(
      name: "environment",
      shape: .names(
        .environmentName, of: .either(.text(.anything), orTable: environmentTable), most: 256),
      omitted: "what the preset and the cell set",
      summary: "Variables of the server's environment, over the preset's and the cell's own.",
      example: "{GIT_CONFIG_NOSYSTEM: \"1\"}"),
    Key(
      name: "restart",
      shape: .either(.choice(["never", "on-failure"], later: []), orTable: restart),
      omitted: "`never`",
      summary: "Whether a server that fails while the client is there is started again, in a new "
        + "cell.",
      example: "on-failure"),
  ]

  static let restart: [Key] = [
    Key(
      name: "when", shape: .choice(["never", "on-failure"], later: []), isRequired: true,
      summary: "Whether it is started again: when it ends with another status than 0, or by a "
        + "signal that is not anchorhold's.",
      example: "on-failure"),
    Key(
      name: "most", shape: .integer(1...100), omitted: "`5`",
      summary: "How often within the time `within`; when it fails once more, the session ends.",
      example: "3"),
    Key(
      name: "within", shape: .duration(1...86400, orUnlimited: false), omitted: "`10m`",
      summary: "The time in which `most` are counted.", example: "1h"),
  ]

  static let user: [Key] = [
    Key(
      name: "owner_of", shape: .text(.path), omitted: "not used",
      summary: "The path whose owner and group the server gets, as it is when it starts.",
      example: "/srv/notes"),
    Key(
      name: "uid", shape: .identifier, omitted: "not used",
      summary: "The user's number; `group` stands beside it.", example: "4321"),
    Key(
      name: "group", shape: .identifier, omitted: "not used",
      summary: "The group's number; `uid` stands beside it.", example: "4321"),
    Key(
      name: "groups", shape: .choice(["drop_if_possible", "drop", "keep"], later: []),
      omitted: "`drop_if_possible`",
      summary:
        "What becomes of the supplementary groups of a caller that is not root: dropped where that is possible, dropped or no session, or kept.",
      example: "drop"),
  ]

  static let environmentTable: [Key] = [
    Key(
      name: "secret", shape: .text(.variableName),
      status: .later(hint: "give a plain string that is no secret"),
      summary: "The secret whose value the variable gets.", example: "api_token")
  ]

  static let filesystem: [Key] = [
    Key(
      name: "read", shape: openGrants, omitted: "`[]`",
      summary:
        "Paths that may be read, with everything below; nothing there is executed, nor, at isolation full, loaded as code.",
      example: "[\"${repository}\", {path: /etc/localtime, optional: true}]"),
    Key(
      name: "write", shape: openGrants, omitted: "`[]`",
      summary:
        "Paths that may be read and written, with everything below; nothing there is executed, nor, at isolation full, loaded as code.",
      example: "[/srv/notes]"),
    Key(
      name: "hide", shape: grants, omitted: "`[]`",
      summary: "Paths below a granted one that stay hidden.",
      example: "[\"${repository}/.env\"]"),
    Key(
      name: "protect", shape: grants, omitted: "`[]`",
      summary:
        "Further paths below a `filesystem.write` path that stay read-only, with everything below.",
      example: "[\"${repository}/Makefile\"]"),
    Key(
      name: "protect_defaults", shape: .boolean, omitted: "`true`",
      summary: "Whether names that the host executes or trusts, such as `.git`, are read-only at "
        + "the top of each directory in `filesystem.write`.",
      example: "false"),
    Key(
      name: "protect_missing",
      shape: .choice(
        Profile.MissingProtection.allCases.map(\.rawValue), later: []), omitted: "`hold`",
      summary: "What follows when a name that is to be protected is not there: an empty directory "
        + "keeps its place while the session lasts, or there is a note, or no session.",
      example: "refuse"),
  ]

  static let grants = Shape.list(
    of: .either(.text(.path), orTable: grantTable), count: 0...256)

  static let grantTable: [Key] = [
    Key(
      name: "path", shape: .text(.path), isRequired: true, summary: "The absolute path.",
      example: "/etc/localtime"),
    Key(
      name: "optional", shape: .boolean, omitted: "`false`",
      summary: "Whether the path is skipped when nothing is there; otherwise that is an error.",
      example: "true"),
  ]

  static let openGrants = Shape.list(
    of: .either(.text(.path), orTable: openGrantTable), count: 0...256)

  static let openGrantTable: [Key] =
    grantTable + [
      Key(
        name: "dangerous", shape: .boolean, omitted: "`false`",
        summary: "Whether the path is meant although it could open more than it says; `reason` "
          + "stands beside it.",
        example: "true"),
      Key(
        name: "reason", shape: .text(.reason), omitted: "not dangerous",
        summary: "Why it is needed; the record of each session has it.",
        example: "it reads the sensors' values"),
    ]

  static let network: [Key] = [nothing("network")]

  static let syscalls: [Key] = [
    Key(
      name: "baseline", shape: .integer(1...1), omitted: "`1`",
      summary: "The set of system calls that every server may make.", example: "1"),
    Key(
      name: "add", shape: .list(of: .text(.systemCall), count: 0...512), omitted: "`[]`",
      summary: "Further system calls, by name; those that could open the cell are refused, and "
        + "those that every server may make with harmless arguments already, such as `clone`.",
      example: "[shmget]"),
  ]

  static let limits: [Key] = [
    Key(
      name: "memory", shape: .size(16 << 20...1 << 40), omitted: "`2GiB`",
      summary: "Memory of all processes together, or data memory of one without a control group.",
      example: "1GiB"),
    Key(
      name: "processes", shape: .integer(8...65536), omitted: "`256`",
      summary: "Processes and threads at once.", example: "64"),
    Key(
      name: "open_files", shape: .integer(16...1_048_576), omitted: "`1024`",
      summary: "Open files of one process.", example: "256"),
    Key(
      name: "file_size", shape: .size(0...1 << 44), omitted: "`1GiB`",
      summary: "The size of a file that the server writes.", example: "64MiB"),
    Key(
      name: "cpu_time", shape: .duration(1...31_536_000, orUnlimited: true),
      omitted: "`unlimited`", summary: "Processor time of one process.", example: "10m"),
    Key(
      name: "cpu", shape: .processors(1...102_400), omitted: "no limit",
      summary: "Processors' time that all processes together may take at any moment; it needs a "
        + "control group.",
      example: "1.5"),
    Key(
      name: "cgroup", shape: .choice(["auto", "required", "off"], later: []), omitted: "`auto`",
      summary: "Whether a control group holds the limits of all processes together: where there is "
        + "one, always, or never.",
      example: "required"),
    Key(
      name: "temporary", shape: .size(64 << 10...64 << 30), omitted: "`256MiB`",
      summary: "What `/tmp`, the home directory and `/dev/shm` hold, each, in memory.",
      example: "64MiB"),
    Key(
      name: "temporary_files", shape: .integer(16...1_048_576), omitted: "`16384`",
      summary: "How many files and directories each of these holds.", example: "1000"),
  ]

  static let hardening: [Key] = [
    Key(
      name: "write_execute", shape: .choice(["allow", "deny"], later: []), omitted: "`allow`",
      summary: "Whether memory that was written can be executed, as compilers at run time need it.",
      example: "deny"),
    Key(
      name: "speculation", shape: .choice(["leave", "mitigate"], later: []), omitted: "`leave`",
      summary: "Whether speculative store bypass and indirect branch speculation are switched off.",
      example: "mitigate"),
  ]

  static let resources: [Key] = [
    Key(
      name: "allow",
      shape: .listOrEverything(of: .text(.resource), count: 0...1024), omitted: "`[]`",
      summary: "Resources that are shown and may be read, by URI: one exactly, what is below one "
        + "(`file:///srv/data/**`), or a whole scheme (`memo:**`); `\"*\"` is every resource.",
      example: "[\"file:///srv/data/**\"]")
  ]

  static let prompts: [Key] = [
    Key(
      name: "allow",
      shape: .listOrEverything(of: .text(.toolName), count: 0...1024), omitted: "`[]`",
      summary:
        "Prompts that are shown and may be asked for, by exact name; `\"*\"` is every prompt.",
      example: "[review]")
  ]

  static let requests: [Key] = [
    Key(
      name: "sampling", shape: .choice(["deny", "allow"], later: []), omitted: "`deny`",
      summary: "Whether the server may have the client's model write something.",
      example: "deny"),
    Key(
      name: "elicitation",
      shape: .either(.choice(["deny", "allow"], later: []), orTable: elicitation),
      omitted: "`deny`",
      summary: "Whether the server may ask the person: with a form, or for a visit to an address. "
        + "`allow` is forms alone.",
      example: "{form: allow, hosts: [accounts.example.com]}"),
    Key(
      name: "roots", shape: .choice(["deny", "allow", "everything"], later: []),
      omitted: "`deny`",
      summary: "Whether the server may ask for the client's roots; with `allow` it hears of those "
        + "alone that the profile grants.",
      example: "deny"),
  ]

  static let elicitation: [Key] = [
    Key(
      name: "form", shape: .choice(["deny", "allow"], later: []), omitted: "`deny`",
      summary: "Whether it may ask with a form.", example: "allow"),
    Key(
      name: "hosts", shape: .list(of: .text(.host), count: 0...256), omitted: "`[]`",
      summary: "The hosts that it may send the person to, with https alone: exact names, or "
        + "`*.example.com` for every name below one.",
      example: "[accounts.example.com]"),
  ]

  static let features: [Key] = [
    Key(
      name: "completion", shape: .choice(["deny", "allow"], later: []), omitted: "`deny`",
      summary: "Completion of the arguments of prompts and resource templates that are allowed.",
      example: "deny"),
    Key(
      name: "logging", shape: .choice(["deny", "allow"], later: []), omitted: "`deny`",
      summary: "Log messages from the server to the client.", example: "allow"),
    Key(
      name: "tasks", shape: .choice(["deny", "allow"], later: []), omitted: "`deny`",
      summary: "Tasks that outlive the call that made them.", example: "deny"),
    Key(
      name: "subscriptions", shape: .choice(["deny", "allow"], later: []), omitted: "`deny`",
      summary: "Subscriptions to changes of resources that are allowed, and, without a handshake, "
        + "of lists.",
      example: "deny"),
    Key(
      name: "extensions", shape: .choice(["deny", "allow"], later: []), omitted: "`deny`",
      summary:
        "Capabilities, methods, notifications and kinds of results that this version does not "
        + "know, which then pass without being looked into.",
      example: "deny"),
  ]

  static let protocolKeys: [Key] = [
    Key(
      name: "lists", shape: .choice(["whole", "pages"], later: []), omitted: "`whole`",
      summary: "Whether a list is given as one, as many clients need it, or in the server's pages.",
      example: "pages"),
    Key(
      name: "progress", shape: .choice(["matched", "any"], later: []), omitted: "`matched`",
      summary:
        "Whether progress passes only while the request with its token is in flight, or always.",
      example: "any"),
    Key(
      name: "era", shape: .choice(["any", "handshake", "stateless"], later: []), omitted: "`any`",
      summary:
        "Whether sessions begin with a handshake (until 2025-11-25), or each request says its "
        + "version (from 2026-07-28). With `handshake` we answer `server/discover` ourselves, which "
        + "some servers do not survive.",
      example: "handshake"),
    Key(
      name: "versions", shape: .list(of: .text(.protocolVersion), count: 1...16),
      omitted: "every version",
      summary: "The versions that may be agreed on.", example: "[2025-06-18, 2025-11-25]"),
  ]

  static let messages: [Key] = [
    Key(
      name: "max_size", shape: .size(1024...256 << 20), omitted: "`4MiB`",
      summary: "The size of one message.", example: "4MiB"),
    Key(
      name: "max_depth", shape: .integer(4...512), omitted: "`64`",
      summary: "How deep objects and arrays may nest.", example: "64"),
    Key(
      name: "in_flight", shape: .integer(1...4096), omitted: "`64`",
      summary: "Requests that may be open at once.", example: "64"),
    Key(
      name: "own_timeout", shape: .duration(1...3600, orUnlimited: false), omitted: "`30s`",
      summary: "How long the server has to answer a request of our own: for its list of tools, "
        + "which a call has to wait for, or for a further page of a list.",
      example: "10s"),
  ]

  static let text: [Key] = [
    Key(
      name: "hidden", shape: .choice(["escape", "remove", "allow"], later: []),
      omitted: "`escape`",
      summary: "What becomes of characters that a reader would not see: written out as "
        + "`\\u{200b}`, left out, or left as they are.",
      example: "remove"),
    Key(
      name: "max_field", shape: .size(1024...256 << 20), omitted: "`messages.max_size`",
      summary: "The size of one string; a longer one is cut, and says so.", example: "64KiB"),
    Key(
      name: "max_list", shape: .size(1024...256 << 20), omitted: "`messages.max_size`",
      summary: "The size of a list of tools, resources or prompts; a longer one ends there.",
      example: "256KiB"),
    Key(
      name: "max_result", shape: .size(1024...256 << 20), omitted: "`messages.max_size`",
      summary: "The size of any other result; a larger one is refused, and the reason given.",
      example: "512KiB"),
  ]

  static let audit: [Key] = [
    Key(
      name: "arguments", shape: .choice(["none", "shape", "full"], later: ["redacted"]),
      omitted: "`shape`",
      summary: "What is kept of a call's arguments: nothing, keys with types and sizes, or all.",
      example: "shape"),
    Key(
      name: "retention", shape: .anything,
      status: .later(hint: "remove it; records are kept until someone removes them"),
      summary: "How long records are kept.", example: "90d"),
  ]

  private static func nothing(_ what: String) -> Key {
    Key(
      name: "allow", shape: .emptyList, omitted: "`[]`",
      summary: "What of the \(what) is let through: nothing in this version.", example: "[]")
  }
}

/// What a variable's value must be.
enum VariableType: String, CaseIterable, Sendable {
  case string
  case directory
  case file
  case integer
  case boolean

  /// A value as one would give it to `--set`.
  var example: String {
    switch self {
    case .string: "TEXT"
    case .directory: "/path/to/directory"
    case .file: "/path/to/file"
    case .integer: "10"
    case .boolean: "true"
    }
  }
}
