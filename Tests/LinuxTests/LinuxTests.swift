import Testing

@testable import Linux

@Suite("The kernel's vocabulary")
struct LinuxTests {
  @Test("an error is its number and speaks the C library's sentence")
  func errors() {
    #expect(Errno.permissionDenied.rawValue == 13)
    #expect("\(Errno.noSuchFile)" == "No such file or directory")
    #expect(throws: Errno.noSuchFile) { try Files.status("/nowhere/at/all") }
  }

  @Test("a path with a NUL byte is refused before the kernel could cut it short")
  func nul() {
    #expect(throws: Errno.invalidArgument) { try Files.status("/etc/passwd\0/x") }
    #expect(throws: Errno.invalidArgument) { try Files.open("/etc\0", .readOnly) }
  }

  @Test("a line of mountinfo is read with its tags, options and escapes")
  func mountinfo() throws {
    let line =
      #"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=x"#
    let mount = try #require(Mount(mountinfo: Array(line.utf8)[...]))
    #expect(mount.path == "/mnt 2")
    #expect(mount.options == ["rw", "noatime"])
    #expect(mount.tags == ["master:1", "shared:7"])
    #expect(mount.type == "ext3")
    #expect(mount.superOptions == ["rw", "errors=x"])
    #expect(Mount(mountinfo: Array("36 35 98:0 / / rw".utf8)[...]) == nil)
    // What is no text is no reason to see no mount at all.
    let strange = Array("36 35 98:0 / /m".utf8) + [0xFF] + Array(" rw - ext3 x rw".utf8)
    #expect(try #require(Mount(mountinfo: strange[...])).path == "/m\u{FFFD}")
  }

  @Test("a file in memory takes no more than it was made for")
  func memory() throws {
    let file = try Files.inMemory("test", size: 8192)
    let page = [UInt8](repeating: 1, count: 4096)
    for _ in 0..<2 {
      #expect(try Descriptor.write(file.rawValue, page, 0..<4096) == 4096)
    }
    #expect(try Files.position(of: file.rawValue) == 8192)
    #expect(throws: Errno.notPermitted) { try Descriptor.write(file.rawValue, page, 0..<1) }
    #expect(try Files.status(of: file.rawValue).size == 8192)
  }

  @Test("this process's state is what the kernel shows elsewhere")
  func ownState() throws {
    let state = ProcessState(Process.identifier)
    let status = try state.status()
    #expect(status["Pid"] == "\(Process.identifier)")
    #expect(status["Uid"]?.split(separator: " ").count == 4)
    #expect(status["Pi"] == nil)
    #expect(try state.mounts().contains { $0.path == "/" })
    let limit = try ResourceLimit.current(.openFiles)
    let core = try ResourceLimit.current(.coreSize)
    #expect(try state.limits([.openFiles, .coreSize]) == [limit, core])
    #expect(throws: Errno.badMessage) { try state.limits([ResourceLimit.Resource(rawValue: 99)]) }
    #expect(try state.descriptors().contains(0))
  }

  @Test("every step of sealing has a name and a sentence of its own")
  func steps() {
    let steps = CellStep.all
    #expect(steps.count > 40)
    #expect(Set(steps.map(\.name)).count == steps.count)
    #expect(Set(steps.map(\.description)).count == steps.count)
    #expect(steps.allSatisfy { CellStep(name: $0.name) == $0 })
    #expect(CellStep(name: "NOTHING") == nil)
  }

  @Test("an ordinary build cannot leave a step out")
  func skipping() { #expect(!Cell.canSkipSteps) }

  @Test("a file larger than asked for is an error, not a part of it")
  func maximum() throws {
    #expect(throws: Errno.fileTooLarge) { try Files.contents("/proc/self/status", maximum: 16) }
    #expect(try Files.contents("/proc/self/status", maximum: 1 << 16).count > 16)
  }

  @Test("opening exactly follows no link")
  func openExactly() throws {
    #expect(throws: Errno.tooManyLinks) { try Files.openExactly("/proc/self/cwd") }
    let root = try Files.openExactly("/")
    #expect(try Files.status(of: root.rawValue).kind == .directory)
  }
}
