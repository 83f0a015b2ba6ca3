internal import Confinement
internal import Linux

/// A fixed-size message between monitor and relay: all that they ever say to each other.
///
/// 72 bytes: kind, then eight signed 64-bit numbers, in this machine's byte order.
struct ControlMessage: Equatable, Sendable {
  /// What is said.
  enum Kind: Int64, Sendable {
    /// Relay: confined and waiting. The numbers are ``RelayFacts``.
    case ready = 1
    /// Relay: the client's stdin ended and the server's stdin is closed.
    case clientClosed = 2
    /// Relay: nobody reads our stdout any more.
    case clientGone = 3
    /// Relay: the server closed its stdout.
    case serverClosed = 4
    /// Relay: everything is flushed; the numbers are the session's counters.
    case finished = 5
    /// Relay: it cannot go on; the first number is an error number.
    case failed = 6
    /// Relay, instead of `ready`: what it was given of the pins is damaged; the first number is the
    /// line.
    case badPins = 7
    /// Relay: new pins are in the file that it was given; the numbers are two digests, of all tools
    /// and of the instructions, 0 for what it has not seen.
    case pinned = 8
    /// Relay, for `tools`: the first number is an ``InspectionEnd``, the second how much is not as
    /// pinned.
    case inspected = 9
    /// Relay: of the server that ended everything is read, answered and closed; the numbers are that of
    /// the next audit record, and whether (1) the file ends in half a line. The relay writes no record
    /// until it is told something.
    case drained = 10
    /// Relay: likewise, as it was asked to by ``hold``.
    case held = 11
    /// Relay: the new server has been told what it had to be; the numbers are the subscriptions and the
    /// tasks that are lost.
    case resumed = 12
    /// Relay: the new server does not go on where the last one was: 1 it refuses the handshake, 2 it
    /// speaks another version, 3 that could not be recorded.
    case handshakeRefused = 13
    /// Monitor: the seal holds, begin to read from the client.
    case open = 16
    /// Monitor: the server has ended; the numbers are its wait status word, how long (µs) the
    /// client may take for what it was still sent, whether (1) another one follows, if not 0, the
    /// number of the next audit record, and whether (1) the file ends in half of one.
    case serverEnded = 17
    /// Monitor: close the server's stdin and take nothing more from the client; the first number,
    /// if not 0, is how long (µs) the client may still take for what it was sent.
    case stop = 18
    /// Monitor: system calls of the cell were refused; see ``ControlMessage/denials(_:)``.
    case denied = 19
    /// Monitor: the end of the server is recorded; the first number is that of the next audit record.
    case noted = 20
    /// Monitor: write no more records and say how far you came; a new server is about to be sealed.
    case hold = 21
    /// Monitor: it is sealed, and the message carries the ends of its pipes: stdin, stdout, stderr. The
    /// first number is that of the next audit record.
    case server = 22
  }

  /// What is said.
  var kind: Kind
  /// Eight numbers; see ``Kind`` and ``Counters``.
  var numbers: [Int64]

  static let size = 72

  init(_ kind: Kind, _ numbers: [Int64] = []) {
    self.kind = kind
    self.numbers = numbers + Array(repeating: 0, count: 8 - numbers.count)
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(ControlMessage.size)
    for number in [kind.rawValue] + numbers {
      for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * Int64(index)))) }
    }
    return bytes
  }

  /// Reads a message; nil when it is none.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == ControlMessage.size else { return nil }
    var values: [Int64] = []
    for start in stride(from: 0, to: bytes.count, by: 8) {
      var value: UInt64 = 0
      for index in 0..<8 { value |= UInt64(bytes[start + index]) << (8 * UInt64(index)) }
      values.append(Int64(bitPattern: value))
    }
    guard let kind = Kind(rawValue: values[0]) else { return nil }
    self.kind = kind
    numbers = Array(values.dropFirst())
  }

  /// Sends the message over a `SOCK_SEQPACKET` socket. Throws `.wouldBlock` when `waiting` is false
  /// and the other side does not take what it was sent before.
  func send(to descriptor: Int32, waiting: Bool) throws(Errno) {
    let count = try Descriptor.write(
      descriptor, bytes, 0..<ControlMessage.size, transfer: waiting ? .nonblocking : .socket)
    if count != ControlMessage.size { throw .badMessage }
  }

  /// Sends the message if the other side has read most of what was sent before; whether it has.
  ///
  /// One that reads nothing must not make us wait when something has to be said: poll(2) finds a
  /// socket writable while a quarter of its room is taken at most (unix_writable, net/unix), so what
  /// can wait leaves the rest to ``send(to:waiting:)``.
  func sendIfRead(to descriptor: Int32) throws(Errno) -> Bool {
    var entries = [PollEntry(descriptor: descriptor, events: .output)]
    guard try Poll.wait(&entries, timeoutMilliseconds: 0) > 0 else { return false }
    do { try send(to: descriptor, waiting: false) } catch .wouldBlock { return false }
    return true
  }

  /// Receives a message; nil at the end of the file. Throws `.wouldBlock` when there is none yet, and
  /// `.badMessage` for what is none.
  ///
  /// Descriptors that the other side attached are closed by the kernel: there is no room for them
  /// (but see ``receivePassed(from:)``).
  static func receive(from descriptor: Int32) throws(Errno) -> ControlMessage? {
    var buffer = [UInt8](repeating: 0, count: size + 1)
    var count = 0
    do throws(Errno) { count = try read(descriptor, into: &buffer) } catch {
      // The other side ended with something unread. The kernel says so once, and then gives what it
      // had said before (unix(7)).
      guard error == .connectionReset else { throw error }
      count = try read(descriptor, into: &buffer)
    }
    if count == 0 { return nil }
    guard let message = ControlMessage(Array(buffer[..<count])) else { throw .badMessage }
    return message
  }

  /// Receives a message with the descriptors that came with it, in a relay that may be given some.
  static func receivePassed(
    from descriptor: Int32
  ) throws(Errno) -> (message: ControlMessage, passed: [Int32])? {
    var buffer = [UInt8](repeating: 0, count: size + 1)
    var received: (count: Int, passed: [Int32])
    do throws(Errno) {
      received = try Descriptor.receivePassed(descriptor, into: &buffer)
    } catch {
      guard error == .connectionReset else { throw error }
      received = try Descriptor.receivePassed(descriptor, into: &buffer)
    }
    if received.count == 0 { return nil }
    guard let message = ControlMessage(Array(buffer[..<received.count])),
      message.kind == .server ? received.passed.count == 3 : received.passed.isEmpty
    else {
      for descriptor in received.passed { try Descriptor.close(descriptor) }
      throw .badMessage
    }
    return (message, received.passed)
  }

  private static func read(_ descriptor: Int32, into buffer: inout [UInt8]) throws(Errno) -> Int {
    try Descriptor.read(descriptor, into: &buffer, from: 0, transfer: .socket)
  }
}

/// What a session counted, as `finished` carries it.
struct Counters: Equatable, Sendable {
  /// Requests of the client that were decided on, of these refused, lines dropped (either side).
  var requests: Int64 = 0, refusals: Int64 = 0, drops: Int64 = 0
  /// Bytes written to the client and to the server.
  var bytesToClient: Int64 = 0, bytesToServer: Int64 = 0
  /// Bytes of the server's stderr.
  var stderrBytes: Int64 = 0
  /// The number of the next audit record, and whether (1) the file ends in half a line.
  var nextSequence: Int64 = 0, isTorn: Int64 = 0

  /// Nothing has happened yet.
  init() {}

  init(_ numbers: [Int64]) {
    requests = numbers[0]
    refusals = numbers[1]
    drops = numbers[2]
    bytesToClient = numbers[3]
    bytesToServer = numbers[4]
    stderrBytes = numbers[5]
    nextSequence = numbers[6]
    isTorn = numbers[7]
  }

  var numbers: [Int64] {
    [
      requests, refusals, drops, bytesToClient, bytesToServer, stderrBytes, nextSequence,
      isTorn,
    ]
  }
}

extension ControlMessage {
  /// How many kinds of refused calls one message holds.
  static let denialsAtOnce = 8

  /// What was refused: in each number the kind of call (16 bits), the error number (12 bits), whether
  /// it was just now (1 bit) and how often (from bit 32 on); 0 for none.
  static func denials(_ entries: ArraySlice<DenialCounts.Entry>) -> ControlMessage {
    ControlMessage(
      .denied,
      entries.prefix(denialsAtOnce).map { entry in
        Int64(entry.call.kind) | Int64(entry.errno & 0xfff) << 16 | (entry.isFresh ? 1 << 28 : 0)
          | min(entry.count, 0x3fff_ffff) << 32
      })
  }

  /// What a message of the kind `denied` says; nil where that is nothing that can be said.
  var denials: [DenialCounts.Entry]? {
    var entries: [DenialCounts.Entry] = []
    for number in numbers where number != 0 {
      let errno = UInt16(number >> 16 & 0xfff)
      guard let call = DeniedCall(kind: Int(number & 0xffff)), errno > 0, number >> 32 > 0 else {
        return nil
      }
      entries.append(
        DenialCounts.Entry(
          call: call, errno: errno, count: number >> 32, isFresh: number >> 28 & 1 == 1))
    }
    return entries
  }
}
