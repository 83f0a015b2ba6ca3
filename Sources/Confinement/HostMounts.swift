internal import Linux

/// The mounts of the host that hold the kernel's interfaces and not files.
///
/// A grant is a clone of a whole tree with what is mounted in it, so none of these may be there.
struct HostMounts {
  private let mounts: [Mount]
  /// The device numbers of /dev and /run, where they are file systems in memory.
  private let devices: Set<String>

  init(_ mounts: [Mount]) {
    self.mounts = mounts
    // Where /dev and /run are plain directories, or the whole root is in memory, the number says
    // nothing.
    let root = mounts.filter { $0.path.utf8.count == 1 }.map(\.device)
    devices = Set(
      mounts.filter { mount in
        ["/dev", "/run"].contains { Paths.equal($0, mount.path) }
          && Paths.equal(mount.type, "tmpfs") && !root.contains(mount.device)
      }.map(\.device))
  }

  /// Types of file system that are interfaces (proc(5), sysfs(5) and their like).
  private static let types = [
    "proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "securityfs", "debugfs",
    "tracefs", "bpf", "mqueue", "binfmt_misc", "configfs", "fusectl", "pstore", "efivarfs",
    "nsfs", "hugetlbfs", "selinuxfs", "smackfs", "rpc_pipefs", "nfsd", "resctrl", "functionfs",
  ]

  /// Whether a file system of this type is an interface.
  static func isInterface(_ type: String) -> Bool {
    types.contains { Paths.equal($0, type) }
  }

  /// The first mount of an interface that a grant of `path` would bring along or lie in.
  func interface(in path: String) -> Mount? {
    // Of the mounts that it lies in, the deepest, and of those at one place the last.
    var around: Mount?
    for mount in mounts where Paths.isWithin(path, mount.path) {
      if mount.path.utf8.count >= around?.path.utf8.count ?? 0 { around = mount }
    }
    return mounts.first { mount in
      (Paths.isWithin(mount.path, path) || mount == around)
        && (HostMounts.isInterface(mount.type) || devices.contains(mount.device))
    }
  }
}
