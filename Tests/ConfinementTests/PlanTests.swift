import Linux
import Profile
import Testing

@testable import Confinement

/// A file system of the tests' own.
struct PlanFiles: FileLookup {
  var nodes: [[UInt8]: Node] = [:]

  enum Node {
    case directory, file, device, socket
    /// A directory of root's that opens to nobody else.
    case closed
    case link(String)
    case text(String)
  }

  init(_ entries: [(String, Node)]) {
    nodes[Array("/".utf8)] = .directory
    for (path, node) in entries {
      for ancestor in Paths.ancestors(of: path) where nodes[Array(ancestor.utf8)] == nil {
        nodes[Array(ancestor.utf8)] = .directory
      }
      nodes[Array(path.utf8)] = node
    }
  }

  func status(_ path: String) throws(Errno) -> FileStatus? {
    guard let node = nodes[Array(path.utf8)] else { return nil }
    let mode: UInt32 =
      switch node {
      case .directory: 0o040755
      case .closed: 0o040700
      case .file, .text: 0o100644
      case .device: 0o020666
      case .socket: 0o140777
      case .link: 0o120777
      }
    return FileStatus(
      device: 1, inode: UInt64(path.utf8.count), size: 0, mode: mode, user: 0, group: 0)
  }

  func target(ofLink path: String) throws(Errno) -> String {
    guard case .link(let target) = nodes[Array(path.utf8)] else { throw .invalidArgument }
    return target
  }

  func read(_ path: String, at offset: Int64, maximum: Int) throws(Errno) -> [UInt8] {
    guard case .text(let text) = nodes[Array(path.utf8)] else { return [] }
    return Array(text.utf8.dropFirst(Int(offset)).prefix(maximum))
  }
  func list(_ path: String) throws(Errno) -> [String] { [] }
}

@Suite("A plan follows from profile, runtime and host")
struct PlanTests {
  static let base: [(String, PlanFiles.Node)] = [
    ("/dev/null", .device), ("/srv/server", .file), ("/srv/data/file", .file),
    ("/srv/data/secret", .file), ("/srv/link", .link("data")), ("/run/bus", .socket),
    ("/srv/socket", .socket), ("/etc/anchorhold/profiles/p.yaml", .file),
  ]

  func plan(
    read: [String] = [], write: [String] = [], hide: [String] = [], workdir: String? = nil,
    invokedFrom: String? = nil, searchPath: [String] = RuntimeDiscovery.standardSearchPath,
    user: UInt32 = 1234, files extra: [(String, PlanFiles.Node)] = [], grants: [String] = [],
    mounts: [Mount] = [], guarded: [String] = []
  ) throws(PlanError) -> Plan {
    var profile = Profile(name: "p")
    profile.server.command = [Located("/srv/server")]
    profile.server.workdir = workdir.map { Located($0) }
    profile.server.invokedFrom = invokedFrom
    profile.filesystem.read = read.map { Profile.PathGrant($0, line: 7) }
    profile.filesystem.write = write.map { Profile.PathGrant($0, line: 8) }
    profile.filesystem.hide = hide.map { Profile.PathGrant($0, line: 9) }
    var runtime = RuntimeDiscovery()
    runtime.executable = "/srv/server"
    runtime.grants = grants.map {
      RuntimeGrant(path: $0, isDirectory: false, executable: true, reason: "test", links: [])
    }
    runtime.searchPath = searchPath
    return try Plan(
      profile: profile, runtime: runtime,
      host: HostFacts(
        user: user, group: user, supplementaryGroups: [27], landlockABI: 6, mounts: mounts),
      guarded: ["/etc/anchorhold/profiles/p.yaml"] + guarded, files: PlanFiles(Self.base + extra))
  }

  @Test("a read grant is mounted read-only, without set-id, devices or execution")
  func readGrant() throws {
    let plan = try plan(read: ["/srv/data"])
    let grant = try #require(plan.grants.first)
    #expect(grant.attributes == [.readOnly, .noSetID, .noDevices, .noExecution])
    #expect(grant.reason == "filesystem.read, line 7")
  }

  @Test("a link that leads to a grant is made again, and its target is what is mounted")
  func links() throws {
    let plan = try plan(read: ["/srv/link/file"])
    #expect(plan.grants.map(\.path) == ["/srv/data/file"])
    #expect(plan.blueprint.actions.contains(.link(path: "/srv/link", target: "data")))
    #expect(plan.notes.contains("/srv/link/file leads to /srv/data/file"))
  }

  @Test(
    "what must not be granted is refused",
    arguments: [
      "/", "/proc", "/proc/1", "/sys", "/dev", "/dev/null", "/run/bus", "/srv/socket", "/etc",
      "/etc/anchorhold", "/etc/anchorhold/profiles/p.yaml", "/nowhere",
    ])
  func refused(path: String) {
    #expect(throws: PlanError.self) { try plan(read: [path]) }
    #expect(throws: PlanError.self) { try plan(write: [path]) }
  }

  @Test(
    "what would cover the cell's own private space is refused, and what is below it is not",
    arguments: ["/tmp", "/home", "/home/server"])
  func privateSpace(path: String) throws {
    #expect(throws: PlanError.self) { try plan(read: [path], files: [(path, .directory)]) }
    #expect(throws: PlanError.self) { try plan(write: [path], files: [(path, .directory)]) }
    let below = path + "/below"
    let granted = try plan(read: [below], files: [(below, .directory)])
    #expect(granted.grants.map(\.path) == [below])
  }

  @Test(
    "of two grants for one path the stronger counts, and a grant within an equal one is left out")
  func merging() throws {
    let both = try plan(read: ["/srv/data"], write: ["/srv/data"])
    #expect(both.grants.map(\.access) == [.write])
    let nested = try plan(read: ["/srv/data", "/srv/data/file"])
    #expect(nested.grants.map(\.path) == ["/srv/data"])
    let inside = try plan(read: ["/srv/data/file"], write: ["/srv/data"])
    #expect(inside.grants.map(\.path) == ["/srv/data", "/srv/data/file"])
    #expect(inside.grants.map(\.access) == [.write, .read])
  }

  @Test("paths that Unicode calls equal are two grants")
  func normalization() throws {
    let plan = try plan(
      read: ["/srv/caf\u{e9}"], write: ["/srv/cafe\u{301}"],
      files: [("/srv/caf\u{e9}", .directory), ("/srv/cafe\u{301}", .directory)])
    #expect(plan.grants.count == 2)
    let reading = plan.grants.filter { $0.access == .read }
    #expect(reading.map { Array($0.path.utf8) } == [Array("/srv/caf\u{e9}".utf8)])
  }

  @Test("parents are made and mounted before their children")
  func order() throws {
    let plan = try plan(
      read: ["/srv/data/file"], write: ["/tmp/a/b"], files: [("/tmp/a/b", .directory)])
    var seen: Set<String> = ["/"]
    for action in plan.blueprint.actions {
      if let parent = Paths.ancestors(of: action.path).last { #expect(seen.contains(parent)) }
      seen.insert(action.path)
    }
  }

  @Test("hiding covers what is granted, and needs something granted above it")
  func hiding() throws {
    let hidden = try plan(read: ["/srv/data"], hide: ["/srv/data/secret"])
    #expect(hidden.hidden == ["/srv/data/secret"])
    #expect(hidden.blueprint.actions.last?.path == "/srv/data/secret")
    #expect(throws: PlanError.self) { try plan(hide: ["/srv/data/secret"]) }
    #expect(throws: PlanError.self) { try plan(read: ["/srv/data"], hide: ["/srv/data/none"]) }
  }

  @Test("root's cells get an id of their own from the range, and no group stays")
  func rootIdentifiers() throws {
    let plan = try plan(user: 0)
    #expect(plan.blueprint.privileged)
    #expect(plan.blueprint.outsideUser >= Plan.firstOutsideIdentifier)
    #expect(plan.blueprint.outsideUser < Plan.relayIdentifier)
    #expect(plan.remainingGroups == [])
    #expect(Plan.outsideIdentifier(for: "a") == Plan.outsideIdentifier(for: "a"))
    #expect(Plan.outsideIdentifier(for: "a") != Plan.outsideIdentifier(for: "b"))
    let names = (0..<4_000).map { "profile-\($0)" }
    let identifiers = Set(names.map(Plan.outsideIdentifier))
    #expect(identifiers.count == names.count)
    #expect(identifiers.allSatisfy { $0 < Plan.relayIdentifier })
    #expect(identifiers.allSatisfy { $0 >= Plan.firstOutsideIdentifier })
  }

  @Test(
    "a number of the range that is somebody's already is refused",
    arguments: ["passwd", "group", "subuid", "subgid"])
  func takenIdentifiers(_ name: String) throws {
    let own = Plan.outsideIdentifier(for: "p")
    func file(_ number: UInt32) -> (String, PlanFiles.Node) {
      let text =
        name.hasPrefix("sub")
        ? "other:\(number - 10):11\n" : "other:x:\(number):\(number)::/:/bin/sh\n"
      return ("/etc/\(name)", .text(text))
    }
    #expect(throws: PlanError.self) { try plan(user: 0, files: [file(own)]) }
    // The controls: its neighbour is free, and for an ordinary user the range means nothing.
    #expect(throws: Never.self) { try plan(user: 0, files: [file(own - 1)]) }
    #expect(throws: Never.self) { try plan(files: [file(own)]) }
  }

  @Test("an ordinary user keeps its id, and the groups that cannot be dropped are named")
  func ordinaryIdentifiers() throws {
    let plan = try plan()
    #expect(plan.blueprint.outsideUser == 1234)
    #expect(plan.blueprint.insideUser != 0)
    #expect(plan.remainingGroups == [27])
    #expect(plan.notes.contains { $0.contains("keeps the caller's supplementary groups 27") })
  }

  @Test("the capacity of each tmpfs is read back, and a missing bound is noticed")
  func capacity() throws {
    let plan = try plan()
    func line(_ path: String, _ size: String, _ options: String) throws -> Mount {
      let text = "36 35 0:30 / \(path) rw,nosuid,nodev - tmpfs none rw,\(size)\(options)"
      return try #require(Mount(mountinfo: Array(text.utf8)[...]))
    }
    func mounts(_ options: String) throws -> [Mount] {
      var mounts = [try line("/", "size=4096k", options)]
      for case .temporary(let path, let size, _, _) in plan.blueprint.actions {
        mounts.append(try line(path, "size=\(size >> 10)k", options))
      }
      return mounts
    }
    let sealed = TemporaryComparison(plan: plan).checks(try mounts(",nr_inodes=16384,mode=755"))
    #expect(sealed.count > 3)
    #expect(sealed.filter { !$0.holds }.isEmpty)
    for options in ["", ",nr_inodes=0", ",nr_inodes=163840"] {
      let checks = TemporaryComparison(plan: plan).checks(try mounts(options))
      #expect(checks.filter { $0.holds }.isEmpty)
    }
  }

  @Test("a working directory outside of the cell is refused")
  func workingDirectory() throws {
    #expect(throws: PlanError.self) { try plan(workdir: "/srv/data") }
    let granted = try plan(read: ["/srv/data"], workdir: "/srv/data")
    #expect(granted.blueprint.workingDirectory == "/srv/data")
    // The kernel shows the real path, so that is what is planned; the link is there as well.
    let linked = try plan(read: ["/srv/link"], workdir: "/srv/link")
    #expect(linked.blueprint.workingDirectory == "/srv/data")
    #expect(linked.blueprint.actions.contains(.link(path: "/srv/link", target: "data")))
    let home = try plan(workdir: Plan.home, files: [(Plan.home, .link("/srv/data"))])
    #expect(home.blueprint.workingDirectory == Plan.home)
  }

  @Test(
    "everything that stands in the way is said at once, with its place and what would change it")
  func faults() throws {
    func faults(_ make: () throws(PlanError) -> Plan) -> [PlanError.Fault] {
      do throws(PlanError) {
        _ = try make()
        return []
      } catch { return error.faults }
    }
    let several = faults { () throws(PlanError) in
      try plan(
        read: ["/nowhere", "/proc", "/home", "/srv/data"], write: ["/etc/anchorhold"],
        hide: ["/srv/server", "/srv/data/secret", "/srv/data/secret"], workdir: "/srv/data/none")
    }
    #expect(several.map(\.kind) == [.notHere, .never, .never, .never, .outside, .never, .notHere])
    #expect(several.map(\.line) == [7, 7, 7, 8, 9, 9, 0])
    // A reserved place is refused as it is written, also where nothing is there.
    #expect(faults { () throws(PlanError) in try plan(read: ["/sys/none"]) }.first?.kind == .never)
    let file = faults { () throws(PlanError) in
      try plan(read: ["/srv/data"], workdir: "/srv/data/file")
    }
    #expect(file.map(\.message) == ["cannot start in \"/srv/data/file\": not a directory"])
    let covered = faults { () throws(PlanError) in
      try plan(
        read: ["/srv/data"], hide: ["/srv/data/d"], workdir: "/srv/data/d/e",
        files: [("/srv/data/d/e", .directory)])
    }
    #expect(covered.map(\.message) == ["cannot start in \"/srv/data/d/e\": it is hidden"])
    for hide in [["/srv/data/d", "/srv/data/d/e"], ["/srv/data/d/e", "/srv/data/d"]] {
      let nested = faults { () throws(PlanError) in
        try plan(read: ["/srv/data"], hide: hide, files: [("/srv/data/d/e", .directory)])
      }
      #expect(nested.map(\.kind) == [.never])
    }
  }

  @Test("a program behind a shim is started by its own name, any other by the command's word")
  func programName() throws {
    var profile = Profile(name: "p")
    profile.server.command = ["srv", "--flag"].map { Located($0) }
    var runtime = RuntimeDiscovery()
    runtime.executable = "/srv/server"
    for (name, expected) in [(nil, "srv"), ("/srv/server", "/srv/server")] {
      runtime.programName = name
      let plan = try Plan(
        profile: profile, runtime: runtime, host: HostFacts(user: 1, group: 1, landlockABI: 6),
        guarded: [], files: PlanFiles(Self.base))
      #expect(plan.blueprint.arguments == [expected, "--flag"])
    }
  }
}
