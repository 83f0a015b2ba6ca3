internal import Linux
internal import Wire

/// Bytes on their way to one descriptor, written as far as it takes them without waiting.
struct RelayQueue: Sendable {
  /// What became of an attempt to write.
  enum Flush { case drained, full, broken }

  /// Where the bytes go; -1 once it is closed.
  private(set) var descriptor: Int32
  private let transfer: Transfer
  private var bytes: [UInt8] = []
  private var head = 0
  /// Bytes that were written since the session began.
  private(set) var written: Int64 = 0
  /// Of the bytes that wait, at most how many answer the side that will read them; what the other
  /// side sent does not count.
  private(set) var answers = 0

  init(_ descriptor: Int32, _ transfer: Transfer) {
    self.descriptor = descriptor
    self.transfer = transfer
  }

  /// Whether lines wait for a descriptor to come.
  private(set) var isParked = false

  /// How many bytes wait.
  var count: Int { bytes.count - head }
  /// Whether anything can still be written.
  var isOpen: Bool { descriptor >= 0 || isParked }
  /// The end of what was appended, for `truncate`.
  var mark: Int { bytes.count }

  /// Appends a line; the LF is added. After the descriptor was closed it is thrown away.
  mutating func append(_ line: [UInt8], isAnswer: Bool) {
    guard isOpen else { return }
    bytes.append(contentsOf: line)
    bytes.append(0x0A)
    if isAnswer { answers += line.count + 1 }
  }

  /// Appends a line by taking its storage, if nothing waits; else by a copy.
  mutating func append(taking line: inout [UInt8], isAnswer: Bool) {
    guard isOpen, bytes.isEmpty else { return append(line, isAnswer: isAnswer) }
    swap(&bytes, &line)
    bytes.append(0x0A)
    if isAnswer { answers += bytes.count }
  }

  /// Appends the bytes of a message by taking its storage, if nothing waits; else by a copy.
  mutating func append(taking document: inout Document, isAnswer: Bool) {
    guard isOpen, bytes.isEmpty else { return append(document.bytes, isAnswer: isAnswer) }
    document.exchange(&bytes)
    bytes.append(0x0A)
    if isAnswer { answers += bytes.count }
  }

  /// The bytes appended since `mark`, taken back. Nothing may have been written since.
  mutating func takeBack(to mark: Int) -> [UInt8] {
    let taken = Array(bytes[mark...])
    bytes.removeLast(taken.count)
    return taken
  }

  /// Writes until everything is written or the descriptor takes no more.
  mutating func flush() -> Flush {
    guard isOpen else { return .drained }
    if isParked { return .full }
    while head < bytes.count {
      if let end = write(to: bytes.count) { return end }
    }
    restart()
    return .drained
  }

  /// Writes once, up to `end` at most; nil if that went well.
  private mutating func write(to end: Int) -> Flush? {
    if transfer == .blocking, !isWritable { return .full }
    do {
      let count = try Descriptor.write(descriptor, bytes, head..<end, transfer: transfer)
      head += count
      written += Int64(count)
      return nil
    } catch .wouldBlock {
      compact()
      return .full
    } catch {
      return .broken
    }
  }

  /// The same in whole lines, as many as a pipe takes whole or not at all: what others write there never
  /// comes into the middle of one.
  ///
  /// What else takes a part of one gets the rest as a line of its own, that begins with `prefix`.
  mutating func flushLines(prefix: [UInt8]) -> Flush {
    guard isOpen else { return .drained }
    while head < bytes.count {
      var end = min(head + ErrorStream.longestLine, bytes.count)
      if end < bytes.count, let last = bytes[head..<end].lastIndex(of: 0x0A) { end = last + 1 }
      if let stop = write(to: end) { return stop }
      if bytes[head - 1] != 0x0A { bytes.insert(contentsOf: [0x0A] + prefix, at: head) }
    }
    restart()
    return .drained
  }

  /// Closes the descriptor and forgets what waits.
  mutating func close() {
    guard isOpen else { return }
    // The number is ours alone and its error could change nothing.
    if descriptor >= 0 { do { try Descriptor.close(descriptor) } catch { _ = error } }
    abandon()
  }

  /// Closes the descriptor and forgets what waits; what is appended from now on waits for another one.
  mutating func park() {
    close()
    isParked = true
  }

  /// Forgets what waits; what is appended from now on still goes where that would have gone.
  mutating func discard() {
    bytes = []
    head = 0
    answers = 0
  }

  /// Lets what waits go there.
  mutating func unpark(to descriptor: Int32) {
    self.descriptor = descriptor
    isParked = false
  }

  /// Takes over the descriptor of `other`, which has nothing left to write, and the count of its bytes.
  mutating func unpark(from other: inout RelayQueue) {
    unpark(to: other.descriptor)
    written += other.written
    other.abandon()
    other.written = 0
  }

  /// Forgets what waits and writes no more, without closing.
  mutating func abandon() {
    descriptor = -1
    isParked = false
    bytes = []
    head = 0
    answers = 0
  }

  /// Gives back storage that a large message needed.
  mutating func shrink() {
    if count == 0 {
      bytes = []
      head = 0
    }
  }

  private mutating func restart() {
    bytes.removeAll(keepingCapacity: true)
    head = 0
    answers = 0
  }

  private mutating func compact() {
    answers = min(answers, count)
    // Moving less than was written keeps the cost in proportion.
    guard head > 64 << 10, head > count else { return }
    bytes.removeSubrange(..<head)
    head = 0
  }

  private var isWritable: Bool {
    var entries = [PollEntry(descriptor: descriptor, events: .output)]
    do { return try Poll.wait(&entries, timeoutMilliseconds: 0) > 0 } catch { return false }
  }
}
