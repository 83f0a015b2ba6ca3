internal import CLinux

/// Standard error, for lines of our own.
///
/// Others write to it as well, and nobody may be reading it: a process that has to end others in time
/// says what it can and goes on.
public enum ErrorStream {
  /// What a pipe takes whole or not at all (`PIPE_BUF`), so that no line stands in the middle of
  /// another process's.
  public static let longestLine = 4096

  /// From now on ``write(_:)`` waits no longer than `microseconds`, all its waiting together, and leaves
  /// out what is not taken in that time.
  public static func wait(noLongerThan microseconds: Int64) {
    cl_set_patience_with_errors(microseconds)
  }

  /// Writes these lines, each with its LF; before ``wait(noLongerThan:)`` however long it takes.
  public static func write(_ lines: [UInt8]) throws(Errno) {
    guard cl_patience_with_errors() >= 0 else {
      return try Descriptor.writeAll(StandardStream.error, lines)
    }
    switch try Files.status(of: StandardStream.error).kind {
    case .socket: try write(lines, to: StandardStream.error, .socket)
    case .fifo: try writeToPipe(lines)
    default: try write(lines, to: StandardStream.error, .blocking)
    }
  }

  /// By an open file description of our own, because others share the one that we were given.
  private static func writeToPipe(_ lines: [UInt8]) throws(Errno) {
    let own: FileDescriptor
    do throws(Errno) {
      own = try Files.open(
        "/proc/self/fd/\(StandardStream.error)", [.writeOnly, .nonblocking])
    } catch {
      // One of another user's cannot be opened; a page of it is free where poll(2) says so.
      return try write(lines, to: StandardStream.error, .blocking)
    }
    try write(lines, to: own.rawValue, .nonblocking)
  }

  /// Writes line by line until one is not taken.
  private static func write(
    _ lines: [UInt8], to descriptor: Int32, _ transfer: Transfer
  ) throws(Errno) {
    for line in lines.split(separator: 0x0A) {
      let text = Array(line.prefix(longestLine - 1)) + [0x0A]
      while true {
        if case .blocking = transfer, try !isWritable(descriptor, within: 0) {
          if try !isWritable(descriptor, within: cl_patience_with_errors()) { return }
        }
        do throws(Errno) {
          guard
            try Descriptor.write(descriptor, text, 0..<text.count, transfer: transfer) == text.count
          else { return }
          break
        } catch {
          let patience = cl_patience_with_errors()
          guard error == .wouldBlock, patience > 0, try isWritable(descriptor, within: patience)
          else { throw error }
        }
      }
    }
  }

  /// Waits until something can be written, or so many microseconds, which are then used up.
  private static func isWritable(
    _ descriptor: Int32, within microseconds: Int64
  ) throws(Errno) -> Bool {
    let start = Clock.monotonicMicroseconds()
    var entries = [PollEntry(descriptor: descriptor, events: .output)]
    let ready = try Poll.wait(&entries, timeoutMilliseconds: Int32(clamping: microseconds / 1000))
    // Somebody else may be faster each time.
    let used = max(Clock.monotonicMicroseconds() - start, 1)
    cl_set_patience_with_errors(max(cl_patience_with_errors() - used, 0))
    return ready > 0 && (microseconds == 0 || cl_patience_with_errors() > 0)
  }
}
