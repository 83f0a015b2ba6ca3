/// What `/proc/PID` says of a process (proc(5)): the kernel's own account.
///
/// Every text is ASCII from the kernel but for paths; what is not UTF-8 throws `.badMessage`.
public struct ProcessState: Sendable {
  /// The process, as this pid namespace numbers it.
  public let process: Int32

  /// The state of `process`.
  public init(_ process: Int32) { self.process = process }

  private var base: String { "/proc/\(process)" }

  /// One file of `/proc/PID`, at most 8 MiB.
  public func bytes(_ name: String) throws(Errno) -> [UInt8] {
    try Files.contents("\(base)/\(name)", maximum: 8 << 20)
  }

  /// One file of `/proc/PID` as text.
  public func text(_ name: String) throws(Errno) -> String {
    let bytes = try bytes(name)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .badMessage }
    return text
  }

  /// `/proc/PID/status`.
  public func status() throws(Errno) -> ProcessStatus {
    ProcessStatus(try Files.contents("\(base)/status", maximum: 1 << 16))
  }

  /// The identity of a namespace, for example "net:[4026531840]" (namespaces(7)).
  public func namespace(_ kind: String) throws(Errno) -> String {
    try Files.linkTarget("\(base)/ns/\(kind)")
  }

  /// What a link of `/proc/PID` such as "cwd" says.
  public func link(_ name: String) throws(Errno) -> String {
    try Files.linkTarget("\(base)/\(name)")
  }

  /// The numbers of the open descriptors, ascending.
  public func descriptors() throws(Errno) -> [Int32] {
    try Files.list("\(base)/fd").compactMap { Int32($0) }.sorted()
  }

  /// Whether a descriptor is closed by exec.
  public func isCloseOnExec(_ descriptor: Int32) throws(Errno) -> Bool {
    guard let flags = ProcessStatus(try bytes("fdinfo/\(descriptor)"))["flags"],
      let value = UInt64(flags, radix: 8)
    else { throw .badMessage }
    return value & 0o2000000 != 0
  }

  /// The limits in force, those of `resources`, in their order; a row that is missing throws
  /// `.badMessage`.
  public func limits(_ resources: [ResourceLimit.Resource]) throws(Errno) -> [ResourceLimit] {
    let bytes = try Files.contents("\(base)/limits", maximum: 1 << 16)
    var limits: [ResourceLimit] = []
    for resource in resources {
      // The name is padded to 26 columns, then come soft and hard limit and the unit.
      let name = [UInt8](resource.rowName.utf8)
      var start = 0
      while start + 26 < bytes.count, !ProcessState.begins(bytes, at: start, with: name) {
        guard let end = bytes[start...].firstIndex(of: 0x0A) else { throw .badMessage }
        start = end + 1
      }
      guard start + 26 < bytes.count else { throw .badMessage }
      var position = start + 26
      let soft = try number(bytes, &position)
      let hard = try number(bytes, &position)
      limits.append(ResourceLimit(resource, soft: soft, hard: hard))
    }
    return limits
  }

  private static func begins(_ bytes: [UInt8], at start: Int, with name: [UInt8]) -> Bool {
    for index in name.indices where bytes[start + index] != name[index] { return false }
    return bytes[start + name.count] == 0x20
  }

  /// The next word as a number.
  private func number(_ bytes: [UInt8], _ position: inout Int) throws(Errno) -> UInt64 {
    while position < bytes.count, bytes[position] == 0x20 { position += 1 }
    let start = position
    while position < bytes.count, bytes[position] > 0x20 { position += 1 }
    return try limit(bytes[start..<position])
  }

  private func limit(_ bytes: ArraySlice<UInt8>) throws(Errno) -> UInt64 {
    if bytes.elementsEqual("unlimited".utf8) { return ResourceLimit.unlimited }
    guard let text = String(validating: bytes, as: UTF8.self), let value = UInt64(text) else {
      throw .badMessage
    }
    return value
  }

  /// Session id and controlling terminal's device number (0: none), from `/proc/PID/stat`.
  public func session() throws(Errno) -> (session: Int32, terminal: Int32) {
    let bytes = try bytes("stat")
    // The name in parentheses may hold anything, so count from the last parenthesis.
    guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { throw .badMessage }
    let words = bytes[(end + 1)...].split(separator: 0x20)
    guard words.count > 4, let session = Int32(String(Substring(decoded(words[3])))),
      let terminal = Int32(String(Substring(decoded(words[4]))))
    else { throw .badMessage }
    return (session, terminal)
  }

  private func decoded(_ bytes: ArraySlice<UInt8>) -> String {
    String(validating: bytes, as: UTF8.self) ?? ""
  }

  /// The mounts that the process sees, paths relative to its own root.
  public func mounts() throws(Errno) -> [Mount] {
    var mounts: [Mount] = []
    let bytes = try Files.contents("\(base)/mountinfo", maximum: 8 << 20)
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let mount = Mount(mountinfo: line) else { throw .badMessage }
      mounts.append(mount)
    }
    return mounts
  }

  /// Who owns the files of `/proc/PID`: root, when the process is not dumpable, else its own user.
  public func owner() throws(Errno) -> UInt32 { try Files.status("\(base)/status").user }
}

/// The text of `/proc/PID/status`, searched line by line: a look asks for a few of its fields.
public struct ProcessStatus: Sendable {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The value of the field `name`, blanks at its ends removed and each run of blanks in it one
  /// space; nil when there is no such field.
  public subscript(name: String) -> String? {
    let wanted = [UInt8](name.utf8)
    var start = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != 0x0A { end += 1 }
      if matches(wanted, at: start, end) { return value(from: start + wanted.count + 1, to: end) }
      start = end + 1
    }
    return nil
  }

  private func matches(_ name: [UInt8], at start: Int, _ end: Int) -> Bool {
    guard start + name.count < end, bytes[start + name.count] == UInt8(ascii: ":") else {
      return false
    }
    for index in name.indices where bytes[start + index] != name[index] { return false }
    return true
  }

  private func value(from start: Int, to end: Int) -> String? {
    var squeezed: [UInt8] = []
    squeezed.reserveCapacity(end - start)
    for index in start..<end {
      let isBlank = bytes[index] == 0x20 || bytes[index] == 0x09
      if !isBlank {
        squeezed.append(bytes[index])
      } else if let last = squeezed.last, last != 0x20 {
        squeezed.append(0x20)
      }
    }
    if squeezed.last == 0x20 { squeezed.removeLast() }
    return String(validating: squeezed, as: UTF8.self)
  }
}

/// One line of `/proc/PID/mountinfo` (proc_pid_mountinfo(5)).
public struct Mount: Hashable, Sendable {
  /// Where it is, escapes undone.
  public var path: String
  /// The device number of the file system, for example "0:23".
  public var device: String
  /// The options of the mount itself, for example "ro".
  public var options: [String]
  /// Propagation tags, for example "shared:12"; none for a private mount.
  public var tags: [String]
  /// The type of file system.
  public var type: String
  /// The options of the file system as a whole.
  public var superOptions: [String]

  /// Reads one line; nil when it is not of that form.
  public init?(mountinfo line: ArraySlice<UInt8>) {
    let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count >= 10,
      let dash = words[6...].firstIndex(where: { $0.elementsEqual("-".utf8) }),
      words.count > dash + 3
    else { return nil }
    path = Mount.unescape(words[4])
    device = String(validating: words[2], as: UTF8.self) ?? "?"
    options = Mount.list(words[5])
    tags = words[6..<dash].map { String(validating: $0, as: UTF8.self) ?? "?" }
    type = String(validating: words[dash + 1], as: UTF8.self) ?? "?"
    superOptions = Mount.list(words[dash + 3])
  }

  private static func list(_ bytes: ArraySlice<UInt8>) -> [String] {
    bytes.split(separator: UInt8(ascii: ",")).map {
      String(validating: $0, as: UTF8.self) ?? "?"
    }
  }

  /// Undoes the octal escapes of space, tab, line feed, backslash and number sign.
  ///
  /// What is not UTF-8 becomes U+FFFD: nothing can be granted there, and one such mount point of
  /// somebody's is no reason to refuse every session.
  private static func unescape(_ bytes: ArraySlice<UInt8>) -> String {
    var result: [UInt8] = []
    var index = bytes.startIndex
    while index < bytes.endIndex {
      if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.endIndex,
        let digits = String(validating: bytes[(index + 1)...(index + 3)], as: UTF8.self),
        let value = UInt8(digits, radix: 8)
      {
        result.append(value)
        index += 4
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
