internal import Linux
internal import Profile

extension RuntimeSearch {
  /// How a program file is started.
  enum Form {
    /// By the kernel itself.
    case native
    /// By an interpreter that its first line names, with at most one argument.
    case script(interpreter: String, argument: String?)
  }

  /// Finds out what the server's own command needs, as far as its preset goes.
  mutating func addCommand(_ path: String, arguments: [String]) throws(RuntimeError) {
    switch request.preset {
    case .none:
      let real = try resolve(path)?.real ?? path
      guard case .native = try form(of: real) else {
        try grant(path, executable: true, "command", neededBy: path)
        findings.append("\(path) is a script, and the preset none grants no interpreter")
        return
      }
      try addNative(path, "command")
    case .static:
      let real = try resolve(path)?.real ?? path
      guard case .native = try form(of: real) else {
        throw .notExecutable(path: path, why: "a script, and the preset is static")
      }
      try addNative(path, "command")
    case .auto, .python, .node:
      try addProgram(path, arguments: arguments)
    }
  }

  /// Finds out what one program needs, whatever kind it is.
  ///
  /// - Parameters:
  ///   - path: where it was found; may be a link.
  ///   - arguments: what follows it on the command line.
  ///   - depth: how many interpreters led here; the kernel itself gives up at 5.
  mutating func addProgram(
    _ path: String, arguments: [String], depth: Int = 0
  ) throws(RuntimeError) {
    guard depth < 5 else { throw .notExecutable(path: path, why: "too many interpreters") }
    guard let found = try resolve(path) else { throw .missing(path: path, neededBy: path) }
    guard found.status.kind == .regular else {
      throw .notExecutable(path: path, why: "not a regular file")
    }
    switch try form(of: found.real) {
    case .native: try addNativeProgram(path, found, arguments)
    case .script(let interpreter, let argument):
      try addScript(path, interpreter, argument, arguments, depth)
    }
  }

  private mutating func addNativeProgram(
    _ path: String, _ found: ResolvedPath, _ arguments: [String]
  ) throws(RuntimeError) {
    let names = [Paths.name(path), Paths.name(found.real)]
    if names.contains(where: isPythonName) {
      try addPython(path, arguments: arguments)
    } else if names.contains(where: isNodeName) {
      try addNode(path, arguments: arguments)
    } else {
      try addNative(path, "program")
      try addCompanions(of: found.real)
      noteLauncher(names[0])
    }
  }

  private mutating func addScript(
    _ path: String, _ interpreter: String, _ argument: String?, _ arguments: [String], _ depth: Int
  ) throws(RuntimeError) {
    guard interpreter.utf8.first == UInt8(ascii: "/") else {
      throw .notExecutable(path: path, why: "its interpreter \(interpreter) is a relative path")
    }
    guard try resolve(interpreter) != nil else {
      throw .missing(path: interpreter, neededBy: path)
    }
    try grant(path, executable: true, "script", neededBy: path)
    guard try follows(interpreter, from: path) else { return noteStranger(interpreter, path) }
    let name = Paths.name(interpreter)
    if Paths.equal(name, "env") {
      try addNative(interpreter, "starts \(Paths.name(path))")
      guard let command = envCommand(argument) else {
        throw .notExecutable(path: path, why: "its first line names no program for env")
      }
      // Not a missing file: env looks in the search path, like a command.
      let target: String
      do { target = try find(command) } catch .notFound(let command, let lookedIn) {
        throw .missing(
          path: "\(command) (in \(lookedIn.joined(separator: ", ")))", neededBy: path)
      }
      guard try follows(command: command, at: target, from: path) else {
        return noteStranger(target, path)
      }
      try addProgram(target, arguments: [path] + arguments, depth: depth + 1)
    } else if isShellName(name) {
      try addNative(interpreter, "shell of \(Paths.name(path))")
      try addShellScript(path, arguments, depth)
    } else {
      try addProgram(interpreter, arguments: [path] + arguments, depth: depth + 1)
    }
    try noteUnknownInterpreter(interpreter, argument, of: path)
    // The line's own argument is not looked at: options mean nothing here, and a path in it is
    // the word of whoever wrote the script.
  }

  /// Says so when an interpreter's own modules are not found, because no preset knows it.
  private mutating func noteUnknownInterpreter(
    _ interpreter: String, _ argument: String?, of path: String
  ) throws(RuntimeError) {
    var name = Paths.name(interpreter)
    var real = try resolve(interpreter)?.real ?? interpreter
    if Paths.equal(name, "env"), let command = envCommand(argument) {
      real = try find(command)
      name = Paths.name(real)
      real = try resolve(real)?.real ?? real
    }
    let names = [name, Paths.name(real)]
    guard
      !names.contains(where: { isPythonName($0) || isNodeName($0) || isShellName($0) }),
      case .native = try form(of: real)
    else { return }
    findings.append(
      "\(path) is a script of \(name), which no preset knows: what else it reads, such as the "
        + "interpreter's own modules, must be in filesystem.read")
  }

  /// Looks at the first line of a file as the kernel does (execve(2)).
  func form(of real: String) throws(RuntimeError) -> Form {
    let head = try head(real, 256)
    if ELF.isELF(head) { return .native }
    guard head.starts(with: "#!".utf8) else {
      throw .notExecutable(
        path: real, why: "neither a program for this system nor a script with a #! line")
    }
    let line = head.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
    guard line.count < 254, let text = String(validating: line, as: UTF8.self) else {
      throw .notExecutable(path: real, why: "its #! line is too long or not UTF-8")
    }
    let blank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    let trimmed = text.utf8.drop(while: blank)
    let name = trimmed.prefix { !blank($0) && $0 != UInt8(ascii: "\r") }
    if name.endIndex < text.utf8.endIndex, text.utf8[name.endIndex] == UInt8(ascii: "\r") {
      throw .notExecutable(path: real, why: "its #! line ends with a carriage return")
    }
    guard !name.isEmpty else { throw .notExecutable(path: real, why: "its #! line is empty") }
    var rest = trimmed[name.endIndex...].drop(while: blank)
    while let last = rest.last, blank(last) { rest = rest.dropLast() }
    return .script(
      interpreter: String(Substring(name)),
      argument: rest.isEmpty ? nil : String(Substring(rest)))
  }

  /// What `env` starts: the first word that is no option and no assignment (env(1)).
  private func envCommand(_ argument: String?) -> String? {
    var words = (argument ?? "").split(separator: " ").map(String.init)
    while let first = words.first {
      let isOption = first.utf8.first == UInt8(ascii: "-")
      guard isOption || first.utf8.contains(UInt8(ascii: "=")) else { break }
      words.removeFirst()
    }
    return words.first
  }

  private func isShellName(_ name: String) -> Bool {
    ["sh", "bash", "dash", "ash", "zsh", "ksh"].contains { Paths.equal($0, name) }
  }

  // MARK: shell scripts

  /// Follows a shell script to the program that it becomes, in the forms that installers write.
  private mutating func addShellScript(
    _ path: String, _ arguments: [String], _ depth: Int
  ) throws(RuntimeError) {
    for line in try lines(path, 8192).dropFirst().prefix(64) {
      guard let target = ShellExec.target(of: line, script: path) else { continue }
      guard try resolve(target.program) != nil else {
        throw .missing(path: target.program, neededBy: path)
      }
      guard try follows(target.program, from: path) else {
        return noteStranger(target.program, path)
      }
      var operands = target.runsItself ? [path] : []
      for operand in target.operands where operands.isEmpty {
        if try isBeside(path, operand) { operands = [operand] }
      }
      try addProgram(target.program, arguments: operands + arguments, depth: depth + 1)
      return
    }
    findings.append(
      "\(path) is a shell script: the programs that it starts must be in server.programs")
  }

  /// Directories that a program is known to use beside its own file.
  private mutating func addCompanions(of real: String) throws(RuntimeError) {
    guard Paths.equal(Paths.name(real), "git") else { return }
    let prefix = Paths.parent(Paths.parent(real))
    for (directory, reason) in [
      ("lib/git-core", "git's own commands"), ("libexec/git-core", "git's own commands"),
      ("share/git-core", "git's templates"),
    ] {
      try grantIfThere(
        Paths.join(prefix, directory), within: prefix, executable: true, reason, neededBy: real)
    }
  }

  mutating func noteLauncher(_ name: String) {
    if let finding = RuntimeDiscovery.launcherNote(name) { findings.append(finding) }
  }
}

extension RuntimeDiscovery {
  /// What to know of a command that fetches the server before it starts it; nil for any other.
  public static func launcherNote(_ command: String) -> String? {
    let name = Paths.name(command)
    let launchers = ["uvx", "uv", "npx", "npm", "pnpx", "pipx", "bunx"]
    guard launchers.contains(where: { Paths.equal($0, name) }) else { return nil }
    return "\(name) fetches what it starts from the network, which the cell does not have: "
      + "install the server first and name its own command"
  }
}

/// The `exec` lines that installers of Python and Node programs write into shell scripts.
enum ShellExec {
  /// What a line makes the shell become.
  struct Target {
    /// An absolute path.
    var program: String
    /// Whether the program is given the script itself to read.
    var runsItself: Bool
    /// Absolute paths that follow the program.
    var operands: [String] = []
  }

  /// Reads a line: `'''exec' "/path/python" "$0" "$@"` of long interpreter paths (pip, uv), and
  /// `exec "$basedir/node" "$basedir/../tool.js" "$@"` and plain `exec /path …`.
  static func target(of line: String, script: String) -> Target? {
    var text = Substring(line)
    while text.utf8.first == 0x20 || text.utf8.first == 0x09 { text = text.dropFirst() }
    let starts = ["'''exec' ", "''':' ; exec ", "exec "]
    guard let start = starts.first(where: { text.utf8.starts(with: $0.utf8) }) else { return nil }
    let words = Self.words(String(text.utf8.dropFirst(start.utf8.count)) ?? "").map {
      word in
      let directory = Paths.parent(script)
      let plain = Paths.replacing("$basedir", in: word, with: directory)
      return Paths.replacing("${basedir}", in: plain, with: directory)
    }
    guard let program = words.first, program.utf8.first == UInt8(ascii: "/"),
      !program.utf8.contains(UInt8(ascii: "$"))
    else { return nil }
    let operands = words.dropFirst().filter {
      $0.utf8.first == UInt8(ascii: "/") && !$0.utf8.contains(UInt8(ascii: "$"))
    }
    let itself = words.count > 1 && Paths.equal(words[1], "$0")
    return Target(program: program, runsItself: itself, operands: Array(operands))
  }

  /// Splits at blanks outside quotes; no escapes.
  private static func words(_ text: String) -> [String] {
    var words: [[UInt8]] = []
    var current: [UInt8]?
    var quote: UInt8?
    for byte in text.utf8 {
      switch (byte, quote) {
      case (let end, let open?) where end == open: quote = nil
      case (_, .some): current = (current ?? []) + [byte]
      case (UInt8(ascii: "\""), nil), (UInt8(ascii: "'"), nil):
        quote = byte
        current = current ?? []
      case (0x20, nil), (0x09, nil):
        if let word = current { words.append(word) }
        current = nil
      default: current = (current ?? []) + [byte]
      }
    }
    if let word = current { words.append(word) }
    return words.compactMap { String(validating: $0, as: UTF8.self) }
  }
}
