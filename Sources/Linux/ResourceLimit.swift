internal import CLinux

/// A limit on one resource of a process (setrlimit(2)).
public struct ResourceLimit: Hashable, Sendable {
  /// Which resource.
  public struct Resource: RawRepresentable, Hashable, Sendable {
    /// The kernel's number.
    public let rawValue: Int32
    /// Wraps the kernel's number.
    public init(rawValue: Int32) { self.rawValue = rawValue }
    /// Processor seconds. The corresponding C constant is `RLIMIT_CPU`.
    public static let processorTime = Resource(rawValue: 0)
    /// Bytes of one file. The corresponding C constant is `RLIMIT_FSIZE`.
    public static let fileSize = Resource(rawValue: 1)
    /// Bytes of private memory. The corresponding C constant is `RLIMIT_DATA`.
    public static let data = Resource(rawValue: 2)
    /// Bytes of a core file. The corresponding C constant is `RLIMIT_CORE`.
    public static let coreSize = Resource(rawValue: 4)
    /// Processes and threads. The corresponding C constant is `RLIMIT_NPROC`.
    public static let processes = Resource(rawValue: 6)
    /// Open files. The corresponding C constant is `RLIMIT_NOFILE`.
    public static let openFiles = Resource(rawValue: 7)
    /// Locked bytes. The corresponding C constant is `RLIMIT_MEMLOCK`.
    public static let lockedMemory = Resource(rawValue: 8)
    /// Bytes in message queues. The corresponding C constant is `RLIMIT_MSGQUEUE`.
    public static let messageQueues = Resource(rawValue: 12)
    /// How far a nice value may be lowered: to 20 less this. The corresponding C constant is
    /// `RLIMIT_NICE`.
    public static let nicePriority = Resource(rawValue: 13)
    /// The highest real-time priority. The corresponding C constant is `RLIMIT_RTPRIO`.
    public static let realTimePriority = Resource(rawValue: 14)

    /// The row's name in `/proc/PID/limits`.
    public var rowName: String {
      switch rawValue {
      case 0: "Max cpu time"
      case 1: "Max file size"
      case 2: "Max data size"
      case 4: "Max core file size"
      case 6: "Max processes"
      case 7: "Max open files"
      case 8: "Max locked memory"
      case 12: "Max msgqueue size"
      case 13: "Max nice priority"
      case 14: "Max realtime priority"
      default: "?"
      }
    }
  }

  /// Which resource.
  public var resource: Resource
  /// The limit in force and the one up to which it can be raised, in the resource's unit.
  public var soft: UInt64, hard: UInt64

  /// Makes a limit that cannot be raised.
  public init(_ resource: Resource, _ value: UInt64) {
    self.resource = resource
    soft = value
    hard = value
  }

  /// Makes a limit.
  public init(_ resource: Resource, soft: UInt64, hard: UInt64) {
    self.resource = resource
    self.soft = soft
    self.hard = hard
  }

  /// No limit. The corresponding C constant is `RLIM_INFINITY`.
  public static let unlimited = UInt64.max

  /// The calling process's limit.
  public static func current(_ resource: Resource) throws(Errno) -> ResourceLimit {
    var soft: UInt64 = 0
    var hard: UInt64 = 0
    _ = try checked(unsafe cl_get_limit(resource.rawValue, &soft, &hard))
    return ResourceLimit(resource, soft: soft, hard: hard)
  }
}
