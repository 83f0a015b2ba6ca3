internal import CLinux

/// Another program that is run to its end: with nothing of ours but its arguments.
public struct CommandEnd: Sendable {
  /// Why it could not be run; nil if it could. `.timedOut`: it was ended.
  public var error: Errno?
  /// How it ended, if it could be run.
  public var status: ExitStatus
  /// The beginning of what it wrote to its standard error.
  public var said: String

  /// Executes what `program`, an `O_PATH` descriptor, names, with `arguments`, the name first, and
  /// waits for its end: no environment, no descriptors, `/` as working directory, and at most
  /// `milliseconds`. Call only while single-threaded.
  public static func of(
    _ program: Int32, _ arguments: [String], milliseconds: Int32
  ) -> CommandEnd {
    let memory = CellMemory()
    let list = unsafe memory.strings(arguments)
    defer { memory.free() }
    var end = unsafe cl_run_command(program, list, milliseconds)
    let said = unsafe withUnsafeBytes(of: &end.said) { unsafe Array($0.prefix { $0 != 0 }) }
    return CommandEnd(
      error: end.error == 0 ? nil : Errno(rawValue: end.error),
      status: ExitStatus(statusWord: end.status),
      said: String(validating: said, as: UTF8.self) ?? "what is not UTF-8")
  }
}

/// A process in a user namespace of its own that drops its supplementary groups when somebody has
/// mapped its groups: what a cell's first process does, and nothing more.
///
/// *Limits.* It is ended by ``finish(mapped:)`` alone, or with this process.
public struct GroupTrial: ~Copyable {
  /// Its process id.
  public let process: Int32
  private let end: Int32

  /// Starts it. Throws what the kernel answers to its user namespace. Call only while
  /// single-threaded.
  public static func begin() throws(Errno) -> GroupTrial {
    var trial = cl_group_trial()
    _ = try checked(unsafe cl_group_trial_begin(&trial))
    return GroupTrial(process: trial.process, end: trial.end)
  }

  private init(process: Int32, end: Int32) {
    self.process = process
    self.end = end
  }

  /// Ends it, after it has dropped its groups if they were mapped. Returns how many it had then.
  public consuming func finish(mapped: Bool) throws(Errno) -> Int {
    var trial = cl_group_trial(process: process, end: end)
    return Int(try checked(unsafe cl_group_trial_end(&trial, mapped ? 1 : 0)))
  }
}
