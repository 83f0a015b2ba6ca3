internal import Linux

extension RuntimeSearch {
  func isNodeName(_ name: String) -> Bool {
    ["node", "nodejs", "bun", "deno"].contains { PathText.same($0, name) }
  }

  /// Grants a Node interpreter and the package that its first operand belongs to.
  mutating func addNode(_ path: String, arguments: [String]) throws(RuntimeError) {
    let real = try addInterpreter(path, "Node interpreter")
    // Debian's build keeps part of Node's own modules outside the executable.
    for directory in ["/usr/share/nodejs", "/usr/lib/\(ELF.triple)/nodejs"]
    where PathText.same(PathText.parent(real), "/usr/bin") {
      try grantIfThere(directory, executable: true, "Node's own modules", neededBy: real)
    }
    try addZones(for: PathText.name(path))
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      let takesValue = [
        "-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions",
        "--env-file",
      ]
      if takesValue.contains(where: { PathText.same($0, argument) }) {
        rest = rest.dropFirst()
        continue
      }
      if ["-e", "--eval", "-p", "--print", "-"].contains(where: { PathText.same($0, argument) }) {
        return
      }
      if argument.utf8.first == UInt8(ascii: "-") { continue }
      try addNodeScript(argument)
      return
    }
  }

  /// Node resolves links first and looks for packages from the real path upwards.
  private mutating func addNodeScript(_ argument: String) throws(RuntimeError) {
    let path = PathText.absolute(argument, from: request.workingDirectory)
    guard let found = try resolve(path) else {
      throw .missing(path: path, neededBy: request.command.first ?? path)
    }
    noteLauncher(PathText.name(path))
    guard let root = try packageRoot(of: found.real) else {
      try addScriptFile(
        path, suffixes: [".js", ".mjs", ".cjs", ".json", ".node"], package: "package.json")
      return
    }
    try grant(path, executable: true, "script", neededBy: path)
    findings.append("Node package \(root)")
    guard try grantIfThere(root, executable: true, "Node package", neededBy: path) else {
      try addScriptFile(
        path, suffixes: [".js", ".mjs", ".cjs", ".json", ".node"], package: "package.json")
      return
    }
    try addEnclosingModules(of: root, path)
  }

  /// The nearest directory above `real` with a `package.json` that names a package; the ones that
  /// only say "type" belong to it.
  private func packageRoot(of real: String) throws(RuntimeError) -> String? {
    var directory = PathText.parent(real)
    var nearest: String?
    while PathText.components(directory).count > 0 {
      let file = PathText.join(directory, "package.json")
      if isFile(file) {
        nearest = nearest ?? directory
        if try head(file, 65536).contains(sequence: "\"name\"") { return directory }
      }
      if PathText.same(PathText.name(directory), "node_modules") { break }
      // What was installed in a virtual environment has no claim on the project around it.
      if resolveIfSeen(PathText.join(directory, "pyvenv.cfg")) != nil { break }
      directory = PathText.parent(directory)
    }
    return nearest
  }

  /// The `node_modules` that a package lies in, where its dependencies are its neighbours: not
  /// for a global install, which keeps them inside the package.
  private mutating func addEnclosingModules(of root: String, _ path: String) throws(RuntimeError) {
    let components = PathText.components(root)
    var directories: [String] = []
    for (index, component) in components.enumerated()
    where PathText.same(component, "node_modules") {
      directories.append("/" + components[...index].joined(separator: "/"))
    }
    // pnpm: the outermost one holds the store that all links lead to.
    let usesStore = components.contains { PathText.same($0, ".pnpm") }
    guard let enclosing = usesStore ? directories.first : directories.last else {
      // A project of its own: dependencies may be hoisted above it.
      var above = PathText.parent(root)
      while PathText.components(above).count > 0 {
        try grantIfThere(
          PathText.join(above, "node_modules"), within: above, executable: true, "Node packages",
          neededBy: path)
        above = PathText.parent(above)
      }
      return
    }
    let parent = PathText.parent(enclosing)
    let marks = [
      PathText.join(enclosing, ".package-lock.json"), PathText.join(enclosing, ".yarn-integrity"),
      PathText.join(enclosing, ".modules.yaml"), PathText.join(parent, "package.json"),
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
