internal import Linux

extension RuntimeSearch {
  func isPythonName(_ name: String) -> Bool {
    let name = name.utf8
    return name.starts(with: "python".utf8) || name.starts(with: "pypy".utf8)
  }

  /// Grants a Python interpreter, its standard library, the virtual environment it belongs to,
  /// and the script or module that the arguments name.
  ///
  /// Which environment it is says the path by which it is started, links not followed, as
  /// Python's own start does (`Modules/getpath.py`).
  mutating func addPython(_ path: String, arguments: [String]) throws(RuntimeError) {
    let real = try addInterpreter(path, "Python interpreter")
    let environment = try virtualEnvironment(of: path)
    let base = Paths.parent(Paths.parent(real))
    var known = environment.flatMap(\.version) ?? versionInName(real)
    if known == nil { known = try versionInstalled(in: base) }
    guard let version = known else {
      findings.append("the standard library of \(real) was not found")
      return
    }
    let library = "python\(version)"
    try addStandardLibrary(library, prefix: base, interpreter: real)
    if let environment {
      try addEnvironment(environment, library, interpreter: path)
    }
    if environment?.includesSystem ?? true {
      try addSystemPackages(library, prefix: base, interpreter: real)
      if environment == nil { try addUserPackages(library, arguments, interpreter: real) }
    }
    try addZones(for: Paths.name(path))
    try addPythonArguments(arguments)
  }

  // MARK: the interpreter's own files

  private mutating func addStandardLibrary(
    _ library: String, prefix: String, interpreter: String
  ) throws(RuntimeError) {
    guard Paths.equal(Paths.name(Paths.parent(interpreter)), "bin") else {
      findings.append("\(interpreter) is in no directory bin, so its library is not looked for")
      return
    }
    var found = false
    for directory in ["lib", "lib64"] {
      let path = Paths.join(Paths.join(prefix, directory), library)
      found =
        try grantIfThere(
          path, within: prefix, executable: true, "Python's standard library",
          neededBy: interpreter) || found
    }
    if !found {
      findings.append("the standard library of \(interpreter) is not in \(prefix)/lib/\(library)")
    }
    // A distribution of its own (pyenv, uv, conda) carries libraries beside the standard one.
    guard !["/usr", "/usr/local", "/"].contains(where: { Paths.equal($0, prefix) }) else {
      return
    }
    let directory = Paths.join(prefix, "lib")
    let libraries = names(in: directory) { $0.starts(with: "lib".utf8) }.filter {
      Paths.replacing(".so", in: $0, with: "").utf8.count < $0.utf8.count
    }
    if libraries.count > 16 {
      try grantIfThere(
        directory, within: prefix, executable: true, "libraries of this Python",
        neededBy: interpreter)
      return
    }
    for name in libraries {
      try grantIfThere(
        Paths.join(directory, name), within: prefix, executable: true,
        "library of this Python", neededBy: interpreter)
    }
  }

  private mutating func addSystemPackages(
    _ library: String, prefix: String, interpreter: String
  ) throws(RuntimeError) {
    // Debian keeps the packages of all versions, and those of its own pip, outside lib/pythonX.Y.
    let places = [
      (Paths.join(prefix, "lib/python3/dist-packages"), prefix),
      ("/usr/local/lib/\(library)/dist-packages", "/usr/local"),
    ]
    for (index, (place, root)) in places.enumerated()
    where index == 0 || Paths.equal(prefix, "/usr") {
      if try grantIfThere(
        place, within: root, executable: true, "Python packages of the system",
        neededBy: interpreter)
      {
        try addPathFiles(in: place, interpreter)
      }
    }
    try addPathFiles(in: Paths.join(prefix, "lib/\(library)/site-packages"), interpreter)
  }

  /// Packages of `pip install --user`, when the script was installed that way or the module that
  /// is run is among them.
  private mutating func addUserPackages(
    _ library: String, _ arguments: [String], interpreter: String
  ) throws(RuntimeError) {
    guard let home = homes.own else { return }
    let base = Paths.join(home, ".local")
    let scripts = Paths.join(base, "bin")
    let packages = Paths.join(base, "lib/\(library)/site-packages")
    let read = PythonArguments(arguments)
    guard !read.isWithoutUser else { return }
    switch read.target {
    case .nothing: return
    case .script: guard arguments.contains(where: { Paths.isBelow($0, scripts) }) else { return }
    case .module(let module): guard modulePath(module, in: packages) != nil else { return }
    }
    guard
      try grantIfThere(
        packages, within: base, executable: true, "your Python packages", neededBy: interpreter)
    else { return }
    // The cell has another home directory, so Python is told where they are.
    environment.append(("PYTHONUSERBASE", base))
    try addPathFiles(in: packages, interpreter)
  }

  private func versionInName(_ real: String) -> String? {
    PythonVersion.short(String(Paths.name(real).utf8.drop { !(0x30...0x39).contains($0) }) ?? "")
  }

  /// The newest version whose library is below `prefix`.
  private func versionInstalled(in prefix: String) throws(RuntimeError) -> String? {
    var best: (Int, String)?
    for name in names(
      in: Paths.join(prefix, "lib"),
      where: {
        $0.starts(with: "python3.".utf8)
      })
    {
      let version = String(name.utf8.dropFirst(6)) ?? ""
      let landmark = Paths.join(prefix, "lib/\(name)/os.py")
      guard let minor = Int(String(version.utf8.dropFirst(2)) ?? ""), isFile(landmark)
      else { continue }
      if best.map({ $0.0 < minor }) ?? true { best = (minor, version) }
    }
    return best?.1
  }

  // MARK: virtual environments

  /// What `pyvenv.cfg` says.
  struct VirtualEnvironment {
    /// The directory that holds `pyvenv.cfg`.
    var root: String
    /// `X.Y`, if it says so.
    var version: String?
    /// Whether the packages of the base installation are visible too.
    var includesSystem: Bool
    /// Where the base interpreter is.
    var home: String?
  }

  private func virtualEnvironment(
    of interpreter: String
  ) throws(RuntimeError) -> VirtualEnvironment? {
    let directory = Paths.parent(interpreter)
    for root in [directory, Paths.parent(directory)] {
      let file = Paths.join(root, "pyvenv.cfg")
      guard isFile(file) else { continue }
      var result = VirtualEnvironment(root: root, version: nil, includesSystem: false, home: nil)
      for line in try lines(file) {
        let parts = line.split(separator: "=", maxSplits: 1).map { PythonVersion.trim($0) }
        guard parts.count == 2 else { continue }
        switch parts[0] {
        case "version", "version_info": result.version = PythonVersion.short(parts[1])
        case "include-system-site-packages":
          result.includesSystem = Paths.equal(parts[1].lowercased(), "true")
        case "home": result.home = parts[1]
        default: break
        }
      }
      return result
    }
    return nil
  }

  private mutating func addEnvironment(
    _ environment: VirtualEnvironment, _ library: String, interpreter: String
  ) throws(RuntimeError) {
    let root = environment.root
    findings.append("virtual environment \(root), Python in \(environment.home ?? "?")")
    try grantIfThere(
      Paths.join(root, "pyvenv.cfg"), within: root, executable: false, "virtual environment",
      neededBy: interpreter)
    for directory in ["lib", "lib64"] {
      let packages = Paths.join(root, "\(directory)/\(library)")
      if try grantIfThere(
        packages, within: root, executable: true, "packages of the virtual environment",
        neededBy: interpreter)
      {
        try addPathFiles(in: Paths.join(packages, "site-packages"), interpreter, root: root)
      }
    }
    try grantIfThere(
      Paths.join(root, "share"), within: root, executable: false,
      "data of the virtual environment",
      neededBy: interpreter)
  }

  // MARK: paths that packages add

  /// Looks at what `.pth` files and the finders of editable installs in `directory` name.
  ///
  /// These files come with packages, so what they say is not taken for granted: only modules of
  /// the project that the virtual environment lies in are. Other paths are reported, for the
  /// profile's author to grant.
  private mutating func addPathFiles(
    in directory: String, _ interpreter: String, root: String? = nil
  ) throws(RuntimeError) {
    guard let place = resolveIfSeen(directory), visited.insert(PathKey(place.real)).inserted else {
      return
    }
    let names = names(in: directory) {
      $0.suffix(4).elementsEqual(".pth".utf8)
        || $0.starts(with: "__editable__".utf8) && $0.suffix(10).elementsEqual("_finder.py".utf8)
    }.prefix(64)
    for name in names where name.utf8.last == UInt8(ascii: "h") {
      for line in try lines(Paths.join(directory, name)) {
        let text = PythonVersion.trim(Substring(line))
        guard !text.isEmpty, text.utf8.first != UInt8(ascii: "#"),
          !text.utf8.starts(with: "import ".utf8), !text.utf8.starts(with: "import\t".utf8)
        else { continue }
        try addNamedPath(Paths.absolute(text, from: directory), by: name, interpreter, root)
      }
    }
    for name in names where name.utf8.last == UInt8(ascii: "y") {
      for line in try lines(Paths.join(directory, name))
      where line.utf8.starts(with: "MAPPING".utf8) {
        for path in PythonVersion.quotedPaths(in: line) {
          try addNamedPath(path, by: name, interpreter, root)
        }
      }
    }
  }

  private mutating func addNamedPath(
    _ path: String, by file: String, _ interpreter: String, _ root: String?
  ) throws(RuntimeError) {
    guard let found = resolveIfSeen(path) else { return }
    if grants.contains(where: {
      Paths.equal($0.path, found.real) || Paths.isBelow(found.real, $0.path)
    }) {
      return
    }
    let project = root.flatMap { resolveIfSeen(Paths.parent($0)) }
    guard let project, !isTooWide(project.real),
      Paths.equal(found.real, project.real) || Paths.isBelow(found.real, project.real)
    else {
      findings.append(
        "\(file) adds \(found.real), which is not granted: if you trust it, add it to "
          + "filesystem.read, where native modules cannot be loaded")
      return
    }
    let isPackage = isFile(Paths.join(found.real, "__init__.py"))
    if found.status.kind == .regular {
      // A file of a project that is no module is none of a package's business.
      guard
        Self.pythonModules.contains(where: {
          found.real.utf8.suffix($0.utf8.count).elementsEqual($0.utf8)
        })
      else { return findings.append("\(file) adds \(found.real), which is no module") }
    }
    if found.status.kind == .regular || isPackage {
      try grantIfThere(
        found.real, executable: true, "editable package of \(file)", neededBy: interpreter)
    } else {
      try addModules(
        in: found.real, suffixes: Self.pythonModules, package: "__init__.py",
        "path that \(file) adds", neededBy: interpreter)
    }
  }
}

/// Small pieces of text that Python's files are made of.
enum PythonVersion {
  /// `X.Y` at the start of `text`; nil if there is none.
  static func short(_ text: String) -> String? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, let major = Int(parts[0]),
      let minor = Int(parts[1].prefix { $0.isNumber })
    else { return nil }
    return "\(major).\(minor)"
  }

  static func trim(_ text: Substring) -> String {
    let blank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
    var bytes = text.utf8.drop(while: blank)
    while let last = bytes.last, blank(last) { bytes = bytes.dropLast() }
    return String(Substring(bytes))
  }

  /// What is between quotes in `line` and begins with `/`.
  static func quotedPaths(in line: String) -> [String] {
    var paths: [String] = []
    var start: (quote: UInt8, index: String.Index)?
    for index in line.utf8.indices {
      let byte = line.utf8[index]
      guard byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") else { continue }
      if let open = start {
        guard byte == open.quote else { continue }
        let text = line[line.utf8.index(after: open.index)..<index]
        if text.utf8.first == UInt8(ascii: "/") { paths.append(String(text)) }
        start = nil
      } else {
        start = (byte, index)
      }
    }
    return paths
  }
}
