internal import Linux

extension RuntimeSearch {
  /// A script given to an interpreter, and the modules beside it that it can import: they are on
  /// its path, while other files of that directory are none of its business.
  mutating func addScriptFile(
    _ argument: String, suffixes: [String], package: String
  ) throws(RuntimeError) {
    let path = Paths.absolute(argument, from: request.workingDirectory)
    guard let found = try resolve(path) else {
      throw .missing(path: path, neededBy: request.command.first ?? path)
    }
    if found.status.kind == .directory {
      try grant(path, executable: true, "script directory", neededBy: path)
      return
    }
    try grant(path, executable: true, "script", neededBy: path)
    let directory = Paths.parent(found.real)
    // Installed commands stand side by side there; their modules are elsewhere.
    if Paths.equal(Paths.name(directory), "bin") { return }
    try addModules(
      in: directory, suffixes: suffixes, package: package,
      except: found.real, RuntimeDiscovery.besideScript, neededBy: path)
  }

  /// Grants the modules and packages directly in `directory`, and none of its other files.
  ///
  /// Links are left out: what may place one there must not decide what is granted.
  mutating func addModules(
    in directory: String, suffixes: [String], package: String, except script: String? = nil,
    _ reason: String, neededBy: String
  ) throws(RuntimeError) {
    var count = 0
    for name in names(in: directory, where: { _ in true }) {
      let path = Paths.join(directory, name)
      if let script, Paths.equal(path, script) { continue }
      let isModule = suffixes.contains { suffix in
        name.utf8.count > suffix.utf8.count
          && name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
      }
      if !isModule {
        guard isFile(Paths.join(path, package)) else { continue }
      }
      guard let found = resolveIfSeen(path), Paths.equal(found.real, path) else { continue }
      count += 1
      if count > 64 {
        findings.append(
          "\(directory) holds more than 64 modules; grant it in filesystem.read, where "
            + "native modules cannot be loaded")
        return
      }
      try grantIfThere(path, executable: true, reason, neededBy: neededBy)
    }
  }

  /// Grants the time zone data and this machine's zone.
  mutating func addZones(for program: String) throws(RuntimeError) {
    try grantIfThere(
      "/usr/share/zoneinfo", executable: false, "time zones", neededBy: program)
    try grantIfThere(
      "/etc/localtime", executable: false, "this machine's time zone",
      neededBy: program)
  }

  /// Replaces one of pyenv's shims, which ask pyenv at each start, by the program it stands for.
  func behindShim(_ path: String) throws(RuntimeError) -> String? {
    let directory = Paths.parent(path)
    let root = Paths.parent(directory)
    guard Paths.equal(Paths.name(directory), "shims"),
      isDirectory(Paths.join(root, "versions"))
    else { return nil }
    var files = [Paths.join(root, "version")]
    // The nearest .python-version above the working directory wins over the global choice.
    var place = request.workingDirectory
    var local: [String] = []
    while true {
      local.append(Paths.join(place, ".python-version"))
      if Paths.components(place).isEmpty { break }
      place = Paths.parent(place)
    }
    files = local + files
    for file in files where isFile(file) {
      for line in try lines(file) {
        let version = PythonVersion.trim(Substring(line))
        guard !version.isEmpty, !version.utf8.contains(UInt8(ascii: "/")) else { continue }
        let program = Paths.join(
          root, "versions/\(version)/bin/\(Paths.name(path))")
        if isFile(program) { return program }
      }
    }
    return nil
  }
}
