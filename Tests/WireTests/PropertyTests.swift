import Foundation
import Testing

@testable import Wire

/// A small generator with a seed, so that a failure can be had again.
private struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    return word ^ word >> 27
  }
}

/// A JSON text in some spelling and the same in the canonical one.
private struct Writer {
  var dice: Dice
  var spelled = ""
  var canonical = ""

  mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &dice) }

  mutating func both(_ text: String) {
    spelled += text
    canonical += text
  }

  mutating func space() {
    for _ in 0..<max(0, roll(6) - 3) { spelled += [" ", "\t", "\n"][roll(3)] }
  }

  mutating func value(_ depth: Int) {
    space()
    switch roll(depth > 5 ? 5 : 7) {
    case 0: both(["true", "false", "null"][roll(3)])
    case 1: both("\(Int64(bitPattern: dice.next()) >> roll(64))")
    case 2: both(["-0", "1.50", "1E+9", "0.1e-7", "12345678901234567890.0"][roll(5)])
    case 3, 4: string(unique: nil)
    case 5:
      both("[")
      let count = roll(5)
      for index in 0..<count {
        if index > 0 { both(",") }
        value(depth + 1)
      }
      space()
      both("]")
    default:
      both("{")
      let count = roll(12)
      for index in 0..<count {
        if index > 0 { both(",") }
        space()
        string(unique: index)
        space()
        both(":")
        value(depth + 1)
      }
      space()
      both("}")
    }
    space()
  }

  /// A string; with a number at its start if it must differ from others.
  mutating func string(unique: Int?) {
    both("\"")
    if let unique { both("\(unique)·") }
    for _ in 0..<(roll(10) == 0 ? roll(300) : roll(12)) { character() }
    both("\"")
  }

  private mutating func character() {
    let scalars: [UInt32] = [
      0, 8, 9, 10, 13, 0x1F, 0x22, 0x5C, 0x2F, 0x41, 0x7A, 0x7F, 0x80, 0xE9, 0x202E, 0x2028,
      0xFFFF, 0x1F600, 0x10FFFF, 0x20,
    ]
    let value = roll(3) == 0 ? scalars[roll(scalars.count)] : UInt32(0x61 + roll(26))
    guard let scalar = Unicode.Scalar(value) else { return }
    var writer = ByteWriter()
    writer.appendString(Array(String(Character(scalar)).utf8))
    let content = text(writer.bytes.dropFirst().dropLast())
    canonical += content
    if roll(4) == 0 {
      for unit in String(Character(scalar)).utf16 {
        let digits = String(unit, radix: 16)
        spelled += "\\u" + String(repeating: "0", count: 4 - digits.count)
        spelled += roll(2) == 0 ? digits : digits.uppercased()
      }
    } else {
      spelled += value == 0x2F && roll(2) == 0 ? "\\/" : content
    }
  }
}

@Suite("Properties of decode")
struct PropertyTests {
  @Test("ten thousand documents in any spelling come out canonical, and canonical ones unchanged")
  func canonical() throws {
    var decoder = Decoder(limits: WireLimits())
    var document = Document()
    for seed in 0..<10_000 {
      var writer = Writer(dice: Dice(state: UInt64(seed)))
      writer.value(0)
      try decoder.decodeValue(Array(writer.spelled.utf8).span, into: &document)
      #expect(text(document.bytes) == writer.canonical, "seed \(seed)")
      let once = document.bytes
      try decoder.decodeValue(once.span, into: &document)
      #expect(document.bytes == once, "seed \(seed)")
      #expect(document.bytes.count <= writer.spelled.utf8.count)
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
    // The line itself is held by the framer and counts as the first of the three.
    let held = document.bytes.capacity + decoder.keyStorage
    #expect(held < 2 * line.count, "\(held) for \(line.count)")
    decoder.shrink()
    document.shrink()
    #expect(document.bytes.capacity + decoder.keyStorage < 1000)
  }
}
