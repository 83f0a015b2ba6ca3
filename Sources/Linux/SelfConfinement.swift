internal import CLinux

/// Gives up rights of the calling process, one way (single-threaded only).
public enum SelfConfinement {
  /// Nothing that is exec'd can gain rights (`PR_SET_NO_NEW_PRIVS`, prctl(2)).
  public static func noNewPrivileges() throws(Errno) { _ = try checked(cl_no_new_privileges()) }

  /// Empties the capability bounding set (capabilities(7)). Needs `CAP_SETPCAP`.
  public static func emptyBoundingSet() throws(Errno) { _ = try checked(cl_empty_bounding_set()) }

  /// Empties the ambient, inheritable, permitted and effective capability sets.
  public static func dropCapabilities() throws(Errno) { _ = try checked(cl_drop_capabilities()) }

  /// No supplementary groups, then these ids, for good (setresuid(2)). Needs privilege.
  public static func become(user: UInt32, group: UInt32) throws(Errno) {
    _ = try checked(cl_set_groups_and_ids(user, group))
  }

  /// A signal when the parent's thread that forked us ends (`PR_SET_PDEATHSIG`); armed last,
  /// because a change of ids clears it.
  public static func dieWithParent(_ signal: Int32) throws(Errno) {
    _ = try checked(cl_parent_death_signal(signal))
  }

  /// The signal that ``dieWithParent(_:)`` armed, 0 when there is none (`PR_GET_PDEATHSIG`).
  public static func parentDeathSignal() throws(Errno) -> Int32 {
    try checked(cl_get_parent_death_signal())
  }

  /// The securebits of this process (`PR_GET_SECUREBITS`, capabilities(7)).
  public static func securebits() throws(Errno) -> Int32 { try checked(cl_securebits()) }

  /// Keeps other processes of the same user from looking inside (`PR_SET_DUMPABLE`).
  public static func setDumpable(_ dumpable: Bool) throws(Errno) {
    _ = try checked(cl_set_dumpable(dumpable))
  }

  /// Landlock: no file, no TCP port, no abstract socket, no signal beyond this process.
  public static func denyAllByLandlock() throws(Errno) {
    _ = try checked(cl_landlock_deny_everything())
  }

  /// Loads a seccomp program of 8-byte `struct sock_filter` instructions (seccomp(2)).
  public static func loadFilter(_ program: [UInt64]) throws(Errno) {
    if program.isEmpty || program.count > 4096 { throw .invalidArgument }
    let result = unsafe program.withUnsafeBytes {
      unsafe cl_load_filter($0.baseAddress, program.count)
    }
    _ = try checked(result)
  }

  /// Closes every descriptor but those in `keep` (close_range(2)).
  public static func closeAll(except keep: [Int32]) throws(Errno) {
    let sorted = keep.sorted()
    let result = unsafe sorted.withUnsafeBufferPointer {
      unsafe cl_close_range_except($0.baseAddress, $0.count)
    }
    _ = try checked(result)
  }

  /// The process's name in ps(1), at most 15 bytes.
  public static func setName(_ name: String) throws(Errno) {
    _ = try checked(unsafe cl_set_name(name))
  }

  /// The Landlock ABI version, 1 or more (landlock(7)). Throws when the kernel has none.
  public static func landlockABI() throws(Errno) -> Int { Int(try checked(cl_landlock_abi())) }
}
