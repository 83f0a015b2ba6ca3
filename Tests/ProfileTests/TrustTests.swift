import Testing

@testable import Profile

@Suite("Whom a profile is believed from")
struct TrustTests {
  private let root = FileFacts(path: "/", owner: 0, mode: 0o755)

  private func refusal(
    file: (UInt32, UInt32), directory: (UInt32, UInt32) = (1000, 0o755),
    links: [FileFacts] = [], caller: UInt32 = 1000
  ) -> ProfileTrust.Refusal? {
    ProfileTrust.refusal(
      file: FileFacts(path: "/d/p.yaml", owner: file.0, mode: file.1),
      directories: [root, FileFacts(path: "/d", owner: directory.0, mode: directory.1)],
      links: links, caller: caller)
  }

  @Test(
    "a file of one's own or of root is believed, unless others can write it",
    arguments: [
      (1000, 0o600, true), (1000, 0o644, true), (0, 0o644, true), (1000, 0o664, false),
      (1000, 0o646, false), (0, 0o666, false), (1001, 0o600, false),
    ] as [(UInt32, UInt32, Bool)])
  func files(_ owner: UInt32, _ mode: UInt32, _ isGood: Bool) {
    #expect((refusal(file: (owner, mode)) == nil) == isGood)
  }

  @Test(
    "its directory must be closed to others, or sticky",
    arguments: [
      (1000, 0o755, true), (0, 0o755, true), (0, 0o1777, true), (0, 0o777, false),
      (1000, 0o775, false), (1001, 0o755, false), (1001, 0o1777, false),
    ] as [(UInt32, UInt32, Bool)])
  func directories(_ owner: UInt32, _ mode: UInt32, _ isGood: Bool) {
    #expect((refusal(file: (1000, 0o644), directory: (owner, mode)) == nil) == isGood)
  }

  @Test("root does not believe a user's file")
  func rootCaller() {
    #expect(refusal(file: (0, 0o644), directory: (0, 0o755), caller: 0) == nil)
    #expect(refusal(file: (1000, 0o644), directory: (0, 0o755), caller: 0) != nil)
  }

  @Test("a stranger's symbolic link is refused even where the file is one's own")
  func links() {
    let own = FileFacts(path: "/tmp/l", owner: 1000, mode: 0o777)
    let strange = FileFacts(path: "/tmp/l", owner: 1001, mode: 0o777)
    #expect(refusal(file: (1000, 0o644), links: [own]) == nil)
    #expect(refusal(file: (1000, 0o644), links: [strange]) != nil)
  }

  @Test("a server must not be able to write its own profile")
  func writeGrant() {
    let profile = Profile(
      name: "x",
      filesystem: Profile.Filesystem(read: ["/a"].map { .init($0) }, write: [.init("/b")]))
    #expect(ProfileTrust.writeGrant(over: "/b/p.yaml", in: profile)?.path == "/b")
    #expect(ProfileTrust.writeGrant(over: "/b", in: profile)?.path == "/b")
    #expect(ProfileTrust.writeGrant(over: "/a/p.yaml", in: profile) == nil)
    #expect(ProfileTrust.writeGrant(over: "/bb/p.yaml", in: profile) == nil)
  }

  @Test("a name is looked up in three places and never in the current directory")
  func lookup() throws {
    let lookup = ProfileLookup(configHome: nil, home: "/home/me")
    #expect(
      try lookup.candidates(for: "git") == [
        .file("/home/me/.config/anchorhold/profiles/git.yaml"),
        .file("/etc/anchorhold/profiles/git.yaml"), .shipped("git"),
      ])
    #expect(try lookup.candidates(for: "./git") == [.file("./git")])
    #expect(
      ProfileLookup(configHome: "/c", home: "/home/me").directories
        == ["/c/anchorhold/profiles", "/etc/anchorhold/profiles"])
    #expect(
      ProfileLookup(configHome: "relative", home: "").directories == ["/etc/anchorhold/profiles"])
    for name in ["", "..", "Git", "-x", "git\n", "gi\u{301}t"] {
      #expect(throws: ProfileLookup.Failure.self) { try lookup.candidates(for: name) }
    }
  }
}
