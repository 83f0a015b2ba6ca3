internal import CLinux

extension Descriptor {
  /// Appends up to `buffer.freeCapacity` bytes; returns how many, 0 at the end of the file.
  /// Throws `.wouldBlock` when a nonblocking descriptor is empty.
  public static func read(
    _ descriptor: Int32, into buffer: inout OutputSpan<UInt8>, transfer: Transfer = .nonblocking
  ) throws(Errno) -> Int {
    let result = unsafe buffer.withUnsafeMutableBufferPointer { bytes, count -> Int64 in
      guard let base = bytes.baseAddress else { return 0 }
      let free = bytes.count - count
      let start = unsafe UnsafeMutableRawPointer(base + count)
      let result =
        switch transfer {
        case .socket: unsafe cl_receive(descriptor, start, free)
        case .nonblocking, .blocking: unsafe cl_read(descriptor, start, free)
        }
      if result > 0 { count += Int(result) }
      return result
    }
    return Int(try checked(result))
  }

  /// Writes bytes; returns how many were taken (at least 1).
  public static func write(
    _ descriptor: Int32, _ bytes: Span<UInt8>, transfer: Transfer = .nonblocking
  ) throws(Errno) -> Int {
    let result = unsafe bytes.withUnsafeBytes { bytes -> Int64 in
      guard let base = bytes.baseAddress else { return 0 }
      switch transfer {
      case .socket: return unsafe cl_send(descriptor, base, bytes.count)
      case .nonblocking: return unsafe cl_write(descriptor, base, bytes.count)
      case .blocking: return unsafe cl_write(descriptor, base, min(bytes.count, 4096))
      }
    }
    return Int(try checked(result))
  }
}
