internal import CLinux

/// An error number of the kernel: the error is the number (errno(3)).
public struct Errno: Error, Hashable, Sendable, RawRepresentable, CustomStringConvertible {
  /// The C error number, 1 or more.
  public let rawValue: Int32

  /// Wraps a C error number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// Operation not permitted. The corresponding C constant is `EPERM`.
  public static let notPermitted = Errno(rawValue: 1)
  /// No such file or directory. The corresponding C constant is `ENOENT`.
  public static let noSuchFile = Errno(rawValue: 2)
  /// No such process. The corresponding C constant is `ESRCH`.
  public static let noSuchProcess = Errno(rawValue: 3)
  /// Interrupted. The corresponding C constant is `EINTR`.
  public static let interrupted = Errno(rawValue: 4)
  /// Input or output error. The corresponding C constant is `EIO`.
  public static let inputOutput = Errno(rawValue: 5)
  /// Bad file descriptor. The corresponding C constant is `EBADF`.
  public static let badDescriptor = Errno(rawValue: 9)
  /// No child processes. The corresponding C constant is `ECHILD`.
  public static let noChildProcess = Errno(rawValue: 10)
  /// Resource temporarily unavailable. The corresponding C constant is `EAGAIN`.
  public static let wouldBlock = Errno(rawValue: 11)
  /// Cannot allocate memory. The corresponding C constant is `ENOMEM`.
  public static let noMemory = Errno(rawValue: 12)
  /// Permission denied. The corresponding C constant is `EACCES`.
  public static let permissionDenied = Errno(rawValue: 13)
  /// Device or resource busy. The corresponding C constant is `EBUSY`.
  public static let busy = Errno(rawValue: 16)
  /// File exists. The corresponding C constant is `EEXIST`.
  public static let fileExists = Errno(rawValue: 17)
  /// Not a directory. The corresponding C constant is `ENOTDIR`.
  public static let notDirectory = Errno(rawValue: 20)
  /// Is a directory. The corresponding C constant is `EISDIR`.
  public static let isDirectory = Errno(rawValue: 21)
  /// Invalid argument. The corresponding C constant is `EINVAL`.
  public static let invalidArgument = Errno(rawValue: 22)
  /// File too large. The corresponding C constant is `EFBIG`.
  public static let fileTooLarge = Errno(rawValue: 27)
  /// No space left on device. The corresponding C constant is `ENOSPC`.
  public static let noSpace = Errno(rawValue: 28)
  /// Broken pipe. The corresponding C constant is `EPIPE`.
  public static let brokenPipe = Errno(rawValue: 32)
  /// File name too long. The corresponding C constant is `ENAMETOOLONG`.
  public static let nameTooLong = Errno(rawValue: 36)
  /// Function not implemented. The corresponding C constant is `ENOSYS`.
  public static let notImplemented = Errno(rawValue: 38)
  /// Too many levels of symbolic links. The corresponding C constant is `ELOOP`.
  public static let tooManyLinks = Errno(rawValue: 40)
  /// Bad message. The corresponding C constant is `EBADMSG`.
  public static let badMessage = Errno(rawValue: 74)
  /// Connection reset by peer. The corresponding C constant is `ECONNRESET`.
  public static let connectionReset = Errno(rawValue: 104)
  /// It took too long. The corresponding C constant is `ETIMEDOUT`.
  public static let timedOut = Errno(rawValue: 110)
  /// Stale file handle: another file has its name. The corresponding C constant is `ESTALE`.
  public static let stale = Errno(rawValue: 116)
  /// Exec format error. The corresponding C constant is `ENOEXEC`.
  public static let notExecutable = Errno(rawValue: 8)

  /// The C library's sentence, for example "No such file or directory".
  public var description: String { unsafe String(cString: cl_error_text(rawValue)) }
}

/// Turns the result of a `cl_` call (a value, or minus the error number) into a value or a throw.
@inline(__always)
func checked<Value: SignedInteger>(_ result: Value) throws(Errno) -> Value {
  if result < 0 { throw Errno(rawValue: Int32(-Int64(result))) }
  return result
}
