internal import Wire

/// Hosts that a person may be sent to: exact names, or `*.example.com` for every name below one.
struct HostRules: Sendable {
  private let rule: HostRule
  /// Whether no host is allowed.
  let isEmpty: Bool

  init(_ hosts: [String]) {
    rule = HostRule(hosts)
    isEmpty = hosts.isEmpty
  }

  /// Whether an address leads to an allowed host, by `https` alone. Browsers read addresses more freely
  /// (WHATWG URL) than RFC 3986 writes them: besides what ``HostRule`` refuses, there may be no space
  /// and no `\` in it.
  func allows(address: [UInt8]) -> Bool {
    let scheme = Array("https://".utf8)
    guard address.count > scheme.count, address.count <= Bounds.uri,
      address.prefix(scheme.count)
        .map({ (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }).elementsEqual(scheme),
      !address.contains(where: { $0 == 0x20 || $0 == UInt8(ascii: "\\") })
    else { return false }
    return rule.fault(address) == nil
  }
}
