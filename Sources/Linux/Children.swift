internal import CLinux

/// Processes below this one where no pid namespace holds them together.
extension Process {
  /// Whether the kernel lists children in `/proc`, and `/proc` numbers processes as we do.
  public static func listsChildren() -> Bool { cl_lists_children() }

  /// SIGKILL to every child but those in `keep`, once. Returns how many there were.
  public static func killChildren(except keep: [Int32]) throws(Errno) -> Int {
    let result = unsafe keep.withUnsafeBufferPointer {
      unsafe cl_kill_children($0.baseAddress, $0.count)
    }
    return Int(try checked(result))
  }

  /// Waits for every child that has ended, but for those in `keep`.
  public static func reapChildren(except keep: [Int32]) {
    unsafe keep.withUnsafeBufferPointer { unsafe cl_reap_others($0.baseAddress, $0.count) }
  }

  /// Orphans below us come to us (`PR_SET_CHILD_SUBREAPER`, prctl(2)).
  public static func adoptOrphans() throws(Errno) { _ = try checked(cl_become_subreaper()) }

  /// Does `body` with the file system's ids of another user, whose processes' entries of `/proc` root
  /// without `CAP_SYS_PTRACE` may not read otherwise (setfsuid(2)).
  public static func looking<Value>(
    asUser user: UInt32, group: UInt32, _ body: () throws(Errno) -> Value
  ) throws(Errno) -> Value {
    let (ourUser, ourGroup) = (Process.user, Process.group)
    let result: Result<Value, Errno>
    do {
      _ = try checked(cl_look_as(user, group))
      result = .success(try body())
    } catch { result = .failure(error) }
    _ = try checked(cl_look_as(ourUser, ourGroup))
    return try result.get()
  }
}

extension Signal {
  /// Process 1 is ended by no signal that it does not take: from now on these end it, with the
  /// status 128 + n, until they are blocked.
  public static func end(on signals: [Int32]) throws(Errno) {
    let result = unsafe signals.withUnsafeBufferPointer {
      unsafe cl_end_on_signals($0.baseAddress, $0.count)
    }
    _ = try checked(result)
  }
}
