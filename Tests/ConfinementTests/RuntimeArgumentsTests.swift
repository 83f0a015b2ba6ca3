import Profile
import Testing

@testable import Confinement

/// What command lines and accounts say of what is granted, over the same trees.
extension RuntimeTests {
  @Test(
    "the module that Python is told to run brings the modules beside it",
    arguments: [
      (["-m", "server"], true), (["-um", "server"], true),
      (["-X", "dev", "-mserver"], true), (["-Im", "server"], false), (["-Pm", "server"], false),
      (["-uc", "import server", "-m", "server"], false), (["-Wdefault", "-m", "server"], true),
      (["-m", "space.part"], true), (["-m", "space.other"], false), (["-m", "space"], false),
      (["-m", "pack.part"], true), (["-m", "pack"], true), (["-m", "none"], false),
      (["-", "-m", "server"], false), (["-m", "../server"], false), (["-m", ".server"], false),
    ])
  func module(arguments: [String], isThere: Bool) throws {
    let found = try Self.discover(
      ["python3"] + arguments,
      with: [
        "/srv/p/server.py": .text(""), "/srv/p/tools.py": .text(""), "/srv/p/secret": .text(""),
        "/srv/p/space/part.py": .text(""), "/srv/p/pack/__init__.py": .text(""),
        "/srv/p/data/x": .text(""), "/srv/server.py": .text(""),
      ], directory: "/srv/p")
    let paths = Self.paths(found).filter { $0.hasPrefix("/srv") }
    var expected: Set<String> =
      isThere ? ["/srv/p/server.py", "/srv/p/tools.py", "/srv/p/pack"] : []
    if isThere, arguments.last == "space.part" { expected.insert("/srv/p/space") }
    #expect(paths == expected)
  }

  @Test(
    "a home directory is never granted as a whole, whatever it is called",
    arguments: ["/home/u", "/people/u", "/data/u", nil], ["/people/u/s.js", "/data/u/s.js"])
  func homes(home: String?, script: String) throws {
    let tree: [String: FakeFiles.Entry] = [
      "/home/u": .link("/people/u"), "/people": .link("data"), "/data/u/s.js": .text(""),
      "/data/u/package.json": .text("{\"name\": \"home\"}"), "/data/u/secret": .text(""),
      "/data/other/s.js": .text(""), "/data/other/package.json": .text("{\"name\": \"other\"}"),
      "/data/u/.venv/pyvenv.cfg": .text("home = /usr/bin\nversion = 3.11.2\n"),
      "/data/u/.venv/bin/python": .link("/usr/bin/python3.11"),
      "/data/u/.venv/lib/python3.11/site-packages/a.pth": .text("/data/u\n"),
      "/data/u/__init__.py": .text(""),
      "/etc/passwd": .text(
        "root:x:0:0::/root:/bin/sh\n"
          + (home == nil ? "u:x:1001:1001::/people/u:/bin/sh\n" : "")),
    ]
    func paths(_ command: [String]) throws -> Set<String> {
      let found = try RuntimeDiscovery.discover(
        RuntimeRequest(preset: .auto, command: command, home: home, user: 1001),
        files: FakeFiles(Self.system.merging(tree) { _, new in new }))
      return Self.paths(found).filter { $0.hasPrefix("/data") }
    }
    #expect(try paths(["node", script]) == ["/data/u/s.js", "/data/u/package.json"])
    #expect(try !paths(["/data/u/.venv/bin/python"]).contains("/data/u"))
    // The control: the same package where nobody lives.
    #expect(try paths(["node", "/data/other/s.js"]) == ["/data/other"])
  }

  @Test("the homes of other people and of root are too wide, those of system accounts are not")
  func otherHomes() throws {
    let accounts = """
      root:x:0:0::/root:/bin/sh
      daemon:x:1:1::/srv/daemon:/bin/sh
      nobody:x:65534:65534::/srv/nobody:/bin/sh
      ann:x:1002:1002::/srv/people/ann:/bin/sh
      """
    let homes = HomeDirectories(
      home: "/root/", user: 1, accounts: Array(accounts.utf8), resolve: { $0 })
    for path in ["/root", "/srv/people/ann", "/srv/people", "/srv", "/srv/daemon"] {
      #expect(homes.isWithin(path), "\(path)")
    }
    for path in ["/root/server", "/srv/people/ann/server", "/srv/nobody"] {
      #expect(!homes.isWithin(path), "\(path)")
    }
    let account = HomeDirectories(
      home: "relative", user: 1002, accounts: Array(accounts.utf8), resolve: { _ in nil })
    #expect(account.own == "/srv/people/ann")
  }

  @Test(
    "Node's options are stepped over, and its ways to name a script understood",
    arguments: [
      ["--title", "x", "s.js"], ["--disable-warning", "DEP0040", "--no-warnings", "s"],
      ["-r", "/srv/hook.js", "./s"], ["--import=/srv/hook.js", "s.js"],
      ["--require", "./hook", "/srv/p/s"],
    ])
  func nodeOptions(arguments: [String]) throws {
    let tree: [String: FakeFiles.Entry] = [
      "/srv/p/s.js": .text(""), "/srv/hook.js": .text(""), "/srv/p/hook.cjs": .text(""),
      "/srv/p/secret": .text(""), "/usr/bin/bun": .elf(), "/srv/p/d/index.js": .text(""),
      "/srv/q/package.json": .text("{\"name\": \"q\"}"), "/srv/q/main.js": .text(""),
    ]
    func paths(_ command: [String]) throws -> Set<String> {
      Self.paths(try Self.discover(command, with: tree, directory: "/srv/p"))
        .filter { $0.hasPrefix("/srv") }
    }
    let found = try paths(["node"] + arguments)
    #expect(found.contains("/srv/p/s.js"))
    #expect(!found.contains("/srv/p/secret"))
    #expect(found.contains("/srv/hook.js") == arguments.contains { $0.contains("/srv/hook.js") })
    #expect(try paths(["node", "d"]).contains("/srv/p/d/index.js"))
    #expect(try paths(["node", "../q"]) == ["/srv/q"])
    #expect(try paths(["bun", "run", "s.js"]).contains("/srv/p/s.js"))
    let none = try Self.discover(["node", "none.js"], with: tree, directory: "/srv/p")
    #expect(
      none.findings.contains("nothing is at /srv/p/none.js, which /usr/bin/node is told to run"))
  }

  @Test(
    "a script whose interpreter no preset knows is a finding",
    arguments: [
      ("#!/usr/bin/perl -w\n", true), ("#!/usr/bin/env perl\n", true),
      ("#!/usr/bin/python3\n", false),
      ("#!/usr/bin/env node\n", false), ("#!/bin/sh\n", false), ("#!/opt/pkg/wrapper\n", true),
    ])
  func unknownInterpreter(line: String, isUnknown: Bool) throws {
    let found = try Self.discover(
      ["/opt/pkg/t"],
      with: [
        "/opt/pkg/t": .script(line), "/usr/bin/perl": .elf(),
        "/opt/pkg/wrapper": .script("#!/usr/bin/perl\n"),
      ])
    #expect(found.findings.contains { $0.contains("no preset knows") } == isUnknown)
  }
}
