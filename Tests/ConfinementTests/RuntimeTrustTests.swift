import Profile
import Testing

@testable import Confinement

/// Packages that try to choose which files of the host the cell gets.
@Suite("what a package names")
struct RuntimeTrustTests {
  /// What the person who starts the server would rather keep.
  static let secrets: [String: FakeFiles.Entry] = [
    "/home/u/.ssh/id": .text("KEY"), "/home/u/.bashrc": .text("export TOKEN=1"),
    "/home/u/notes/run": .script("#!/bin/sh\n# TOKEN=1\n"),
    "/home/u/notes/tool": .elf(interpreter: nil, needed: []),
    "/home/u/other/pyvenv.cfg": .text("version = 3.11.2\n"),
    "/home/u/other/bin/python": .link("/usr/bin/python3.11"),
    "/home/u/other/lib/python3.11/site-packages/mine.py": .text(""),
  ]

  static func discover(
    _ tree: [String: FakeFiles.Entry], programs: [String] = []
  ) throws -> RuntimeDiscovery {
    try RuntimeTests.discover(
      ["/srv/evil/bin/x"], with: secrets.merging(tree) { _, new in new }, programs: programs)
  }

  static func leaks(_ found: RuntimeDiscovery) -> [String] {
    RuntimeTests.paths(found).filter { $0.hasPrefix("/home") }.sorted()
  }

  @Test(
    "a script is followed to nothing but its own tree, the system and an interpreter",
    arguments: [
      "#!/home/u/notes/run\n", "#!/usr/bin/env /home/u/notes/run\n", "#!/usr/bin/env mine\n",
      "#!/bin/sh\nexec /home/u/notes/run\n", "#!/bin/sh\nexec /home/u/notes/tool\n",
      "#!/bin/sh\nexec \"$basedir/../../../home/u/notes/run\"\n",
      "#!/bin/sh\nexec /home/u/other/bin/python x\n", "#!/home/u/other/bin/python\n",
      "#!/bin/sh\nexec /srv/evil/bin/link\n", "#!/srv/evil/bin/link\n",
      "#!/bin/sh\nexec /srv/evil/away/bin/python\n",
    ])
  func strangers(script: String) throws {
    var tree: [String: FakeFiles.Entry] = [
      "/srv/evil/bin/x": .script(script), "/srv/evil/bin/link": .link("/home/u/notes/run"),
      "/srv/evil/away": .link("/home/u/other"), "/usr/local/bin/mine": .link("/home/u/notes/run"),
    ]
    let found = try Self.discover(tree)
    #expect(Self.leaks(found) == [])
    #expect(found.findings.contains { $0.contains("add it to server.programs") })
    // The control: the same line is followed to what lies in the tree.
    tree["/srv/evil/bin/x"] = .script("#!/bin/sh\nexec /srv/evil/bin/y\n")
    tree["/srv/evil/bin/y"] = .elf(interpreter: nil, needed: [])
    #expect(RuntimeTests.paths(try Self.discover(tree)).contains("/srv/evil/bin/y"))
  }

  @Test("what a script names is granted when the profile names it too")
  func named() throws {
    let tree = ["/srv/evil/bin/x": FakeFiles.Entry.script("#!/bin/sh\nexec /home/u/notes/tool\n")]
    let found = try Self.discover(tree, programs: ["/home/u/notes/tool"])
    #expect(Self.leaks(found) == ["/home/u/notes/tool"])
    #expect(!found.findings.contains { $0.contains("add it to server.programs") })
  }

  @Test("an interpreter outside of the script's tree is followed if a library is beside it")
  func interpreters() throws {
    let base = "/home/u/py"
    var tree: [String: FakeFiles.Entry] = [
      "/srv/evil/bin/x": .script("#!\(base)/bin/python3\n"),
      "\(base)/bin/python3": .link("python3.12"), "\(base)/bin/python3.12": .elf(),
      "\(base)/lib/python3.12/os.py": .text(""),
    ]
    #expect(Self.leaks(try Self.discover(tree)).contains("\(base)/lib/python3.12"))
    tree["\(base)/lib/python3.12/os.py"] = nil
    #expect(Self.leaks(try Self.discover(tree)) == [])
  }

  @Test(
    "a program's loader is one of the system or its own, whatever the program is called",
    arguments: ["python-x", "node", "tool"])
  func loaders(name: String) throws {
    func discover(_ loader: String) throws -> RuntimeDiscovery {
      try Self.discover([
        "/srv/evil/bin/x": .script("#!/bin/sh\nexec /srv/evil/bin/\(name)\n"),
        "/srv/evil/bin/\(name)": .elf(interpreter: loader, needed: []),
        "/srv/evil/lib/ld.so": .elf(interpreter: nil, needed: []),
        "/srv/evil/lib/ld-link.so": .link("/home/u/notes/tool"),
        "/srv/evil/lib/ld-text.so": .text("no program"),
        "/usr/lib/python3/ld.so": .link("/usr/lib/python3/dist-packages/six.py"),
        "/home/u/notes/ld-x.so": .elf(interpreter: nil, needed: []),
      ])
    }
    for loader in [
      "/home/u/.bashrc", "/home/u/notes/tool", "/home/u/notes/ld-x.so", "/etc/passwd",
      "/srv/evil/lib/ld-link.so", "/srv/evil/lib/ld-text.so", "/usr/lib/python3/ld.so",
      "/usr/lib/python3/dist-packages/six.py",
    ] {
      do throws(any Error) {
        _ = try discover(loader)
        Issue.record("\(loader) was granted")
      } catch {
        #expect("\(error)".contains("names as its loader"), "\(loader): \(error)")
      }
    }
    #expect(Self.leaks(try discover("/srv/evil/lib/ld.so")) == [])
    #expect(RuntimeTests.paths(try discover("/lib64/ld-linux-x86-64.so.2")).count > 2)
  }

  @Test("links in place of an environment's or an interpreter's files are not followed out")
  func links() throws {
    let tree: [String: FakeFiles.Entry] = [
      "/srv/evil/bin/x": .script("#!/srv/evil/bin/python3.11\n"),
      "/srv/evil/bin/python3.11": .elf(), "/srv/evil/pyvenv.cfg": .link("/home/u/.ssh/id"),
      "/srv/evil/lib/python3.11": .link("/home/u/.ssh"),
      "/srv/evil/lib/libx.so": .link("/home/u/.ssh/id"),
      "/srv/evil/lib/python3/dist-packages": .link("/home/u/.ssh"),
      "/srv/evil/bin/git": .elf(), "/srv/evil/libexec/git-core": .link("/home/u/.ssh"),
    ]
    let found = try Self.discover(tree, programs: ["/srv/evil/bin/git"])
    #expect(Self.leaks(found) == [])
    #expect(found.findings.contains { $0.contains("leads to /home/u/.ssh/id") })
    // The control: the same names as files and directories of the tree's own.
    let own = try Self.discover([
      "/srv/evil/bin/x": .script("#!/srv/evil/bin/python3.11\n"),
      "/srv/evil/bin/python3.11": .elf(), "/srv/evil/pyvenv.cfg": .text("version = 3.11.2\n"),
      "/srv/evil/lib/python3.11/os.py": .text(""),
      "/srv/evil/lib/libx.so": .elf(interpreter: nil, needed: []),
    ])
    for path in ["/srv/evil/pyvenv.cfg", "/srv/evil/lib/python3.11", "/srv/evil/lib/libx.so"] {
      #expect(RuntimeTests.paths(own).contains(path), "\(path)")
    }
  }

  @Test("a pipe in place of an interpreter or of a program is not opened")
  func pipes() throws {
    for script in ["#!/srv/evil/bin/pipe\n", "#!/bin/sh\nexec /srv/evil/bin/pipe\n"] {
      let tree = ["/srv/evil/bin/x": FakeFiles.Entry.script(script), "/srv/evil/bin/pipe": .pipe]
      let found = try Self.discover(tree)
      #expect(found.findings.contains { $0.contains("/srv/evil/bin/pipe, which is not granted") })
    }
  }

  @Test("a Node script in a virtual environment does not bring the project around it")
  func projects() throws {
    var tree: [String: FakeFiles.Entry] = [
      "/srv/app/.venv/bin/x": .script("#!/usr/bin/env node\n"),
      "/srv/app/.venv/pyvenv.cfg": .text("version = 3.11.2\n"),
      "/srv/app/package.json": .text("{\"name\": \"app\"}"), "/srv/app/.env": .text("SECRET=1"),
    ]
    func paths() throws -> Set<String> {
      RuntimeTests.paths(try RuntimeTests.discover(["/srv/app/.venv/bin/x"], with: tree))
    }
    #expect(try paths().filter { $0.hasPrefix("/srv") } == ["/srv/app/.venv/bin/x"])
    // The control: without an environment it is the project's own script.
    tree["/srv/app/.venv/pyvenv.cfg"] = nil
    #expect(try paths().contains("/srv/app"))
  }
}
