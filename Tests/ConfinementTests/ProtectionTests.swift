import Foundation
import Linux
import Profile
import Testing

@testable import Confinement

/// What the host executes or trusts stays as it is in a tree that the server may write.
@Suite("what is protected is read-only in a writable tree")
struct ProtectionTests {
  static let files: [(String, PlanFiles.Node)] = [
    ("/srv/w/.git/hooks/pre-commit", .file), ("/srv/w/.git/config", .file),
    ("/srv/w/.mcp.json", .file), ("/srv/w/.envrc", .link("plain")), ("/srv/w/.ssh", .socket),
    ("/srv/w/a/b/c", .file), ("/srv/w/plain", .file), ("/srv/w/file/x", .file),
  ]

  func plan(
    _ change: (inout Profile.Filesystem) -> Void, grants: [String] = [],
    write: [String] = ["/srv/w"], homes: HomeDirectories? = nil
  ) throws(PlanError) -> Plan {
    var profile = Profile(name: "p")
    profile.server.command = [Located("/srv/server")]
    profile.filesystem.write = write.map { Profile.PathGrant($0, line: 8) }
    change(&profile.filesystem)
    var runtime = RuntimeDiscovery()
    runtime.executable = "/srv/server"
    runtime.homes = homes
    runtime.grants = grants.map {
      RuntimeGrant(path: $0, isDirectory: true, executable: true, reason: "test", links: [])
    }
    return try Plan(
      profile: profile, runtime: runtime,
      host: HostFacts(user: 1234, group: 1234, landlockABI: 6), guarded: [],
      files: PlanFiles(PlanTests.base + Self.files))
  }

  func faults(
    _ change: (inout Profile.Filesystem) -> Void, write: [String] = ["/srv/w"]
  ) -> [PlanError.Fault] {
    do throws(PlanError) {
      _ = try plan(change, write: write)
      return []
    } catch { return error.faults }
  }

  /// What of the list is there.
  static let there = ["/srv/w/.envrc", "/srv/w/.git", "/srv/w/.mcp.json", "/srv/w/.ssh"]

  @Test("names of the list are bound read-only over themselves, and are the very files of the plan")
  func defaults() throws {
    let plan = try plan { _ in }
    #expect(plan.protected == Self.there)
    #expect(plan.grants.map(\.path) == ["/srv/w"] + Self.there)
    for grant in plan.grants.dropFirst() {
      #expect(grant.attributes == [.readOnly, .noSetID, .noDevices, .noExecution])
      #expect(grant.landlock.isDisjoint(with: Grant.writing))
      #expect(grant.reason.hasPrefix("by default: "))
    }
    #expect(plan.grants[0].attributes == [.noSetID, .noDevices, .noExecution])
    #expect(plan.blueprint.covered.map(\.path) == plan.protected)
  }

  @Test("the places of names that are not there are held, noted or a reason to refuse")
  func missing() throws {
    let plan = try plan { _ in }
    #expect(plan.places.contains("/srv/w/.vscode") && plan.places.contains("/srv/w/.cursor"))
    #expect(!plan.places.contains("/srv/w/.mcp.json") && !plan.places.contains("/srv/w/.envrc"))
    // The host looks for these in homes only, and this is none.
    #expect(!plan.places.contains("/srv/w/.bashrc"))
    #expect(plan.notes.contains { $0.hasPrefix("nothing is there yet, so an empty directory") })
    #expect(plan.notes.contains { $0.hasPrefix("/srv/w/.envrc stays the symbolic link that it") })
    #expect(
      plan.notes.contains { $0.contains("/srv/w/.mcp.json") && $0.contains("until the host") })
    let noted = try self.plan { $0.missingProtection = .note }
    #expect(noted.places.isEmpty)
    let note = try #require(noted.notes.first { $0.hasPrefix("not protected in /srv/w,") })
    #expect(note.contains(".vscode, .idea") && !note.contains(".zlogin"))
    let refused = faults { $0.missingProtection = .refuse }
    #expect(refused.count == 1)
    #expect(refused.allSatisfy { $0.line == 8 && $0.hint != nil && $0.kind == .notHere })
    #expect(refused.contains { $0.message.contains("nothing is at .vscode, .idea") })
  }

  @Test("what is neither file nor directory is kept in its place, without any right")
  func special() throws {
    let plan = try plan { _ in }
    for path in ["/srv/w/.envrc", "/srv/w/.ssh"] {
      #expect(plan.blueprint.actions.contains { $0.path == path })
      #expect(!plan.blueprint.landlockRules.contains { $0.path == path })
    }
  }

  @Test("in a home, and in the homes of a tree, the shell's files are held as well")
  func homes() throws {
    let accounts = "a:x:1000:1000::/srv/w:/bin/sh\nb:x:1001:1001::/srv/w/a/b:/bin/sh\n"
    let homes = HomeDirectories(home: nil, user: nil, accounts: Array(accounts.utf8)) { $0 }
    let plan = try plan({ _ in }, homes: homes)
    for path in ["/srv/w/.bashrc", "/srv/w/.config", "/srv/w/a/b/.zshrc", "/srv/w/a/b/.mcp.json"] {
      #expect(plan.places.contains(path))
    }
    #expect(!plan.places.contains("/srv/w/a/.zshrc"))
    let off = try self.plan({ $0.protectsDefaults = false }, homes: homes)
    #expect(off.places.isEmpty)
  }

  @Test("the place of a missing path of the profile is held where the server could make it")
  func missingPaths() throws {
    func places(_ path: String, optional: Bool = true) throws -> [String] {
      try plan {
        $0.protectsDefaults = false
        $0.protect = [Profile.PathGrant(path, isOptional: optional, line: 9)]
      }.places
    }
    #expect(try places("/srv/w/new") == ["/srv/w/new"])
    // Nothing is made below what cannot be made.
    #expect(try places("/srv/w/new/deep/er") == ["/srv/w/new"])
    #expect(try places("/srv/w/a/b/new") == ["/srv/w/a/b/new"])
    #expect(try places("/srv/data/new") == [])
    #expect(try places("/srv/w/plain") == [])
    #expect(throws: PlanError.self) { try places("/srv/w/new", optional: false) }
  }

  @Test("the list can be switched off, and a name of it be granted, and both are noted")
  func switchedOff() throws {
    let off = try plan { $0.protectsDefaults = false }
    #expect(off.protected.isEmpty && off.grants.map(\.path) == ["/srv/w"])
    #expect(off.notes.contains { $0.hasPrefix("in /srv/w nothing is protected") })
    #expect(
      faults {
        $0.protectsDefaults = false
        $0.missingProtection = .refuse
      }.isEmpty)
    let granted = try plan({ _ in }, write: ["/srv/w", "/srv/w/.git"])
    #expect(granted.protected == Self.there.filter { $0 != "/srv/w/.git" })
    #expect(granted.notes.contains("/srv/w/.git is not protected: filesystem.write names it"))
  }

  @Test("directories on the way to what is protected are mounts of their own, and writable")
  func held() throws {
    let plan = try plan { $0.protect = [Profile.PathGrant("/srv/w/a/b/c", line: 9)] }
    let roles = plan.grants.map { "\($0.path) \($0.access) \($0.role)" }
    #expect(roles.contains("/srv/w/a write holding"))
    #expect(roles.contains("/srv/w/a/b write holding"))
    #expect(roles.contains("/srv/w/a/b/c read protected"))
    #expect(plan.blueprint.covered.contains { $0.path == "/srv/w/a" })
    #expect(!plan.notes.contains { $0.contains("is read-only while a session lasts") })
    #expect(plan.grants.last?.reason == "filesystem.protect, line 9")
    // A directory on the way that is granted for writing as well is held all the same.
    let both = try self.plan(
      { $0.protect = [Profile.PathGrant("/srv/w/a/b/c")] }, write: ["/srv/w", "/srv/w/a"])
    #expect(both.grants.contains { $0.path == "/srv/w/a" && $0.access == .write })
  }

  @Test("a tree in another that the server can write is held as well")
  func nestedTrees() throws {
    let plan = try plan({ _ in }, write: ["/srv", "/srv/w"])
    #expect(plan.protected == Self.there)
    #expect(plan.grants.map(\.path) == ["/srv", "/srv/w"] + plan.protected)
    #expect(plan.grants[1].access == .write)
    #expect(plan.blueprint.covered.map(\.path) == ["/srv/w"] + plan.protected)
  }

  @Test("what is hidden is not protected besides")
  func hidden() throws {
    let plan = try plan { $0.hide = [Profile.PathGrant("/srv/w/.git")] }
    #expect(plan.hidden == ["/srv/w/.git"])
    #expect(plan.protected == Self.there.filter { $0 != "/srv/w/.git" })
    #expect(plan.blueprint.actions.count { $0.path == "/srv/w/.git" } == 1)
    let twice = faults {
      $0.hide = [Profile.PathGrant("/srv/w/.git")]
      $0.protect = [Profile.PathGrant("/srv/w/.git/hooks", line: 9)]
    }
    #expect(twice.first?.message.contains("it is hidden") == true)
  }

  @Test("what is read-only already stays so, and what a program needs is executed")
  func readOnlyAround() throws {
    let read = try plan {
      $0.read = [Profile.PathGrant("/srv/w/a")]
      $0.protect = [Profile.PathGrant("/srv/w/a/b/c")]
    }
    #expect(!read.grants.contains { $0.path.hasPrefix("/srv/w/a/") })
    #expect(read.grants.contains { $0.path == "/srv/w/a" && $0.access == .read })
    let program = try plan({ $0.protect = [Profile.PathGrant("/srv/w/a")] }, grants: ["/srv/w/a/b"])
    #expect(program.grants.contains { $0.path == "/srv/w/a/b" && $0.executable })
    #expect(program.grants.contains { $0.path == "/srv/w/a" && $0.access == .read })
  }

  @Test("what cannot be protected is refused")
  func refused() {
    func why(_ path: String, optional: Bool = false, refuse: Bool = false) -> String? {
      let found = faults {
        $0.protectsDefaults = false
        $0.protect = [Profile.PathGrant(path, isOptional: optional, line: 9)]
        if refuse { $0.missingProtection = .refuse }
      }
      #expect(found.allSatisfy { $0.line == 9 })
      return found.first?.message
    }
    #expect(why("/srv/w/plain") == nil)
    #expect(why("/srv/w/none")?.contains("nothing is at /srv/w/none") == true)
    #expect(why("/srv/w/none", optional: true) == nil)
    #expect(why("/srv/w/none", optional: true, refuse: true)?.contains("nothing is at") == true)
    #expect(why("/srv/data/file")?.contains("nothing above it is granted for writing") == true)
    #expect(why("/srv/w")?.contains("granted for writing itself") == true)
    #expect(why("/srv/w/.envrc")?.contains("over the link /srv/w/.envrc") == true)
    #expect(why("/srv/w/.ssh")?.contains("only files and directories") == true)
  }

  @Test("a file that is granted for writing has no names in it")
  func file() throws {
    let plan = try plan({ $0.missingProtection = .refuse }, write: ["/srv/w/plain"])
    #expect(plan.protected.isEmpty)
  }

  @Test("docs/profile.md has the names in its table, and no others")
  func docs() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/profile.md")
    let text = try String(contentsOf: file, encoding: .utf8)
    let start = try #require(text.range(of: "| name | why |\n|---|---|\n")).upperBound
    let end = try #require(text[start...].range(of: "\n\n")).lowerBound
    let cells = text[start..<end].split(separator: "\n").map { $0.split(separator: "|")[0] }
    let names = cells.flatMap { $0.split(separator: ",") }.map {
      $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
    }
    #expect(names.sorted() == ProtectedNames.all.map(\.name).sorted())
  }
}
