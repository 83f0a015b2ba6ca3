internal import Wire

/// Hosts that a person may be sent to: exact names, or `*.example.com` for every name below one.
struct HostRules: Sendable {
  private let exact: Set<[UInt8]>
  /// With the dot before: `.example.com`.
  private let below: [[UInt8]]

  init(_ hosts: [String]) {
    var exact: Set<[UInt8]> = []
    var below: [[UInt8]] = []
    for host in hosts {
      let bytes = Array(host.utf8)
      if bytes.first == UInt8(ascii: "*") {
        below.append(Array(bytes.dropFirst()))
      } else {
        exact.insert(bytes)
      }
    }
    self.exact = exact
    self.below = below
  }

  /// Whether no host is allowed.
  var isEmpty: Bool { exact.isEmpty && below.isEmpty }

  /// Whether an address leads to an allowed host by https: `https://HOST[:PORT][/…]` without user
  /// information, the host a name of letters, digits, `-`, `_` and dots.
  ///
  /// Browsers read addresses more freely (WHATWG URL) than RFC 3986 writes them, so whatever the two
  /// could take for different hosts is refused: `\`, white space, controls, percent signs in the
  /// host, `@`, and anything outside of ASCII before the path.
  func allows(address: [UInt8]) -> Bool {
    let scheme = Array("https://".utf8)
    guard address.count > scheme.count, address.count <= Bounds.uri,
      zip(address, scheme).allSatisfy({ Self.lower($0) == $1 }),
      address.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") })
    else { return false }
    let rest = address[scheme.count...]
    let authority = rest.prefix {
      ![UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0)
    }
    let parts = authority.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard let name = parts.first, parts.count <= 2 else { return false }
    if parts.count == 2 {
      guard (1...5).contains(parts[1].count), parts[1].allSatisfy({ (0x30...0x39).contains($0) })
      else { return false }
    }
    // The dot of the root means the same host.
    var host = name.map(Self.lower)
    if host.last == UInt8(ascii: ".") { host.removeLast() }
    guard !host.isEmpty, host.count <= 253, host.allSatisfy(Self.isName) else { return false }
    if exact.contains(host) { return true }
    return below.contains { host.count > $0.count && host.suffix($0.count).elementsEqual($0) }
  }

  private static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

  private static func isName(_ byte: UInt8) -> Bool {
    byte &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x2D || byte == 0x2E || byte == 0x5F
  }
}
