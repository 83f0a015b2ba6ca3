import Foundation
import Schema
import Testing
import Wire

/// The official JSON Schema test suite, out of the sources of PyPI's `jsonschema`.
private let suite: URL = {
  let sources = top.appending(path: ".build/venvs/jsonschema/sources")
  let names = (try? FileManager.default.contentsOfDirectory(atPath: sources.path)) ?? []
  let found = names.sorted().first { $0.hasPrefix("jsonschema-") && !$0.hasSuffix(".gz") } ?? "none"
  return sources.appending(path: found).appending(path: "json/tests")
}()

/// What came of one file of the suite.
private struct Run {
  var name: String
  var passed = 0
  var failures: [String] = []
  /// Groups that need a document from a server of the suite's own.
  var remote: [String] = []

  var isClean: Bool { failures.isEmpty }

  init(_ draft: String, _ name: String, _ dialect: SchemaDialect) throws {
    self.name = name
    let data = try Data(contentsOf: suite.appending(path: draft).appending(path: name))
    let document = try #require(decodeValue(data), "\(name) is not read")
    for group in document.elements(of: document.root) {
      let title = try Self.text("description", of: group, document)
      let schema = try #require(document.member("schema", of: group))
      let tests = try #require(document.member("tests", of: group))
      var compiled: Schema?
      var fault: SchemaFault?
      do throws(SchemaFault) {
        compiled = try Schema(compiling: document, at: schema, dialect: dialect)
      } catch { fault = error }
      if String(decoding: document.bytes[schema.range], as: UTF8.self).contains("localhost:1234"),
        fault?.kind == .remote || fault?.kind == .dialect
      {
        remote.append(title)
        continue
      }
      for test in document.elements(of: tests) {
        let words = try Self.text("description", of: test, document)
        let value = try #require(document.member("data", of: test))
        let isValid = try #require(document.member("valid", of: test)).kind == .true
        let isRight =
          switch compiled?.check(document, value, steps: 1_000_000) {
          case .valid: isValid
          case .invalid: !isValid
          case .exhausted, nil: false
          }
        if isRight { passed += 1 } else { failures.append("\(title): \(words)") }
      }
    }
  }

  private static func text(
    _ key: StaticString, of value: Value, _ document: Document
  ) throws -> String {
    String(decoding: document.utf8(try #require(document.member(key, of: value))), as: UTF8.self)
  }

  static func all(
    _ draft: String, _ folder: String, _ dialect: SchemaDialect
  ) throws -> [Run] {
    let place = suite.appending(path: draft).appending(path: folder)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
    return try names.filter { $0.hasSuffix(".json") }.sorted().map {
      try Run(draft, folder.isEmpty ? $0 : "\(folder)/\($0)", dialect)
    }
  }
}

@Suite(
  "The JSON Schema test suite",
  .enabled(
    if: mustWork || FileManager.default.fileExists(atPath: suite.path),
    "the suite is not here; Tests/Commands/servers.py jsonschema fetches it"))
struct SuiteTests {
  /// The drafts, and how many required cases of each need no server.
  static let drafts: [(String, SchemaDialect, Int)] = [
    ("draft2020-12", .draft2020, 1208), ("draft2019-09", .draft2019, 1191),
    ("draft7", .draft7, 890), ("draft6", .draft6, 806), ("draft4", .draft4, 593),
  ]

  @Test("every required case that needs no server comes out as it must", arguments: drafts)
  func required(_ draft: String, _ dialect: SchemaDialect, _ count: Int) throws {
    let runs = try Run.all(draft, "", dialect)
    #expect(runs.flatMap(\.failures) == [])
    #expect(runs.reduce(0) { $0 + $1.passed } == count)
  }

  @Test("docs/json-schema.md says what came of the suite (ANCHORHOLD_WRITE_DOCS=1 writes it)")
  func documentation() throws {
    let file = top.appending(path: "docs/json-schema.md")
    var text = try String(contentsOf: file, encoding: .utf8)
    let start = try #require(text.range(of: "<!-- suite -->\n")).upperBound
    let end = try #require(text.range(of: "<!-- end of suite -->")).lowerBound
    let found = try Self.report()
    if ProcessInfo.processInfo.environment["ANCHORHOLD_WRITE_DOCS"] == "1" {
      text.replaceSubrange(start..<end, with: found)
      try text.write(to: file, atomically: true, encoding: .utf8)
    } else {
      #expect(text[start..<end] == found)
    }
  }

  /// The tables and lists of the documentation.
  private static func report() throws -> String {
    var text = "| draft | required cases passed | failed | groups left out |\n|---|---|---|---|\n"
    var rest = ""
    for (draft, dialect, _) in drafts {
      let runs = try Run.all(draft, "", dialect)
      let remote = runs.flatMap { run in run.remote.map { "- `\(run.name)`: \($0)" } }
      let passed = runs.reduce(0) { $0 + $1.passed }
      let failed = runs.reduce(0) { $0 + $1.failures.count }
      text += "| \(draft) | \(passed) | \(failed) | \(remote.count) |\n"
      guard dialect == .draft2020 || dialect == .draft7 else { continue }
      rest +=
        "\n### \(draft)\n\nLeft out, because they refer to documents of the suite's own server:\n\n"
      rest += remote.joined(separator: "\n") + "\n\nOptional:\n\n"
      rest += "| file | passed | failed | groups left out |\n|---|---|---|---|\n"
      let optional = try Run.all(draft, "optional", dialect)
      for run in optional + (try Run.all(draft, "optional/format", dialect)) {
        rest += "| `\(run.name.dropFirst(9))` | \(run.passed) | \(run.failures.count) "
        rest += "| \(run.remote.count) |\n"
      }
      rest += "\nOptional cases that fail, but for those of `format`, which refuses nothing:\n\n"
      let failures = optional.flatMap { run in
        run.failures.map { "- `\(run.name.dropFirst(9))`: \($0)" }
      }
      rest += (failures.isEmpty ? ["none"] : failures).joined(separator: "\n") + "\n"
    }
    return text + rest
  }
}
