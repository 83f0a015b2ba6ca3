import Testing

@testable import Profile

@Suite("A good profile")
struct LoaderTests {
  private func vector(_ name: String) throws -> Vector {
    try #require(try Vector.all().first { $0.name == name })
  }

  @Test("a minimal profile grants nothing and has the defaults")
  func minimal() throws {
    let vector = try vector("minimal")
    let profile = try #require(vector.loader.load(vector.text).profile)
    #expect(profile.name == "x")
    #expect(profile.preset == .none)
    #expect(profile.isolation == .full)
    #expect(profile.server.command.isEmpty && profile.server.environment.isEmpty)
    #expect(profile.filesystem.read.isEmpty && profile.filesystem.write.isEmpty)
    #expect(profile.limits == Profile.Limits())
    #expect(profile.limits.memory == 2_147_483_648)
    #expect(profile.limits.processes == 256)
    #expect(profile.limits.openFiles == 1024)
    #expect(profile.limits.fileSize == 1_073_741_824)
    #expect(profile.limits.temporary == 268_435_456)
    #expect(profile.limits.temporaryFiles == 16_384)
    #expect(profile.hardening == Profile.Hardening())
    #expect(profile.limits.cpuTime == nil)
    #expect(profile.messages == Profile.Messages(maxSize: 4_194_304, maxDepth: 64, inFlight: 64))
    #expect(profile.features == Profile.Features(logging: false))
    #expect(profile.audit.arguments == .shape)
    #expect(profile.pins == .strict)
    #expect(profile.tools.allow.isEmpty)
  }

  @Test("every key that is enforced reaches its field, with its line")
  func everything() throws {
    let vector = try vector("everything")
    let profile = try #require(vector.loader.load(vector.text).profile)
    #expect(profile.name == "every-thing.1_2")
    #expect(profile.description == "Two words: ${not a variable} here")
    #expect(profile.preset == .python)
    #expect(
      profile.server.command.map(\.value) == [
        "server", "--repository=/src/app", "--mode", "fast", "${HOME}", "3", "true",
      ])
    #expect(profile.server.command.first == Located("server", line: 14, column: 13))
    #expect(profile.server.programs.map(\.value) == ["git", "/usr/bin/ssh"])
    #expect(profile.server.pinned.map(\.value) == ["/opt/server", "/src/app/tools"])
    #expect(profile.server.workdir?.value == "/src/app")
    #expect(
      profile.server.environment == [
        Profile.EnvironmentVariable(name: "ONE", value: "1", line: 19),
        Profile.EnvironmentVariable(name: "PATH", value: "/usr/bin:/bin", line: 20),
      ])
    #expect(
      profile.filesystem.read == [
        Profile.PathGrant("/src/app", line: 23, column: 10),
        Profile.PathGrant("/etc/localtime", isOptional: true, line: 23, column: 27),
      ])
    #expect(profile.filesystem.write.map(\.path) == ["/srv/notes.txt"])
    #expect(profile.filesystem.hide.map(\.path) == ["/src/app/.env"])
    #expect(
      profile.filesystem.protect == [
        Profile.PathGrant("/src/app/Makefile", line: 26, column: 13),
        Profile.PathGrant("/src/app/ci", isOptional: true, line: 26, column: 39),
      ])
    #expect(!profile.filesystem.protectsDefaults)
    #expect(profile.filesystem.missingProtection == .refuse)
    #expect(profile.syscalls.add.map(\.value) == ["mlock"])
    var limits = Profile.Limits(
      memory: 1 << 30, processes: 64, openFiles: 256, fileSize: 4096, cpuTime: 5400)
    limits.temporary = 1 << 20
    limits.temporaryFiles = 100
    limits.cpu = Located(150, line: 31, column: 134)
    limits.controlGroup = Located(.auto, line: 31, column: 147)
    #expect(profile.limits == limits)
    #expect(profile.hardening.deniesWriteExecute)
    #expect(profile.hardening.mitigatesSpeculation)
    #expect(profile.messages == Profile.Messages(maxSize: 65536, maxDepth: 32, inFlight: 8))
    #expect(profile.features.logging)
    #expect(profile.audit.arguments == .full)
    #expect(profile.pins == .off)
    let names = profile.tools.allow.map(\.name)
    #expect(names.map(\.value) == ["git_status", "git_log", "Größe"])
    #expect(names.map(\.line) == [34, 34, 34])
    #expect(profile.variables.map(\.name) == ["repository", "mode", "depth", "cache", "notes"])
  }

  @Test(
    "a star opens every tool, in either form, and remembers its line",
    arguments: [
      "star-word", "star-list",
    ])
  func star(_ name: String) throws {
    let vector = try vector(name)
    let profile = try #require(vector.loader.load(vector.text).profile)
    let tools = profile.tools.allow
    #expect(tools.count == 1)
    #expect(tools.first?.name.value == "*")
    #expect(tools.first?.name.line == 3)
    #expect(tools.first?.isPattern == true)
  }

  @Test("the rules of an argument are there in their order, each with its line")
  func argumentRules() throws {
    let vector = try vector("argument-rules")
    let profile = try #require(vector.loader.load(vector.text).profile)
    let tool = try #require(profile.tools.allow.first)
    #expect(tool.description == "Show commits")
    let names = tool.arguments.map(\.name)
    #expect(names == ["max_count", "repo_path", "paths", "url", "branch", "raw"])
    let rules = tool.arguments.map(\.rule)
    #expect(rules[0].isRequired)
    #expect(rules[0].demands.map(\.line) == [9, 9])
    #expect(rules[0].line == 9)
    guard case .maximum(let most) = rules[0].demands[1].value else {
      Issue.record("no maximum")
      return
    }
    #expect(most == "100.5")
    guard case .under(let directory) = rules[1].demands[0].value else {
      Issue.record("no directory")
      return
    }
    #expect(directory == "/src")
    guard case .literals(let literals) = rules[4].demands[0].value else {
      Issue.record("no values")
      return
    }
    #expect(literals == [.text("main"), .text("7"), .number("7"), .boolean(true)])
    #expect(rules[4].isNullable)
    #expect(rules[5].isAbsent)
  }

  @Test("a setting stays one value, whatever YAML it looks like")
  func noInjection() throws {
    let vector = try vector("variable-no-injection")
    let profile = try #require(vector.loader.load(vector.text).profile)
    #expect(profile.server.command.map(\.value) == ["run", "\"], programs: [sh"])
    #expect(profile.server.programs.isEmpty)
    #expect(profile.server.environment.first?.value == "\"], programs: [sh")
  }

  @Test("relative settings become absolute from the working directory")
  func relativeSettings() throws {
    let vector = try vector("variable-relative")
    let profile = try #require(vector.loader.load(vector.text).profile)
    #expect(profile.filesystem.read.map(\.path) == ["/home/you/app/x"])
    #expect(profile.filesystem.write.map(\.path) == ["/home/me/notes/x.txt"])
  }

  @Test("a lenient loader warns of a missing variable and goes on")
  func lenient() throws {
    let text = ShippedProfiles.text(of: "git") ?? []
    var loader = ProfileLoader(file: "git")
    #expect(loader.load(text).profile == nil)
    loader.requiresSettings = false
    let (profile, diagnostics) = loader.load(text)
    #expect(profile != nil)
    #expect(diagnostics.map(\.severity) == [.warning])
  }

  @Test("more findings than anyone reads are cut, and still an error")
  func bounded() {
    let keys = (0..<300).map { "key\($0): 1\n" }.joined()
    let (profile, diagnostics) = ProfileLoader(file: "p").load(Array(keys.utf8))
    #expect(profile == nil)
    #expect(diagnostics.count == 101)
    #expect(diagnostics.last?.message.contains("the rest is not shown") ?? false)
  }

  @Test("a profile of more than a mebibyte is refused and one of a mebibyte is read")
  func size() {
    let good = Array("version: 1\nname: x\n".utf8)
    let filler = [UInt8](repeating: UInt8(ascii: "#"), count: (1 << 20) - good.count)
    #expect(ProfileLoader(file: "p").load(good + filler).profile != nil)
    #expect(ProfileLoader(file: "p").load(good + filler + [0x23]).profile == nil)
  }

  @Test("a path is shown whole, and quoted as a shell takes it")
  func paths() {
    let long = "/" + String(repeating: "x", count: 200)
    #expect(quotedPath(long) == "\"\(long)\"")
    #expect(quoted(long).count < 70)
    #expect(shellQuoted(long) == long)
    #expect(shellQuoted("/a b/it's") == "'/a b/it'\\''s'")
    #expect(shellQuoted("/a$b") == "'/a$b'")
    #expect(shellQuoted("/a\u{1b}b") == "\"/a\\u{1b}b\"")
  }
}
