@testable import Confinement
@testable import Linux

/// A tree of files that exists in a test only.
struct FakeFiles: FileLookup {
  enum Entry {
    case file([UInt8], mode: UInt32)
    case link(String)
    case directory
    case pipe
  }

  private var entries: [String: Entry] = ["/": .directory]
  /// Directories whose contents the caller may not look at.
  var closed: [String] = []

  init(_ entries: [String: Entry]) {
    for (path, entry) in entries {
      self.entries[path] = entry
      var parent = Paths.parent(path)
      while self.entries[parent] == nil {
        self.entries[parent] = .directory
        parent = Paths.parent(parent)
      }
    }
  }

  func status(_ path: String) throws(Errno) -> FileStatus? {
    if closed.contains(where: { Paths.isBelow(path, $0) }) { throw .permissionDenied }
    guard let entry = entries[path] else { return nil }
    let mode: UInt32 =
      switch entry {
      case .file(_, let mode): 0o100000 | mode
      case .link: 0o120777
      case .directory: 0o040755
      case .pipe: 0o010666
      }
    // As on most machines: people own what is in their homes and in /srv, root the rest.
    let isPersons = ["/home", "/srv"].contains { Paths.isBelow(path, $0) }
    return FileStatus(
      device: 1, inode: 1, size: 0, mode: mode, user: isPersons ? 1000 : 0, group: 0)
  }

  func target(ofLink path: String) throws(Errno) -> String {
    guard case .link(let target) = entries[path] else { throw .invalidArgument }
    return target
  }

  func read(_ path: String, at offset: Int64, maximum: Int) throws(Errno) -> [UInt8] {
    var path = path
    while case .link(let target) = entries[path] {
      path = Paths.absolute(target, from: Paths.parent(path))
    }
    guard case .file(let bytes, _) = entries[path] else { throw .noSuchFile }
    return Array(bytes.dropFirst(Int(offset)).prefix(maximum))
  }

  func list(_ path: String) throws(Errno) -> [String] {
    guard case .directory = entries[path] else { throw .notDirectory }
    return entries.keys.filter { Paths.equal(Paths.parent($0), path) && $0 != "/" }
      .map { Paths.name($0) }
  }
}

extension FakeFiles.Entry {
  static func text(_ text: String, mode: UInt32 = 0o644) -> Self {
    .file(Array(text.utf8), mode: mode)
  }

  static func script(_ text: String) -> Self { .file(Array(text.utf8), mode: 0o755) }

  /// A 64-bit ELF file with the tables that discovery reads: one load segment from address 0.
  static func elf(
    interpreter: String? = "/lib64/ld-linux-x86-64.so.2", needed: [String] = ["libc.so.6"],
    runPath: String? = nil, rPath: String? = nil
  ) -> Self {
    func number(_ value: Int, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let headers = interpreter == nil ? 2 : 3
    let dataStart = 64 + 56 * headers
    var strings: [UInt8] = [0]
    var dynamic: [(Int, Int)] = []
    func string(_ text: String) -> Int {
      defer { strings += Array(text.utf8) + [0] }
      return strings.count
    }
    for library in needed { dynamic.append((1, string(library))) }
    if let runPath { dynamic.append((29, string(runPath))) }
    if let rPath { dynamic.append((15, string(rPath))) }
    let loader = Array((interpreter ?? "").utf8) + [0]
    let stringsStart = dataStart + loader.count
    let dynamicStart = stringsStart + strings.count
    dynamic += [(5, stringsStart), (0, 0)]
    let total = dynamicStart + 16 * dynamic.count
    func segment(_ type: Int, _ offset: Int, _ size: Int) -> [UInt8] {
      number(type, 4) + number(4, 4) + number(offset, 8) + number(offset, 8) + number(offset, 8)
        + number(size, 8) + number(size, 8) + number(8, 8)
    }
    var bytes: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    bytes += number(3, 2) + number(ELF.machine, 2) + number(1, 4) + number(0, 8) + number(64, 8)
    bytes += number(0, 8) + number(0, 4) + number(64, 2) + number(56, 2) + number(headers, 2)
    bytes += number(64, 2) + number(0, 2) + number(0, 2)
    bytes += segment(1, 0, total) + segment(2, dynamicStart, 16 * dynamic.count)
    if interpreter != nil { bytes += segment(3, dataStart, loader.count) }
    bytes += loader + strings
    for (tag, value) in dynamic { bytes += number(tag, 8) + number(value, 8) }
    return .file(bytes, mode: 0o755)
  }
}
