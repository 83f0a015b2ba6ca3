/// Where records go: one call is one `write(2)`.
public protocol RecordSink: ~Copyable {
  /// Writes the bytes with one call of `write(2)`, again only if a signal interrupted it before
  /// anything was written; the count of bytes written, or a negated error number.
  mutating func write(_ bytes: Span<UInt8>) -> Int
}

/// Why records could not be written.
public enum AuditError: Error, Equatable, Sendable {
  /// The system call failed with this error number.
  case failed(errno: Int32)
  /// Only this many of the lines' bytes were written: the disk is full, or a limit was met.
  case short(written: Int, of: Int)
}

/// An open audit file.
///
/// Whole lines are handed to one `write(2)` each time, so that records of two processes that append
/// to the same file do not mix. When a write fails half-way, the next one begins with a line feed,
/// so that the torn half stands alone on its line and every other line stays valid JSON.
public struct AuditFile<Sink: RecordSink & ~Copyable>: ~Copyable {
  private var sink: Sink
  /// Whether the file ends in a torn line.
  public private(set) var isTorn: Bool

  /// An audit file over an open sink; `isTorn` if an earlier writer left half a line.
  public init(_ sink: consuming Sink, isTorn: Bool = false) {
    self.sink = sink
    self.isTorn = isTorn
  }

  /// Somebody else has written to the file, and it ends in a whole line.
  public mutating func markWhole() { isTorn = false }

  /// Somebody else has written half a line to the file.
  public mutating func markTorn() { isTorn = true }

  /// Writes complete lines with one `write(2)`.
  ///
  /// - Throws: ``AuditError``; after `.short` the lines that were written whole stand in the file.
  public mutating func write(_ lines: Span<UInt8>) throws(AuditError) {
    guard lines.count > 0 else { return }
    guard isTorn else { return try writeOnce(lines, closing: 0) }
    var closed: [UInt8] = [0x0A]
    closed.reserveCapacity(lines.count + 1)
    for index in lines.indices { closed.append(lines[index]) }
    try writeOnce(closed.span, closing: 1)
  }

  /// Writes lines, after `closing` bytes that end a torn one.
  private mutating func writeOnce(
    _ bytes: Span<UInt8>, closing: Int
  ) throws(AuditError) {
    let written = sink.write(bytes)
    if written == bytes.count {
      isTorn = false
      return
    }
    if written < 0 { throw .failed(errno: Int32(truncatingIfNeeded: -written)) }
    if written > 0 { isTorn = bytes[written - 1] != 0x0A }
    throw .short(written: max(0, written - closing), of: bytes.count - closing)
  }
}
