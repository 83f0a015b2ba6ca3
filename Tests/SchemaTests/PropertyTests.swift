import Generators
import Foundation
import Schema
import Testing
import Wire

/// The Python that has `jsonschema`.
private let python = top.appending(path: ".build/venvs/jsonschema/bin/python")

/// What another implementation says: lines of [draft, schema, values] in, lines of answers out.
private let script = """
  import json, sys
  import jsonschema
  sys.setrecursionlimit(400)
  for line in open(sys.argv[1], encoding="utf-8"):
      new, schema, values = json.loads(line)
      kind = jsonschema.Draft202012Validator if new else jsonschema.Draft7Validator
      try:
          kind.check_schema(schema)
          validator = kind(schema)
          print(json.dumps([validator.is_valid(value) for value in values]))
      except (jsonschema.SchemaError, RecursionError):
          print("null")
  """

@Suite("Random schemas and values")
struct PropertyTests {
  @Test("never need more than their steps, and mean the same in any order of keys and spelling")
  func properties() throws {
    var generator = RandomSchema(random: SplitMix(state: 4))
    var counts = (valid: 0, invalid: 0, exhausted: 0, faults: 0)
    for round in 0..<8000 {
      generator.isWild = round % 2 == 0
      generator.isNew = round % 3 > 0
      let text = generator.schema()
      guard
        case .success(let schema) = compile(
          text, dialect: generator.isNew ? .draft2020 : .draft7, closed: round % 5 == 0)
      else {
        counts.faults += 1
        continue
      }
      for _ in 0..<4 {
        let value = generator.value(3)
        let document = try #require(decodeValue(value.utf8))
        let steps = generator.number(0..<3) == 0 ? generator.number(0..<60) : 100_000
        let verdict = schema.check(document, document.root, steps: steps)
        switch verdict {
        case .valid: counts.valid += 1
        case .invalid: counts.invalid += 1
        case .exhausted:
          counts.exhausted += 1
          #expect(steps < 60, "\(text) does not end with \(value)")
          continue
        }
        let other = try #require(decodeValue(Self.respelled(document, document.root).utf8))
        let again = schema.check(other, other.root, steps: 100_000)
        #expect((again == .valid) == (verdict == .valid), "\(text) with \(value)")
      }
    }
    #expect(counts.valid > 5000 && counts.invalid > 2000, "\(counts)")
    #expect(counts.exhausted > 100 && counts.faults > 100, "\(counts)")
  }

  /// The same value with its members in reverse and its numbers written otherwise.
  private static func respelled(_ document: Document, _ value: Value) -> String {
    let text = String(decoding: document.bytes[value.range], as: UTF8.self)
    switch value.kind {
    case .object:
      let members = document.members(of: value).map {
        "\"\(String(decoding: document.bytes[$0.key], as: UTF8.self))\":\(respelled(document, $0.value))"
      }
      return "{" + members.reversed().joined(separator: ",") + "}"
    case .array:
      return "["
        + document.elements(of: value).map { respelled(document, $0) }
        .joined(separator: ",") + "]"
    case .number:
      return text == "0"
        ? "-0.0"
        : text.contains("e") ? "10.00" : text.contains(".") ? "\(text)00e0" : "\(text)00e-2"
    default: return text
    }
  }

  @Test("any bytes for a schema and a value end in an answer")
  func mutations() throws {
    var generator = RandomSchema(random: SplitMix(state: 99))
    var answers = 0
    for _ in 0..<10_000 {
      var bytes = Array(generator.schema().utf8)
      for _ in 0..<generator.number(1..<4) {
        let at = generator.number(0..<bytes.count)
        switch generator.number(0..<3) {
        case 0: bytes[at] = UInt8(generator.number(0x20..<0x7f))
        case 1: bytes.remove(at: at)
        default: bytes.insert(contentsOf: bytes[at..<min(at + 6, bytes.count)], at: at)
        }
      }
      guard let document = decodeValue(bytes),
        let schema = try? Schema(compiling: document, at: document.root)
      else { continue }
      let value = try #require(decodeValue(generator.value(3).utf8))
      _ = schema.check(value, value.root, steps: 10_000)
      _ = schema.check(document, document.root, steps: 10_000)
      answers += 1
    }
    #expect(answers > 300)
  }

  @Test(
    "come out as Python's jsonschema has them",
    .enabled(
      if: mustWork || FileManager.default.isExecutableFile(atPath: python.path),
      "it is not here; Tests/Commands/servers.py jsonschema fetches it"))
  func differential() throws {
    var generator = RandomSchema(random: SplitMix(state: 2012))
    let cases = (0..<4000).map { index in
      generator.isNew = index % 3 > 0
      return (
        isNew: generator.isNew, schema: generator.schema(),
        values: (0..<10).map { _ in
          generator.value(3)
        }
      )
    }
    let place = FileManager.default.temporaryDirectory.appending(path: "schemas-\(UUID())")
    defer { try? FileManager.default.removeItem(at: place) }
    let lines = cases.map {
      "[\($0.isNew),\($0.schema),[\($0.values.joined(separator: ","))]]\n"
    }
    try lines.joined().write(to: place, atomically: false, encoding: .utf8)
    let process = Process()
    process.executableURL = python
    process.arguments = ["-c", script, place.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let answers = output.fileHandleForReading.readDataToEndOfFile().split(separator: 10)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0 && answers.count == cases.count)
    var compared = 0
    for (item, answer) in zip(cases, answers) {
      let expected = try JSONSerialization.jsonObject(with: answer, options: .fragmentsAllowed)
      let dialect: SchemaDialect = item.isNew ? .draft2020 : .draft7
      switch compile(item.schema, dialect: dialect) {
      case .failure(let fault):
        // Only what refers to itself without end; it need not come to that with every value.
        #expect(fault.kind == .endless, "\(fault) in \(item.schema)")
      case .success(let schema):
        guard let expected = expected as? [Bool] else {
          Issue.record("Python refuses \(item.schema)")
          continue
        }
        for (value, wanted) in zip(item.values, expected) {
          let document = try #require(decodeValue(value.utf8))
          let verdict = schema.check(document, document.root, steps: 100_000)
          #expect((verdict == .valid) == wanted, "\(value) against \(item.schema)")
          compared += 1
        }
      }
    }
    #expect(compared > 30_000)
  }
}
