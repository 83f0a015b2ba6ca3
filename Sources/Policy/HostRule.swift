internal import Profile

/// `host`: a string that is a URL, or a host with or without a port, of one of some hosts.
///
/// Readers of URLs differ in many corners, so only what they all read in the same way is taken: a
/// scheme out of four, `://`, a name of plain ASCII or a plain address, a port in digits, then `/`,
/// `?`, `#` or the end. User names, percent signs, backslashes, dots at the end, addresses in other
/// spellings and characters outside of ASCII are refused where the host stands, and control
/// characters everywhere.
///
/// *Limits.* What the name resolves to and where the server is redirected to is not known here.
struct HostRule: Sendable {
  private var exact: [[UInt8]] = []
  /// With their dot in front.
  private var suffixes: [[UInt8]] = []

  private static let schemes: [[UInt8]] = ["http", "https", "ws", "wss"].map { Array($0.utf8) }

  init(_ hosts: [String]) {
    for host in hosts {
      let bytes = Self.lower(Array(host.utf8)[...])
      if bytes.starts(with: "*.".utf8) {
        suffixes.append(Array(bytes.dropFirst()))
      } else {
        exact.append(bytes)
      }
    }
  }

  /// What is wrong with a value, nil if its host is one of the list.
  func fault(_ text: [UInt8]) -> StaticString? {
    guard !text.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      return "has a control character"
    }
    guard let authority = Self.authority(text) else {
      return "is neither an http, https, ws or wss URL nor a host"
    }
    guard let host = Self.host(authority) else { return "has no host that is written plainly" }
    let name = Self.lower(host)
    if exact.contains(name) { return nil }
    let isAddress = name.first == UInt8(ascii: "[") || HostText.isNumeric(name[...])
    let isBelow = suffixes.contains { name.count > $0.count && name.suffix($0.count) == $0[...] }
    if isBelow, !isAddress { return nil }
    return "names another host"
  }

  /// What stands between `://` and the path; of a value without a scheme, all of it.
  private static func authority(_ text: [UInt8]) -> ArraySlice<UInt8>? {
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")),
      text[(colon + 1)...].starts(with: "//".utf8)
    else { return text[...] }
    guard schemes.contains(lower(text[..<colon])) else { return nil }
    let rest = text[(colon + 3)...]
    let end = rest.firstIndex { $0 == 0x2F || $0 == 0x3F || $0 == 0x23 } ?? text.count
    return rest[..<end]
  }

  /// The host of an authority, nil if there is anything in it that is not plain.
  private static func host(_ authority: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var host = authority
    let bracket = authority.firstIndex(of: UInt8(ascii: "]"))
    let rest = bracket.map { authority[authority.index(after: $0)...] } ?? authority
    if let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
      let port = rest[(colon + 1)...]
      let isPort =
        (1...5).contains(port.count) && port.allSatisfy { (0x30...0x39).contains($0) }
        && port.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 65_535
      guard isPort else { return nil }
      host = authority[..<colon]
    }
    if host.first == UInt8(ascii: "[") { return HostText.isAddress6(host) ? host : nil }
    guard HostText.isName(host) else { return nil }
    return HostText.isNumeric(host) && !HostText.isAddress4(host) ? nil : host
  }

  private static func lower(_ text: ArraySlice<UInt8>) -> [UInt8] {
    text.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
  }
}
