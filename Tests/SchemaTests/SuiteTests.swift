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

/// One file of it, run.
private struct Run {
  var passed = 0
  var failures: [String] = []
  /// Groups that need a document from a server of the suite's own.
  var remote: [String] = []
  var optional: [String: [Bool]] = [:]
}

private func files(_ draft: String, _ folder: String = "") -> [String] {
  let place = suite.appending(path: draft).appending(path: folder)
  let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
  return names.filter { $0.hasSuffix(".json") }.sorted()
}

private func run(_ draft: String, _ name: String, _ dialect: SchemaDialect, _ run: inout Run) throws
{
  let data = try Data(contentsOf: suite.appending(path: draft).appending(path: name))
  let document = try #require(decodeValue(data), "\(name) is not read")
  for group in document.elements(of: document.root) {
    let title = try #require(document.member("description", of: group))
    let schema = try #require(document.member("schema", of: group))
    let tests = try #require(document.member("tests", of: group))
    let label = "\(draft)/\(name): \(String(decoding: document.utf8(title), as: UTF8.self))"
    var compiled: Schema?
    var fault: SchemaFault?
    do {
      compiled = try Schema(compiling: document, at: schema, dialect: dialect)
    } catch { fault = error }
    if String(decoding: document.bytes[schema.range], as: UTF8.self).contains("localhost:1234"),
      fault?.kind == .remote || fault?.kind == .dialect
    {
      run.remote.append(label)
      continue
    }
    for test in document.elements(of: tests) {
      let words = try #require(document.member("description", of: test))
      let data = try #require(document.member("data", of: test))
      let valid = try #require(document.member("valid", of: test)).kind == .true
      let verdict = compiled?.check(document, data, steps: 1_000_000)
      let isRight =
        switch verdict {
        case .valid: valid
        case .invalid: !valid
        case .exhausted, nil: false
        }
      if isRight {
        run.passed += 1
      } else {
        run.failures.append(
          "\(label): \(String(decoding: document.utf8(words), as: UTF8.self)): "
            + (fault.map { "\($0.kind): \($0)" } ?? "\(String(describing: verdict))"))
      }
    }
  }
}

@Suite(
  "The JSON Schema test suite", .serialized,
  .enabled(
    if: mustWork || FileManager.default.fileExists(atPath: suite.path),
    "the suite is not here; Tests/Commands/servers.py jsonschema fetches it"))
struct SuiteTests {
  static let drafts: [(String, SchemaDialect)] = [
    ("draft2020-12", .draft2020), ("draft2019-09", .draft2019), ("draft7", .draft7),
    ("draft6", .draft6), ("draft4", .draft4),
  ]

  @Test("every required case comes out as it must", arguments: drafts)
  func required(_ draft: String, _ dialect: SchemaDialect) throws {
    var result = Run()
    for name in files(draft) { try run(draft, name, dialect, &result) }
    print(
      "\(draft): \(result.passed) passed, \(result.failures.count) failed, remote: \(result.remote.count)"
    )
    for failure in result.failures { print("  \(failure)") }
    for remote in result.remote { print("  remote \(remote)") }
    #expect(result.failures.isEmpty)
  }
}
