import Linux
import Profile
import Testing

@testable import Confinement

@Suite("A dangerous grant is said twice or refused")
struct DangerTests {
  private static let files: [(String, PlanFiles.Node)] =
    PlanTests.base + [
      ("/sys/class/net", .directory), ("/run/state/file", .file), ("/srv/to-run", .link("/run")),
      ("/srv/to-own", .link("/etc/anchorhold")), ("/home/u/.npm/x", .file),
      ("/home/u/.cache/other", .directory), ("/home/u/.local/share/uv/tools", .directory),
      ("/home/u/work/go/pkg/own", .directory), ("/home/u/go/pkg/mod", .directory),
      ("/home/v/file", .file), ("/home/v/.config/anchorhold/profiles", .directory),
    ]

  private func plan(
    read: [Profile.PathGrant] = [], write: [Profile.PathGrant] = []
  ) throws(PlanError) -> Plan {
    var profile = Profile(name: "p")
    profile.server.command = [Located("/srv/server")]
    profile.filesystem.read = read
    profile.filesystem.write = write
    var runtime = RuntimeDiscovery()
    runtime.executable = "/srv/server"
    return try Plan(
      profile: profile, runtime: runtime, host: HostFacts(user: 1, group: 1, landlockABI: 6),
      guarded: ["/etc/anchorhold/profiles/p.yaml"],
      unwritable: ["/home/v/.config/anchorhold/profiles"], files: PlanFiles(Self.files))
  }

  private func fault(_ make: () throws(PlanError) -> Plan) -> PlanError.Fault? {
    do throws(PlanError) {
      _ = try make()
      return nil
    } catch { return error.faults.first }
  }

  @Test(
    "what is dangerous to read is refused with what to write, and granted with a reason",
    arguments: [
      ("/sys", "/sys"), ("/sys/class/net", "/sys/class/net"), ("/run/state", "/run/state"),
      ("/srv/to-run", "/run"), ("/srv/to-own", "/etc/anchorhold"), ("/etc", "/etc"),
    ])
  func read(_ path: String, _ real: String) throws {
    let refused = fault { () throws(PlanError) in try plan(read: [Profile.PathGrant(path, line: 3)])
    }
    #expect(refused?.kind == .never)
    #expect(
      refused?.hint
        == "if it is meant, write {path: \"\(path)\", dangerous: true, reason: WHY}")
    let granted = try plan(read: [Profile.PathGrant(path, danger: "sensors", line: 3)])
    #expect(granted.grants.map(\.path) == [real])
    #expect(granted.dangers.map(\.path) == [real])
    #expect(granted.dangers.map(\.reason) == ["sensors"])
    #expect(granted.dangers.map(\.line) == [3])
    #expect(granted.needlessDangers.isEmpty)
  }

  @Test(
    "what no reason opens stays refused",
    arguments: ["/", "/proc", "/proc/1", "/dev", "/dev/null", "/tmp", "/home", "/run/bus"])
  func never(_ path: String) {
    for access in [Grant.Access.read, .write] {
      let entry = Profile.PathGrant(path, danger: "because", line: 3)
      let found = fault { () throws(PlanError) in
        try access == .read ? plan(read: [entry]) : plan(write: [entry])
      }
      #expect(found?.kind == .never)
    }
  }

  @Test(
    "what the server must not write is refused with a reason as well",
    arguments: [
      "/sys/class/net", "/etc/anchorhold", "/srv/to-own", "/home/v/.config",
      "/home/v/.config/anchorhold/profiles",
    ])
  func neverWritten(_ path: String) throws {
    let entry = Profile.PathGrant(path, danger: "because", line: 3)
    #expect(fault { () throws(PlanError) in try plan(write: [entry]) }?.kind == .never)
    // The control: reading it is a matter of a reason, or of none.
    #expect(try plan(read: [entry]).grants.count == 1)
  }

  @Test(
    "a package cache is shared writable only with a reason, and read without one",
    arguments: [
      "/home/u", "/home/u/.npm", "/home/u/.npm/x", "/home/u/.cache", "/home/u/.local",
      "/home/u/.local/share", "/home/u/.local/share/uv/tools", "/home/u/go", "/home/u/go/pkg/mod",
    ])
  func caches(_ path: String) throws {
    let plain = Profile.PathGrant(path, line: 3)
    #expect(fault { () throws(PlanError) in try plan(write: [plain]) }?.kind == .never)
    #expect(try plan(read: [plain]).dangers.isEmpty)
    let meant = try plan(write: [Profile.PathGrant(path, danger: "it fills it", line: 3)])
    #expect(meant.dangers.map(\.access) == [.write])
  }

  @Test(
    "what is not dangerous needs no reason, and one that it has is pointed out",
    arguments: ["/home/u/work", "/home/u/work/go/pkg", "/home/u/.cache/other", "/srv/data"])
  func harmless(_ path: String) throws {
    #expect(try plan(write: [Profile.PathGrant(path, line: 3)]).dangers.isEmpty)
    let marked = try plan(write: [Profile.PathGrant(path, danger: "because", line: 3)])
    #expect(marked.dangers.isEmpty)
    #expect(marked.needlessDangers.map(\.path) == [path])
  }
}
