/// A SHA-256 digest, as a value that is compared and looked up without storage of its own.
public struct PinDigest: Hashable, Sendable, Comparable {
  /// Its bytes, the first in the highest bits.
  private let a: UInt64, b: UInt64, c: UInt64, d: UInt64

  /// The digest of these 32 bytes.
  public init(_ bytes: [UInt8]) {
    precondition(bytes.count == 32, "a SHA-256 digest has 32 bytes")
    func part(_ start: Int) -> UInt64 {
      bytes[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    (a, b, c, d) = (part(0), part(8), part(16), part(24))
  }

  /// The digest of four numbers that ``numbers`` gave.
  public init(numbers: [Int64]) {
    precondition(numbers.count == 4, "a digest has four parts")
    let parts = numbers.map { UInt64(bitPattern: $0) }
    (a, b, c, d) = (parts[0], parts[1], parts[2], parts[3])
  }

  /// Its bytes as four numbers.
  public var numbers: [Int64] { [a, b, c, d].map { Int64(bitPattern: $0) } }

  /// What stands for no digest.
  public static let none = PinDigest(numbers: [0, 0, 0, 0])

  /// How many bytes it takes as text.
  public static let textLength = 64

  /// Reads 64 hexadecimal digits in lower case; nil for anything else.
  public init?(text: ArraySlice<UInt8>) {
    guard text.count == PinDigest.textLength else { return nil }
    var parts: [Int64] = []
    var value: UInt64 = 0
    for (index, byte) in text.enumerated() {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      default: return nil
      }
      value = value << 4 | UInt64(digit)
      if index % 16 == 15 {
        parts.append(Int64(bitPattern: value))
        value = 0
      }
    }
    self.init(numbers: parts)
  }

  /// As 64 hexadecimal digits in lower case.
  public var text: [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    return [a, b, c, d].flatMap { part in
      (0..<16).map { digits[Int(part >> UInt64(60 - 4 * $0) & 15)] }
    }
  }

  /// The order of their bytes.
  public static func < (one: PinDigest, other: PinDigest) -> Bool {
    (one.a, one.b, one.c, one.d) < (other.a, other.b, other.c, other.d)
  }
}
