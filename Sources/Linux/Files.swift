internal import CLinux

/// What kind of thing a path names (inode(7)).
public enum FileKind: Sendable {
  case regular, directory, symbolicLink, characterDevice, blockDevice, fifo, socket, other
}

/// What stat(2) says of a file.
public struct FileStatus: Hashable, Sendable {
  /// Device and inode number: together they name the file.
  public var device: UInt64, inode: UInt64
  /// Size in bytes.
  public var size: UInt64
  /// Type and permission bits (`st_mode`).
  public var mode: UInt32
  /// Owner ids.
  public var user: UInt32, group: UInt32

  /// Makes a status, for tests and plans.
  public init(
    device: UInt64, inode: UInt64, size: UInt64, mode: UInt32, user: UInt32, group: UInt32
  ) {
    self.device = device
    self.inode = inode
    self.size = size
    self.mode = mode
    self.user = user
    self.group = group
  }

  /// The kind of file, from the type bits of `mode`.
  public var kind: FileKind {
    switch mode & 0o170000 {
    case 0o100000: .regular
    case 0o040000: .directory
    case 0o120000: .symbolicLink
    case 0o020000: .characterDevice
    case 0o060000: .blockDevice
    case 0o010000: .fifo
    case 0o140000: .socket
    default: .other
    }
  }
}

/// How to open a file (open(2)); close-on-exec is always set.
public struct OpenFlags: OptionSet, Sendable {
  /// The kernel's bits.
  public let rawValue: Int32
  /// Wraps the kernel's bits.
  public init(rawValue: Int32) { self.rawValue = rawValue }
  /// The corresponding C constant is `O_RDONLY`.
  public static let readOnly: OpenFlags = []
  /// The corresponding C constant is `O_WRONLY`.
  public static let writeOnly = OpenFlags(rawValue: 0o1)
  /// The corresponding C constant is `O_CREAT`.
  public static let create = OpenFlags(rawValue: 0o100)
  /// The corresponding C constant is `O_EXCL`.
  public static let exclusive = OpenFlags(rawValue: 0o200)
  /// The corresponding C constant is `O_NOCTTY`.
  public static let noTerminal = OpenFlags(rawValue: 0o400)
  /// The corresponding C constant is `O_APPEND`.
  public static let append = OpenFlags(rawValue: 0o2000)
  /// The corresponding C constant is `O_NONBLOCK`.
  public static let nonblocking = OpenFlags(rawValue: 0o4000)
  /// The corresponding C constant is `O_DIRECTORY`.
  public static let directory = OpenFlags(rawValue: 0o200000)
  /// The corresponding C constant is `O_NOFOLLOW`.
  public static let noFollow = OpenFlags(rawValue: 0o400000)
  /// The corresponding C constant is `O_PATH`.
  public static let path = OpenFlags(rawValue: 0o10000000)
}

/// Files by path. Paths with a NUL byte are refused with `.invalidArgument`.
public enum Files {
  /// Opens `path`; relative ones start at `directory` (default: the working directory).
  public static func open(
    _ path: String, _ flags: OpenFlags, mode: UInt32 = 0o600, in directory: Int32 = -100
  ) throws(Errno) -> FileDescriptor {
    try refuseNul(path)
    return FileDescriptor(
      owning: try checked(unsafe cl_open_at(directory, path, flags.rawValue, mode)))
  }

  /// Opens `path` for reference only (`O_PATH`), and only if no component of it but the last is a
  /// link, which is then the link itself (`RESOLVE_NO_SYMLINKS` and `O_NOFOLLOW`, openat2(2)).
  public static func openExactly(_ path: String) throws(Errno) -> FileDescriptor {
    try refuseNul(path)
    let flags = UInt64(OpenFlags.path.union(.noFollow).rawValue)
    return FileDescriptor(owning: try checked(unsafe cl_open_at2(-100, path, flags, 0x04 | 0x02)))
  }

  /// stat(2) (`followLinks`) or lstat(2) of `path`.
  public static func status(
    _ path: String, followLinks: Bool = true, in directory: Int32 = -100
  ) throws(Errno) -> FileStatus {
    try refuseNul(path)
    return try facts(directory, path, followLinks ? 0 : 0x100)
  }

  /// Whether we may make something in the directory `path`, with the effective ids (faccessat(2)).
  public static func mayWrite(_ path: String) -> Bool {
    if path.utf8.contains(0) { return false }
    return unsafe cl_may_write(path)
  }

  /// fstat(2) of an open descriptor.
  public static func status(of descriptor: Int32) throws(Errno) -> FileStatus {
    try facts(descriptor, "", 0x1000)
  }

  private static func facts(
    _ directory: Int32, _ path: String, _ flags: Int32
  ) throws(Errno) -> FileStatus {
    var facts = cl_file_facts()
    _ = try checked(unsafe cl_file_facts(directory, path, flags, &facts))
    return FileStatus(
      device: facts.device, inode: facts.inode, size: facts.size, mode: facts.mode,
      user: facts.user, group: facts.group)
  }

  /// The text of the symbolic link `path`; bytes that are not UTF-8 throw `.badMessage`.
  public static func linkTarget(_ path: String, in directory: Int32 = -100) throws(Errno) -> String
  {
    try refuseNul(path)
    var buffer = [UInt8](repeating: 0, count: 4096)
    let result = unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
      unsafe bytes.withMemoryRebound(to: CChar.self) {
        unsafe cl_read_link_at(directory, path, $0.baseAddress, $0.count)
      }
    }
    let count = Int(try checked(result))
    if count == buffer.count { throw .nameTooLong }
    guard let text = String(validating: buffer[..<count], as: UTF8.self) else { throw .badMessage }
    return text
  }

  /// The whole of a file. Throws `.fileTooLarge` beyond `maximum` bytes.
  public static func contents(_ path: String, maximum: Int = 1 << 20) throws(Errno) -> [UInt8] {
    let file = try open(path, .readOnly)
    return try Descriptor.readAll(file.rawValue, maximum: maximum)
  }

  /// The names in a directory, unsorted, without `.` and `..`; names that are not UTF-8 throw
  /// `.badMessage`, more than 4 MiB of names `E2BIG`.
  public static func list(_ path: String) throws(Errno) -> [String] {
    try refuseNul(path)
    var capacity = 1 << 12
    while true {
      var buffer = [UInt8](repeating: 0, count: capacity)
      let result = unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
        unsafe bytes.withMemoryRebound(to: CChar.self) {
          unsafe cl_list_directory(path, $0.baseAddress, $0.count)
        }
      }
      if result == -7, capacity < 1 << 22 {
        capacity *= 32
        continue
      }
      let count = Int(try checked(result))
      var names: [String] = []
      for part in buffer[..<count].split(separator: 0) {
        guard let name = String(validating: part, as: UTF8.self) else { throw .badMessage }
        names.append(name)
      }
      return names
    }
  }

  /// Whether the caller's effective ids may read, or write to, what `path` leads to.
  public static func mayAccess(_ path: String, writing: Bool) -> Bool {
    let result = path.utf8.contains(0) ? -1 : unsafe cl_may_access(path, writing)
    return result == 0
  }

  /// Makes one directory. Throws `.fileExists` when the name is taken.
  public static func makeDirectory(_ path: String, mode: UInt32) throws(Errno) {
    try refuseNul(path)
    _ = try checked(unsafe cl_make_directory(path, mode))
  }

  private static func refuseNul(_ path: String) throws(Errno) {
    if path.utf8.contains(0) { throw .invalidArgument }
  }
}
