/// Host names as text: what a profile lists, and what an argument's value names.
///
/// Only what every reader of URLs understands in the same way is taken: lower- or upper-case
/// ASCII names of letters, digits, `-` and `_`, dotted quads, and IPv6 in brackets.
public enum HostText {
  /// What is wrong with an entry of a profile's list, and what to write; nil when nothing is.
  static func fault(_ text: String) -> (message: String, hint: String)? {
    let bytes = Array(text.utf8)
    let name = bytes.starts(with: "*.".utf8) ? Array(bytes.dropFirst(2)) : bytes
    if bytes.contains(where: { $0 >= 0x80 }) {
      return ("\(quoted(text)) is not ASCII", "write the name as it is looked up: xn--…")
    }
    if bytes.contains(UInt8(ascii: "/")) || bytes.contains(UInt8(ascii: "@")) {
      return ("\(quoted(text)) is more than a host", "write the host's name alone")
    }
    if name.first == UInt8(ascii: "[") {
      guard bytes.count == name.count, isAddress6(name[...]) else {
        return ("\(quoted(text)) is no host", "write an IPv6 address as [2001:db8::1]")
      }
      return nil
    }
    if name.contains(UInt8(ascii: ":")) {
      return ("\(quoted(text)) has a port", "write the host alone; every port of it is meant")
    }
    if name.contains(UInt8(ascii: "*")) {
      return ("\(quoted(text)) has * inside", "write *.example.com, or exact names")
    }
    guard isName(name[...]) else {
      return ("\(quoted(text)) is no host name", "write for example example.com or *.example.com")
    }
    // Readers of URLs take a name whose last label is a number for an address, in many spellings.
    if isNumeric(name[...]) {
      guard bytes.count == name.count, isAddress4(name[...]) else {
        return ("\(quoted(text)) is no plain address", "write four numbers, as in 192.0.2.1")
      }
    }
    return nil
  }

  /// Whether these bytes are a host name: labels of 1 to 63 characters, at most 253 together.
  public static func isName(_ name: ArraySlice<UInt8>) -> Bool {
    guard (1...253).contains(name.count) else { return false }
    return name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .allSatisfy { label in
        (1...63).contains(label.count)
          && label.allSatisfy { isDigit($0) || isLetter($0) || $0 == 0x2D || $0 == 0x5F }
      }
  }

  /// Whether the last label would be read as a number, and so the whole as an address.
  public static func isNumeric(_ name: ArraySlice<UInt8>) -> Bool {
    let last = name.split(separator: UInt8(ascii: ".")).last ?? []
    if last.allSatisfy(isDigit) { return true }
    return last.count >= 2 && last.first == 0x30 && last.dropFirst().first.map { $0 | 0x20 } == 0x78
  }

  /// Whether it is a dotted quad of decimal numbers without leading zeros.
  public static func isAddress4(_ name: ArraySlice<UInt8>) -> Bool {
    let parts = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count == 4
      && parts.allSatisfy { part in
        guard (1...3).contains(part.count), part.allSatisfy(isDigit) else { return false }
        let isPlain = part.count == 1 || part.first != 0x30
        return isPlain && part.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 255
      }
  }

  /// Whether it looks like an IPv6 address in brackets; its spelling is compared as text.
  public static func isAddress6(_ name: ArraySlice<UInt8>) -> Bool {
    guard (4...41).contains(name.count), name.first == 0x5B, name.last == 0x5D else { return false }
    let inner = name.dropFirst().dropLast()
    return inner.contains(0x3A) && inner.allSatisfy { isDigit($0) || isHex($0) || $0 == 0x3A }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
  private static func isHex(_ byte: UInt8) -> Bool { (0x61...0x66).contains(byte | 0x20) }
}
