import Profile
import Testing

@testable import Confinement
@testable import Linux

@Suite("What becomes of an ordinary caller's groups follows from the machine and the profile")
struct GroupTests {
  private static let base: [String: FakeFiles.Entry] = [
    "/usr/bin/newgidmap": .file([], mode: 0o755), "/bin": .link("usr/bin"),
    "/etc/passwd": text("root:x:0:0::/root:/bin/sh\ntester:x:1234:1234::/:/bin/sh\n"),
    "/etc/group": text("docker:x:27:tester\nbroken\n:x:28:\n"),
    "/etc/subgid": text("other:100000:65536\ntester:200000:65536\n"),
  ]

  private static func text(_ text: String) -> FakeFiles.Entry {
    .file([UInt8](text.utf8), mode: 0o644)
  }

  private func find(
    _ changes: [String: FakeFiles.Entry?] = [:], group: UInt32 = 1234
  ) throws(GroupMapper.Missing) -> GroupMapper {
    var entries = Self.base
    for (path, entry) in changes { entries[path] = entry }
    return try GroupMapper.find(user: 1234, group: group, files: FakeFiles(entries))
  }

  private func missing(_ changes: [String: FakeFiles.Entry?]) -> GroupMapper.Missing? {
    do throws(GroupMapper.Missing) {
      _ = try find(changes)
      return nil
    } catch { return error }
  }

  @Test("the last group of the caller's own range is the spare one, and never the caller's own")
  func spare() throws {
    #expect(try find().program == "/usr/bin/newgidmap")
    #expect(try find().spare == 265_535)
    #expect(try find(group: 265_535).spare == 265_534)
    #expect(try find(["/etc/subgid": Self.text("1234:7:1\n")]).spare == 7)
    for line in ["tester:0:1\n", "tester:1234:1\n", "tester:4294967295:1\n", "tester:9:0\n"] {
      let why = missing(["/etc/subgid": Self.text(line)])?.why
      #expect(why == "/etc/subgid gives tester no groups")
    }
  }

  @Test("what is missing is named, with the command that mends it")
  func mends() {
    let line = "echo tester:165536:65536 | sudo tee -a /etc/subgid"
    #expect(missing(["/etc/subgid": Self.text("other:100000:65536\n")])?.mend == line)
    #expect(missing(["/usr/bin/newgidmap": nil])?.mend == "sudo apt install uidmap")
    let both = missing(["/usr/bin/newgidmap": nil, "/etc/subgid": nil])
    #expect(both?.why == "newgidmap is not installed")
    #expect(
      both?.mend
        == "sudo apt install uidmap && echo tester:100000:65536 | sudo tee -a /etc/subgid")
    #expect(missing(["/etc/passwd": nil])?.mend == "give the caller an account")
  }

  @Test(
    "a program that others could have put there is none",
    arguments: [
      ("/usr/bin/newgidmap", FakeFiles.Entry.file([], mode: 0o775), "others can write"),
      ("/usr/bin/newgidmap", .file([], mode: 0o4750), "not everybody may execute it"),
      ("/usr/bin/newgidmap", .link("/home/me/newgidmap"), "does not belong to root"),
      ("/usr/bin/newgidmap", .pipe, "it is no file"),
    ])
  func trust(_ path: String, _ entry: FakeFiles.Entry, _ said: String) throws {
    let why = try #require(
      missing([path: entry, "/home/me/newgidmap": .file([], mode: 0o755)])?.why)
    #expect(why.contains(said), "\(why)")
  }

  @Test("only a group that alone opens a file is named for it")
  func only() {
    var groups = SupplementaryGroups()
    groups.held = [.init(number: 27, name: "docker")]
    func named(_ mode: UInt32, user: UInt32 = 0, group: UInt32 = 27) -> Bool {
      let status = FileStatus(
        device: 1, inode: 1, size: 0, mode: mode, user: user, group: group)
      return groups.only(status, user: 1234, group: 1234) != nil
    }
    #expect(named(0o100640))
    #expect(named(0o040750))
    // Others may list it, and only the group may enter.
    #expect(named(0o040754))
    for mode: UInt32 in [0o100644, 0o100600, 0o040755, 0o040740] { #expect(!named(mode)) }
    #expect(!named(0o100640, user: 1234))
    #expect(!named(0o100640, group: 28))
    #expect(!named(0o100640, group: 1234))
  }
}
