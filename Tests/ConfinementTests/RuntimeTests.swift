import Profile
import Testing

@testable import Confinement

/// Discovery over trees that no machine here has.
@Suite("runtime discovery")
struct RuntimeTests {
  /// A Debian-like system: merged /usr, loader behind two links, python3 and node.
  static let system: [String: FakeFiles.Entry] = [
    "/bin": .link("usr/bin"), "/lib": .link("usr/lib"), "/lib64": .link("usr/lib64"),
    "/usr/lib64/ld-linux-x86-64.so.2": .link("/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
    "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": .elf(interpreter: nil, needed: []),
    "/usr/lib/x86_64-linux-gnu/libc.so.6": .elf(interpreter: nil, needed: []),
    "/usr/lib/x86_64-linux-gnu/libz.so.1": .link("libz.so.1.2.13"),
    "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13": .elf(interpreter: nil),
    "/usr/bin/dash": .elf(), "/usr/bin/sh": .link("dash"), "/usr/bin/env": .elf(),
    "/usr/bin/python3": .link("python3.11"),
    "/usr/bin/python3.11": .elf(needed: ["libz.so.1", "libc.so.6"]),
    "/usr/lib/python3.11/os.py": .text(""),
    "/usr/lib/python3/dist-packages/six.py": .text(""),
    "/usr/bin/node": .elf(),
    "/usr/share/zoneinfo/Etc/UTC": .text("TZif"),
    "/etc/localtime": .link("/usr/share/zoneinfo/Etc/UTC"), "/etc/passwd": .text("root"),
  ]

  static func discover(
    _ command: [String], with extra: [String: FakeFiles.Entry] = [:], preset: Preset = .auto,
    programs: [String] = [], directory: String = "/", home: String? = "/home/u"
  ) throws(RuntimeError) -> RuntimeDiscovery {
    try RuntimeDiscovery.discover(
      RuntimeRequest(
        preset: preset, command: command, programs: programs, workingDirectory: directory,
        home: home),
      files: FakeFiles(system.merging(extra) { _, new in new }))
  }

  static func paths(_ found: RuntimeDiscovery) -> Set<String> { Set(found.grants.map(\.path)) }

  static func links(_ found: RuntimeDiscovery) -> [String: String] {
    Dictionary(uniqueKeysWithValues: found.grants.flatMap(\.links).map { ($0.path, $0.target) })
  }

  /// What every dynamic interpreter of the system brings.
  static let interpreterBase: Set<String> = [
    "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/share/zoneinfo",
  ]

  @Test("the system's Python brings its library, packages and loader, and nothing else of /usr")
  func systemPython() throws {
    let found = try Self.discover(["python3", "-c", "1"])
    #expect(found.executable == "/usr/bin/python3")
    #expect(
      Self.paths(found)
        == Self.interpreterBase.union([
          "/usr/bin/python3.11", "/usr/lib/python3.11", "/usr/lib/python3/dist-packages",
        ]))
    #expect(
      Self.links(found) == [
        "/usr/bin/python3": "python3.11", "/lib64": "usr/lib64", "/lib": "usr/lib",
        "/etc/localtime": "/usr/share/zoneinfo/Etc/UTC",
      ])
  }

  @Test("a virtual environment hides the system's packages unless it includes them")
  func environment() throws {
    func tree(_ includes: String) -> [String: FakeFiles.Entry] {
      [
        "/srv/venv/pyvenv.cfg": .text(
          "home = /usr/bin\ninclude-system-site-packages = \(includes)\nversion = 3.11.2\n"),
        "/srv/venv/bin/python": .link("/usr/bin/python3"),
        "/srv/venv/bin/server": .script("#!/srv/venv/bin/python\nimport x\n"),
        "/srv/venv/lib/python3.11/site-packages/x.py": .text(""),
        "/srv/venv/lib64": .link("lib"), "/srv/venv/.env": .text("SECRET=1"),
      ]
    }
    let found = try Self.discover(["/srv/venv/bin/server"], with: tree("false"), preset: .python)
    let expected = Self.interpreterBase.union([
      "/usr/bin/python3.11", "/usr/lib/python3.11", "/srv/venv/pyvenv.cfg",
      "/srv/venv/lib/python3.11", "/srv/venv/bin/server",
    ])
    #expect(Self.paths(found) == expected)
    #expect(Self.links(found)["/srv/venv/bin/python"] == "/usr/bin/python3")
    #expect(Self.links(found)["/usr/bin/python3"] == "python3.11")
    #expect(Self.links(found)["/srv/venv/lib64"] == "lib")
    let open = try Self.discover(["/srv/venv/bin/server"], with: tree("true"), preset: .python)
    #expect(Self.paths(open) == expected.union(["/usr/lib/python3/dist-packages"]))
  }

  @Test("a tool of uv is followed through its link to the Python that uv installed")
  func uvTool() throws {
    let tool = "/home/u/.local/share/uv/tools/srv"
    let base = "/home/u/.local/share/uv/python/cpython-3.12.1-linux"
    let found = try Self.discover(
      ["/home/u/.local/bin/srv"],
      with: [
        "/home/u/.local/bin/srv": .link("\(tool)/bin/srv"),
        "\(tool)/bin/srv": .script(
          "#!/bin/sh\n'''exec' \"\(tool)/bin/python\" \"$0\" \"$@\"\n' '''\n"),
        "\(tool)/bin/python": .link("\(base)/bin/python3.12"),
        "\(tool)/pyvenv.cfg": .text("home = \(base)/bin\nversion_info = 3.12.1\nuv = 0.5\n"),
        "\(tool)/lib/python3.12/site-packages/srv.py": .text(""),
        "\(base)/bin/python3.12": .elf(
          needed: ["libpython3.12.so.1.0", "libc.so.6"], rPath: "$ORIGIN/../lib"),
        "\(base)/lib/libpython3.12.so.1.0": .elf(interpreter: nil),
        "\(base)/lib/python3.12/os.py": .text(""), "\(base)/share/man": .text(""),
      ])
    let paths = Self.paths(found)
    for path in [
      "\(tool)/bin/srv", "\(tool)/lib/python3.12", "\(base)/bin/python3.12",
      "\(base)/lib/libpython3.12.so.1.0", "\(base)/lib/python3.12", "/usr/bin/dash",
    ] { #expect(paths.contains(path), "\(path)") }
    #expect(!paths.contains { $0 == base || $0 == "/home/u" || $0 == "/home/u/.local" })
    #expect(Self.links(found)["/home/u/.local/bin/srv"] == "\(tool)/bin/srv")
    #expect(Self.links(found)["/usr/bin/sh"] == "dash")
    #expect(Self.links(found)["/bin"] == "usr/bin")
  }

  @Test("editable modules of the environment's own project are granted, other paths reported")
  func pathFiles() throws {
    let site = "/src/app/.venv/lib/python3.11/site-packages"
    let found = try Self.discover(
      ["/src/app/.venv/bin/python"],
      with: [
        "/src/app/.venv/pyvenv.cfg": .text("home = /usr/bin\nversion = 3.11.2\n"),
        "/src/app/.venv/bin/python": .link("/usr/bin/python3.11"),
        "\(site)/a.pth": .text(
          "# comment\nimport sys\n/src/app/src\n/nowhere\n/home/u/.ssh\n../../../../../other\n"),
        "\(site)/__editable___b_finder.py": .text(
          "x = 1\nMAPPING: dict[str, str] = {'b': '/src/app/two/b', \"c\": \"/home/u\"}\n"),
        "/src/app/src/one.py": .text(""), "/src/app/src/.env": .text("SECRET"),
        "/src/app/src/two/__init__.py": .text(""), "/src/app/src/data/x": .text(""),
        "/src/app/src/trap.py": .link("/home/u/.ssh/id"), "/src/app/two/b/__init__.py": .text(""),
        "/src/other/u.py": .text(""), "/home/u/.ssh/id": .text("KEY"),
      ])
    let paths = Self.paths(found).filter { !$0.hasPrefix("/usr") }
    #expect(
      paths == [
        "/src/app/.venv/pyvenv.cfg", "/src/app/.venv/lib/python3.11", "/src/app/src/one.py",
        "/src/app/src/two", "/src/app/two/b",
      ])
    for path in ["/home/u/.ssh", "/home/u", "/src/other"] {
      #expect(found.findings.contains { $0.contains("adds \(path),") }, "\(path)")
    }
  }

  @Test("what a package can write does not choose what is granted")
  func untrustedText() throws {
    let secrets: [String: FakeFiles.Entry] = ["/home/u/.ssh/id": .text("KEY")]
    func paths(_ text: String) throws -> Set<String> {
      let tree = secrets.merging(["/srv/v/bin/x": .script(text)]) { _, new in new }
      return Self.paths(try Self.discover(["/srv/v/bin/x"], with: tree))
    }
    for text in [
      "#!/usr/bin/python3 /home/u/.ssh\n", "#!/usr/bin/env -S python3 /home/u/.ssh/id\n",
      "#!/usr/bin/node /home/u/.ssh/id\n", "#!/bin/sh\nexec /usr/bin/python3 /home/u/.ssh\n",
      "#!/bin/sh\nexec /usr/bin/python3 /home/u/.ssh/id \"$@\"\n",
      "#!/bin/sh\nexec /usr/bin/python3 \"$basedir/../../../home/u/.ssh/id\"\n",
    ] {
      #expect(try !paths(text).contains { $0.hasPrefix("/home") }, "\(text)")
    }
    // The control: beside the script it is followed.
    let beside = try Self.discover(
      ["/srv/v/bin/x"],
      with: [
        "/srv/v/bin/x": .script("#!/bin/sh\nexec /usr/bin/node \"$basedir/../x/m.js\" \"$@\"\n"),
        "/srv/v/x/m.js": .text(""), "/srv/v/x/package.json": .text("{\"name\": \"x\"}"),
      ])
    #expect(Self.paths(beside).contains("/srv/v/x"))
    // What all programs of a home share is nobody's installation.
    let shared = try Self.discover(
      ["/home/u/.local/bin/x"],
      with: secrets.merging([
        "/home/u/.local/bin/x": .script(
          "#!/bin/sh\nexec /usr/bin/node \"$basedir/../share/m.js\" \"$@\"\n"),
        "/home/u/.local/share/m.js": .text(""),
        "/home/u/.local/share/package.json": .text("{\"name\": \"x\"}"),
        "/home/u/.local/share/keyrings/login": .text("KEY"),
      ]) { _, new in new })
    #expect(!Self.paths(shared).contains { $0.hasPrefix("/home/u/.local/share") })
    // A link in place of the packages.
    let trap = try Self.discover(
      ["/srv/v/bin/python"],
      with: secrets.merging([
        "/srv/v/pyvenv.cfg": .text("home = /usr/bin\nversion = 3.11.2\n"),
        "/srv/v/bin/python": .link("/usr/bin/python3.11"),
        "/srv/v/lib/python3.11": .link("/home/u/.ssh"), "/srv/v/share": .link("/home/u/.ssh"),
      ]) { _, new in new })
    #expect(!Self.paths(trap).contains { $0.hasPrefix("/home") })
    #expect(trap.findings.contains { $0.contains("leads to /home/u/.ssh") })
  }

  @Test("a script given to Python brings the modules beside it, not its directory")
  func siblings() throws {
    let found = try Self.discover(
      ["python3", "-u", "-W", "ignore", "server.py", "--flag"],
      with: [
        "/home/u/server.py": .text(""), "/home/u/tools.py": .text(""),
        "/home/u/pack/__init__.py": .text(""), "/home/u/.ssh/id": .text(""),
        "/home/u/notes.txt": .text(""),
      ], directory: "/home/u")
    let paths = Self.paths(found).filter { $0.hasPrefix("/home") }
    #expect(paths == ["/home/u/server.py", "/home/u/tools.py", "/home/u/pack"])
    #expect(throws: RuntimeError.missing(path: "/home/u/none.py", neededBy: "python3")) {
      try Self.discover(["python3", "none.py"], directory: "/home/u")
    }
  }

  @Test("packages of pip install --user come with a script of theirs, and Python is told where")
  func userPackages() throws {
    let tree: [String: FakeFiles.Entry] = [
      "/home/u/.local/bin/srv": .script("#!/usr/bin/python3\nimport srv\n"),
      "/home/u/.local/lib/python3.11/site-packages/srv.py": .text(""),
    ]
    let found = try Self.discover(["/home/u/.local/bin/srv"], with: tree)
    #expect(Self.paths(found).contains("/home/u/.local/lib/python3.11/site-packages"))
    #expect(found.environment.contains { $0.0 == "PYTHONUSERBASE" && $0.1 == "/home/u/.local" })
    let module = try Self.discover(["python3", "-um", "srv"], with: tree)
    #expect(Self.paths(module).contains("/home/u/.local/lib/python3.11/site-packages"))
    for arguments in [
      [], ["-m", "other"], ["-sm", "srv"], ["-Im", "srv"], ["-c", "import srv"],
    ] {
      let other = try Self.discover(["python3"] + arguments, with: tree)
      #expect(!Self.paths(other).contains("/home/u/.local/lib/python3.11/site-packages"))
    }
  }

  @Test("pyenv's shim is replaced by the program that it stands for")
  func shim() throws {
    let root = "/home/u/.pyenv"
    let tree: [String: FakeFiles.Entry] = [
      "\(root)/shims/srv": .script("#!/usr/bin/env bash\nexec pyenv exec\n"),
      "\(root)/version": .text("3.12.1\n"),
      "\(root)/versions/3.12.1/bin/srv": .script("#!\(root)/versions/3.12.1/bin/python3.12\n"),
      "\(root)/versions/3.12.1/bin/python3.12": .elf(),
      "\(root)/versions/3.12.1/lib/python3.12/os.py": .text(""),
      "\(root)/versions/3.10.0/bin/srv": .script("#!/usr/bin/python3\n"),
      "/home/u/p/.python-version": .text("3.10.0\n"),
    ]
    let found = try Self.discover(["\(root)/shims/srv"], with: tree)
    #expect(found.executable == "\(root)/versions/3.12.1/bin/srv")
    #expect(found.programName == "\(root)/versions/3.12.1/bin/srv")
    #expect(try Self.discover(["python3"]).programName == nil)
    #expect(Self.paths(found).contains("\(root)/versions/3.12.1/lib/python3.12"))
    let local = try Self.discover(["\(root)/shims/srv"], with: tree, directory: "/home/u/p")
    #expect(local.executable == "\(root)/versions/3.10.0/bin/srv")
  }

  @Test("a Node script brings its package and the node_modules that it lies in")
  func node() throws {
    let found = try Self.discover(
      ["/srv/app/node_modules/.bin/srv"],
      with: [
        "/srv/app/node_modules/.bin/srv": .link("../srv/dist/main.js"),
        "/srv/app/node_modules/srv/dist/main.js": .script("#!/usr/bin/env node\n"),
        "/srv/app/node_modules/srv/dist/package.json": .text("{\"type\": \"module\"}"),
        "/srv/app/node_modules/srv/package.json": .text("{\"name\": \"srv\"}"),
        "/srv/app/node_modules/dep/index.js": .text(""),
        "/srv/app/node_modules/.package-lock.json": .text("{}"),
        "/srv/app/package.json": .text("{\"name\": \"app\"}"), "/srv/app/.env": .text("SECRET"),
      ], preset: .node)
    #expect(
      Self.paths(found)
        == Self.interpreterBase.union([
          "/usr/bin/node", "/usr/bin/env", "/srv/app/node_modules",
        ]))
    #expect(Self.links(found)["/srv/app/node_modules/.bin/srv"] == nil, "it is in a granted place")
  }

  @Test("a global Node package keeps its dependencies inside, and its neighbours stay out")
  func globalNode() throws {
    let modules = "/usr/local/lib/node_modules"
    let found = try Self.discover(
      ["srv"],
      with: [
        "/usr/local/bin/srv": .link("../lib/node_modules/@s/srv/main.js"),
        "\(modules)/@s/srv/main.js": .script("#!/usr/bin/env node\n"),
        "\(modules)/@s/srv/package.json": .text("{\"name\": \"@s/srv\"}"),
        "\(modules)/npm/package.json": .text("{\"name\": \"npm\"}"),
      ])
    #expect(Self.paths(found).contains("\(modules)/@s/srv"))
    #expect(!Self.paths(found).contains(modules))
    #expect(Self.links(found)["/usr/local/bin/srv"] == "../lib/node_modules/@s/srv/main.js")
  }

  @Test("a Node script without a package, or whose package is a home directory, comes alone")
  func loneNode() throws {
    let tree: [String: FakeFiles.Entry] = [
      "/home/u/s.js": .text(""), "/home/u/lib.mjs": .text(""), "/home/u/secret": .text(""),
      "/home/u/package.json": .text("{\"name\": \"home\"}"),
    ]
    let found = try Self.discover(["node", "--no-warnings", "/home/u/s.js"], with: tree)
    let paths = Self.paths(found).filter { $0.hasPrefix("/home") }
    #expect(paths == ["/home/u/s.js", "/home/u/lib.mjs", "/home/u/package.json"])
    #expect(found.findings.contains { $0.contains("not granted") })
  }

  @Test("a project without a name does not bring the project around it")
  func namelessNode() throws {
    func around(_ text: String) throws -> Set<String> {
      let found = try Self.discover(
        ["node", "/srv/app/tools/x/main.js"],
        with: [
          "/srv/app/tools/x/main.js": .text(""), "/srv/app/tools/x/package.json": .text(text),
          "/srv/app/package.json": .text("{\"name\": \"app\"}"), "/srv/app/.env": .text("SECRET"),
        ])
      return Self.paths(found).filter { $0.hasPrefix("/srv") }
    }
    #expect(try around("{\"dependencies\": {}}") == ["/srv/app/tools/x"])
    #expect(try around("{\"private\": true}") == ["/srv/app/tools/x"])
    // One that says only of what kind the modules are belongs to the package around it.
    #expect(try around("{\"type\": \"module\"}") == ["/srv/app"])
  }

  @Test("pnpm's store comes as a whole, because its packages are links into it")
  func pnpm() throws {
    let store = "/srv/p/node_modules/.pnpm"
    let found = try Self.discover(
      ["node", "/srv/p/node_modules/srv/main.js"],
      with: [
        "/srv/p/node_modules/srv": .link(".pnpm/srv@1/node_modules/srv"),
        "\(store)/srv@1/node_modules/srv/main.js": .text(""),
        "\(store)/srv@1/node_modules/srv/package.json": .text("{\"name\": \"srv\"}"),
        "\(store)/srv@1/node_modules/dep": .link("../../dep@2/node_modules/dep"),
        "\(store)/dep@2/node_modules/dep/index.js": .text(""),
      ])
    #expect(Self.paths(found).contains("/srv/p/node_modules"))
  }

  @Test("a program's libraries are found as the loader finds them, file by file")
  func libraries() throws {
    let found = try Self.discover(
      ["/opt/p/bin/prog"],
      with: [
        "/opt/p/bin/prog": .elf(
          needed: ["liba.so", "libz.so.1"], runPath: "/none:${ORIGIN}/../lib"),
        "/opt/p/lib/liba.so": .elf(interpreter: nil, needed: ["libb.so"], rPath: "/opt/p/more"),
        "/opt/p/more/libb.so": .elf(interpreter: nil, needed: ["libc.so.6", "liba.so"]),
        "/opt/p/lib/other.so": .elf(interpreter: nil),
      ], preset: .none)
    let libraries = "/usr/lib/x86_64-linux-gnu"
    #expect(
      Self.paths(found) == [
        "/opt/p/bin/prog", "/opt/p/lib/liba.so", "/opt/p/more/libb.so",
        "\(libraries)/libz.so.1.2.13", "\(libraries)/libc.so.6",
        "\(libraries)/ld-linux-x86-64.so.2",
      ])
    #expect(Self.links(found)["\(libraries)/libz.so.1"] == "libz.so.1.2.13")
    #expect(throws: RuntimeError.missing(path: "libgone.so", neededBy: "/opt/x")) {
      try Self.discover(["/opt/x"], with: ["/opt/x": .elf(needed: ["libgone.so"])])
    }
  }

  @Test("static and none bring a program and its libraries, and static takes no script")
  func alone() throws {
    let tree: [String: FakeFiles.Entry] = ["/opt/s": .elf(interpreter: nil, needed: [])]
    #expect(Self.paths(try Self.discover(["/opt/s"], with: tree, preset: .static)) == ["/opt/s"])
    let libraries = "/usr/lib/x86_64-linux-gnu"
    for preset in [Preset.static, .none] {
      #expect(
        Self.paths(try Self.discover(["python3"], preset: preset)) == [
          "/usr/bin/python3.11", "\(libraries)/ld-linux-x86-64.so.2", "\(libraries)/libc.so.6",
          "\(libraries)/libz.so.1.2.13",
        ])
    }
    let script = try Self.discover(
      ["/opt/t"], with: ["/opt/t": .script("#!/usr/bin/python3\n")], preset: .none)
    #expect(Self.paths(script) == ["/opt/t"])
    #expect(script.findings.contains { $0.contains("grants no interpreter") })
    do throws(RuntimeError) {
      _ = try Self.discover(
        ["/opt/t"], with: ["/opt/t": .script("#!/usr/bin/python3\n")], preset: .static)
      Issue.record("a script passed for a program")
    } catch { #expect(error.exitStatus == 126) }
  }

  @Test("what cannot start is an error with its status, before anything is tried")
  func errors() throws {
    func error(_ command: [String], _ tree: [String: FakeFiles.Entry] = [:]) -> RuntimeError? {
      do throws(RuntimeError) {
        _ = try Self.discover(command, with: tree)
        return nil
      } catch { return error }
    }
    let missing = try #require(error(["nonesuch"]))
    #expect(missing.exitStatus == 127)
    #expect(missing.hint()?.contains("/usr/local/bin, /usr/bin, /bin") == true)
    #expect(error(["/none/such"])?.exitStatus == 127)
    #expect(error([])?.exitStatus == 127)
    #expect(error(["/etc/passwd"])?.exitStatus == 126)
    #expect(error(["/etc"])?.exitStatus == 126)
    #expect(error(["/opt/t"], ["/opt/t": .script("echo hi\n")])?.exitStatus == 126)
    #expect(error(["/opt/t"], ["/opt/t": .script("#!/no/python\n")])?.exitStatus == 126)
    #expect(error(["/opt/t"], ["/opt/t": .script("#!/usr/bin/env nopython\n")])?.exitStatus == 126)
    #expect(error(["/opt/t"], ["/opt/t": .script("#!python\n")])?.exitStatus == 126)
    #expect(error(["/opt/t"], ["/opt/t": .script("#!/usr/bin/python3\r\n")])?.exitStatus == 126)
    #expect(error(["/opt/t"], ["/opt/t": .script("#!/opt/t\n")])?.exitStatus == 126)
    #expect(error(["/opt/a"], ["/opt/a": .link("/opt/b"), "/opt/b": .link("a")]) != nil)
    var foreign: [UInt8] = Array("\u{7f}ELF".utf8) + [UInt8](repeating: 0, count: 60)
    foreign[4] = 1
    foreign[5] = 1
    #expect(error(["/opt/f"], ["/opt/f": .file(foreign, mode: 0o755)])?.exitStatus == 126)
  }

  @Test("what the caller may not look at counts as missing, and a command there as not executable")
  func closedPlaces() throws {
    var files = FakeFiles(
      Self.system.merging([
        "/root/x/main.py": .text(""), "/root/prog": .elf(),
        "/usr/local/lib/python3.11/dist-packages/a.pth": .text("/root/x\n"),
      ]) { _, new in new })
    files.closed = ["/root"]
    let found = try RuntimeDiscovery.discover(
      RuntimeRequest(preset: .auto, command: ["python3"], searchPath: ["/root", "/usr/bin"]),
      files: files)
    #expect(found.executable == "/usr/bin/python3")
    do throws(RuntimeError) {
      _ = try RuntimeDiscovery.discover(
        RuntimeRequest(preset: .auto, command: ["/root/prog"]), files: files)
      Issue.record("found")
    } catch { #expect(error.exitStatus == 126) }
  }

  @Test("a damaged program is an error and never a crash")
  func damaged() throws {
    guard case .file(let whole, _) = FakeFiles.Entry.elf(runPath: "/x", rPath: "/y") else { return }
    for position in whole.indices {
      for value: UInt8 in [0, 0x7f, 0xff] {
        var bytes = whole
        bytes[position] = value
        do throws(RuntimeError) {
          _ = try Self.discover(["/opt/d"], with: ["/opt/d": .file(bytes, mode: 0o755)])
        } catch { continue }
      }
      do throws(RuntimeError) {
        let short = Array(whole[..<position])
        _ = try Self.discover(["/opt/d"], with: ["/opt/d": .file(short, mode: 0o755)])
      } catch { continue }
    }
  }

  @Test("names that are equal only in Unicode's eyes are different files")
  func bytes() throws {
    let found = try Self.discover(
      ["/opt/caf\u{e9}"], with: ["/opt/caf\u{e9}": .elf(interpreter: nil, needed: [])])
    #expect(found.executable.utf8.elementsEqual("/opt/caf\u{e9}".utf8))
    #expect(PathKey("/caf\u{e9}") != PathKey("/cafe\u{301}"))
  }
}
