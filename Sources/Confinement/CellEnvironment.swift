internal import Linux
internal import Profile

/// The environment of a server: what the cell, the preset, discovery and the profile set, each over
/// those before it. Nothing of the caller's is in it but the language and the time zone.
struct CellEnvironment {
  /// Who set a variable.
  private enum Origin {
    case cell, caller, preset, discovery
    case profile(line: Int)
  }

  private var values: [(name: String, value: String, origin: Origin)] = []

  /// The most bytes of one variable with its name, and of all together with the arguments, that
  /// exec surely takes (execve(2): 128 KiB of one string; together a quarter of the stack's limit).
  static let mostBytes = 131_071, mostBytesTogether = 1 << 20

  init(
    profile: Profile, runtime: RuntimeDiscovery, host: HostFacts, searchPath: [String],
    home: String = Plan.home, temporary: String? = "/tmp"
  ) {
    set("PATH", searchPath.joined(separator: ":"), .cell)
    set("HOME", home, .cell)
    set("USER", "server", .cell)
    set("LOGNAME", "server", .cell)
    if let temporary { set("TMPDIR", temporary, .cell) }
    set("LANG", host.language ?? "C.UTF-8", host.language == nil ? .cell : .caller)
    if let zone = host.timeZone { set("TZ", zone, .caller) }
    for (name, value) in profile.preset.environment { set(name, value, .preset) }
    for (name, value) in runtime.environment { set(name, value, .discovery) }
    for variable in profile.server.environment {
      set(variable.name, variable.value, .profile(line: variable.line))
    }
  }

  private mutating func set(_ name: String, _ value: String, _ origin: Origin) {
    values.removeAll { Paths.equal($0.name, name) }
    values.append((name, value, origin))
  }

  /// As exec takes it.
  var strings: [String] { values.map { "\($0.name)=\($0.value)" } }

  /// Refuses what must not be there, and notes what decides what is loaded; `workdir` is where the
  /// server starts.
  func check<Lookup: FileLookup>(
    arguments: [String], workdir: String, _ collector: inout GrantCollector<Lookup>
  ) {
    var bytes = arguments.reduce(0) { $0 + $1.utf8.count + 1 }
    for (name, value, origin) in values {
      let line = if case .profile(let line) = origin { line } else { 0 }
      func refuse(_ why: String, _ hint: String?) {
        collector.refuse(
          PlanError.Fault(
            kind: .never, message: "cannot set the variable \(name): \(why)", hint: hint,
            line: line, column: line > 0 ? 1 : 0))
      }
      if name.isEmpty || name.utf8.contains(UInt8(ascii: "=")) {
        refuse("that is no name", "write letters, digits and _")
      }
      let size = name.utf8.count + value.utf8.count + 1
      bytes += size + 1
      if size > CellEnvironment.mostBytes {
        refuse("\(size) bytes are more than \(CellEnvironment.mostBytes)", "put it into a file")
      }
      guard let family = LoaderVariables.family(of: name) else { continue }
      guard case .profile = origin else {
        if !LoaderVariables.own.contains(where: { Paths.equal($0, name) }) {
          refuse(
            "\(family.reader) takes from it what to load or run",
            "set it in server.environment if it is meant")
        }
        continue
      }
      if LoaderVariables.loads(name),
        let place = LoaderVariables.paths(in: value, of: name, workdir: workdir)
          .first(where: collector.canWrite)
      {
        refuse(
          "the server can write \(quotedPath(place)), which \(family.reader) would load or run",
          "name a path outside of filesystem.write")
        continue
      }
      collector.notes.append(
        "the profile sets \(name) (line \(line)), from which \(family.reader) takes what to load "
          + "or run, or how")
    }
    if bytes > CellEnvironment.mostBytesTogether {
      collector.refuse(
        PlanError.Fault(
          kind: .never,
          message: "cannot pass arguments and environment of \(bytes) bytes: more than "
            + "\(CellEnvironment.mostBytesTogether)", hint: "put the longest into files", line: 0,
          column: 0))
    }
  }
}
