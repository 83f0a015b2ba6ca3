internal import CLinux

extension Descriptor {
  /// Writes bytes with one write(2) (repeated on EINTR, when nothing was written); returns how many
  /// were taken.
  public static func write(
    _ descriptor: Int32, _ bytes: Span<UInt8>
  ) throws(Errno) -> Int {
    let result = unsafe bytes.withUnsafeBytes { buffer -> Int64 in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe cl_write(descriptor, base, buffer.count)
    }
    return Int(try checked(result))
  }
}
