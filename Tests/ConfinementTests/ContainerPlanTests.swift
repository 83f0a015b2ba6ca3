import Linux
import Profile
import Testing

@testable import Confinement

@Suite("A plan of isolation level container has rules instead of mounts")
struct ContainerPlanTests {
  /// All capabilities but those in `lacking`.
  private func capabilities(lacking: [Int] = []) -> UInt64 {
    lacking.reduce(UInt64.max) { $0 & ~(1 << UInt64($1)) }
  }

  private func plan(
    user: UInt32 = 1234, landlock: Int = 7, facts: ContainerFacts? = nil, read: [String] = [],
    write: [String] = [], hide: [String] = [], protect: [String] = [], workdir: String? = nil,
    invokedFrom: String? = nil, searchPath: [String] = [], grants: [RuntimeGrant] = [],
    protectsDefaults: Bool = false, program: String? = nil,
    files extra: [(String, PlanFiles.Node)] = []
  ) throws(PlanError) -> Plan {
    var profile = Profile(name: "p")
    profile.isolation = .container
    profile.filesystem.protectsDefaults = protectsDefaults
    profile.server.command = [Located("/srv/server")]
    profile.server.workdir = workdir.map { Located($0) }
    profile.server.invokedFrom = invokedFrom
    profile.filesystem.read = read.map { Profile.PathGrant($0, line: 7) }
    profile.filesystem.write = write.map { Profile.PathGrant($0, line: 8) }
    profile.filesystem.hide = hide.map { Profile.PathGrant($0, line: 9) }
    profile.filesystem.protect = protect.map { Profile.PathGrant($0, line: 10) }
    var runtime = RuntimeDiscovery()
    runtime.executable = "/srv/server"
    runtime.searchPath = searchPath
    runtime.grants = grants
    if let program {
      runtime.grants.append(
        RuntimeGrant(
          path: program, isDirectory: true, executable: true, reason: "its program", links: []))
    }
    let space = CellBlueprint.Container.Space(parent: "/tmp", name: "anchorhold-0")
    let standard = ContainerFacts(
      capabilities: user == 0 ? .max : 0, bounding: "00000000a80425fb", securebits: 3,
      tasks: [1234: 40], space: space)
    return try Plan(
      profile: profile, runtime: runtime,
      host: HostFacts(
        user: user, group: user, landlockABI: landlock, container: facts ?? standard),
      guarded: [], files: PlanFiles(PlanTests.base + extra))
  }

  private func messages(_ make: () throws(PlanError) -> Plan) -> [String] {
    do {
      _ = try make()
      return []
    } catch { return error.faults.map(\.message) }
  }

  @Test("grants become rules on what the plan saw, and nothing is mounted")
  func rules() throws {
    let plan = try plan(read: ["/srv/data"])
    #expect(plan.blueprint.actions.isEmpty)
    let rule = try #require(plan.blueprint.landlockRules.first { $0.path == "/srv/data" })
    #expect(rule.access == [.readFile, .readDirectory])
    #expect(rule.status != nil)
    #expect(plan.blueprint.landlockRules.map(\.path).sorted() == ["/dev/null", "/srv/data"])
    #expect(plan.blueprint.insideUser == 1234)
    #expect(plan.blueprint.environment.contains("TMPDIR=/tmp/anchorhold-0"))
    #expect(plan.blueprint.environment.contains("HOME=/tmp/anchorhold-0"))
    #expect(plan.blueprint.workingDirectory == "/tmp/anchorhold-0")
  }

  private static let places: [(String, PlanFiles.Node)] = [
    ("/srv/open", .directory), ("/srv/closed", .closed), ("/srv/closed/inner", .directory),
  ]

  @Test(
    "a command starts where it was given, if the server's user may be there",
    arguments: [
      ("/srv/open", true), ("/srv/closed", false), ("/srv/closed/inner", false), ("/none", false),
    ])
  func invokedFrom(place: String, isOpen: Bool) throws {
    let root = try plan(user: 0, invokedFrom: place, files: Self.places)
    #expect(root.blueprint.workingDirectory == (isOpen ? place : "/tmp/anchorhold-0"))
    // The server of anybody else is who stands there.
    let user = try plan(invokedFrom: place, files: Self.places)
    #expect(user.blueprint.workingDirectory == place)
  }

  @Test(
    "the way to a path is as open as its directories",
    arguments: [
      ("/srv/open", nil), ("/srv/closed", nil), ("/srv/closed/inner", "/srv/closed"),
      ("/srv/server/below", "/srv/server"), ("/", nil),
    ])
  func way(path: String, closed: String?) {
    let files = PlanFiles(PlanTests.base + Self.places)
    #expect(Passage.firstClosed(to: path, user: 1234, group: 1234, files: files) == closed)
    #expect(
      Passage.firstClosed(to: "/srv/closed/inner", user: 0, group: 0, files: files) == nil)
    #expect(
      Passage.firstClosed(to: "/srv/closed", itself: true, user: 1, group: 1, files: files)
        == "/srv/closed")
  }

  @Test("a directory of the search path counts when something in it is granted")
  func searchPath() throws {
    func grant(_ path: String, because reason: String) -> RuntimeGrant {
      RuntimeGrant(path: path, isDirectory: false, executable: true, reason: reason, links: [])
    }
    let plan = try plan(
      searchPath: ["/srv/open", "/srv/bin"], grants: [grant("/srv/bin/tool", because: "command")],
      files: Self.places + [("/srv/bin/tool", .file)])
    #expect(plan.blueprint.environment.contains { $0.hasSuffix(":/bin:/srv/bin") })
    let inside = try self.plan(read: ["/srv/data/file"], workdir: "/srv/data")
    #expect(inside.blueprint.workingDirectory == "/srv/data")
    #expect(!plan.notes.contains { $0.contains("cannot be listed") })
    let beside = [grant("/srv/bin/tool", because: RuntimeDiscovery.besideScript)]
    let bare = try self.plan(grants: beside, files: [("/srv/bin/tool", .file)])
    #expect(bare.notes.contains { $0.hasPrefix("/srv/bin cannot be listed") })
    let listed = try self.plan(
      read: ["/srv/bin"], grants: beside, files: [("/srv/bin/tool", .file)])
    #expect(!listed.notes.contains { $0.contains("cannot be listed") })
  }

  @Test("without the right to change them, the caller's bounding set and securebits remain")
  func rights() throws {
    let user = try plan()
    #expect(user.bounding == "00000000a80425fb" && user.securebits == 3)
    #expect(user.notes.contains { $0.contains("CAP_SETPCAP") })
    let root = try plan(user: 0)
    #expect(root.bounding == "0000000000000000")
    #expect(root.securebits == CellFacts.sealedSecurebits)
    #expect(root.blueprint.container?.initUser == Plan.initIdentifier)
    #expect(user.blueprint.container?.initUser == 1234)
  }

  @Test("the limit of processes leaves room for the same user's others")
  func processes() throws {
    let limit = try plan().blueprint.limits.first { $0.resource == .processes }
    #expect(limit?.soft == Profile.Limits().processes + 43)
  }

  @Test("without temporary space there is no TMPDIR, and a note")
  func noSpace() throws {
    let plan = try plan(facts: ContainerFacts())
    #expect(!plan.blueprint.environment.contains { $0.hasPrefix("TMPDIR=") })
    #expect(plan.blueprint.workingDirectory == "/")
    #expect(plan.notes.contains { $0.contains("no temporary space") })
  }

  @Test("what only a mount could hold is refused")
  func refusals() {
    #expect(
      messages { () throws(PlanError) in
        try plan(read: ["/srv/data"], hide: ["/srv/data/secret"])
      }.contains { $0.hasPrefix("cannot hide") })
    #expect(
      messages { () throws(PlanError) in
        try plan(write: ["/srv/data"], protect: ["/srv/data/file"])
      }.contains { $0.hasPrefix("cannot protect") })
    #expect(
      messages { () throws(PlanError) in
        try plan(read: ["/srv/data/file"], write: ["/srv/data"])
      }.contains { $0.hasPrefix("cannot keep read-only") })
    #expect(
      messages { () throws(PlanError) in
        try plan(
          write: ["/srv/data"], protectsDefaults: true,
          files: [("/srv/data/.git/config", .file)])
      }.contains { $0.hasPrefix("cannot protect \"/srv/data/.git\"") })
    #expect(
      messages { () throws(PlanError) in
        try plan(write: ["/srv/data"], protectsDefaults: true)
      }.contains { $0.contains("other protected names") })
    #expect(messages { () throws(PlanError) in try plan(write: ["/srv/data"]) } == [])
  }

  @Test("what could be written and then executed is refused")
  func execution() throws {
    // Rights add up: what is written in a program's directory could be executed.
    let inside = messages { () throws(PlanError) in
      try plan(
        write: ["/srv/data/sub"], program: "/srv/data", files: [("/srv/data/sub", .directory)])
    }
    #expect(inside.contains { $0.hasPrefix("cannot grant \"/srv/data/sub\"") })
    let space = messages { () throws(PlanError) in
      try plan(program: "/tmp", files: [("/tmp", .directory)])
    }
    #expect(space.contains { $0.contains("private temporary space") })
    // Beside it nothing can.
    #expect(
      messages { () throws(PlanError) in
        try plan(
          write: ["/srv/data/sub"], program: "/srv/data/app",
          files: [("/srv/data/sub", .directory), ("/srv/data/app", .directory)])
      } == [])
  }

  @Test("what is granted for reading in a program's directory is said to be executable")
  func merged() throws {
    let plan = try plan(
      read: ["/srv/data/sub"], program: "/srv/data", files: [("/srv/data/sub", .directory)])
    let grants = plan.grants.filter { $0.path.hasPrefix("/srv/data") }
    #expect(!grants.isEmpty && grants.filter { !$0.executable }.isEmpty)
    let rules = plan.blueprint.landlockRules.filter { $0.path.hasPrefix("/srv/data") }
    #expect(rules.count == grants.count && rules.filter { !$0.access.contains(.execute) }.isEmpty)
  }

  @Test("what the machine or the caller lacks is refused")
  func surroundings() {
    #expect(
      messages { () throws(PlanError) in try plan(landlock: 2) }
        .contains { $0.contains("needs Landlock version 3") })
    #expect(
      messages { () throws(PlanError) in
        try plan(facts: ContainerFacts(listsChildren: false))
      }.contains { $0.contains("children") })
    for lacking in [6, 7] {
      let facts = ContainerFacts(capabilities: capabilities(lacking: [lacking]))
      #expect(
        messages { () throws(PlanError) in try plan(user: 0, facts: facts) }
          .contains { $0.contains("never runs as root") })
    }
    let mapped = ContainerFacts(capabilities: .max, users: [(0, 65_536)], groups: [(0, 65_536)])
    #expect(
      messages { () throws(PlanError) in try plan(user: 0, facts: mapped) }
        .contains { $0.contains("is no user here") })
  }

  @Test("signals are held by Landlock, by ids or by the filter, whichever there is")
  func signals() throws {
    let new = try plan()
    let old = try plan(landlock: 5)
    let root = try plan(user: 0, landlock: 5)
    #expect(new.blueprint.container?.scopesSignals == true)
    #expect(new.containerFilter == SeccompContainer(sharesUser: true, refusesSignals: false))
    #expect(old.containerFilter == SeccompContainer(sharesUser: true, refusesSignals: true))
    #expect(root.containerFilter == SeccompContainer(sharesUser: false, refusesSignals: false))
    #expect(old.blueprint.container?.lateFilter == true)
    #expect(new.blueprint.container?.lateFilter == false)
  }
}
