internal import Linux

/// The client's ends: our standard streams, made safe to read and write without waiting.
///
/// A pipe is opened anew through `/proc/self/fd`, so that `O_NONBLOCK` is set on an open file
/// description of our own and not on one that the caller's other processes share.
struct ClientStreams: ~Copyable {
  private var owned: [Int32] = []
  private(set) var input: (descriptor: Int32, transfer: Transfer) = (0, .blocking)
  private(set) var output: (descriptor: Int32, transfer: Transfer) = (1, .blocking)
  private(set) var error: (descriptor: Int32, transfer: Transfer) = (2, .blocking)

  /// Opens the three streams. Throws when one of them is closed: a server's answers would end up
  /// in whatever file gets its number.
  init() throws(SessionError) {
    // All three before the first open, which would take the number of one that is closed.
    for (number, name) in [
      (StandardStream.input, "standard input"), (StandardStream.output, "standard output"),
      (StandardStream.error, "standard error"),
    ] {
      _ = try ClientStreams.status(number, name)
    }
    input = try ClientStreams.prepare(StandardStream.input, "standard input", .readOnly)
    output = try ClientStreams.prepare(StandardStream.output, "standard output", .writeOnly)
    error = try ClientStreams.prepare(StandardStream.error, "standard error", .writeOnly)
    for stream in [input, output, error] where stream.descriptor > 2 {
      owned.append(stream.descriptor)
    }
  }

  private static func status(_ number: Int32, _ name: String) throws(SessionError) -> FileStatus {
    try doing("use \(name)", hint: "start anchorhold with all three streams open") {
      () throws(Errno) in try Files.status(of: number)
    }
  }

  private static func prepare(
    _ number: Int32, _ name: String, _ flags: OpenFlags
  ) throws(SessionError) -> (descriptor: Int32, transfer: Transfer) {
    switch try status(number, name).kind {
    case .socket: return (number, .socket)
    case .fifo:
      do {
        let own = try Files.open("/proc/self/fd/\(number)", flags.union(.nonblocking))
        return (own.release(), .nonblocking)
      } catch {
        // A pipe of another user cannot be opened again; then we write no more than fits.
        return (number, .blocking)
      }
    default: return (number, .blocking)
    }
  }

  /// Closes the monitor's copies, once the relay has its own.
  consuming func close() throws(SessionError) {
    for descriptor in owned {
      try doing("close a stream") { () throws(Errno) in try Descriptor.close(descriptor) }
    }
  }
}
