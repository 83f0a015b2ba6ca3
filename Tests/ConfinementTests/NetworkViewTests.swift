import Testing

@testable import Confinement

@Suite("the interfaces of a cell")
struct NetworkViewTests {
  static func devices(_ names: [String]) -> [UInt8] {
    let header = """
      Inter-|   Receive                                                |  Transmit
       face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets
      """
    let rows = names.map { "\($0.count < 6 ? "    " : "")\($0):       0       0    0    0" }
    return Array(([header] + rows).joined(separator: "\n").utf8) + [0x0A]
  }

  static let loopback = """
    Main:
      +-- 0.0.0.0/0 3 0 5
         +-- 127.0.0.0/8 2 0 2
            +-- 127.0.0.0/31 1 0 0
               |-- 127.0.0.0
                  /8 host LOCAL
               |-- 127.0.0.1
                  /32 host LOCAL
            |-- 127.255.255.255
               /32 link BROADCAST
    """
  static let header = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n"
  static let lo6 = "00000000000000000000000000000001 01 80 10 80       lo\n"

  /// A namespace with these interfaces, of which only `lo` is up.
  static func view(_ names: [String]) -> NetworkView {
    NetworkView(
      devices: devices(names), routes: Array(header.utf8), trie: Array(loopback.utf8),
      addresses6: Array(lo6.utf8),
      routes6: Array("\(String(repeating: "0", count: 32)) 00 00000000 00200200       lo\n".utf8))
  }

  @Test("interfaces that a driver puts into every namespace are no matter while they are down")
  func idle() {
    #expect(Self.view(["lo"]).reachable == ["lo"])
    #expect(Self.view(["lo", "tunl0", "sit0", "gre0", "erspan0"]).reachable == ["lo"])
    #expect(Self.view(["lo", "tunl0", "sit0"]).names == ["lo", "sit0", "tunl0"])
  }

  @Test("one with a route or an address is shown")
  func used() {
    var routed = Self.view(["lo", "tunl0"])
    routed.routes += Array("tunl0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\n".utf8)
    #expect(routed.reachable == ["lo", "tunl0"])
    var addressed = Self.view(["eth0", "lo"])
    addressed.addresses6 += Array("fe800000000000000000000000000001 02 40 20 80     eth0\n".utf8)
    #expect(addressed.reachable == ["eth0", "lo"])
    var routed6 = Self.view(["lo", "sit0"])
    routed6.routes6 += Array("00000000000000000000000000000000 60 0001     sit0\n".utf8)
    #expect(routed6.reachable == ["lo", "sit0"])
    var local = Self.view(["dummy0", "lo"])
    local.trie += Array("\n   |-- 10.0.0.7\n      /32 host LOCAL\n".utf8)
    #expect(local.reachable == ["lo", "10.0.0.7"])
  }

  @Test("a namespace without lo does not look like a cell's")
  func nothing() {
    #expect(Self.view([]).reachable == [])
    #expect(Self.view(["eth0"]).reachable == [])
  }

  @Test("the loopback address tells whether lo is up")
  func loopbackAddress() {
    #expect(Self.view(["lo"]).localAddresses == ["127.0.0.1"])
    #expect(NetworkView(devices: Self.devices(["lo"])).localAddresses == [])
  }
}
