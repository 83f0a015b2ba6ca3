internal import CLinux

/// What to wait for, or what happened, on a descriptor (poll(2)).
public struct PollEvents: OptionSet, Sendable {
  /// The kernel's bits.
  public let rawValue: Int16
  /// Wraps the kernel's bits.
  public init(rawValue: Int16) { self.rawValue = rawValue }
  /// There is something to read. The corresponding C constant is `POLLIN`.
  public static let input = PollEvents(rawValue: 1)
  /// Writing would not block. The corresponding C constant is `POLLOUT`.
  public static let output = PollEvents(rawValue: 4)
  /// Error condition. The corresponding C constant is `POLLERR`.
  public static let error = PollEvents(rawValue: 8)
  /// The other end is closed. The corresponding C constant is `POLLHUP`.
  public static let hangUp = PollEvents(rawValue: 16)
  /// Not an open descriptor. The corresponding C constant is `POLLNVAL`.
  public static let invalid = PollEvents(rawValue: 32)
}

/// One descriptor to wait for; a negative one is passed over.
public struct PollEntry: Sendable {
  private var entry: cl_poll_entry

  /// Waits for `events` on `descriptor`.
  public init(descriptor: Int32, events: PollEvents) {
    entry = cl_poll_entry(descriptor: descriptor, events: events.rawValue, revents: 0)
  }

  /// The descriptor, or a negative number to pass this entry over.
  public var descriptor: Int32 {
    get { entry.descriptor }
    set { entry.descriptor = newValue }
  }

  /// What to wait for.
  public var events: PollEvents {
    get { PollEvents(rawValue: entry.events) }
    set { entry.events = newValue.rawValue }
  }

  /// What happened, as of the last wait.
  public var result: PollEvents { PollEvents(rawValue: entry.revents) }
}

/// Waiting for several descriptors at once (poll(2)).
public enum Poll {
  /// Lets other processes run first, if any waits for this processor (sched_yield(2)).
  public static func yield() { cl_yield() }

  /// Waits until something happens or `timeoutMilliseconds` are over (-1: for ever).
  /// Returns how many entries have a result; 0 after a time-out or a signal.
  public static func wait(
    _ entries: inout [PollEntry], timeoutMilliseconds: Int32
  ) throws(Errno) -> Int {
    let result = unsafe entries.withUnsafeMutableBytes { bytes -> Int32 in
      unsafe cl_poll(
        bytes.baseAddress?.assumingMemoryBound(to: cl_poll_entry.self),
        bytes.count / MemoryLayout<cl_poll_entry>.stride, timeoutMilliseconds)
    }
    if result == -4 { return 0 }  // EINTR: signals come through signalfd, so just look again
    return Int(try checked(result))
  }
}
