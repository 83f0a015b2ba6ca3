import Linux
import Profile
import Testing

@testable import Confinement

@Suite("Nobody but the profile tells a server's loader what to load")
struct CellEnvironmentTests {
  private func plan(
    _ variables: [(String, String)] = [], discovery: [(String, String)] = [],
    command: [String] = ["/srv/server"]
  ) throws(PlanError) -> Plan {
    var profile = Profile(name: "p")
    profile.server.command = command.map { Located($0) }
    profile.filesystem.write = [Profile.PathGrant("/srv/data", line: 8)]
    profile.server.environment = variables.map {
      Profile.EnvironmentVariable(name: $0.0, value: $0.1, line: 5)
    }
    var runtime = RuntimeDiscovery()
    runtime.executable = "/srv/server"
    runtime.environment = discovery
    return try Plan(
      profile: profile, runtime: runtime, host: HostFacts(user: 1, group: 1, landlockABI: 6),
      guarded: [], files: PlanFiles(PlanTests.base))
  }

  private func faults(_ make: () throws(PlanError) -> Plan) -> [String] {
    do throws(PlanError) {
      _ = try make()
      return []
    } catch { return error.faults.map(\.message) }
  }

  static let names = [
    "LD_PRELOAD", "LD_AUDIT", "GLIBC_TUNABLES", "PYTHONPATH", "PYTHONSTARTUP", "NODE_OPTIONS",
    "NODE_PATH", "BASH_ENV", "ENV", "PERL5OPT", "PERL5LIB", "RUBYOPT", "JAVA_TOOL_OPTIONS",
    "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "DOTNET_STARTUP_HOOKS", "OPENSSL_CONF",
  ]

  @Test("a variable of a loader comes from the profile or not at all", arguments: names)
  func origin(_ name: String) throws {
    let found = faults { () throws(PlanError) in try plan(discovery: [(name, "/usr/lib/x")]) }
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("cannot set the variable \(name): ") ?? false)
    let set = try plan([(name, "/usr/lib/x")])
    #expect(set.blueprint.environment.contains("\(name)=/usr/lib/x"))
    #expect(set.notes.contains { $0.hasPrefix("the profile sets \(name) (line 5)") })
  }

  @Test("what presets set themselves is no finding", arguments: LoaderVariables.own)
  func own(_ name: String) throws {
    #expect(LoaderVariables.family(of: name) != nil)
    _ = try plan(discovery: [(name, "1")])
  }

  @Test("each preset's own variables pass")
  func presets() {
    for preset in Preset.allCases {
      for (name, _) in preset.environment where LoaderVariables.family(of: name) != nil {
        #expect(LoaderVariables.own.contains(name))
      }
    }
  }

  @Test(
    "what a loader would take from where the server writes is refused",
    arguments: [
      ("LD_PRELOAD", "/srv/data/x.so"), ("LD_LIBRARY_PATH", "/usr/lib:/srv/data"),
      ("NODE_OPTIONS", "--require /srv/data/x.js"), ("NODE_OPTIONS", "--require=/srv/data/x.js"),
      ("PYTHONPATH", "/srv/link"), ("RUBYOPT", "-I/srv/data"), ("PERL5LIB", "/tmp/x"),
      ("JAVA_TOOL_OPTIONS", "-javaagent:/srv/data/x.jar"), ("GIT_EXEC_PATH", "/home/server"),
    ])
  func writable(_ name: String, _ value: String) throws {
    let found = faults { () throws(PlanError) in try plan([(name, value)]) }
    #expect(found.count == 1)
    #expect(found.first?.contains("the server can write ") ?? false)
    _ = try plan([(name, "/usr/lib/x")])
  }

  @Test(
    "what is relative is taken from the working directory",
    arguments: [
      ("PYTHONPATH", "lib", true), ("PYTHONPATH", "/usr/lib:", true), ("PYTHONPATH", "", false),
      ("NODE_OPTIONS", "--require ./x.js", true), ("LD_PRELOAD", "./x.so", true),
      ("NODE_OPTIONS", "--import=file:///srv/data/x.mjs", true),
      ("PERL5LIB", "/proc/self/cwd/x", true), ("PERL5LIB", "/proc/self/cwdx", false),
      ("PYTHONHASHSEED", "1", false), ("PYTHONUTF8", "utf-8", false),
      ("NODE_OPTIONS", "--max-old-space-size=4096", false),
    ])
  func relative(_ name: String, _ value: String, _ isRefused: Bool) {
    let paths = LoaderVariables.paths(in: value, of: name, workdir: "/srv/data")
    #expect(paths.contains { Paths.isWithin($0, "/srv/data") } == isRefused)
  }

  @Test("data of Git may lie where the server writes")
  func data() throws { _ = try plan([("GIT_DIR", "/srv/data/.git")]) }

  @Test("a variable, and all of them together, stay below what exec takes")
  func sizes() throws {
    let most = String(repeating: "x", count: 131_071 - 2)
    _ = try plan([("V", most)])
    #expect(
      faults { () throws(PlanError) in try plan([("V", most + "x")]) }
        == ["cannot set the variable V: 131072 bytes are more than 131071"])
    let many = (0..<9).map { ("V\($0)", String(repeating: "x", count: 120_000)) }
    let together = faults { () throws(PlanError) in try plan(many) }
    #expect(together.first?.hasPrefix("cannot pass arguments and environment of ") ?? false)
  }

  @Test("a name is in the family that reads it, and in no other case")
  func families() {
    #expect(LoaderVariables.family(of: "LD_ANYTHING")?.reader == "the dynamic loader")
    #expect(LoaderVariables.family(of: "ENV")?.reader == "shells")
    for name in ["ENVIRONMENT", "LANG", "PATH", "HOME", "TZ", "ld_preload", "GITHUB_TOKEN"] {
      #expect(LoaderVariables.family(of: name) == nil)
    }
  }
}
