import Generators
import Testing

@testable import Wire

@Suite("Properties of decode")
struct PropertyTests {
  /// A million of them, optimised, are in `Tests/Properties`.
  @Test("documents in any spelling come out canonical, and canonical ones unchanged")
  func canonical() throws {
    var decoder = Decoder(limits: WireLimits())
    var document = Document()
    for seed in UInt64(0)..<500 {
      var random = SplitMix(state: seed)
      let tree = Tree.any(&random)
      let spelled = Spelling.any(tree, &random)
      try decoder.decodeValue(spelled.span, into: &document)
      #expect(document.bytes == Spelling.canonical(tree), "seed \(seed)")
      let once = document.bytes
      try decoder.decodeValue(once.span, into: &document)
      #expect(document.bytes == once, "seed \(seed)")
      #expect(document.bytes.count <= spelled.count)
    }
  }

  @Test("no byte of a message can be cut off, and none changed into a raw control, without notice")
  func mutations() throws {
    let line = Array(
      #"{"jsonrpc":"2.0","id":12,"method":"tools/call","params":{"name":"e","arguments":{"a":[1,-2.5e3,true,null,"x\n"]}}}"#
        .utf8)
    #expect(decode(line).document != nil)
    for end in 0..<line.count { #expect(decode(Array(line[..<end])).document == nil) }
    for index in line.indices {
      for byte in [0, 0x0D, 0x1F, 0x80, 0xFF] as [UInt8] {
        var changed = line
        changed[index] = byte
        #expect(decode(changed).document == nil, "byte \(index) as \(byte)")
      }
    }
  }

  @Test(
    "duplicates are found wherever they are among many keys", arguments: [2, 8, 9, 10, 100, 5000])
  func duplicates(_ count: Int) {
    let keys = (0..<count).map { "\"k\($0)\":\($0)" }
    #expect(decodeValue("{" + keys.joined(separator: ",") + "}").document != nil)
    for position in Set([0, 1, count / 2, count - 1]) {
      for place in Set([0, count / 2, count]) {
        var more = keys
        more.insert("\"k\(position)\":0", at: place)
        #expect(decodeValue("{" + more.joined(separator: ",") + "}").reason == .duplicateKey)
      }
    }
  }

  @Test("memory for one message stays under three times its size, also when it is all keys")
  func memory() throws {
    var text = "{"
    for index in 0..<300_000 { text += "\"k\(index)\":\(index % 10)," }
    let line = Array((text + "\"_\":1}").utf8)
    var decoder = Decoder(limits: WireLimits(maxSize: 8 << 20))
    var document = Document()
    try decoder.decodeValue(line.span, into: &document)
    // The line itself is held by the framer and counts as the first of the three; of what is
    // reserved for keys, half is never written to and takes no memory.
    let held = document.bytes.capacity + decoder.keyStorage / 2
    #expect(held < 2 * line.count, "\(held) for \(line.count)")
    decoder.shrink()
    document.shrink()
    #expect(document.bytes.capacity + decoder.keyStorage < 1000)
  }
}
