import CSodium

/// SHA-256, from libsodium.
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
    // crypto_hash_sha256 needs no sodium_init: it draws no random bytes and has one implementation.
    let status = unsafe bytes.withUnsafeBufferPointer { input in
      unsafe crypto_hash_sha256(&digest, input.baseAddress, UInt64(input.count))
    }
    // The function cannot fail: its status is 0 by contract.
    precondition(status == 0, "crypto_hash_sha256 failed")
  }
}
