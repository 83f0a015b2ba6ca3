import Generators
import Testing

@testable import Wire

@Suite("Whatever a server writes")
struct TextPropertyTests {
  /// Characters that mean something to each other.
  private static let pieces: [UInt32] = [
    0x61, 0x5c, 0x22, 0x75, 0x7b, 0x7d, 0x5b, 0x5d, 0x6d, 0x33, 0x3b, 0x20, 0x0a, 0x0d, 0x09, 0x00,
    0x01, 0x07, 0x08, 0x0c, 0x1b, 0x7f, 0x85, 0x90, 0x9b, 0x9c, 0x9d, 0xad, 0xe9, 0x31, 0x23,
    0x20e3,
    0x200b, 0x200c, 0x200d, 0x200e, 0x202e, 0x2028, 0x2060, 0xfe0e, 0xfe0f, 0xfe00, 0xfeff, 0x1f468,
    0x1f600, 0x2764, 0x1f3f4, 0xe0067, 0xe0062, 0xe0065, 0xe006e, 0xe0100, 0xe007f, 0x645, 0x915,
    0x94d, 0xe01, 0x845b, 0x2229, 0x1820, 0x180b, 0x3164, 0xfffe, 0xe000, 0x10ffff,
  ]

  private static func text(_ generator: inout SplitMix) -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0...24, using: &generator) {
      let value =
        Int.random(in: 0..<12, using: &generator) == 0
        ? UInt32.random(in: 0...0x10FFFF, using: &generator)
        : pieces.randomElement(using: &generator) ?? 0
      if let scalar = Unicode.Scalar(value) { text.append(scalar) }
    }
    return String(text)
  }

  private static func value(_ generator: inout SplitMix, depth: Int) -> String {
    var writer = ByteWriter()
    writer.appendString(Array(text(&generator).utf8))
    let string = String(decoding: writer.bytes, as: UTF8.self)
    guard depth < 4 else { return string }
    switch Int.random(in: 0..<8, using: &generator) {
    case 0, 1:
      return "[" + (0..<3).map { _ in value(&generator, depth: depth + 1) }.joined(separator: ",")
        + "]"
    case 2, 3, 4:
      let members = (0..<3).map { number in
        let name = ["text", "name", "uri", "data", "enum"].randomElement(using: &generator) ?? ""
        let key =
          Bool.random(using: &generator)
          ? "\"\(name)\(number)\"" : string.dropLast() + "\(number)\""
        return key + ":" + value(&generator, depth: depth + 1)
      }
      return "{" + members.joined(separator: ",") + "}"
    case 5: return ["true", "null", "-1.50e3"].randomElement(using: &generator) ?? "0"
    default: return string
    }
  }

  /// Every key and string of a value, unescaped.
  private static func strings(_ document: Document) -> [[UInt8]] {
    var found: [[UInt8]] = []
    func walk(_ value: Value) {
      switch value.kind {
      case .string: found.append(document.utf8(value))
      case .array: for element in document.elements(of: value) { walk(element) }
      case .object:
        for (key, member) in document.members(of: value) {
          found.append(document.utf8(content: key))
          walk(member)
        }
      default: break
      }
    }
    walk(document.root)
    return found
  }

  /// Whether nothing unseen is in a text but where it belongs: each once, after something seen.
  private static func isReadable(_ utf8: [UInt8]) -> Bool {
    let scalars = Array(String(decoding: utf8, as: UTF8.self).unicodeScalars)
    var inRow = 0
    for (index, scalar) in scalars.enumerated() {
      let value = scalar.value
      if value < 0x20 || value == 0x7F {
        guard
          value == 9 || value == 10
            || value == 13 && index + 1 < scalars.count && scalars[index + 1].value == 10
        else { return false }
        inRow = 3
      } else if scalar.isUnseen {
        // An emoji's selector and joiner at most, but for the tags of a flag.
        inRow += 1
        guard inRow <= 2 || value >> 8 == 0xE00 && inRow <= 6 else { return false }
        switch value {
        case 0x200B...0x200D, 0xFE00...0xFE0F, 0x180B...0x180F, 0xE0020...0xE007F,
          0xE0100...0xE01EF:
          break
        default: return false
        }
      } else {
        inRow = 0
      }
    }
    return true
  }

  private static func decode(_ bytes: [UInt8]) throws -> Document {
    var decoder = Decoder(limits: WireLimits())
    var document = Document()
    try decoder.decodeValue(bytes.span, into: &document)
    return document
  }

  /// The kinds of what is in a value, and its numbers, in their order.
  private static func shape(_ document: Document) -> String {
    var shape = ""
    func walk(_ value: Value) {
      switch value.kind {
      case .string: shape += "s"
      case .array:
        shape += "["
        for element in document.elements(of: value) { walk(element) }
        shape += "]"
      case .object:
        shape += "{"
        for (_, member) in document.members(of: value) { walk(member) }
        shape += "}"
      default: shape += String(decoding: document.bytes[value.range], as: UTF8.self)
      }
    }
    walk(document.root)
    return shape
  }

  private static func numbers(_ utf8: [UInt8]) -> [String] {
    String(decoding: utf8, as: UTF8.self).unicodeScalars.map { String($0.value, radix: 16) }
  }

  @Test(
    "what goes out is strict JSON of the same shape, readable, and the same the second time",
    arguments: [TextRules.Hidden.escape, .remove], UInt64(1)...4)
  func holds(_ hidden: TextRules.Hidden, _ seed: UInt64) throws {
    var generator = SplitMix(state: seed)
    var filter = TextFilter(rules: TextRules(hidden: hidden, longest: 256))
    var (changed, same) = (0, 0)
    for _ in 0..<1_500 {
      let before = try Self.decode(Array(Self.value(&generator, depth: 0).utf8))
      let (message, counts) = filter.filter(before.bytes)
      if message == nil { same += 1 } else { changed += 1 }
      #expect((message == nil) == counts.isEmpty)
      let after = try Self.decode(message ?? before.bytes)
      // Canonical: decoding changes nothing.
      #expect(after.bytes == message ?? before.bytes)
      #expect(Self.shape(before) == Self.shape(after))
      for text in Self.strings(after) {
        #expect(Self.isReadable(text), "\(String(decoding: text, as: UTF8.self).debugDescription)")
      }
      if let again = filter.filter(after.bytes).message {
        let (one, other) = (Self.strings(after), Self.strings(try Self.decode(again)))
        for (a, b) in zip(one, other) where a != b {
          Issue.record("\(Self.numbers(a)) became \(Self.numbers(b))")
        }
      }
      let isPlain = filter.rules.isPlain(before.texts)
      if isPlain { #expect(message == nil) }
    }
    #expect(changed > 400)
    #expect(same > 100)
  }

  @Test("a clean message goes out as it came", arguments: UInt64(1)...2)
  func clean(_ seed: UInt64) throws {
    var generator = SplitMix(state: seed)
    var filter = TextFilter(rules: TextRules(hidden: .remove))
    for _ in 0..<1_000 {
      let text = String(
        String.UnicodeScalarView(
          Self.text(&generator).unicodeScalars.filter {
            !$0.isUnseen && $0.value >= 0x20 && $0.value != 0x7F
          }))
      var writer = ByteWriter()
      writer.appendString(Array(text.utf8))
      let document = try Self.decode(writer.bytes)
      #expect(filter.filter(document.bytes).message == nil)
    }
  }

  @Test("with allow nothing changes, whatever it is")
  func allowed() throws {
    var generator = SplitMix(state: 9)
    var filter = TextFilter(rules: TextRules(hidden: .allow))
    for _ in 0..<1_000 {
      let before = try Self.decode(Array(Self.value(&generator, depth: 0).utf8))
      #expect(filter.filter(before.bytes).message == nil)
      #expect(filter.rules.isPlain(before.texts))
    }
  }
}
