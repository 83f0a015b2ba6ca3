internal import Linux

extension RuntimeSearch {
  /// Grants an ELF executable, its loader and every library that it must have, file by file.
  mutating func addNative(_ path: String, _ reason: String) throws(RuntimeError) {
    let found = try grant(path, executable: true, reason, neededBy: path)
    try addLibraries(of: found.real, named: Paths.name(path), exactly: true)
  }

  /// Grants an interpreter's executable and libraries, and the loader's own directories: its
  /// extension modules load further libraries at times that cannot be foreseen.
  ///
  /// Returns the executable's real path.
  @discardableResult
  mutating func addInterpreter(_ path: String, _ reason: String) throws(RuntimeError) -> String {
    let found = try grant(path, executable: true, reason, neededBy: path)
    try addLibraries(of: found.real, named: Paths.name(path), exactly: false)
    return found.real
  }

  private mutating func addLibraries(
    of real: String, named name: String, exactly: Bool
  ) throws(RuntimeError) {
    guard visited.insert(PathKey(real)).inserted else { return }
    let image = try readELF(real)
    guard let loader = image.interpreter else {
      if image.needed.isEmpty { findings.append("\(real) is static and needs no library") }
      return
    }
    guard loader.utf8.first == UInt8(ascii: "/") else {
      throw .notExecutable(path: real, why: "its loader is not an absolute path")
    }
    guard let place = try resolve(loader) else { throw .missing(path: loader, neededBy: real) }
    guard isLoader(loader, place, of: real) else {
      throw .notExecutable(
        path: real,
        why: "\(loader), which it names as its loader, is none of this system or its own")
    }
    let grantedLoader = try grant(
      loader, executable: true, "loader of \(name)", neededBy: real)
    var directories: [String] = []
    for directory in defaultDirectories(beside: grantedLoader.real)
    where isDirectory(directory) {
      directories.append(directory)
      if !exactly {
        // Some systems keep all libraries directly in /usr/lib; there it is this wide.
        let wide = Self.systemLibraries.contains { Paths.equal($0, directory) }
        try grant(
          directory, executable: true, "shared libraries for \(name)", neededBy: real, wide: wide)
      }
    }
    var closure = LibraryClosure(defaults: directories, program: name)
    closure.waiting = [(real, image, [])]
    while let (object, image, inherited) = closure.waiting.popLast() {
      let ownRPath = image.runPath.isEmpty ? expand(image.rPath, of: object) : []
      let paths =
        image.runPath.isEmpty ? ownRPath + inherited : expand(image.runPath, of: object)
      for library in image.needed {
        try addLibrary(library, of: object, paths, ownRPath + inherited, exactly, &closure)
      }
    }
  }

  private mutating func addLibrary(
    _ library: String, of object: String, _ paths: [String], _ inherited: [String],
    _ exactly: Bool, _ closure: inout LibraryClosure
  ) throws(RuntimeError) {
    guard closure.seen.insert(PathKey(library)).inserted else { return }
    if !exactly, try isGranted(library, in: closure.defaults, unless: paths) { return }
    guard let place = try locate(library, paths, closure.defaults) else {
      throw .missing(path: library, neededBy: object)
    }
    let inDefault = closure.defaults.contains { Paths.isBelow(place.path, $0) }
    if exactly || !inDefault {
      try grant(
        place.path, executable: true, "shared library of \(closure.program)", neededBy: object)
    }
    if place.fromCache {
      try grant(
        LoaderCache.path, executable: false, "index of shared libraries", neededBy: object)
    }
    if exactly || !inDefault { closure.waiting.append((place.real, place.image, inherited)) }
  }

  /// Whether a library is in one of the loader's directories, which are granted already, and no
  /// search path of the program comes before them.
  private func isGranted(
    _ library: String, in defaults: [String], unless paths: [String]
  ) throws(RuntimeError) -> Bool {
    guard paths.isEmpty, !library.utf8.contains(UInt8(ascii: "/")) else { return false }
    for directory in defaults {
      if isFile(Paths.join(directory, library)) { return true }
    }
    return false
  }

  /// What is known while the libraries of one program are gathered.
  private struct LibraryClosure {
    /// The loader's own directories, as they are searched.
    let defaults: [String]
    /// The program's name, for reasons.
    let program: String
    var seen: Set<PathKey> = []
    /// Objects whose needs are still to be met, with the `DT_RPATH`s they inherit.
    var waiting: [(object: String, image: ELF, inherited: [String])] = []

    init(defaults: [String], program: String) {
      self.defaults = defaults
      self.program = program
    }
  }

  /// The directories that the loader searches by itself.
  private func defaultDirectories(beside loader: String) -> [String] {
    // musl's loader is its C library, in /lib; glibc's lies beside it or behind /lib64.
    let known = [
      "/lib/\(ELF.triple)", "/usr/lib/\(ELF.triple)", "/lib64", "/usr/lib64",
    ]
    let own = Paths.parent(loader)
    return known.contains { Paths.equal($0, own) } ? known : known + [own]
  }

  /// A library that was found, and how.
  private struct Place {
    var path: String
    var real: String
    var image: ELF
    var fromCache: Bool
  }

  private mutating func locate(
    _ library: String, _ paths: [String], _ defaults: [String]
  ) throws(RuntimeError) -> Place? {
    if library.utf8.contains(UInt8(ascii: "/")) { return try place(library, fromCache: false) }
    for directory in paths + defaults {
      if let found = try place(Paths.join(directory, library), fromCache: false) {
        return found
      }
    }
    for path in try cache()?.paths(of: library) ?? [] {
      if let found = try place(path, fromCache: true) { return found }
    }
    for directory in ["/lib", "/usr/lib"] {
      if let found = try place(Paths.join(directory, library), fromCache: false) {
        return found
      }
    }
    return nil
  }

  /// The library at `path`, if it is one for this architecture, as the loader would see it.
  private mutating func place(_ path: String, fromCache: Bool) throws(RuntimeError) -> Place? {
    guard path.utf8.first == UInt8(ascii: "/"), let found = resolveIfSeen(path),
      found.status.kind == .regular
    else { return nil }
    do {
      let image = try images[PathKey(found.real)] ?? ELF.read(found.real, files)
      images[PathKey(found.real)] = image
      return Place(path: path, real: found.real, image: image, fromCache: fromCache)
    } catch { return nil }
  }

  private mutating func cache() throws(RuntimeError) -> LoaderCache? {
    if let known = loaderCache { return known }
    let cache =
      isFile(LoaderCache.path) ? LoaderCache(try head(LoaderCache.path, 1 << 22)) : nil
    loaderCache = .some(cache)
    return cache
  }

  /// Puts in what `$ORIGIN` and `$LIB` stand for; entries with anything else, or relative, go.
  private func expand(_ directories: [String], of object: String) -> [String] {
    directories.compactMap { directory in
      var text = directory
      for (name, value) in [("ORIGIN", Paths.parent(object)), ("LIB", "lib/\(ELF.triple)")] {
        text = Paths.replacing("${\(name)}", in: text, with: value)
        text = Paths.replacing("$\(name)", in: text, with: value)
      }
      return text.utf8.first == UInt8(ascii: "/") && !text.utf8.contains(UInt8(ascii: "$"))
        ? text : nil
    }
  }

  /// Reads the tables of an executable, with errors that a person can place.
  func readELF(_ path: String) throws(RuntimeError) -> ELF {
    do { return try ELF.read(path, files) } catch {
      switch error {
      case .notELF: throw .notExecutable(path: path, why: "not a program")
      case .foreign: throw .notExecutable(path: path, why: "made for another architecture")
      case .damaged: throw .notExecutable(path: path, why: "damaged")
      case .unreadable: throw .failed(path: path, why: "cannot be read")
      }
    }
  }
}

extension Paths {
  /// `text` with every occurrence of `part` replaced.
  static func replacing(_ part: String, in text: String, with value: String) -> String {
    let text = Array(text.utf8)
    let part = Array(part.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < text.count {
      if text[index...].starts(with: part) {
        result.append(contentsOf: value.utf8)
        index += part.count
      } else {
        result.append(text[index])
        index += 1
      }
    }
    return String(validating: result, as: UTF8.self) ?? ""
  }
}
