internal import CLinux

/// A system call that a filter refuses, as its caller made it.
public struct DeniedSyscall: Sendable {
  /// Names the call until it is answered.
  public let identifier: UInt64
  /// The call's number, and the `AUDIT_ARCH_*` value of the instruction set that it came by.
  public let number: UInt32, architecture: UInt32
  /// The six argument registers.
  public let arguments: [UInt64]
}

/// Where the kernel tells of the calls that a filter refuses (seccomp_unotify(2)).
///
/// The callers wait until they are answered, and the only answer there is here is an error: a call
/// is never let through, and nothing is ever put into another process. When the listener is closed,
/// the kernel answers every caller with `ENOSYS`.
public struct SyscallListener: ~Copyable, Sendable {
  private let file: FileDescriptor

  /// Takes over a descriptor out of ``CellReport/listens(descriptor:)``.
  public init(owning descriptor: Int32) { file = FileDescriptor(owning: descriptor) }

  /// The descriptor to wait on: input, when a call waits; hang-up, when no process has the filter
  /// any more.
  public var rawValue: Int32 { file.rawValue }

  /// Takes the next call; nil if its caller is gone. Only after a wait that found one, because this
  /// would wait for it without end.
  public func next() throws(Errno) -> DeniedSyscall? {
    var call = cl_denied_call()
    do { _ = try checked(unsafe cl_next_denied_call(file.rawValue, &call)) } catch .noSuchFile {
      return nil
    }
    let words = call.arguments
    return DeniedSyscall(
      identifier: call.id, number: call.number, architecture: call.architecture,
      arguments: [words.0, words.1, words.2, words.3, words.4, words.5])
  }

  /// Answers a call with an error number, 1 to 4095; a caller that is gone needs no answer.
  public func refuse(_ call: DeniedSyscall, _ error: Errno) throws(Errno) {
    let result = cl_refuse_call(file.rawValue, call.identifier, error.rawValue)
    do { _ = try checked(result) } catch .noSuchFile { return }
  }
}
