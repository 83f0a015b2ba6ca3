internal import CLinux

/// A control group of version 2 as its files show it to this process (cgroups(7)).
///
/// *Limits.* What is said here was so when it was read; the kernel decides when a group is made.
public struct ControlGroupState: Hashable, Sendable {
  /// The directory.
  public var path: String
  /// The controllers that it may give to groups below it, and those that it gives.
  public var controllers: [String], enabled: [String]
  /// Whether this process may make groups in it, and move processes that are in it to those.
  public var isWritable: Bool
  /// Whether this process may say which controllers groups below it have.
  public var mayEnable: Bool
  /// Whether processes are in it itself, which keeps it from giving controllers (but for the root).
  public var hasProcesses: Bool
  /// Whether all processes of a group can be killed at once (`cgroup.kill`, Linux 5.14).
  public var canKill: Bool

  /// Makes a state, for tests.
  public init(
    path: String, controllers: [String], enabled: [String], isWritable: Bool = true,
    mayEnable: Bool = false, hasProcesses: Bool = false, canKill: Bool = true
  ) {
    self.path = path
    self.controllers = controllers
    self.enabled = enabled
    self.isWritable = isWritable
    self.mayEnable = mayEnable
    self.hasProcesses = hasProcesses
    self.canKill = canKill
  }

  /// Reads the state of the group at `path`; nil when there is none.
  public init?(_ path: String) {
    guard let controllers = ControlGroupState.words(path + "/cgroup.controllers") else {
      return nil
    }
    self.path = path
    self.controllers = controllers
    enabled = ControlGroupState.words(path + "/cgroup.subtree_control") ?? []
    isWritable =
      Files.mayAccess(path, writing: true) && Files.mayAccess(path + "/cgroup.procs", writing: true)
    mayEnable = Files.mayAccess(path + "/cgroup.subtree_control", writing: true)
    hasProcesses = ControlGroupState.words(path + "/cgroup.procs").map { !$0.isEmpty } ?? true
    // Only groups below the root have this file, and those made here will be such.
    canKill =
      ControlGroupState.has(path + "/cgroup.kill")
      || !ControlGroupState.has(path + "/cgroup.events")
  }

  private static func has(_ path: String) -> Bool {
    do { _ = try Files.status(path) } catch { return false }
    return true
  }

  private static func words(_ path: String) -> [String]? {
    do {
      let bytes = try Files.contents(path, maximum: 1 << 20)
      return bytes.split { $0 == 0x20 || $0 == 0x0A }.compactMap {
        String(validating: $0, as: UTF8.self)
      }
    } catch { return nil }
  }
}

/// The control groups of this machine as this process sees them.
public struct ControlGroupView: Hashable, Sendable {
  /// Where version 2 is mounted, and this process's own group below it ("/" for its root); nil when
  /// there is none.
  public var mount: String?, own: String?

  /// Makes a view, for tests.
  public init(mount: String? = nil, own: String? = nil) {
    self.mount = mount
    self.own = own
  }

  /// Reads the view from `mounts`, of this process, and `/proc/self/cgroup`.
  public init(mounts: [Mount]) {
    mount = mounts.last { $0.type.utf8.elementsEqual("cgroup2".utf8) }?.path
    do {
      own = ControlGroupView.unified(try ProcessState(Process.identifier).text("cgroup"))
    } catch { own = nil }
  }

  /// The path of version 2 in a `/proc/PID/cgroup`; nil when there is none.
  public static func unified(_ text: String) -> String? {
    for line in text.utf8.split(separator: 0x0A) where line.starts(with: "0::".utf8) {
      return String(Substring(line.dropFirst(3)))
    }
    return nil
  }
}

/// One control group's files, by the descriptor of its directory.
public enum ControlGroupFile {
  /// Writes `value` to the file `name`.
  public static func write(_ value: String, to name: String, in group: Int32) throws(Errno) {
    let file = try Files.open(name, [.writeOnly, .noFollow], in: group)
    let bytes = [UInt8](value.utf8)
    let count = try Descriptor.write(file.rawValue, bytes, 0..<bytes.count)
    if count != bytes.count { throw .inputOutput }
  }

  /// The content of the file `name` without the line's end.
  public static func read(_ name: String, in group: Int32) throws(Errno) -> String {
    let file = try Files.open(name, [.readOnly, .noFollow], in: group)
    let bytes = try Descriptor.readAll(file.rawValue, maximum: 1 << 16)
    let text = bytes.last == 0x0A ? bytes.dropLast() : bytes[...]
    guard let text = String(validating: text, as: UTF8.self) else { throw .badMessage }
    return text
  }

  /// The number behind `key` in a file of lines such as "oom_kill 1"; 0 when it is not there.
  public static func count(_ key: String, of name: String, in group: Int32) throws(Errno) -> UInt64
  {
    for line in try read(name, in: group).split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, words[0].utf8.elementsEqual(key.utf8) { return UInt64(words[1]) ?? 0 }
    }
    return 0
  }

  /// Removes the groups below `parent` that a session left behind: those with this program's
  /// prefix that hold no process, are held by no keeper and are older than `age` seconds.
  public static func sweep(
    _ parent: Int32, path: String, prefix: String, age: Int64 = 60
  ) throws(Errno) {
    for name in try Files.list(path) where isOurs(name, prefix) {
      _ = unsafe cl_keeper_sweep(parent, name, age)
    }
  }

  static func isOurs(_ name: String, _ prefix: String) -> Bool {
    let digits = name.utf8.dropFirst(prefix.utf8.count)
    return name.utf8.starts(with: prefix.utf8) && digits.count == 16
      && digits.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }
}
