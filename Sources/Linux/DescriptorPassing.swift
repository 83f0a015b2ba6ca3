internal import CLinux

extension Descriptor {
  /// Sends one message over a socket and with it `passed`, 1 to 3 descriptors, which the receiver
  /// gets copies of (unix(7), `SCM_RIGHTS`). Throws `.wouldBlock` instead of waiting.
  public static func send(
    _ descriptor: Int32, _ bytes: [UInt8], passing passed: [Int32]
  ) throws(Errno) {
    let result = unsafe bytes.withUnsafeBytes { bytes in
      unsafe passed.withUnsafeBufferPointer {
        unsafe cl_send_descriptors(
          descriptor, bytes.baseAddress, bytes.count, $0.baseAddress, $0.count)
      }
    }
    if Int(try checked(result)) != bytes.count { throw .badMessage }
  }

  /// Receives one message of at most `buffer.count` bytes, 0 at the end of the file, and the
  /// descriptors that came with it, which are the caller's. Throws `.wouldBlock` when there is none
  /// yet, and `.badMessage` for one with more than three.
  public static func receivePassed(
    _ descriptor: Int32, into buffer: inout [UInt8]
  ) throws(Errno) -> (count: Int, passed: [Int32]) {
    var passed: (Int32, Int32, Int32) = (-1, -1, -1)
    var count = 0
    let result = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe withUnsafeMutableBytes(of: &passed) {
        unsafe cl_receive_descriptors(
          descriptor, bytes.baseAddress, bytes.count,
          $0.baseAddress?.assumingMemoryBound(to: Int32.self), &count)
      }
    }
    let received = Int(try checked(result))
    return (received, Array([passed.0, passed.1, passed.2].prefix(count)))
  }
}
