import Linux
import Profile
import Testing

@testable import Confinement

/// What an earlier session of the server, or the host beside it, may have put in a grant's way.
@Suite("a grant is what the profile's author saw")
struct GrantTests {
  static let files: [(String, PlanFiles.Node)] = [
    ("/srv/w/sub/x", .link("/srv/private")), ("/srv/private/id", .file),
    ("/srv/w/sub/.env", .file), ("/srv/w/.env", .file), ("/srv/w/vault/key", .file),
    ("/srv/w/tool", .link("/srv/private/id")), ("/srv/own", .link("/srv/w")),
  ]

  func plan(
    read: [String] = [], write: [String] = [], hide: [String] = [], workdir: String? = nil,
    grants: [String] = [], mounts: [Mount] = [], guarded: [String] = [],
    files: [(String, PlanFiles.Node)] = GrantTests.files
  ) throws(PlanError) -> Plan {
    try PlanTests().plan(
      read: read, write: write, hide: hide, workdir: workdir, files: files, grants: grants,
      mounts: mounts, guarded: guarded)
  }

  /// Why a plan is refused, and the line that is to blame; nil if it is not.
  func refusal(_ make: () throws(PlanError) -> Plan) -> (why: String, line: Int)? {
    do throws(PlanError) {
      _ = try make()
      return nil
    } catch {
      guard let first = error.faults.first, first.kind == .never else { return ("?", 0) }
      #expect(error.faults.count == 1)
      #expect(first.hint != nil)
      return (first.message, first.line)
    }
  }

  @Test("a link that the server can write leads nowhere")
  func writableLinks() throws {
    #expect(try plan(read: ["/srv/w/sub/x"]).grants.map(\.path) == ["/srv/private"])
    let way = "the way leads over the link /srv/w/sub/x"
    for refused in [
      refusal { () throws(PlanError) in try plan(read: ["/srv/w/sub/x"], write: ["/srv/w"]) },
      refusal { () throws(PlanError) in try plan(read: ["/srv/w/sub/x/id"], write: ["/srv/own"]) },
      refusal { () throws(PlanError) in try plan(write: ["/srv/w/sub/x", "/srv/w"]) },
      refusal { () throws(PlanError) in
        try plan(read: ["/srv/private"], write: ["/srv/w"], hide: ["/srv/w/sub/x/id"])
      },
      refusal { () throws(PlanError) in
        try plan(read: ["/srv/private"], write: ["/srv/w"], workdir: "/srv/w/sub/x")
      },
    ] {
      #expect(refused?.why.contains(way) == true, "\(String(describing: refused))")
    }
    #expect(
      refusal { () throws(PlanError) in
        try plan(read: ["/srv/w/sub/x"], write: ["/srv/w"])
      }?.line == 7)
    // What a runtime needs, and links outside of what the server writes.
    #expect(
      refusal { () throws(PlanError) in try plan(write: ["/srv/w"], grants: ["/srv/w/tool"]) }?
        .why.contains("/srv/w/tool") == true)
    #expect(try plan(grants: ["/srv/w/tool"]).grants.map(\.path) == ["/srv/private/id"])
    #expect(try plan(write: ["/srv/own"]).grants.map(\.path) == ["/srv/w"])
  }

  @Test("what is hidden cannot be moved away by what the server may write above it")
  func movable() throws {
    let refused = refusal { () throws(PlanError) in
      try plan(write: ["/srv/w"], hide: ["/srv/w/sub/.env"])
    }
    #expect(refused?.why.contains("the server can write to /srv/w") == true)
    #expect(refused?.line == 9)
    #expect(try plan(write: ["/srv/w"], hide: ["/srv/w/.env"]).hidden == ["/srv/w/.env"])
    #expect(try plan(write: ["/srv/w"], hide: ["/srv/w/vault"]).hidden == ["/srv/w/vault"])
    #expect(try plan(read: ["/srv/w"], hide: ["/srv/w/sub/.env"]).hidden == ["/srv/w/sub/.env"])
  }

  @Test("that the server can move what it may only read is noted, if it can")
  func movableReading() throws {
    let deep = try plan(read: ["/srv/w/sub/.env"], write: ["/srv/w"])
    #expect(deep.notes.contains { $0.contains("/srv/w/sub/.env is read-only while") })
    let near = try plan(read: ["/srv/w/sub"], write: ["/srv/w"])
    #expect(!near.notes.contains { $0.contains("is read-only while") })
    let apart = try plan(read: ["/srv/w/sub/.env"], write: ["/srv/private"])
    #expect(!apart.notes.contains { $0.contains("is read-only while") })
  }

  @Test("that a hidden file can be replaced is noted; of a directory there is no such note")
  func replaceable() throws {
    let file = try plan(read: ["/srv/w"], hide: ["/srv/w/sub/.env"])
    #expect(file.notes.contains { $0.contains("/srv/w/sub/.env is hidden until") })
    let directory = try plan(read: ["/srv/w"], hide: ["/srv/w/sub"])
    #expect(!directory.notes.contains { $0.contains("is hidden until") })
  }

  @Test("what is mounted over is the file that the plan saw")
  func covered() throws {
    let plan = try plan(
      read: ["/srv/w"], write: ["/srv/w/sub"], hide: ["/srv/w/.env"])
    #expect(plan.blueprint.covered.map(\.path) == ["/srv/w/sub", "/srv/w/.env"])
    #expect(plan.blueprint.covered[1].status.inode == UInt64("/srv/w/.env".utf8.count))
  }

  static func mount(_ path: String, _ type: String, device: String = "0:99") throws -> Mount {
    try #require(Mount(mountinfo: ArraySlice("1 2 \(device) / \(path) rw - \(type) x rw".utf8)))
  }

  @Test("a tree with the kernel's interfaces in it is refused, and other mounts are not")
  func interfaces() throws {
    let root = try Self.mount("/", "ext4", device: "8:1")
    for type in ["proc", "sysfs", "devtmpfs", "devpts", "cgroup2", "nsfs", "hugetlbfs"] {
      let mounts = [root, try Self.mount("/srv/w/sub", type)]
      for path in ["/srv/w", "/srv/w/sub", "/srv/w/sub/.env"] {
        let refused = refusal { () throws(PlanError) in try plan(read: [path], mounts: mounts) }
        #expect(refused?.why.contains("/srv/w/sub is a mount of type \(type)") == true)
        #expect(refused?.line == 7)
      }
      #expect(try plan(read: ["/srv/private"], mounts: mounts).grants.count == 1)
    }
    let ext4 = [root, try Self.mount("/srv/w/sub", "ext4")]
    #expect(try plan(read: ["/srv/w"], mounts: ext4).grants.count == 1)
    // A bind of a /dev that is a tmpfs is told by its device.
    let memory = [
      root, try Self.mount("/dev", "tmpfs", device: "0:7"),
      try Self.mount("/srv/w/sub", "tmpfs", device: "0:7"),
    ]
    #expect(refusal { () throws(PlanError) in try plan(read: ["/srv/w"], mounts: memory) } != nil)
    let other = memory.dropLast() + [try Self.mount("/srv/w/sub", "tmpfs", device: "0:8")]
    #expect(try plan(read: ["/srv/w"], mounts: Array(other)).grants.count == 1)
  }

  @Test("places of our own are out of reach before they are made, and behind links")
  func guarded() throws {
    let files: [(String, PlanFiles.Node)] = [
      ("/h/me", .link("/real/u")), ("/real/u/notes", .directory), ("/real/conf", .directory),
      ("/real/u/dots", .link("/real/conf")),
    ]
    let record = "/h/me/.local/state/anchorhold/audit"
    func refused(_ path: String, _ guarded: String) -> Bool {
      refusal { () throws(PlanError) in
        try plan(write: [path], guarded: [guarded], files: files)
      } != nil
    }
    #expect(refused("/real/u", record))
    #expect(!refused("/real/u/notes", record))
    // Who can replace the link chooses what is behind it; reading it is no harm.
    #expect(refused("/real/u", "/h/me/dots/p.yaml"))
    #expect(refused("/real/conf", "/h/me/dots/p.yaml"))
    let reading = try plan(read: ["/real/u"], guarded: ["/h/me/dots/p.yaml"], files: files)
    #expect(reading.grants.map(\.path) == ["/real/u"])
  }
}
