import Linux
import Profile
import Testing

@testable import Confinement

/// The plan tests' files, with owners.
private struct OwnedFiles: FileLookup {
  var files: PlanFiles
  /// User, group and permission bits; what is not here is root's, as ever.
  var owners: [String: (UInt32, UInt32, UInt32)]

  func status(_ path: String) throws(Errno) -> FileStatus? {
    guard var status = try files.status(path) else { return nil }
    guard let (user, group, bits) = owners[path] else { return status }
    status.user = user
    status.group = group
    status.mode = status.mode & 0o170000 | bits
    return status
  }

  func target(ofLink path: String) throws(Errno) -> String { try files.target(ofLink: path) }
  func read(_ path: String, at offset: Int64, maximum: Int) throws(Errno) -> [UInt8] { [] }
  func list(_ path: String) throws(Errno) -> [String] { [] }
}

@Suite("Who the server runs as follows from the profile's user and the caller")
struct ServerIdentityTests {
  private func plan(
    _ user: Profile.User, caller: UInt32 = 0, write: [String] = [],
    owners: [String: (UInt32, UInt32, UInt32)] = [:], files: [(String, PlanFiles.Node)] = []
  ) throws(PlanError) -> Plan {
    var profile = Profile(name: "p")
    profile.server.command = [Located("/srv/server")]
    profile.user = user
    profile.filesystem.write = write.map { Profile.PathGrant($0, line: 8) }
    var runtime = RuntimeDiscovery()
    runtime.executable = "/srv/server"
    return try Plan(
      profile: profile, runtime: runtime,
      host: HostFacts(user: caller, group: caller, supplementaryGroups: [27], landlockABI: 6),
      guarded: [], files: OwnedFiles(files: PlanFiles(PlanTests.base + files), owners: owners))
  }

  private func faults(_ make: () throws(PlanError) -> Plan) -> [PlanError.Fault] {
    do throws(PlanError) {
      _ = try make()
      return []
    } catch { return error.faults }
  }

  private func owner(_ path: String) -> Profile.User {
    .owner(of: Located(path, line: 3, column: 18))
  }

  private func numbers(_ user: UInt32, _ group: UInt32) -> Profile.User {
    .numbers(user: Located(user, line: 3, column: 13), group: Located(group, line: 3, column: 20))
  }

  @Test("root's server gets the owner and the group of a path, by the path behind the links")
  func ownerOf() throws {
    let owners: [String: (UInt32, UInt32, UInt32)] = ["/srv/data": (4321, 4322, 0o700)]
    for path in ["/srv/data", "/srv/link"] {
      let plan = try plan(owner(path), write: ["/srv/data"], owners: owners)
      #expect(plan.blueprint.outsideUser == 4321)
      #expect(plan.blueprint.outsideGroup == 4322)
      #expect(plan.blueprint.insideUser == Plan.insideIdentifier)
      #expect(plan.remainingGroups == [])
      #expect(plan.userReason == "owner of \"\(path)\", line 3")
    }
  }

  @Test("root's server gets the numbers that are written")
  func byNumbers() throws {
    let plan = try plan(numbers(4321, 4322))
    #expect(plan.blueprint.outsideUser == 4321)
    #expect(plan.blueprint.outsideGroup == 4322)
    let own = Plan.outsideIdentifier(for: "p")
    #expect(try self.plan(numbers(own, own)).blueprint.outsideUser == own)
  }

  @Test(
    "root, the relay, other profiles' numbers and unknown owners are refused at their place",
    arguments: [
      (0, 5), (5, 0), (Plan.relayIdentifier, 5), (5, Plan.relayIdentifier),
      (Plan.outsideIdentifier(for: "q"), 5), (5, Plan.outsideIdentifier(for: "q")),
    ] as [(UInt32, UInt32)])
  func reserved(user: UInt32, group: UInt32) {
    let written = faults { () throws(PlanError) in try plan(numbers(user, group)) }
    #expect(written.map(\.kind) == [.never])
    #expect(written.map(\.line) == [3])
    #expect(written.map(\.column) == [user == 5 ? 20 : 13])
    let owned = faults { () throws(PlanError) in
      try plan(owner("/srv/data"), owners: ["/srv/data": (user, group, 0o700)])
    }
    #expect(owned.map(\.kind) == [.never])
    #expect(owned.map(\.column) == [18])
  }

  @Test("an owner that has no number here is refused; as a written number it is taken")
  func overflow() throws {
    #expect(
      throws: PlanError.self,
      performing: { try plan(owner("/srv/data"), owners: ["/srv/data": (65534, 5, 0o700)]) })
    #expect(try plan(numbers(65534, 65534)).blueprint.outsideUser == 65534)
  }

  @Test("a path that is not there, or that the server could replace, is refused")
  func replaceable() throws {
    let owners: [String: (UInt32, UInt32, UInt32)] = [
      "/srv/data": (4321, 4321, 0o700), "/srv/data/file": (4321, 4321, 0o600),
    ]
    let missing = faults { () throws(PlanError) in try plan(owner("/srv/none")) }
    #expect(missing.map(\.kind) == [.notHere])
    #expect(missing.map(\.line) == [3])
    let inside = faults { () throws(PlanError) in
      try plan(owner("/srv/data/file"), write: ["/srv/data"], owners: owners)
    }
    #expect(
      inside.map(\.message) == [
        "cannot run as the owner of \"/srv/data/file\": the server can put something else there, in "
          + "/srv/data"
      ])
    // The controls: the grant itself, and the same file when nothing around it can be written.
    _ = try plan(owner("/srv/data"), write: ["/srv/data"], owners: owners)
    _ = try plan(owner("/srv/data/file"), owners: owners)
    let link = faults { () throws(PlanError) in
      try plan(
        owner("/srv/data/link"), write: ["/srv/data"],
        owners: ["/srv/data": (4321, 4321, 0o700), "/srv/other": (5, 5, 0o700)],
        files: [("/srv/data/link", .link("/srv/other")), ("/srv/other", .directory)])
    }
    #expect(link.map(\.kind) == [.never])
    // A grant within another one can be moved with what it lies in.
    let nested = faults { () throws(PlanError) in
      try plan(
        owner("/srv/data/file"), write: ["/srv/data", "/srv/data/file"], owners: owners)
    }
    #expect(nested.map(\.kind) == [.never])
  }

  @Test("a path that a third person could replace is refused, one that its owner could is not")
  func untrustedWay() throws {
    func isTaken(_ parent: (UInt32, UInt32, UInt32), path: String = "/srv/data/file") -> Bool {
      faults { () throws(PlanError) in
        try plan(
          owner(path),
          owners: ["/srv/data": parent, "/srv/data/file": (4321, 4321, 0o600)])
      }.isEmpty
    }
    #expect(isTaken((0, 0, 0o755)))
    #expect(isTaken((4321, 4321, 0o755)))
    #expect(isTaken((0, 0, 0o1777)))
    #expect(!isTaken((5, 4321, 0o755)))
    #expect(!isTaken((0, 0, 0o775)))
    #expect(!isTaken((0, 0, 0o777)))
    #expect(!isTaken((0, 0, 0o777), path: "/srv/link/file"))
    let link = faults { () throws(PlanError) in
      try plan(
        owner("/srv/link"), owners: ["/srv/data": (4321, 4321, 0o700), "/srv/link": (5, 5, 0o777)])
    }
    #expect(link.map(\.kind) == [.never])
  }

  @Test("an ordinary user's server runs as its caller, and as nobody else")
  func ordinary() throws {
    let owners: [String: (UInt32, UInt32, UInt32)] = ["/srv/data": (1234, 1234, 0o700)]
    for user in [.standard, owner("/srv/data"), numbers(1234, 1234)] as [Profile.User] {
      let plan = try plan(user, caller: 1234, owners: owners)
      #expect(plan.blueprint.outsideUser == 1234)
      #expect(plan.blueprint.outsideGroup == 1234)
      #expect(plan.blueprint.insideUser != 0)
    }
    for (user, columns) in [
      (numbers(1235, 1236), [13, 20]), (numbers(1234, 27), [20]), (owner("/srv/server"), [18]),
    ] {
      let refused = faults { () throws(PlanError) in
        try plan(user, caller: 1234, owners: owners)
      }
      #expect(refused.map(\.kind) == columns.map { _ in .never })
      #expect(refused.map(\.column) == columns)
    }
    #expect(
      throws: PlanError.self,
      performing: {
        try plan(owner("/srv/data"), caller: 1234, owners: ["/srv/data": (1234, 27, 0o700)])
      })
  }
}
