import Foundation
import Linux
import Profile
import Testing

@testable import Confinement

/// Discovery on the machine that the tests run on, held against bubblewrap: a root that holds what
/// was found, and nothing else, is enough for the command to run.
@Suite("runtime discovery on this machine")
struct RuntimeRealTests {
  static func discover(
    _ command: [String], programs: [String] = [], preset: Preset = .auto,
    searchPath: [String] = RuntimeDiscovery.standardSearchPath, directory: String = "/"
  ) throws -> RuntimeDiscovery {
    try RuntimeDiscovery.discover(
      RuntimeRequest(
        preset: preset, command: command, programs: programs, searchPath: searchPath,
        workingDirectory: directory, home: ProcessInfo.processInfo.environment["HOME"]),
      files: HostFiles())
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
  static var bubblewrap: Bool {
    guard exists("/usr/bin/bwrap") else { return false }
    let trial = try? SeccompProbe.run(
      URL(filePath: "/usr/bin/bwrap"), ["--ro-bind", "/", "/", "/bin/true"])
    return trial?.status == 0
  }

  /// Runs `command` in a root that holds the discovery's grants and links only.
  static func run(
    _ found: RuntimeDiscovery, _ command: [String]
  ) throws -> (status: Int32, text: String) {
    var arguments = ["--unshare-all", "--die-with-parent", "--tmpfs", "/tmp", "--dev", "/dev"]
    arguments += ["--proc", "/proc", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin"]
    for (name, value) in found.environment { arguments += ["--setenv", name, value] }
    for grant in found.grants.sorted(by: { $0.path < $1.path }) {
      arguments += ["--ro-bind", grant.path, grant.path]
    }
    for link in found.grants.flatMap(\.links) {
      arguments += ["--symlink", link.target, link.path]
    }
    arguments += [found.executable] + command.dropFirst()
    return try SeccompProbe.run(URL(filePath: "/usr/bin/bwrap"), arguments)
  }

  /// A directory for one test, outside `/tmp` so that the private one does not hide it.
  static func scratch() throws -> URL {
    let directory = URL(filePath: "/var/tmp/anchorhold-runtime-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    return directory
  }

  static func write(_ text: String, _ file: URL, mode: Int = 0o755) throws {
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
  }

  static func narrow(_ found: RuntimeDiscovery) {
    let forbidden = [
      "/", "/usr", "/usr/lib", "/usr/bin", "/etc", "/home", "/root", "/tmp", "/var/tmp",
      ProcessInfo.processInfo.environment["HOME"] ?? "/root",
    ]
    for grant in found.grants { #expect(!forbidden.contains(grant.path), "\(grant)") }
  }

  /// What is tried: the system's own programs, and others where they are installed.
  static let commands: [[String]] =
    [
      ["/bin/ls", "/"], ["git", "--version"], ["git", "-C", "/tmp", "init"],
      ["bash", "-c", "true"],
      [
        "/usr/bin/python3", "-c",
        "import ssl, sqlite3, ctypes, zoneinfo, json, asyncio; zoneinfo.ZoneInfo('Europe/Rome')",
      ],
    ]
    + [
      ["sqlite3", ":memory:", "select 1"],
      ["node", "-e", "require('crypto').createHash('sha256'); new Date().toString()"],
    ].filter { command in
      RuntimeDiscovery.standardSearchPath.contains { exists("\($0)/\(command[0])") }
    }

  @Test(
    "a command runs with what was found for it, and nothing else",
    .enabled(if: mustWork || bubblewrap, "needs bubblewrap"), arguments: commands)
  func suffices(_ command: [String]) throws {
    let found = try Self.discover(command)
    Self.narrow(found)
    let run = try Self.run(found, command)
    #expect(run.status == 0, "\(run.text)")
  }

  @Test(
    "a virtual environment brings its packages and the Python behind it",
    .enabled(
      if: mustWork || bubblewrap && exists("/usr/bin/python3"), "needs bubblewrap and python3"),
    arguments: [false, true])
  func virtualEnvironment(polyglot: Bool) throws {
    let directory = try Self.scratch()
    defer { try? FileManager.default.removeItem(at: directory) }
    let environment = directory.appending(path: "venv")
    let made = try SeccompProbe.run(
      URL(filePath: "/usr/bin/python3"), ["-m", "venv", "--without-pip", environment.path])
    try #require(made.status == 0, "\(made.text)")
    let packages = try #require(
      try FileManager.default.contentsOfDirectory(
        atPath: environment.appending(path: "lib").path
      ).first { $0.hasPrefix("python3.") })
    let site = environment.appending(path: "lib/\(packages)/site-packages")
    // An installed module, an editable one that a .pth file names, and a neighbour of it.
    try Self.write("name = 'installed'\n", site.appending(path: "installed.py"), mode: 0o644)
    let source = directory.appending(path: "source/src")
    try Self.write("name = 'editable'\n", source.appending(path: "editable.py"), mode: 0o644)
    try Self.write("secret\n", directory.appending(path: "source/.env"), mode: 0o644)
    try Self.write("\(source.path)\n", site.appending(path: "editable.pth"), mode: 0o644)
    let python = environment.appending(path: "bin/python3").path
    let first =
      polyglot
      ? "#!/bin/sh\n'''exec' '\(python)' \"$0\" \"$@\"\n' '''\n" : "#!\(python)\n"
    let script = environment.appending(path: "bin/server")
    try Self.write(
      first + """
        import installed, editable, os, sys
        print(installed.name, editable.name, os.path.exists('\(directory.path)/source/.env'))
        """, script)

    let found = try Self.discover([script.path], preset: .python)
    Self.narrow(found)
    let run = try Self.run(found, [script.path])
    #expect(run.text == "installed editable False\n")
    #expect(run.status == 0)
    // Without the base installation it does not run: the grants are what made it.
    var less = found
    less.grants.removeAll { $0.reason == "Python's standard library" }
    #expect(try Self.run(less, [script.path]).status != 0)
  }

  @Test(
    "a native program brings exactly the libraries that it names",
    .enabled(if: mustWork || bubblewrap && SeccompProbe.hasCompiler, "needs bubblewrap and gcc"))
  func native() throws {
    let directory = try Self.scratch()
    defer { try? FileManager.default.removeItem(at: directory) }
    try Self.write("int two(void) { return 2; }\n", directory.appending(path: "two.c"))
    try Self.write(
      "int two(void); int main(void) { return two() - 2; }\n", directory.appending(path: "main.c"))
    let gcc = URL(filePath: "/usr/bin/gcc")
    let library = directory.appending(path: "lib/libtwo.so").path
    try FileManager.default.createDirectory(
      at: directory.appending(path: "lib"), withIntermediateDirectories: true)
    for arguments in [
      ["-shared", "-fPIC", "-o", library, directory.path + "/two.c"],
      [
        "-o", directory.path + "/program", directory.path + "/main.c", "-L\(directory.path)/lib",
        "-ltwo", "-Wl,-rpath,$ORIGIN/lib",
      ],
      [
        "-static", "-o", directory.path + "/alone", directory.path + "/main.c",
        directory.path + "/two.c",
      ],
    ] {
      let built = try SeccompProbe.run(gcc, arguments)
      try #require(built.status == 0, "\(built.text)")
    }
    let program = directory.path + "/program"
    let found = try Self.discover([program], preset: .none)
    #expect(found.grants.allSatisfy { !$0.isDirectory })
    #expect(found.grants.contains { $0.path == library })
    #expect(found.grants.count == 4, "program, loader, libtwo, libc")
    #expect(try Self.run(found, [program]).status == 0)

    let alone = try Self.discover([directory.path + "/alone"], preset: .static)
    #expect(alone.grants.map(\.path) == [directory.path + "/alone"])
    #expect(try Self.run(alone, ["alone"]).status == 0)

    try FileManager.default.removeItem(atPath: library)
    #expect(throws: RuntimeError.missing(path: "libtwo.so", neededBy: program)) {
      try Self.discover([program])
    }
  }

  @Test("the files of this machine are read if they are files, and nothing waits for a pipe")
  func specialFiles() throws {
    let directory = try Self.scratch()
    defer { try? FileManager.default.removeItem(at: directory) }
    try Self.write("text", directory.appending(path: "file"))
    let pipe = directory.appending(path: "pipe").path
    try #require(mkfifo(pipe, 0o600) == 0)
    #expect(try HostFiles().read("\(directory.path)/file", at: 1, maximum: 9) == [101, 120, 116])
    for path in [pipe, "/dev/zero", "/dev/ptmx", directory.path] {
      #expect(throws: Errno.invalidArgument, "\(path)") {
        try HostFiles().read(path, at: 0, maximum: 4)
      }
    }
  }
}
