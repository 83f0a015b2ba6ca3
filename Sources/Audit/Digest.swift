import CNettle

/// SHA-256 (FIPS 180-4), from Nettle, which uses the processor's instructions for it where there are
/// some.
public enum Digest {
  /// The 32 bytes of the SHA-256 digest of some bytes.
  public static func sha256(_ bytes: Span<UInt8>) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: size)
    sha256(bytes, into: &digest)
    return digest
  }

  /// The bytes of a digest.
  static let size = 32

  /// Writes the digest of some bytes over the contents of `digest`, which has ``size`` bytes.
  static func sha256(_ bytes: Span<UInt8>, into digest: inout [UInt8]) {
    precondition(digest.count == size)
    var context = sha256_ctx()
    unsafe nettle_sha256_init(&context)
    unsafe bytes.withUnsafeBufferPointer { input in
      unsafe nettle_sha256_update(&context, input.count, input.baseAddress)
    }
    unsafe nettle_sha256_digest(&context, size, &digest)
  }

  /// A digest of bytes that come in parts.
  public struct Stream {
    private var state = sha256_ctx()

    /// Of nothing yet.
    public init() { unsafe nettle_sha256_init(&state) }

    /// Adds the first `count` bytes.
    public mutating func add(_ bytes: [UInt8], _ count: Int) {
      precondition(count >= 0 && count <= bytes.count)
      unsafe nettle_sha256_update(&state, count, bytes)
    }

    /// The 32 bytes; nothing may be added after.
    public mutating func finish() -> [UInt8] {
      var digest = [UInt8](repeating: 0, count: size)
      unsafe nettle_sha256_digest(&state, size, &digest)
      return digest
    }
  }
}
