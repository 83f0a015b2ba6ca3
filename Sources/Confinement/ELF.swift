/// What the loader reads of an executable or a shared library.
///
/// Source: elf(5), ld.so(8). Only 64-bit little-endian files of this machine's architecture: the
/// cell's filter ends any other program at its first system call.
struct ELF: Sendable, Hashable {
  /// The loader that the kernel starts (`PT_INTERP`); nil for a static executable or a library.
  var interpreter: String?
  /// The libraries that must be there (`DT_NEEDED`).
  var needed: [String] = []
  /// `DT_RPATH`, which counts for the libraries' own libraries too; ignored beside a `runPath`.
  var rPath: [String] = []
  /// `DT_RUNPATH`.
  var runPath: [String] = []

  /// Why a file is not one of these.
  enum Failure: Error, Hashable {
    /// It does not begin with the ELF magic.
    case notELF
    /// It is for another architecture or word size.
    case foreign
    /// Its tables point outside the file or are too large.
    case damaged
    /// It could not be read.
    case unreadable
  }

  #if arch(x86_64)
    static let machine = 62
    /// The name of this architecture's directories of libraries.
    static let triple = "x86_64-linux-gnu"
  #elseif arch(arm64)
    static let machine = 183
    /// The name of this architecture's directories of libraries.
    static let triple = "aarch64-linux-gnu"
  #endif

  /// How many libraries and lists of directories a file may name, and how long (bytes) each may be: many
  /// long names may stand in the same bytes.
  private static let mostNames = 1024, longestName = 4096

  /// Whether `head` begins like an ELF file.
  static func isELF(_ head: [UInt8]) -> Bool { head.starts(with: [0x7f, 0x45, 0x4c, 0x46]) }

  /// Reads the file at `path`, a few kilobytes of it, whatever its size.
  static func read(_ path: String, _ files: some FileLookup) throws(Failure) -> ELF {
    let head = try bytes(path, 0, 4096, files)
    guard isELF(head) else { throw .notELF }
    guard head.count >= 64 else { throw .damaged }
    guard head[4] == 2, head[5] == 1, head.number(18, 2) == machine else { throw .foreign }
    let entrySize = head.number(54, 2)
    let entryCount = head.number(56, 2)
    guard entrySize == 56, entryCount <= 512 else { throw .damaged }
    let table = head.number(32, 8)
    let entries =
      table + entrySize * entryCount <= head.count
      ? Array(head[table..<(table + entrySize * entryCount)])
      : try bytes(path, table, entrySize * entryCount, files)
    guard entries.count == entrySize * entryCount else { throw .damaged }

    var image = ELF()
    var loads: [(address: Int, offset: Int, size: Int)] = []
    var dynamic: (offset: Int, size: Int)?
    for start in stride(from: 0, to: entries.count, by: entrySize) {
      let offset = entries.number(start + 8, 8)
      let address = entries.number(start + 16, 8)
      let size = entries.number(start + 32, 8)
      switch entries.number(start, 4) {
      case 1: loads.append((address, offset, size))
      case 2: dynamic = (offset, size)
      case 3:
        guard size <= 4096 else { throw .damaged }
        image.interpreter = try bytes(path, offset, size, files).string(at: 0)
        if image.interpreter == nil { throw .damaged }
      default: break
      }
    }
    if let dynamic {
      guard dynamic.size <= 1 << 16 else { throw .damaged }
      try image.readDynamic(path, dynamic.offset, dynamic.size, loads, files)
    }
    return image
  }

  private mutating func readDynamic(
    _ path: String, _ offset: Int, _ size: Int, _ loads: [(address: Int, offset: Int, size: Int)],
    _ files: some FileLookup
  ) throws(Failure) {
    let entries = try Self.bytes(path, offset, size, files)
    var strings: Int?
    var names: [(tag: Int, offset: Int)] = []
    for start in stride(from: 0, to: entries.count - 15, by: 16) {
      let tag = entries.number(start, 8)
      let value = entries.number(start + 8, 8)
      switch tag {
      case 0: break
      case 5:
        for load in loads where value >= load.address && value - load.address < load.size {
          strings = value - load.address + load.offset
        }
      case 1, 15, 29: names.append((tag, value))
      default: continue
      }
      if tag == 0 { break }
    }
    guard names.count <= Self.mostNames else { throw .damaged }
    guard let first = names.map(\.offset).min(), let last = names.map(\.offset).max() else {
      return
    }
    guard let strings, last - first < 1 << 22, first < 1 << 32 else { throw .damaged }
    let text = try Self.bytes(path, strings + first, last - first + 4096, files)
    for (tag, offset) in names {
      guard let name = text.string(at: offset - first), name.utf8.count <= Self.longestName else {
        throw .damaged
      }
      switch tag {
      case 1: needed.append(name)
      case 15: rPath = Self.directories(name)
      default: runPath = Self.directories(name)
      }
    }
  }

  private static func directories(_ list: String) -> [String] {
    list.split(separator: ":").map(String.init)
  }

  private static func bytes(
    _ path: String, _ offset: Int, _ count: Int, _ files: some FileLookup
  ) throws(Failure) -> [UInt8] {
    guard offset >= 0, count >= 0 else { throw .damaged }
    do { return try files.read(path, at: Int64(offset), maximum: count) } catch {
      throw .unreadable
    }
  }
}

extension [UInt8] {
  /// A little-endian number of up to 8 bytes; 0 outside the array, `Int.max` if it does not fit.
  func number(_ offset: Int, _ size: Int) -> Int {
    guard offset >= 0, offset + size <= count else { return 0 }
    var number: UInt64 = 0
    for index in 0..<size { number |= UInt64(self[offset + index]) << (8 * UInt64(index)) }
    // Sums of two of these must not overflow.
    return number >> 40 == 0 ? Int(number) : Int(1) << 40
  }

  /// The UTF-8 string up to the next NUL; nil if there is none or it is not UTF-8.
  func string(at offset: Int) -> String? {
    guard offset >= 0, offset < count, let end = self[offset...].firstIndex(of: 0) else {
      return nil
    }
    return String(validating: self[offset..<end], as: UTF8.self)
  }
}

/// The loader's index of libraries, `/etc/ld.so.cache`.
///
/// Source: glibc's `sysdeps/generic/dl-cache.h`, format `glibc-ld.so.cache1.1`.
struct LoaderCache: Sendable {
  /// Where it is.
  static let path = "/etc/ld.so.cache"

  private let bytes: [UInt8]
  private let start: Int

  /// Reads a cache; nil if it is not in a format that we know.
  init?(_ bytes: [UInt8]) {
    let magic = Array("glibc-ld.so.cache1.1".utf8)
    // An index in the older format may come first.
    var start = 0
    if bytes.starts(with: "ld.so-1.7.0".utf8) {
      start = (16 + 12 * bytes.number(12, 4) + 7) & ~7
    }
    guard start + 48 <= bytes.count, bytes[start...].starts(with: magic) else { return nil }
    self.bytes = bytes
    self.start = start
  }

  /// The paths that the cache has for a library, best first.
  func paths(of library: String) -> [String] {
    var paths: [String] = []
    let count = Swift.min(bytes.number(start + 20, 4), (bytes.count - start - 48) / 24)
    for index in 0..<Swift.max(count, 0) {
      let entry = start + 48 + 24 * index
      // Variants for special processors: the plain one is always there too.
      guard bytes.number(entry + 16, 8) == 0 else { continue }
      let key = start + bytes.number(entry + 4, 4)
      let end = key + library.utf8.count
      guard end < bytes.count, bytes[end] == 0, bytes[key..<end].elementsEqual(library.utf8),
        let path = bytes.string(at: start + bytes.number(entry + 8, 4))
      else { continue }
      paths.append(path)
    }
    return paths
  }
}
