internal import Linux

/// Which of the places that a package names are believed.
///
/// A script's lines and a program's tables come from whoever wrote the package, and must not
/// choose which files of the host the cell gets. They are followed to what the package installed
/// itself, to the system's own programs, and to the Python or Node that it runs on.
///
/// *Limits.* A package can name another Python or Node installation than the one it was installed
/// with, and gets that one's own library; and an executable can name shared libraries anywhere,
/// of which those that are libraries for this machine are granted, file by file.
extension RuntimeSearch {
  /// Where the system keeps its programs.
  private static var systemPrograms: [String] {
    ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]
  }

  /// Where the loader and the libraries of the system are, on one system or another: these, and no
  /// other directory that everything on the machine shares, are granted whole.
  static var systemLibraries: [String] {
    [
      "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/lib/\(ELF.triple)", "/usr/lib/\(ELF.triple)",
    ]
  }

  /// Where package managers keep every package in a directory of its own, the loader too.
  private static var stores: [String] {
    ["/nix/store", "/gnu/store", "/home/linuxbrew/.linuxbrew"]
  }

  /// The tree that the program or script at the real path `real` was installed in, for example a
  /// virtual environment; nil when that would be a place that others share.
  private func installation(of real: String) -> String? {
    let directory = Paths.parent(real)
    let isForPrograms = ["bin", "sbin", "libexec", ".bin"].contains {
      Paths.equal($0, Paths.name(directory))
    }
    let tree = isForPrograms ? Paths.parent(directory) : directory
    return isTooWide(tree) ? nil : tree
  }

  private func isWithin(_ path: String, _ directory: String) -> Bool {
    Paths.equal(path, directory) || Paths.isBelow(path, directory)
  }

  /// Whether `operand` is a file in the tree that the script was installed in.
  func isBeside(_ script: String, _ operand: String) throws(RuntimeError) -> Bool {
    guard let script = try resolve(script), let operand = try resolve(operand),
      let tree = installation(of: script.real)
    else { return false }
    return operand.status.kind == .regular && Paths.isBelow(operand.real, tree)
  }

  /// Whether the program that `script` names is followed. Where its name lies counts as much as
  /// what is behind it: for Python the name says which packages belong to it.
  func follows(_ program: String, from script: String) throws(RuntimeError) -> Bool {
    guard !Paths.components(program).contains(where: { Paths.equal($0, "..") }),
      let script = try resolve(script), let found = try resolve(program),
      let place = try resolve(Paths.parent(program)), found.status.kind == .regular
    else { return false }
    // The kernel gives up on a script that runs itself, and says so.
    if Paths.equal(found.real, script.real) { return true }
    if Self.systemPrograms.contains(where: { Paths.equal(place.real, $0) }) {
      return found.status.user == 0
    }
    if let tree = installation(of: script.real), isWithin(place.real, tree) {
      let isSystem =
        found.status.user == 0
        && Self.systemPrograms.contains { Paths.equal(Paths.parent(found.real), $0) }
      if isSystem || Paths.isBelow(found.real, tree) { return true }
      return try isInterpreter(found.real)
    }
    // Elsewhere a name may belong to someone's virtual environment; an installation's own does not.
    let isEnvironment = [place.real, Paths.parent(place.real)].contains {
      resolveIfSeen(Paths.join($0, "pyvenv.cfg")) != nil
    }
    guard !isEnvironment, Paths.equal(place.real, Paths.parent(found.real)) else {
      return false
    }
    return try isInterpreter(found.real)
  }

  /// Whether the program that a script has env look up as `command`, found at `program`, is
  /// followed: the search path is the profile's word, but the name is still the script's.
  func follows(
    command: String, at program: String, from script: String
  ) throws(RuntimeError) -> Bool {
    if try follows(program, from: script) { return true }
    guard !command.utf8.contains(UInt8(ascii: "/")), let found = try resolve(program) else {
      return false
    }
    return try isInterpreter(found.real)
  }

  /// Whether the file at the real path `real` is the program of a Python or Node installation.
  private func isInterpreter(_ real: String) throws(RuntimeError) -> Bool {
    let name = Paths.name(real)
    let directory = Paths.parent(real)
    guard Paths.equal(Paths.name(directory), "bin"), isPythonName(name) || isNodeName(name),
      ELF.isELF(try head(real, 4))
    else { return false }
    if isNodeName(name) { return true }
    let library = Paths.join(Paths.parent(directory), "lib")
    return names(in: library) {
      $0.starts(with: "python".utf8) || $0.starts(with: "pypy".utf8)
    }.contains { isFile(Paths.join(library, "\($0)/os.py")) }
  }

  /// Whether `path`, which leads to `found`, is a loader that the program `real` may name.
  func isLoader(_ path: String, _ found: ResolvedPath, of real: String) -> Bool {
    // Every loader of Linux is called so; what the link leads to may be called libc.so.
    guard Paths.name(path).utf8.starts(with: "ld".utf8), found.status.kind == .regular else {
      return false
    }
    do { _ = try ELF.read(found.real, files) } catch { return false }
    let system = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"] + Self.stores
    if found.status.user == 0, system.contains(where: { Paths.isBelow(found.real, $0) }) {
      return true
    }
    let shared = Self.stores.contains {
      Paths.isBelow(found.real, $0) && Paths.isBelow(real, $0)
    }
    let own = installation(of: real).map { Paths.isBelow(found.real, $0) } ?? false
    return shared || own
  }

  /// Reports what was not followed, unless the profile names it itself.
  mutating func noteStranger(_ program: String, _ script: String) {
    if request.programs.contains(where: { Paths.equal($0, program) }) { return }
    findings.append(
      "\(script) starts \(program), which is not granted: it lies outside of what was installed "
        + "with it; if you trust it, add it to server.programs")
  }
}
