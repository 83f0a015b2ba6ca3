import Foundation
import Linux
import Testing
import Wire

@testable import Audit

/// A disk of which the test decides how much it takes.
final class Disk {
  var bytes: [UInt8] = []
  var calls = 0
  /// What the next calls return: nil takes everything.
  var plan: [Int?] = []
}

struct DiskSink: RecordSink {
  let disk: Disk
  mutating func write(_ bytes: Span<UInt8>) -> Int {
    disk.calls += 1
    let plan = disk.plan.isEmpty ? nil : disk.plan.removeFirst()
    let count = plan ?? bytes.count
    for index in 0..<Swift.max(count, 0) { disk.bytes.append(bytes[index]) }
    return count
  }
}

@Suite("Audit files")
struct FileTests {
  private func line(_ text: String) -> [UInt8] { Array("{\"a\":\"\(text)\"}\n".utf8) }

  @Test("lines that came together are one write")
  func oneWrite() throws {
    let disk = Disk()
    var file = AuditFile(DiskSink(disk: disk))
    try file.write((line("1") + line("2")).span)
    #expect(disk.calls == 1)
    #expect(disk.bytes == line("1") + line("2"))
    try file.write([UInt8]().span)
    #expect(disk.calls == 1)
  }

  @Test("an error of the system call is told, and nothing is torn")
  func failure() throws {
    let disk = Disk()
    disk.plan = [-28, nil]
    var file = AuditFile(DiskSink(disk: disk))
    #expect(throws: AuditError.failed(errno: 28)) { try file.write(line("1").span) }
    let isTorn1 = file.isTorn
    #expect(!isTorn1)
    try file.write(line("2").span)
    #expect(disk.bytes == line("2"))
  }

  @Test("after half a line the next write begins on a line of its own")
  func torn() throws {
    let disk = Disk()
    disk.plan = [4, -28, 1, 0, nil, nil]
    var file = AuditFile(DiskSink(disk: disk))
    #expect(throws: AuditError.short(written: 4, of: 10)) { try file.write(line("1").span) }
    let isTorn2 = file.isTorn
    #expect(isTorn2)
    #expect(throws: AuditError.failed(errno: 28)) { try file.write(line("2").span) }
    let isTorn3 = file.isTorn
    #expect(isTorn3)
    // Only the closing line feed fits: the half line is closed, nothing of the record is there.
    #expect(throws: AuditError.short(written: 0, of: 10)) { try file.write(line("3").span) }
    let isTorn4 = file.isTorn
    #expect(!isTorn4)
    #expect(throws: AuditError.short(written: 0, of: 10)) { try file.write(line("4").span) }
    let isTorn5 = file.isTorn
    #expect(!isTorn5)
    try file.write(line("5").span)
    try file.write(line("6").span)
    #expect(String(decoding: disk.bytes, as: UTF8.self) == "{\"a\"\n{\"a\":\"5\"}\n{\"a\":\"6\"}\n")
  }

  @Test("a writer that follows a torn one is told so")
  func tornBefore() throws {
    let disk = Disk()
    disk.bytes = Array("{\"half".utf8)
    var file = AuditFile(DiskSink(disk: disk), isTorn: true)
    try file.write(line("1").span)
    #expect(disk.bytes == Array("{\"half\n".utf8) + line("1"))
  }

  @Test("a full disk is an error, on a real file system")
  func fullDisk() throws {
    let full = try Files.open("/dev/full", [.writeOnly])
    var file = AuditFile(DescriptorSink(full.rawValue))
    #expect(throws: AuditError.failed(errno: Errno.noSpace.rawValue)) {
      try file.write(line("1").span)
    }
    let null = try Files.open("/dev/null", [.writeOnly])
    var control = AuditFile(DescriptorSink(null.rawValue))
    try control.write(line("1").span)
  }
}

@Suite("Places of audit files")
struct LocationTests {
  private func scratch() throws -> String {
    let path = NSTemporaryDirectory() + "anchorhold-audit-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    return path
  }

  private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  @Test("root's records are with the system's, a user's in the state directory")
  func places() throws {
    let root = try AuditLocation(profile: "git", isRoot: true, stateHome: "/x", home: "/root")
    #expect(root.directory == "/var/log/anchorhold/git")
    let state = try AuditLocation(profile: "git", isRoot: false, stateHome: "/x", home: "/home/u")
    #expect(state.directory == "/x/anchorhold/audit/git")
    for ignored in [nil, "", "relative"] {
      let home = try AuditLocation(
        profile: "git", isRoot: false, stateHome: ignored, home: "/home/u")
      #expect(home.directory == "/home/u/.local/state/anchorhold/audit/git")
    }
    #expect(throws: AuditOpenError(.noHome, "HOME")) {
      try AuditLocation(profile: "git", isRoot: false, stateHome: nil, home: nil)
    }
    for name in ["", "..", ".", "a/b", ".hidden", "-x", "a b", "a\u{0}"] {
      #expect(throws: AuditOpenError(.name, name)) {
        try AuditLocation(profile: name, isRoot: true, stateHome: nil, home: nil)
      }
    }
  }

  @Test("directories and file are made for their owner alone, and a file is never opened twice")
  func open() throws {
    let base = try scratch()
    defer { try? FileManager.default.removeItem(atPath: base) }
    let location = try AuditLocation(
      profile: "git", isRoot: false, stateHome: base + "/state", home: nil)
    let opened = try location.open(session: "00ff", at: noon)
    let path = opened.path
    #expect(path == base + "/state/anchorhold/audit/git/20260728T120000Z-00ff.jsonl")
    #expect(try mode(path) == 0o600)
    for part in ["/state", "/state/anchorhold", "/state/anchorhold/audit/git"] {
      #expect(try mode(base + part) == 0o700)
    }
    var file = AuditFile(DescriptorSink(opened.descriptor.rawValue))
    try file.write(Array("{}\n".utf8).span)
    #expect(try Files.contents(path) == Array("{}\n".utf8))
    #expect(throws: AuditOpenError(.create(.fileExists), path)) {
      _ = try location.open(session: "00ff", at: noon).path
    }
    // A second session of the profile has a file of its own beside it.
    _ = try location.open(session: "00fe", at: noon).path
    #expect(throws: AuditOpenError(.name, "../x")) {
      _ = try location.open(session: "../x", at: noon).path
    }
  }

  @Test("a directory that others can write to, or a link in its place, is refused")
  func untrusted() throws {
    let base = try scratch()
    defer { try? FileManager.default.removeItem(atPath: base) }
    let location = try AuditLocation(profile: "git", isRoot: false, stateHome: base, home: nil)
    _ = try location.open(session: "1", at: noon).path
    let directory = location.directory
    try FileManager.default.setAttributes([.posixPermissions: 0o770], ofItemAtPath: directory)
    #expect(throws: AuditOpenError(.writable, directory)) {
      _ = try location.open(session: "2", at: noon).path
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory)
    _ = try location.open(session: "3", at: noon).path
    try FileManager.default.moveItem(atPath: directory, toPath: base + "/elsewhere")
    try FileManager.default.createSymbolicLink(
      atPath: directory, withDestinationPath: base + "/elsewhere")
    #expect(throws: AuditOpenError(.openDirectory(.notDirectory), directory)) {
      _ = try location.open(session: "4", at: noon).path
    }
  }

  @Test("an error says what, on what and why")
  func messages() {
    #expect(
      AuditOpenError(.create(.noSpace), "/x/y").message
        == "cannot make the audit file \"/x/y\": No space left on device")
  }
}
