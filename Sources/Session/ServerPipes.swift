internal import Linux

/// The three pipes between the relay and one server.
struct ServerPipes: ~Copyable {
  let input: Pipe, output: Pipe, error: Pipe

  /// What the pipes to and from the server hold, in bytes.
  private static let size: Int32 = 256 << 10

  /// Makes them, nonblocking at the relay's ends.
  static func make() throws(SessionError) -> ServerPipes {
    let input = try doing("make a pipe") { () throws(Errno) in try Descriptor.pipe() }
    let output = try doing("make a pipe") { () throws(Errno) in try Descriptor.pipe() }
    let error = try doing("make a pipe") { () throws(Errno) in try Descriptor.pipe() }
    for end in [input.write.rawValue, output.read.rawValue, error.read.rawValue] {
      try doing("set up a pipe") { () throws(Errno) in try Descriptor.setNonblocking(end) }
    }
    // Only for speed, and an ordinary user may have used up what pipes may hold.
    for end in [input.write.rawValue, output.read.rawValue] {
      do { try Descriptor.setPipeSize(end, size) } catch { _ = error }
    }
    return ServerPipes(input: input, output: output, error: error)
  }

  private init(input: consuming Pipe, output: consuming Pipe, error: consuming Pipe) {
    self.input = input
    self.output = output
    self.error = error
  }

  /// What the relay has: to the server, and from its stdout and stderr.
  var relayEnds: [Int32] {
    [input.write.rawValue, output.read.rawValue, error.read.rawValue]
  }

  /// Closes all ends, once the relay and the cell have copies of theirs: ours would hide the end of a
  /// stream.
  consuming func close() throws(SessionError) {}
}
