internal import Linux

/// Records go to an open file, by its number; the number's owner keeps it open.
public struct DescriptorSink: RecordSink {
  private let descriptor: Int32

  /// A sink over an open descriptor, which should be append-only (`O_APPEND`).
  public init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Writes with one write(2).
  public mutating func write(_ bytes: Span<UInt8>) -> Int {
    do throws(Errno) {
      return try Descriptor.write(descriptor, bytes)
    } catch {
      return -Int(error.rawValue)
    }
  }
}
