/// Cuts a stream of bytes into lines, in a buffer that it reuses.
///
/// A line is what stands before an LF (byte 0x0A); one CR before that LF is not part of it. The
/// unfinished line is never longer than the limit and one read, the buffer not than twice that.
public struct LineFramer: Sendable {
  /// What `next` found.
  public enum Item: Equatable, Sendable {
    /// A complete line in `buffer`, without its LF and one CR before it.
    case line(Range<Int>)
    /// A line above the limit has begun; its bytes are being discarded up to its LF.
    case oversize
    /// The line above the limit has ended; `edges` holds what was kept of it.
    case oversizeEnd
  }

  /// The storage that line ranges index; valid until the next `read`.
  public var buffer: [UInt8] { storage }
  @usableFromInline var storage: [UInt8] = []

  private let maxSize: Int
  @usableFromInline let chunk: Int
  /// Where the line that is not complete yet begins.
  @usableFromInline var head = 0
  /// Up to where there is no LF.
  @usableFromInline var scanned = 0
  private var discarding = false
  /// The end of an oversize line has been found and not been told yet.
  private var endsOversize = false
  /// The two ends of the line above the limit that was met last.
  public private(set) var edges = LineEdges()

  /// A framer for lines of at most `maxSize` bytes, with room for `chunk` bytes in every read.
  public init(maxSize: Int, chunk: Int = 64 << 10) {
    self.maxSize = maxSize
    self.chunk = max(chunk, 1)
  }

  /// How many bytes of an unfinished line are held; not 0 at the end of the stream means that it
  /// ended in the middle of a line.
  public var pending: Int { storage.count - head }

  /// Whether the unfinished line is one that is being discarded.
  public var isDiscarding: Bool { discarding }

  /// Lets `body` append what it reads to the free space, at least `chunk` bytes.
  ///
  /// Take every line with `next` before: what was not taken is kept, and so can outgrow the
  /// bound of the buffer.
  ///
  /// - Returns: how many bytes were appended; 0 is the end of the stream.
  @inlinable
  public mutating func read<E: Error>(
    _ body: (inout OutputSpan<UInt8>) throws(E) -> Void
  ) throws(E) -> Int {
    prepareToRead()
    let before = storage.count
    try storage.append(addingCapacity: chunk, initializingWith: body)
    return storage.count - before
  }

  /// Makes room at the end.
  @usableFromInline
  mutating func prepareToRead() {
    if head == storage.count {
      storage.removeAll(keepingCapacity: true)
      scanned = 0
      head = 0
    } else if head > 0, storage.capacity - storage.count < chunk {
      storage.removeSubrange(..<head)
      scanned -= head
      head = 0
    }
  }

  /// The next line that is already complete, nil if more has to be read.
  public mutating func next() -> Item? {
    if endsOversize {
      endsOversize = false
      return .oversizeEnd
    }
    let end = firstIndex(of: 0x0a, in: storage.span, from: scanned)
    guard end < storage.count else {
      scanned = end
      if discarding {
        edges.extend(storage[head..<end])
        head = end
      } else if pending > maxSize + 1 {
        // The one byte more may be the CR of a line that just fits.
        discarding = true
        edges = LineEdges(storage[head..<end])
        head = end
        return .oversize
      }
      return nil
    }
    var line = head..<end
    head = end + 1
    scanned = head
    if discarding {
      discarding = false
      edges.extend(storage[line])
      return .oversizeEnd
    }
    if let last = line.last, storage[last] == 0x0d { line = line.dropLast() }
    guard line.count > maxSize else { return .line(line) }
    edges = LineEdges(storage[line])
    endsOversize = true
    return .oversize
  }

  /// Decodes a line that `next` gave.
  public func decode(
    _ line: Range<Int>, with decoder: inout Decoder, into document: inout Document
  ) throws(WireError) {
    try decoder.decode(storage.span.extracting(line), into: &document)
  }

  /// Gives back storage that a large message needed, if nothing is pending.
  public mutating func shrink() {
    guard pending == 0, storage.capacity > 2 * chunk else { return }
    storage = []
    head = 0
    scanned = 0
  }
}
