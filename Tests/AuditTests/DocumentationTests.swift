import Foundation
import Testing
import Wire

@testable import Audit

@Suite("The page on the audit log")
struct DocumentationTests {
  static let page: String = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try? String(contentsOf: root.appending(path: "docs/audit.md"), encoding: .utf8)
    return text ?? ""
  }()

  @Test("shows an example of every kind of record, with all of its fields in the tables")
  func examples() throws {
    var kinds: Set<String> = []
    for line in DocumentationTests.page.split(separator: "\n") where line.hasPrefix("{\"time\"") {
      let record = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      kinds.insert(try #require(record["kind"] as? String))
      for field in record.keys {
        #expect(DocumentationTests.page.contains("\n| `\(field)` | "), "\(field)")
      }
    }
    #expect(kinds == Set(RecordKind.allCases.map(\.rawValue)))
  }

  @Test("knows every field that the sources name")
  func named() throws {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources/Audit")
    var fields: Set<String> = []
    for name in ["RecordEncoder.swift", "SessionRecords.swift"] {
      let text = try String(contentsOf: sources.appending(path: name), encoding: .utf8)
      // As they are written: `,"name":` in a text, or the name of a field of its own.
      for match in text.matches(of: /[,{]"([a-z_]+)":|\.?init\("([a-z_]+)",/) {
        fields.insert(String(match.output.1 ?? match.output.2 ?? ""))
      }
    }
    #expect(fields.count > 50, "\(fields.sorted())")
    for field in fields {
      #expect(DocumentationTests.page.contains("`\(field)`"), "\(field)")
    }
  }

  @Test("knows what is written of a message with everything in it")
  func fields() throws {
    let document = try decoded(
      #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":1}}}"#)
    var record = MessageRecord(kind: .response, side: .server, verdict: "pass")
    record.method = Array("m".utf8)
    record.id = .integer(1)
    record.tool = Array("t".utf8)
    record.reason = "r"
    record.removed = 1
    record.duration = 1
    record.outcome = "ok"
    record.arguments = try arguments(document)
    for detail in [ArgumentDetail.shape, .full] {
      var encoder = RecordEncoder(session: "s", arguments: detail)
      encoder.append(record, of: document, at: noon)
      encoder.appendStderr([UInt8]().span, size: 0, at: noon)
      encoder.append(
        [RecordLimiter.Count(kind: .denial, side: .server, reason: "r", method: "m", call: "c")],
        at: noon)
      encoder.append(
        DenialRecord(
          call: "c", number: 1, errno: "e", allow: nil, why: "w",
          during: [(id: .integer(1), tool: Array("t".utf8))]),
        at: noon)
      encoder.append(
        SessionStart(
          profile: "", path: nil, digest: [], version: "", kernel: "", isolation: "", command: [],
          seal: []), at: noon)
      encoder.append(SessionEnd(reason: "", status: 0, signal: nil, duration: 0), at: noon)
      for line in try parse(encoder.bytes) {
        let inner = line["arguments"] as? [String: Any] ?? [:]
        for field in Array(line.keys) + inner.keys {
          #expect(DocumentationTests.page.contains("\n| `\(field)` | "), "\(field)")
        }
      }
    }
  }
}
