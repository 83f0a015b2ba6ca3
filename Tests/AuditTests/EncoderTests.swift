import Foundation
import Testing
import Wire

@testable import Audit

/// Reads records back with a parser that is not ours.
func parse(_ bytes: [UInt8]) throws -> [[String: Any]] {
  try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
    try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
  }
}

func decoded(_ line: String) throws -> Document {
  var decoder = Decoder(limits: WireLimits())
  var document = Document()
  try decoder.decode(Array(line.utf8).span, into: &document)
  return document
}

func arguments(_ document: Document) throws -> Value {
  let params = try #require(document.params)
  return try #require(document.member("arguments", of: params))
}

let noon = Timestamp(seconds: 1_785_240_000, nanoseconds: 123_456_789)

@Suite("Records")
struct EncoderTests {
  @Test("a request is one line with every field under its name")
  func request() throws {
    let document = try decoded(
      #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"read","arguments":{"path":"/a","deep":{"x":[1]},"n":1.50,"list":[1,2,3],"yes":true,"no":null}}}"#
    )
    var record = MessageRecord(
      kind: .request, side: .client, verdict: "pass", rule: 12, bytesIn: 99)
    record.method = Array("tools/call".utf8)
    record.id = .integer(7)
    record.tool = Array("read".utf8)
    record.bytesOut = 98
    record.arguments = try arguments(document)
    var encoder = RecordEncoder(session: "0011223344556677", sequence: 5)
    encoder.append(record, of: document, at: noon)
    let line = String(decoding: encoder.bytes, as: UTF8.self)
    #expect(
      line.hasPrefix(
        #"{"time":"2026-07-28T12:00:00.123456Z","session":"0011223344556677","seq":5,"kind":"request","side":"client","method":"tools/call","id":7,"tool":"read","verdict":"pass","rule":12,"bytes_in":99,"bytes_out":98,"arguments":{"bytes":75,"sha256":"#
      ), "\(line)")
    #expect(line.hasSuffix("}\n"))
    let parsed = try #require(try parse(encoder.bytes).first?["arguments"] as? [String: Any])
    #expect(parsed["members"] as? Int == 6)
    let shape = try #require(parsed["shape"] as? [[String: Any]])
    #expect(shape.map { $0["key"] as? String } == ["path", "deep", "n", "list", "yes", "no"])
    #expect(
      shape.map { $0["type"] as? String }
        == ["string", "object", "number", "array", "boolean", "null"])
    #expect(shape.map { $0["length"] as? Int } == [2, 1, nil, 3, nil, nil])
    // The shape says nothing of what the values are.
    #expect(!line.contains("/a") && !line.contains("1.50"))
  }

  @Test("the digest is SHA-256 over the canonical arguments, however they were spelled")
  func digest() throws {
    #expect(
      Digest.sha256([UInt8]().span).hex
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      Digest.sha256(Array("abc".utf8).span).hex
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    // The third of the long examples of FIPS 180-2.
    #expect(
      Digest.sha256([UInt8](repeating: 0x61, count: 1_000_000).span).hex
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    var seen: Set<String> = []
    for spelling in [#"{"a":"b\u0063"}"#, #"{ "a" : "bc" }"#, #"{"\u0061":"bc"}"#] {
      let document = try decoded(
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":\#(spelling)}}"#
      )
      var record = MessageRecord(kind: .request, side: .client, verdict: "pass")
      record.arguments = try arguments(document)
      var encoder = RecordEncoder(session: "s")
      encoder.append(record, of: document, at: noon)
      let parsed = try #require(try parse(encoder.bytes).first?["arguments"] as? [String: Any])
      seen.insert(try #require(parsed["sha256"] as? String))
    }
    #expect(seen == [Digest.sha256(Array(#"{"a":"bc"}"#.utf8).span).hex])
  }

  @Test("audit.arguments decides how much of the arguments is kept")
  func detail() throws {
    let document = try decoded(
      #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"secret":"hunter2\u202e\u0007"}}}"#
    )
    var record = MessageRecord(kind: .request, side: .client, verdict: "pass")
    record.arguments = try arguments(document)
    for (detail, shows, has) in [
      (ArgumentDetail.none, false, false), (.shape, false, true), (.full, true, true),
    ] {
      var encoder = RecordEncoder(session: "s", arguments: detail)
      encoder.append(record, of: document, at: noon)
      let line = String(decoding: encoder.bytes, as: UTF8.self)
      #expect(line.contains("hunter2") == shows)
      #expect(line.contains("sha256") == has)
      #expect(line.contains("\"secret\"") == has)
      if shows {
        #expect(line.contains(#""value":{"secret":"hunter2\u202e\u0007"}"#))
        let parsed = try #require(try parse(encoder.bytes).first?["arguments"] as? [String: Any])
        let value = try #require(parsed["value"] as? [String: String])
        #expect(value["secret"] == "hunter2\u{202e}\u{7}")
      }
    }
  }

  @Test("the shape of many arguments is bounded")
  func manyArguments() throws {
    let members = (0..<500).map { "\"\(String(repeating: "k", count: 100))\($0)\":\($0)" }
    let document = try decoded(
      #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{\#(members.joined(separator: ","))}}}"#
    )
    var record = MessageRecord(kind: .request, side: .client, verdict: "pass")
    record.arguments = try arguments(document)
    var encoder = RecordEncoder(session: "s")
    encoder.append(record, of: document, at: noon)
    #expect(encoder.bytes.count < 6_000)
    let parsed = try #require(try parse(encoder.bytes).first?["arguments"] as? [String: Any])
    #expect(parsed["members"] as? Int == 500)
    let shape = try #require(parsed["shape"] as? [[String: Any]])
    #expect(shape.count == 32)
    #expect(shape.first?["key"] as? String == String(repeating: "k", count: 64) + "…")
  }

  @Test("a response says how long it took and how it ended")
  func response() throws {
    var record = MessageRecord(
      kind: .response, side: .server, verdict: "rewrite", rule: 0, bytesIn: 10)
    record.id = .string(Array(#"a\"b"#.utf8))
    record.duration = 1_234
    record.outcome = "tool-error"
    record.removed = 3
    record.reason = "list-filtered"
    var encoder = RecordEncoder(session: "s")
    encoder.append(record, of: nil, at: noon)
    let parsed = try #require(try parse(encoder.bytes).first)
    #expect(parsed["id"] as? String == #"a"b"#)
    #expect(parsed["duration_us"] as? Int == 1_234)
    #expect(parsed["outcome"] as? String == "tool-error")
    #expect(parsed["removed"] as? Int == 3)
    #expect(parsed["reason"] as? String == "list-filtered")
    #expect(parsed["arguments"] == nil)
  }

  @Test("a record of any bytes is one line of JSON, bounded, with nothing unseen in it")
  func hostile() throws {
    let hostile: [[UInt8]] = [
      Array("\u{1b}[2Jx\u{202e}y\u{200b}\u{feff}\u{e0041}\u{85}\u{7f}\"\\\n\r\u{0}".utf8),
      [0xFF, 0xC0, 0x80, 0xED, 0xA0, 0x80, 0xF5, 0x80, 0x80, 0x80, 0xE2, 0x82],
      [UInt8](repeating: 0x0A, count: 100_000), Array("é漢😀".utf8),
    ]
    for bytes in hostile {
      var encoder = RecordEncoder(session: "s")
      encoder.appendStderr(bytes.span, size: bytes.count, at: noon)
      var record = MessageRecord(kind: .drop, side: .server, verdict: "drop")
      record.method = bytes
      record.tool = bytes
      record.id = .string(bytes)
      encoder.append(record, of: nil, at: noon)
      #expect(encoder.bytes.count < 20_000)
      #expect(encoder.bytes.filter { $0 == 0x0A }.count == 2)
      #expect(!encoder.bytes.contains { $0 < 0x20 && $0 != 0x0A || $0 == 0x7F })
      let scalars = String(decoding: encoder.bytes, as: UTF8.self).unicodeScalars
      #expect(!scalars.contains { $0.isUnseen || $0.value == 0xFFFD })
      #expect(try parse(encoder.bytes).count == 2)
    }
    var encoder = RecordEncoder(session: "s")
    let first = hostile[0]
    encoder.appendStderr(first.span, size: 5, at: noon)
    let line = String(decoding: encoder.bytes, as: UTF8.self)
    #expect(
      line.contains(
        #""text":"\u001b[2Jx\u202ey\u200b\ufeff\udb40\udc41\u0085\u007f\"\\\u000a\u000d\u0000""#))
    let text = try #require(try parse(encoder.bytes).first?["text"] as? String)
    #expect(Array(text.utf8) == first)
  }

  @Test("a text is cut between characters, and says so")
  func cut() throws {
    for filler in 0..<4 {
      let text = String(repeating: "x", count: 125 + filler) + "😀😀"
      var record = MessageRecord(kind: .drop, side: .server, verdict: "drop")
      record.method = Array(text.utf8)
      var encoder = RecordEncoder(session: "s")
      encoder.append(record, of: nil, at: noon)
      let method = try #require(try parse(encoder.bytes).first?["method"] as? String)
      #expect(method == String(repeating: "x", count: min(125 + filler, 128)) + "…")
    }
  }

  @Test("records are numbered, and lines gather until they are cleared")
  func sequence() throws {
    var encoder = RecordEncoder(session: "s", sequence: 3)
    for _ in 0..<3 {
      encoder.append(
        MessageRecord(kind: .drop, side: .client, verdict: "drop"), of: nil, at: noon)
    }
    #expect(try parse(encoder.bytes).map { $0["seq"] as? Int } == [3, 4, 5])
    encoder.clear()
    #expect(encoder.bytes.isEmpty)
    #expect(encoder.sequence == 6)
  }

  @Test("the counts of what is not written one by one are one record")
  func counts() throws {
    var limiter = RecordLimiter(perSecond: 2)
    var admitted = 0
    for number in 0..<10 {
      let reason = number % 2 == 0 ? "json-syntax" : "unmatched-response"
      let what = RecordLimiter.Count(kind: .drop, side: .server, reason: reason)
      if limiter.admit(what, bytes: 5, at: 1_000_000) { admitted += 1 }
    }
    #expect(admitted == 2)
    // What one side does leaves the other's room as it was.
    let other = RecordLimiter.Count(kind: .refusal, side: .client, reason: "json-syntax")
    let isRoom = limiter.admit(other, bytes: 1, at: 1_000_000)
    #expect(isRoom)
    #expect(limiter.hasCounts)
    #expect(!limiter.isDue(at: 1_999_999))
    #expect(limiter.isDue(at: 2_000_000))
    let passed = RecordLimiter.Count(
      kind: .notification, side: .server, reason: nil, method: "notifications/progress")
    limiter.count(passed, bytes: 3, at: 2_000_000)
    var encoder = RecordEncoder(session: "s")
    encoder.append(limiter.take(), at: noon)
    let parsed = try #require(try parse(encoder.bytes).first)
    #expect(parsed["kind"] as? String == "counts")
    let counts = try #require(parsed["counts"] as? [[String: Any]])
    #expect(counts.map { $0["kind"] as? String } == ["drop", "drop", "notification"])
    #expect(counts.map { $0["count"] as? Int } == [4, 4, 1])
    #expect(counts.map { $0["bytes_in"] as? Int } == [20, 20, 3])
    #expect(
      counts.map { $0["reason"] as? String } == ["json-syntax", "unmatched-response", nil])
    #expect(counts.map { $0["method"] as? String } == [nil, nil, "notifications/progress"])
    #expect(!limiter.hasCounts)
  }

  @Test("a flood that does not end is told of every second")
  func steadyFlood() {
    var limiter = RecordLimiter(perSecond: 2)
    let what = RecordLimiter.Count(kind: .drop, side: .server, reason: "json-syntax")
    var told = 0
    for tick in 0..<500 {
      let now = Int64(tick) * 10_000
      _ = limiter.admit(what, bytes: 1, at: now)
      if limiter.isDue(at: now) { told += limiter.take().map(\.count).reduce(0, +) }
    }
    #expect(told >= 4 * 98)
  }

  @Test("the session's records say what was sealed and how it ended")
  func session() throws {
    var encoder = RecordEncoder(session: "s")
    encoder.append(
      SessionStart(
        profile: "git", path: nil, digest: [0xAB, 0x01], version: "0.1", kernel: "6.18",
        isolation: "full", command: ["a", "b\u{7}"],
        seal: [
          SealEntry(name: "uid", expected: .integer(1), observed: .integer(1), holds: true),
          SealEntry(
            name: "caps", expected: .text("none"), observed: .list([.text("x")]), holds: false),
        ], further: [.init("more", .boolean(true))]), at: noon)
    encoder.append(
      SessionEnd(
        reason: "server-ended", status: nil, signal: 9, duration: 5,
        usage: [.init("user_us", .integer(1))], counters: [.init("requests", .integer(2))]),
      at: noon)
    let records = try parse(encoder.bytes)
    #expect(records.count == 2)
    #expect(records[0]["kind"] as? String == "session-start")
    #expect(records[0]["sealed"] as? Bool == false)
    #expect(records[0]["profile_sha256"] as? String == "ab01")
    #expect(records[0]["profile_path"] is NSNull)
    #expect((records[0]["seal"] as? [[String: Any]])?.count == 2)
    #expect(records[0]["more"] as? Bool == true)
    #expect(records[1]["kind"] as? String == "session-end")
    #expect(records[1]["signal"] as? Int == 9)
    #expect(records[1]["status"] is NSNull)
  }
}

extension [UInt8] {
  var hex: String { map { String(format: "%02x", $0) }.joined() }
}
