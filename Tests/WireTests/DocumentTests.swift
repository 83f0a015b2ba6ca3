import Testing
import Wire

@Suite("A document")
struct DocumentTests {
  @Test("its parts are found by name and in order")
  func parts() throws {
    let line =
      #"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"e\"cho","arguments":{"a":[1,{"b":"]}"},"\\"],"n":null},"_meta":{}}}"#
    let document = try #require(decode(line).document)
    #expect(document.kind == .request)
    #expect(document.id == .string(Array("x".utf8)))
    #expect(document.methodIs("tools/call"))
    #expect(!document.methodIs("tools/cal") && !document.methodIs("tools/calls"))
    let params = try #require(document.params)
    #expect(
      document.members(of: params).map { text(document.bytes[$0.key]) } == [
        "name", "arguments", "_meta",
      ])
    let name = try #require(document.member("name", of: params))
    #expect(name.kind == .string)
    #expect(text(document.utf8(name)) == "e\"cho")
    #expect(document.string(name, equals: Array("e\"cho".utf8)))
    #expect(!document.string(name, equals: Array("e\"ch".utf8)))
    #expect(!document.string(name, equals: Array("e\"choo".utf8)))
    let arguments = try #require(document.member("arguments", of: params))
    #expect(text(document.bytes[arguments.range]) == #"{"a":[1,{"b":"]}"},"\\"],"n":null}"#)
    let list = try #require(document.member("a", of: arguments))
    #expect(document.elements(of: list).map(\.kind) == [.number, .object, .string])
    #expect(
      document.elements(of: list).map { text(document.bytes[$0.range]) } == [
        "1", #"{"b":"]}"}"#, #""\\""#,
      ])
    #expect(document.member("n", of: arguments)?.kind == .null)
    #expect(document.member("missing", of: arguments) == nil)
    #expect(document.member("a", of: list) == nil)
    #expect(Array(document.elements(of: arguments)).isEmpty)
    #expect(document.members(of: list).map(\.key).isEmpty)
    #expect(document.root.range == 0..<document.bytes.count)
  }

  @Test("only what is written as an integer and fits is one")
  func integers() throws {
    let cases: [(String, Int64?)] = [
      ("0", 0), ("7", 7), ("-7", -7), ("9223372036854775807", .max),
      ("-9223372036854775808", .min), ("9223372036854775808", nil),
      ("-9223372036854775809", nil), ("-0", nil), ("1.0", nil), ("1e2", nil), ("\"1\"", nil),
      ("true", nil), ("99999999999999999999999999", nil),
    ]
    for (written, value) in cases {
      let document = try #require(decodeValue(written).document)
      #expect(document.integer(document.root) == value, "\(written)")
    }
  }

  @Test("every character comes back out of its escape")
  func characters() throws {
    for value in Array(0..<0x300) + [0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF] {
      guard let scalar = Unicode.Scalar(UInt32(value)) else { continue }
      let plain = Array(String(Character(scalar)).utf8)
      var units = ""
      for unit in String(Character(scalar)).utf16 {
        let digits = String(unit, radix: 16)
        units += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
      let document = try #require(decodeValue("\"\(units)\"").document)
      #expect(document.utf8(document.root) == plain)
      #expect(document.string(document.root, equals: plain))
      var writer = ByteWriter()
      writer.appendString(plain)
      #expect(writer.bytes == document.bytes, "one way to write U+\(String(value, radix: 16))")
    }
  }

  @Test("a document that is reused has nothing of the message before")
  func reuse() throws {
    var decoder = Decoder(limits: WireLimits())
    var document = Document()
    let first = Array(#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1}}"#.utf8)
    let second = Array(#"{"jsonrpc":"2.0","method":"b"}"#.utf8)
    let third = Array(#"{"jsonrpc":"2.0","id":2,"result":{}}"#.utf8)
    try decoder.decode(first.span, into: &document)
    try decoder.decode(second.span, into: &document)
    #expect(document.kind == .notification && document.id == nil && document.params == nil)
    try decoder.decode(third.span, into: &document)
    #expect(document.kind == .result && document.method == nil && document.id == .integer(2))
    let bad = Array(#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1,"x":2}}"#.utf8)
    #expect(throws: WireError.self) { try decoder.decode(bad.span, into: &document) }
    try decoder.decode(first.span, into: &document)
    #expect(document.bytes == first)
  }

  @Test("what we write ourselves is what we would let through", arguments: [false, true])
  func answers(_ stateless: Bool) throws {
    let ids: [RequestID] = [.integer(-5), .string(Array(#"a\"b"#.utf8))]
    for id in ids {
      let line = Answers.emptyList(id: id, key: "tools", stateless: stateless)
      let document = try #require(decode(line).document, "\(text(line))")
      #expect(document.bytes == line)
      #expect(document.id == id)
      #expect(text(line).contains("resultType") == stateless)
    }
  }

  @Test("a string of any bytes is written as one that would be let through")
  func strings() throws {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":1,"result":{"a":"#)
    writer.appendString(Array("bad \"name\"\n\u{202E}\u{1}".utf8) + [0xFF])
    writer.append("}}")
    #expect(try #require(decode(writer.bytes).document).bytes == writer.bytes)
  }

  @Test("numbers are written in full")
  func numbers() {
    var writer = ByteWriter()
    for number in [0, 7, -7, 10, 1_234_567, Int64.max, Int64.min] {
      writer.removeAll()
      writer.append(number)
      #expect(text(writer.bytes) == String(number))
    }
  }
}
