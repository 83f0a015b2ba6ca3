internal import Linux

extension RuntimeSearch {
  func isNodeName(_ name: String) -> Bool {
    ["node", "nodejs", "bun", "deno"].contains { Paths.equal($0, name) }
  }

  /// Grants a Node interpreter and the package that its first operand belongs to.
  mutating func addNode(_ path: String, arguments: [String]) throws(RuntimeError) {
    let real = try addInterpreter(path, "Node interpreter")
    // Debian's build keeps part of Node's own modules outside the executable.
    for directory in ["/usr/share/nodejs", "/usr/lib/\(ELF.triple)/nodejs"]
    where Paths.equal(Paths.parent(real), "/usr/bin") {
      try grantIfThere(directory, executable: true, "Node's own modules", neededBy: real)
    }
    try addZones(for: Paths.name(path))
    let hasVerb = [path, real].map(Paths.name).contains { name in
      ["bun", "deno"].contains { Paths.equal($0, name) }
    }
    try addNodeArguments(arguments, of: path, hasVerb: hasVerb)
  }

  /// Options that take the next argument as their value (node(1)).
  private static var nodeValues: [String] {
    [
      "-C", "--conditions", "--cpu-prof-dir", "--cpu-prof-interval", "--cpu-prof-name",
      "--debug-port", "--diagnostic-dir", "--disable-proto", "--disable-warning",
      "--dns-result-order", "--env-file", "--env-file-if-exists", "--experimental-default-type",
      "--heap-prof-dir", "--heap-prof-interval", "--heap-prof-name", "--heapsnapshot-signal",
      "--icu-data-dir", "--input-type", "--inspect-port", "--localstorage-file",
      "--max-http-header-size", "--openssl-config", "--redirect-warnings", "--report-dir",
      "--report-directory", "--report-filename", "--report-signal", "--secure-heap",
      "--secure-heap-min", "--stack-trace-limit", "--title", "--tls-cipher-list", "--tls-keylog",
      "--trace-event-categories", "--trace-event-file-pattern", "--unhandled-rejections",
      "--use-largepages", "--v8-pool-size", "--watch-path",
    ]
  }

  /// Options whose value is a module that is loaded before the script.
  private static var nodeModules: [String] {
    ["-r", "--require", "--import", "--loader", "--experimental-loader", "--preload"]
  }

  /// Grants the script and the preloaded modules that the arguments name.
  ///
  /// - Parameter hasVerb: whether a script may come after the word `run`, as with Bun and Deno.
  private mutating func addNodeArguments(
    _ arguments: [String], of program: String, hasVerb: Bool
  ) throws(RuntimeError) {
    var rest = arguments[...]
    var mayBeVerb = hasVerb
    while let argument = rest.popFirst() {
      func isAmong(_ options: [String]) -> Bool {
        options.contains { Paths.equal($0, argument) }
      }
      if isAmong(Self.nodeModules) {
        if let module = rest.popFirst() { try addPreloaded(module, program) }
        continue
      }
      if let equals = argument.utf8.firstIndex(of: UInt8(ascii: "=")),
        Self.nodeModules.contains(where: { argument.utf8[..<equals].elementsEqual($0.utf8) })
      {
        let module = argument.utf8[argument.utf8.index(after: equals)...]
        try addPreloaded(String(Substring(module)), program)
        continue
      }
      if isAmong(Self.nodeValues) {
        rest = rest.dropFirst()
        continue
      }
      if isAmong(["-e", "--eval", "-p", "--print", "-pe", "-"]) { return }
      if argument.utf8.first == UInt8(ascii: "-") { continue }
      if mayBeVerb, Paths.equal(argument, "run") {
        mayBeVerb = false
        continue
      }
      return try addNodeScript(argument, program, typed: hasVerb)
    }
  }

  /// A module named by its path; those named otherwise are looked for in `node_modules`.
  private mutating func addPreloaded(_ module: String, _ program: String) throws(RuntimeError) {
    let isPath = ["/", "./", "../"].contains { module.utf8.starts(with: $0.utf8) }
    guard isPath else { return }
    let path = Paths.absolute(module, from: request.workingDirectory)
    guard let file = nodeFile(at: path) else {
      findings.append("nothing is at \(path), which \(program) is told to load first")
      return
    }
    try grantIfThere(file, executable: true, "preloaded module", neededBy: program)
  }

  /// The file that Node loads for a path without its ending, or for a directory; nil if none.
  private func nodeFile(at path: String) -> String? {
    if isFile(path) { return path }
    for ending in [".js", ".mjs", ".cjs", "/package.json", "/index.js"] where isFile(path + ending)
    {
      return path + ending
    }
    return nil
  }

  /// Node resolves links first and looks for packages from the real path upwards.
  private mutating func addNodeScript(
    _ argument: String, _ program: String, typed: Bool
  ) throws(RuntimeError) {
    let written = Paths.absolute(argument, from: request.workingDirectory)
    guard let path = nodeFile(at: written), let found = try resolve(path) else {
      // It may be the value of an option that is not known here, or a file of another cell.
      findings.append("nothing is at \(written), which \(program) is told to run")
      return
    }
    let suffixes = [".js", ".mjs", ".cjs", ".json", ".node"] + (typed ? [".ts", ".mts"] : [])
    noteLauncher(Paths.name(path))
    guard let root = try packageRoot(of: found.real) else {
      return try addScriptFile(path, suffixes: suffixes, package: "package.json")
    }
    try grant(path, executable: true, "script", neededBy: path)
    findings.append("Node package \(root)")
    guard try grantIfThere(root, executable: true, "Node package", neededBy: path) else {
      return try addScriptFile(path, suffixes: suffixes, package: "package.json")
    }
    try addEnclosingModules(of: root, path)
  }

  /// The nearest directory above `real` with a `package.json` that names a package; the ones that
  /// only say "type" belong to it. What else has none is a project of its own, whatever lies around it.
  private func packageRoot(of real: String) throws(RuntimeError) -> String? {
    var directory = Paths.parent(real)
    var nearest: String?
    while Paths.components(directory).count > 0 {
      let file = Paths.join(directory, "package.json")
      if isFile(file) {
        nearest = nearest ?? directory
        let text = try head(file, 65536)
        let isProject = Self.marksOfProjects.contains { text.contains(sequence: $0) }
        if isProject { return directory }
        if isDirectory(Paths.join(directory, "node_modules")) { return directory }
      }
      if Paths.equal(Paths.name(directory), "node_modules") { break }
      // What was installed in a virtual environment has no claim on the project around it.
      if resolveIfSeen(Paths.join(directory, "pyvenv.cfg")) != nil { break }
      directory = Paths.parent(directory)
    }
    return nearest
  }

  /// What stands in the `package.json` of a package or a project, and not in one that only says what kind
  /// of modules lie beside it.
  private static var marksOfProjects: [StaticString] {
    [
      "\"name\"", "\"version\"", "\"private\"", "\"dependencies\"", "\"devDependencies\"",
      "\"scripts\"", "\"bin\"", "\"workspaces\"",
    ]
  }

  /// The `node_modules` that a package lies in, where its dependencies are its neighbours: not
  /// for a global install, which keeps them inside the package.
  private mutating func addEnclosingModules(of root: String, _ path: String) throws(RuntimeError) {
    let components = Paths.components(root)
    var directories: [String] = []
    for (index, component) in components.enumerated()
    where Paths.equal(component, "node_modules") {
      directories.append("/" + components[...index].joined(separator: "/"))
    }
    // pnpm: the outermost one holds the store that all links lead to.
    let usesStore = components.contains { Paths.equal($0, ".pnpm") }
    guard let enclosing = usesStore ? directories.first : directories.last else {
      // A project of its own: dependencies may be hoisted above it.
      var above = Paths.parent(root)
      while Paths.components(above).count > 0 {
        try grantIfThere(
          Paths.join(above, "node_modules"), within: above, executable: true, "Node packages",
          neededBy: path)
        above = Paths.parent(above)
      }
      return
    }
    let parent = Paths.parent(enclosing)
    let marks = [
      Paths.join(enclosing, ".package-lock.json"), Paths.join(enclosing, ".yarn-integrity"),
      Paths.join(enclosing, ".modules.yaml"), Paths.join(parent, "package.json"),
    ]
    var isLocal = usesStore
    for mark in marks where !isLocal { isLocal = isFile(mark) }
    if isLocal {
      try grantIfThere(enclosing, executable: true, "Node packages", neededBy: path)
    }
  }
}

extension [UInt8] {
  /// Whether the bytes of `text` occur.
  func contains(sequence text: StaticString) -> Bool {
    let part = Array("\(text)".utf8)
    guard count >= part.count else { return false }
    return (0...(count - part.count)).contains { self[$0...].starts(with: part) }
  }
}
