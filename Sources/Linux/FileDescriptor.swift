internal import CLinux

/// An open file descriptor, closed when its owner goes away (open(2)).
public struct FileDescriptor: ~Copyable, Sendable {
  /// The descriptor's number, 0 or more.
  public let rawValue: Int32

  /// Takes over `rawValue`, which must be open and owned by nobody else.
  public init(owning rawValue: Int32) { self.rawValue = rawValue }

  deinit { _ = cl_close(rawValue) }

  /// Gives the number up without closing it.
  public consuming func release() -> Int32 {
    let number = rawValue
    discard self
    return number
  }

  /// Closes now. Throws what close(2) reports, which for a file may be a late write error.
  public consuming func close() throws(Errno) {
    let number = rawValue
    discard self
    _ = try checked(cl_close(number))
  }
}

/// The two ends of a pipe (pipe(7)).
@frozen public struct Pipe: ~Copyable, Sendable {
  /// The end to read from.
  public let read: FileDescriptor
  /// The end to write to.
  public let write: FileDescriptor
}

/// Two connected sockets (socketpair(2)).
@frozen public struct SocketPair: ~Copyable, Sendable {
  /// The end that this process keeps.
  public let ours: FileDescriptor
  /// The end that a child gets.
  public let theirs: FileDescriptor
}

/// Standard input, output and error, as numbers.
public enum StandardStream {
  /// The corresponding C constant is `STDIN_FILENO`.
  public static let input: Int32 = 0
  /// The corresponding C constant is `STDOUT_FILENO`.
  public static let output: Int32 = 1
  /// The corresponding C constant is `STDERR_FILENO`.
  public static let error: Int32 = 2
}

/// How bytes move over a descriptor that we must not change for others who share it.
public enum Transfer: Sendable {
  /// `O_NONBLOCK` is set on an open file description of our own: read(2), write(2).
  case nonblocking
  /// A socket: recv(2) and send(2) with `MSG_DONTWAIT`.
  case socket
  /// Shared with others: only after poll(2), writes of at most `PIPE_BUF` (4096) bytes.
  case blocking
}

/// Reads, writes and duplicates by descriptor number. Every call is repeated on EINTR.
public enum Descriptor {
  /// Reads up to `buffer.count - offset` bytes into `buffer` from `offset` on.
  /// Returns 0 at the end of the file. Throws `.wouldBlock` when a nonblocking one is empty.
  public static func read(
    _ descriptor: Int32, into buffer: inout [UInt8], from offset: Int,
    transfer: Transfer = .nonblocking
  ) throws(Errno) -> Int {
    precondition(offset >= 0 && offset <= buffer.count)
    let result = unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
      guard let base = bytes.baseAddress else { return 0 }
      let free = bytes.count - offset
      switch transfer {
      case .socket: return unsafe cl_receive(descriptor, base + offset, free)
      case .nonblocking, .blocking: return unsafe cl_read(descriptor, base + offset, free)
      }
    }
    return Int(try checked(result))
  }

  /// Reads up to `maximum` bytes at file position `position`.
  ///
  /// Storage grows with what is there: nearly every file is small, and clearing a megabyte for it
  /// costs more than reading it.
  public static func read(
    _ descriptor: Int32, at position: Int64, maximum: Int
  ) throws(Errno) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: min(maximum, 4096))
    var used = 0
    while used < maximum {
      if used == buffer.count {
        buffer.append(contentsOf: repeatElement(0, count: min(3 * used, maximum - used)))
      }
      let count = unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
        guard let base = bytes.baseAddress else { return 0 }
        return unsafe cl_read_at(
          descriptor, base + used, bytes.count - used, position + Int64(used))
      }
      let got = Int(try checked(count))
      if got == 0 { break }
      used += got
    }
    buffer.removeLast(buffer.count - used)
    return buffer
  }

  /// Writes the bytes `range` of `buffer`; returns how many were taken (at least 1).
  public static func write(
    _ descriptor: Int32, _ buffer: [UInt8], _ range: Range<Int>,
    transfer: Transfer = .nonblocking
  ) throws(Errno) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= buffer.count)
    let result = unsafe buffer.withUnsafeBytes { bytes -> Int64 in
      guard let base = bytes.baseAddress else { return 0 }
      let start = unsafe base + range.lowerBound
      switch transfer {
      case .socket: return unsafe cl_send(descriptor, start, range.count)
      case .nonblocking: return unsafe cl_write(descriptor, start, range.count)
      case .blocking: return unsafe cl_write(descriptor, start, min(range.count, 4096))
      }
    }
    return Int(try checked(result))
  }

  /// Writes everything, waiting as long as it takes. For diagnostics and answers of verbs.
  public static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(Errno) {
    var position = 0
    while position < bytes.count {
      do {
        position += try write(descriptor, bytes, position..<bytes.count)
      } catch .wouldBlock {
        var entries = [PollEntry(descriptor: descriptor, events: .output)]
        _ = try Poll.wait(&entries, timeoutMilliseconds: -1)
      }
    }
  }

  /// Reads to the end of the file. Throws `.fileTooLarge` beyond `maximum` bytes.
  public static func readAll(_ descriptor: Int32, maximum: Int) throws(Errno) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: min(maximum + 1, 4096))
    var used = 0
    while true {
      if used == buffer.count {
        if used > maximum { throw .fileTooLarge }
        buffer.append(contentsOf: repeatElement(0, count: min(used, maximum + 1 - used)))
      }
      let count = try read(descriptor, into: &buffer, from: used)
      if count == 0 { break }
      used += count
    }
    if used > maximum { throw .fileTooLarge }
    buffer.removeLast(buffer.count - used)
    return buffer
  }

  /// Closes a number that has no owner any more.
  public static func close(_ descriptor: Int32) throws(Errno) {
    _ = try checked(cl_close(descriptor))
  }

  /// A close-on-exec copy with a number of `minimum` or more.
  public static func duplicate(
    _ descriptor: Int32, minimum: Int32 = 3
  ) throws(Errno) -> FileDescriptor {
    FileDescriptor(owning: try checked(cl_duplicate(descriptor, minimum)))
  }

  /// A close-on-exec pipe (pipe2(2)).
  public static func pipe() throws(Errno) -> Pipe {
    var ends: [Int32] = [-1, -1]
    let result = unsafe ends.withUnsafeMutableBufferPointer { unsafe cl_pipe($0.baseAddress) }
    _ = try checked(result)
    return Pipe(
      read: FileDescriptor(owning: ends[0]), write: FileDescriptor(owning: ends[1]))
  }

  /// A close-on-exec pair of sequenced-packet sockets (socketpair(2)).
  public static func socketPair() throws(Errno) -> SocketPair {
    var ends: [Int32] = [-1, -1]
    let result = unsafe ends.withUnsafeMutableBufferPointer {
      unsafe cl_socket_pair($0.baseAddress)
    }
    _ = try checked(result)
    return SocketPair(
      ours: FileDescriptor(owning: ends[0]), theirs: FileDescriptor(owning: ends[1]))
  }

  /// Sets `O_NONBLOCK` on the open file description (shared with every copy of it).
  public static func setNonblocking(_ descriptor: Int32) throws(Errno) {
    _ = try checked(cl_set_nonblocking(descriptor))
  }

  /// Makes a pipe hold about `size` bytes; more than the caller may have is `.notPermitted`.
  public static func setPipeSize(_ descriptor: Int32, _ size: Int32) throws(Errno) {
    _ = try checked(cl_set_pipe_size(descriptor, size))
  }

  /// Receives one message of at most `buffer.count` bytes, the sender's process id as this pid
  /// namespace sees it, and the descriptor that came with it, -1 without; it is the caller's.
  /// `passCredentials` must have been called before the message was sent.
  public static func receiveWithSender(
    _ descriptor: Int32, into buffer: inout [UInt8]
  ) throws(Errno) -> (count: Int, process: Int32, passed: Int32) {
    var process: Int32 = 0
    var passed: Int32 = -1
    let result = unsafe buffer.withUnsafeMutableBytes {
      unsafe cl_receive_credentials(descriptor, $0.baseAddress, $0.count, &process, &passed)
    }
    return (Int(try checked(result)), process, passed)
  }

  /// Asks the kernel to attach the sender's ids to received messages (`SO_PASSCRED`, unix(7)).
  public static func passCredentials(_ descriptor: Int32) throws(Errno) {
    _ = try checked(cl_pass_credentials(descriptor))
  }
}
