/// How a rule for resources is written: a URI, `PREFIX/**` or `SCHEME:**`, and `*` for everything.
enum ResourceText {
  /// Whether this is such a rule: a scheme (RFC 3986, section 3.1), then nothing that is white space,
  /// a control or, but for the `**` at the end, a `*`.
  static func isRule(_ bytes: [UInt8]) -> Bool {
    if bytes == [UInt8(ascii: "*")] { return true }
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0, bytes.count <= 2048 else {
      return false
    }
    let scheme = bytes[..<colon]
    func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A }
    guard let first = scheme.first, isLetter(first),
      scheme.allSatisfy({
        isLetter($0) || (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E].contains($0)
      })
    else { return false }
    var rest = bytes[(colon + 1)...]
    if rest.suffix(2).elementsEqual([0x2A, 0x2A]) {
      rest = rest.dropLast(2)
      // A prefix ends where a segment ends, or it would mean names that only begin alike.
      guard rest.isEmpty || rest.last == UInt8(ascii: "/") else { return false }
    }
    return rest.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != 0x2A }
  }
}
