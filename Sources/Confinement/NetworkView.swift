internal import Linux

/// What `/proc/PID/net` says of a network namespace: its interfaces, and which of them lead anywhere.
///
/// A kernel with a tunnel driver (ipip, sit, gre, vti) puts an interface of it into every new
/// namespace. It is down, and in a cell nobody has the right to raise it. Flags are not shown from
/// outside, but what comes of raising an interface is: addresses and routes.
struct NetworkView {
  /// The text of `dev`.
  var devices: [UInt8]
  /// The texts of `route` and `fib_trie` (IPv4).
  var routes: [UInt8] = [], trie: [UInt8] = []
  /// The texts of `if_inet6` and `ipv6_route`; empty without IPv6.
  var addresses6: [UInt8] = [], routes6: [UInt8] = []

  /// The names of all interfaces, sorted.
  var names: [String] {
    devices.split(separator: 0x0A).dropFirst(2).map { line in
      text(line.prefix { $0 != UInt8(ascii: ":") }.drop { $0 == 0x20 })
    }.sorted()
  }

  /// "lo" if it is there, every other interface with a route or an IPv6 address, and every IPv4
  /// address of this namespace that is not a loopback address: of a sealed cell just "lo".
  var reachable: [String] {
    var used: Set<[UInt8]> = [Array("lo".utf8)]
    for line in routes.split(separator: 0x0A).dropFirst() {
      if let name = words(line).first { used.insert(Array(name)) }
    }
    for table in [addresses6, routes6] {
      for line in table.split(separator: 0x0A) {
        if let name = words(line).last { used.insert(Array(name)) }
      }
    }
    return names.filter { used.contains(Array($0.utf8)) }
      + localAddresses.filter { !$0.utf8.starts(with: "127.".utf8) }
  }

  /// The IPv4 addresses that are this namespace's own: in `fib_trie` a leaf, `|-- ADDRESS`, with a
  /// line `/32 host LOCAL` below it. Each once.
  var localAddresses: [String] {
    var found: [String] = []
    var leaf = ""
    for line in trie.split(separator: 0x0A) {
      let parts = words(line)
      if parts.count == 2, parts[0].elementsEqual("|--".utf8) { leaf = text(parts[1]) }
      guard parts.count >= 3, parts[0].elementsEqual("/32".utf8),
        parts[2].elementsEqual("LOCAL".utf8)
      else { continue }
      if !found.contains(where: { $0.utf8.elementsEqual(leaf.utf8) }) { found.append(leaf) }
    }
    return found
  }

  private func words(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    line.split { $0 == 0x20 || $0 == 0x09 }
  }

  private func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(validating: bytes, as: UTF8.self) ?? "?"
  }
}
