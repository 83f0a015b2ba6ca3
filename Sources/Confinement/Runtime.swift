public import Profile

/// The question to `RuntimeDiscovery`: a command and where to look for it.
public struct RuntimeRequest: Sendable {
  /// What kind of program the command is.
  public var preset: Preset
  /// The command and its arguments, at least one.
  public var command: [String]
  /// Further programs that the server starts, looked up like the command.
  public var programs: [String]
  /// Absolute directories to search for a command without `/`, in order; `RuntimeDiscovery
  /// .standardSearchPath` if the profile sets no `PATH`.
  public var searchPath: [String]
  /// The absolute directory that relative commands with `/` and script arguments start from.
  public var workingDirectory: String
  /// The caller's `HOME`, which is never granted as a whole; nil if it is not set.
  public var home: String?
  /// The caller's id, whose account says what the home directory is when `HOME` does not.
  public var user: UInt32?

  /// Asks about `command`.
  public init(
    preset: Preset, command: [String], programs: [String] = [],
    searchPath: [String] = RuntimeDiscovery.standardSearchPath, workingDirectory: String = "/",
    home: String? = nil, user: UInt32? = nil
  ) {
    self.preset = preset
    self.command = command
    self.programs = programs
    self.searchPath = searchPath
    self.workingDirectory = workingDirectory
    self.home = home
    self.user = user
  }
}

/// A file or directory that a runtime needs to see, and why.
public struct RuntimeGrant: Hashable, Sendable {
  /// Where it is, with every link resolved.
  public var path: String
  /// Whether everything below it is granted too.
  public var isDirectory: Bool
  /// Whether files may be executed or mapped as code.
  public var executable: Bool
  /// Why it is needed, as `check` shows it.
  public var reason: String
  /// The links by which the runtime reaches it, for the cell to make again.
  public var links: [PathLink]
}

/// What a command needs in order to start: nothing beside it is granted.
public struct RuntimeDiscovery: Sendable {
  /// The path to execute, absolute; it may be a link that is among `grants`.
  public internal(set) var executable: String = ""
  /// What replaces the command's first word as the program's name (`argv[0]`): what stands behind
  /// a shim finds its own installation by it; nil for the word itself.
  public internal(set) var programName: String?
  /// What to grant for reading, each path once, no path below another's directory.
  public internal(set) var grants: [RuntimeGrant] = []
  /// The directories where commands were looked for; those of them that the cell has are its own
  /// `PATH`, so that the server finds what was found for it.
  public internal(set) var searchPath: [String] = standardSearchPath
  /// Why a module is granted that lies beside a script.
  static let besideScript = "beside the script"
  /// Variables to set unless the profile sets them.
  public internal(set) var environment: [(String, String)] = []
  /// The homes of people on this machine; nil when nothing was looked for.
  var homes: HomeDirectories?
  /// What was found, one sentence each, for `check`.
  public internal(set) var findings: [String] = []

  /// Nothing found, as of a profile that names no command.
  public init() {}

  /// Where a command without `/` is looked up when the profile sets no `PATH`.
  ///
  /// The caller's own `PATH` is not used: graphical clients hand over a bare one, and a profile
  /// should find the same program whoever starts it.
  public static let standardSearchPath = ["/usr/local/bin", "/usr/bin", "/bin"]

  /// Finds out what the command and the further programs need.
  ///
  /// - Throws: `RuntimeError`.
  public static func discover(
    _ request: RuntimeRequest, files: some FileLookup
  ) throws(RuntimeError) -> RuntimeDiscovery {
    var search = try RuntimeSearch(request, files)
    var result = RuntimeDiscovery()
    guard let command = request.command.first else {
      throw .notFound(command: "", lookedIn: request.searchPath)
    }
    var path = try search.find(command)
    if let program = try search.behindShim(path) {
      search.findings.append("\(path) is a shim of pyenv for \(program)")
      path = program
      result.programName = program
    }
    try search.addCommand(path, arguments: Array(request.command.dropFirst()))
    for (index, program) in request.programs.enumerated() {
      do {
        let found = try search.find(program)
        try search.addProgram(try search.behindShim(found) ?? found, arguments: [])
      } catch { throw .program(index, error) }
    }
    result.executable = path
    result.searchPath = request.searchPath
    result.grants = search.finished()
    result.environment = search.environment
    result.findings = search.findings
    result.homes = search.homes
    return result
  }
}
