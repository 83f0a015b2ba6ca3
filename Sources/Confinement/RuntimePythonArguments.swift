internal import Linux

/// What the command line of a Python interpreter says, read as Python reads it
/// (`Python/getopt.c`): options of one letter may stand together, and the last one's value may
/// follow at once.
struct PythonArguments {
  /// What is run.
  enum Target {
    /// Neither a file nor a module: code in the arguments, standard input, or nothing.
    case nothing
    /// A file or a directory.
    case script(String)
    /// A module by its dotted name.
    case module(String)
  }

  private(set) var target = Target.nothing
  /// Whether the working directory is left out of the places of modules (`-I`, `-P`).
  private(set) var isSafePath = false
  /// Whether the user's own packages are left out, or cannot be found (`-I`, `-s`, `-E`).
  private(set) var isWithoutUser = false

  init(_ arguments: [String]) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      let bytes = argument.utf8
      guard bytes.first == UInt8(ascii: "-"), bytes.count > 1 else {
        if bytes.count > 0, bytes.first != UInt8(ascii: "-") { target = .script(argument) }
        return
      }
      if Paths.equal(argument, "--") {
        if let script = rest.first { target = .script(script) }
        return
      }
      if bytes.starts(with: "--".utf8) {
        if Paths.equal(argument, "--check-hash-based-pycs") { rest = rest.dropFirst() }
        continue
      }
      if read(cluster: Substring(bytes.dropFirst()), &rest) { return }
    }
  }

  /// Reads letters behind one `-`; whether they say what is run.
  private mutating func read(cluster: Substring, _ rest: inout ArraySlice<String>) -> Bool {
    var letters = cluster.utf8
    while let letter = letters.popFirst() {
      switch letter {
      case UInt8(ascii: "c"): return true
      case UInt8(ascii: "m"):
        if let name = letters.isEmpty ? rest.first : String(Substring(letters)) {
          target = .module(name)
        }
        return true
      case UInt8(ascii: "W"), UInt8(ascii: "X"):
        if letters.isEmpty { rest = rest.dropFirst() }
        return false
      case UInt8(ascii: "I"):
        isSafePath = true
        isWithoutUser = true
      case UInt8(ascii: "P"): isSafePath = true
      case UInt8(ascii: "s"), UInt8(ascii: "E"): isWithoutUser = true
      default: continue
      }
    }
    return false
  }
}

extension RuntimeSearch {
  /// How files that Python imports end.
  static var pythonModules: [String] { [".py", ".so"] }

  /// Grants what the arguments of an interpreter name: a script with the modules beside it, a
  /// directory, or a module in the working directory with those beside it.
  mutating func addPythonArguments(_ arguments: [String]) throws(RuntimeError) {
    let read = PythonArguments(arguments)
    switch read.target {
    case .nothing: return
    case .script(let script):
      try addScriptFile(script, suffixes: Self.pythonModules, package: "__init__.py")
    case .module(let module):
      if !read.isSafePath { try addModule(module) }
    }
  }

  /// `-m NAME` from the working directory, which Python searches first.
  private mutating func addModule(_ module: String) throws(RuntimeError) {
    let directory = request.workingDirectory
    guard let path = modulePath(module, in: directory) else { return }
    let name = "python -m \(module)"
    guard try grantIfThere(path, executable: true, "module \(module)", neededBy: name) else {
      return
    }
    guard let place = resolveIfSeen(directory) else { return }
    try addModules(
      in: place.real, suffixes: Self.pythonModules, package: "__init__.py",
      except: path, "beside the module", neededBy: name)
  }

  /// The file or directory in `directory` that holds the module of a dotted name; nil if none.
  ///
  /// A directory without `__init__.py` counts only when the rest of the name is in it: Python
  /// takes such a one last, and a mere name must not open a directory.
  func modulePath(_ module: String, in directory: String) -> String? {
    let parts = module.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let first = parts.first, parts.allSatisfy({ !$0.isEmpty }),
      !module.utf8.contains(UInt8(ascii: "/"))
    else { return nil }
    let package = Paths.join(directory, first)
    if isFile(Paths.join(package, "__init__.py")) { return package }
    if isFile(package + ".py") { return package + ".py" }
    let rest = ([package] + parts.dropFirst()).joined(separator: "/")
    var candidates = [rest + "/__main__.py"]
    if parts.count > 1 { candidates += [rest + ".py", rest + "/__init__.py"] }
    return candidates.contains(where: isFile) ? package : nil
  }
}
