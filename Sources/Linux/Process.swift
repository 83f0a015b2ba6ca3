internal import CLinux

/// How a process ended (wait(2)).
public enum ExitStatus: Hashable, Sendable {
  /// It called exit with this code, 0 to 255.
  case exited(Int32)
  /// It was ended by this signal.
  case signalled(Int32)

  /// Reads the kernel's status word.
  public init(statusWord: Int32) {
    self =
      cl_status_exited(statusWord)
      ? .exited(cl_status_code(statusWord)) : .signalled(cl_status_signal(statusWord))
  }

  /// What a shell would report: the code, or 128 plus the signal.
  public var shellStatus: Int32 {
    switch self {
    case .exited(let code): code
    case .signalled(let signal): 128 + signal
    }
  }
}

/// What a process and the children it waited for used (getrusage(2)).
public struct ResourceUsage: Hashable, Sendable {
  /// Processor time in microseconds.
  public var userMicroseconds: Int64, systemMicroseconds: Int64
  /// The largest resident set of one of them, in KiB.
  public var maximumResidentKiB: Int64
}

/// Signals by name (signal(7)).
public enum Signal {
  /// The corresponding C constant is `SIGHUP`.
  public static let hangUp: Int32 = 1
  /// The corresponding C constant is `SIGINT`.
  public static let interrupt: Int32 = 2
  /// The corresponding C constant is `SIGQUIT`.
  public static let quit: Int32 = 3
  /// The corresponding C constant is `SIGKILL`.
  public static let kill: Int32 = 9
  /// The corresponding C constant is `SIGTERM`.
  public static let terminate: Int32 = 15
  /// The corresponding C constant is `SIGCHLD`.
  public static let child: Int32 = 17
  /// The corresponding C constant is `SIGXCPU`.
  public static let processorTime: Int32 = 24
  /// The corresponding C constant is `SIGXFSZ`.
  public static let fileSize: Int32 = 25
  /// The corresponding C constant is `SIGSYS`.
  public static let badCall: Int32 = 31

  /// Blocks `signals` and returns a nonblocking descriptor that reports them (signalfd(2)).
  public static func descriptor(for signals: [Int32]) throws(Errno) -> FileDescriptor {
    let result = unsafe signals.withUnsafeBufferPointer {
      unsafe cl_signal_descriptor_for($0.baseAddress, $0.count)
    }
    return FileDescriptor(owning: try checked(result))
  }

  /// Blocks `signals` and no others (sigprocmask(2)). One that is blocked waits, also for a
  /// descriptor that is made later.
  public static func block(only signals: [Int32]) throws(Errno) {
    let result = unsafe signals.withUnsafeBufferPointer {
      unsafe cl_set_signal_mask($0.baseAddress, $0.count)
    }
    _ = try checked(result)
  }

  /// The next pending signal of such a descriptor. Throws `.wouldBlock` when there is none.
  public static func next(from descriptor: Int32) throws(Errno) -> Int32 {
    try checked(cl_read_signal(descriptor))
  }

  /// One of the signals that end a program and are blocked, if it has come; it stays where it is.
  public static var pendingEnd: Int32? {
    let number = cl_pending_end()
    return number > 0 ? number : nil
  }

  /// Every signal as a new process has it; what the caller ignored is inherited otherwise, and an
  /// ignored `SIGCHLD` lets no one wait for a child.
  public static func resetAll() throws(Errno) { _ = try checked(cl_reset_signals()) }

  /// Writing to a closed pipe is an error value from now on, not a signal.
  public static func ignoreBrokenPipe() { cl_ignore_broken_pipe() }
}

/// This process and its children.
public enum Process {
  /// Gives back the memory of what this process did so far and does not do any more: free parts of the
  /// heap, and pages of the program's own code, which are mapped again when they run (madvise(2),
  /// `MADV_DONTNEED`).
  public static func giveBackMemory() { cl_give_back_memory() }

  /// fork(2). Only while single-threaded. Returns 0 in the child.
  public static func fork() throws(Errno) -> Int32 { try checked(cl_fork()) }

  /// _exit(2): no handlers, no flushing.
  public static func exit(_ status: Int32) -> Never { cl_exit(status) }

  /// This process's id.
  public static var identifier: Int32 { cl_process_id() }
  /// The parent's id; 0 when it lives outside this pid namespace.
  public static var parentIdentifier: Int32 { cl_parent_process_id() }
  /// Effective user id.
  public static var user: UInt32 { cl_user_id() }
  /// Effective group id.
  public static var group: UInt32 { cl_group_id() }

  /// The supplementary groups.
  public static func supplementaryGroups() throws(Errno) -> [UInt32] {
    let count = try checked(cl_supplementary_groups(nil, 0))
    var groups = [UInt32](repeating: 0, count: Int(count))
    if count == 0 { return [] }
    let result = unsafe groups.withUnsafeMutableBufferPointer {
      unsafe cl_supplementary_groups($0.baseAddress, count)
    }
    _ = try checked(result)
    return groups
  }

  /// A descriptor for `process` that cannot come to mean another one (pidfd_open(2)).
  public static func descriptor(of process: Int32) throws(Errno) -> FileDescriptor {
    FileDescriptor(owning: try checked(cl_process_descriptor(process)))
  }

  /// Sends a signal through a process descriptor (pidfd_send_signal(2)).
  public static func signal(descriptor: Int32, _ signal: Int32) throws(Errno) {
    _ = try checked(cl_signal_descriptor(descriptor, signal))
  }

  /// Sends a signal to a child that has not been waited for.
  public static func signal(child: Int32, _ signal: Int32) throws(Errno) {
    _ = try checked(cl_signal_process(child, signal))
  }

  /// Waits for the child `process`, or looks once with `nonblocking`; nil when it still runs.
  public static func wait(
    _ process: Int32, nonblocking: Bool
  ) throws(Errno) -> (status: Int32, usage: ResourceUsage)? {
    var status: Int32 = 0
    var usage = cl_usage()
    let result = try checked(unsafe cl_wait(process, nonblocking, &status, &usage))
    if result == 0 { return nil }
    return (
      status,
      ResourceUsage(
        userMicroseconds: usage.user_microseconds,
        systemMicroseconds: usage.system_microseconds,
        maximumResidentKiB: usage.maximum_resident_kib)
    )
  }

  /// The kernel's release, for example "6.1.0-31-cloud-amd64" (uname(2)).
  public static func kernelRelease() throws(Errno) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let result = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) {
        unsafe cl_kernel_release($0.baseAddress, $0.count)
      }
    }
    _ = try checked(result)
    return String(validating: buffer.prefix { $0 != 0 }, as: UTF8.self) ?? "unknown"
  }

  /// Random bytes from the kernel, at most 256 (getrandom(2)).
  public static func randomBytes(_ count: Int) throws(Errno) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: min(count, 256))
    let result = unsafe bytes.withUnsafeMutableBytes { unsafe cl_random($0.baseAddress, $0.count) }
    _ = try checked(result)
    return bytes
  }

  /// An environment variable's value; nil when unset or not UTF-8.
  public static func environment(_ name: String) -> String? {
    guard let value = unsafe cl_environment_value(name) else { return nil }
    return unsafe String(validatingCString: value)
  }
}
