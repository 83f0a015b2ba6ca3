import Foundation
import Schema
import Synchronization
import Testing
import Wire

@Suite("What a hostile schema or value can cost")
struct BoundTests {
  @Test(
    "a schema that is not understood in full is a fault that says where",
    arguments: [
      (#"{"$schema":"https://example.com/own"}"#, .dialect, "/$schema"),
      (#"{"$schema":"http://json-schema.org/draft-03/schema#"}"#, .dialect, "/$schema"),
      (
        #"{"properties":{"a":{"$schema":"http://json-schema.org/draft-07/schema#"}}}"#, .dialect,
        "/properties/a"
      ),
      (#"{"$ref":"https://example.com/x"}"#, .remote, "/$ref"),
      (#"{"$ref":"other.json"}"#, .remote, "/$ref"),
      (#"{"$ref":"file:///etc/passwd"}"#, .remote, "/$ref"),
      (##"{"$ref":"#/$defs/none"}"##, .unresolved, "/$ref"),
      (##"{"$ref":"#none"}"##, .unresolved, "/$ref"), (##"{"$ref":"#%zz"}"##, .malformed, "/$ref"),
      (##"{"$ref":"#/$defs/a","$defs":{"a":7}}"##, .malformed, "/$defs/a"),
      (##"{"$ref":"#"}"##, .endless, ""), (##"{"allOf":[{"$ref":"#"}]}"##, .endless, ""),
      (##"{"$ref":"#/$defs/a","$defs":{"a":{"not":{"$ref":"#/$defs/a"}}}}"##, .endless, "/$defs/a"),
      (#"{"type":"strin"}"#, .malformed, "/type"), (#"{"type":7}"#, .malformed, "/type"),
      (#"{"items":[{}]}"#, .malformed, "/items"), (#"{"required":true}"#, .malformed, "/required"),
      (#"{"minimum":"1"}"#, .malformed, "/minimum"), (#"{"minItems":-1}"#, .malformed, "/minItems"),
      (#"{"maxLength":1.5}"#, .malformed, "/maxLength"), (#"{"enum":{}}"#, .malformed, "/enum"),
      (#"{"allOf":[]}"#, .malformed, "/allOf"), (#"{"multipleOf":0}"#, .malformed, "/multipleOf"),
      (#"{"multipleOf":1.2345678901234567891}"#, .malformed, "/multipleOf"),
      (#"{"uniqueItems":1}"#, .malformed, "/uniqueItems"), (#"[]"#, .malformed, ""),
      (#"{"properties":[]}"#, .malformed, "/properties"),
      (#"{"properties":{"a":1}}"#, .malformed, "/properties/a"),
      (#"{"pattern":"("}"#, .pattern, "/pattern"),
      (#"{"pattern":"(a)\\1"}"#, .pattern, "/pattern"),
      (
        #"{"patternProperties":{"\\p{Script=Greek}":{}}}"#, .pattern,
        "/patternProperties/\\\\p{Script=Greek}"
      ),
      (#"{"pattern":"(((a{99}){99}){99}){99}"}"#, .pattern, "/pattern"),
      (#"{"$id":"a#b"}"#, .malformed, "/$id"),
      (#"{"$defs":{"a":{"$id":"x"},"b":{"$id":"x"}}}"#, .malformed, ""),
    ] as [(String, SchemaFault.Kind, String)])
  func faults(_ schema: String, _ kind: SchemaFault.Kind, _ pointer: String) {
    let fault = check("1", against: schema).fault
    #expect(fault?.kind == kind)
    if !pointer.isEmpty { #expect(fault?.pointer == pointer) }
  }

  @Test("a schema that is too large or has too much in it is a fault")
  func sizes() {
    var limits = SchemaLimits(maxSize: 1000)
    let large = #"{"description":"\#(String(repeating: "x", count: 2000))"}"#
    guard case .failure(let fault) = compile(large, limits: limits) else {
      Issue.record("a schema of 2 KB passed for one of 1 KB")
      return
    }
    #expect(fault.kind == .tooLarge)
    limits = SchemaLimits(maxSteps: 100)
    let many = (0..<200).map { "\"k\($0)\":true" }.joined(separator: ",")
    guard case .failure(let fault) = compile("{\"properties\":{\(many)}}", limits: limits) else {
      Issue.record("200 keys passed for 100 steps")
      return
    }
    #expect(fault.kind == .tooLarge)
    limits = SchemaLimits(maxPatternStates: 100)
    let patterns = #"{"allOf":[{"pattern":"^a{60}$"},{"pattern":"^b{60}$"}]}"#
    guard case .failure(let fault) = compile(patterns, limits: limits) else {
      Issue.record("all patterns together have more states than allowed")
      return
    }
    #expect(fault.kind == .pattern)
  }

  @Test("what grows without bound ends with the steps, and never passes")
  func steps() {
    // Each level applies the next one twice: 2^40 evaluations.
    var levels = (0..<40).map {
      ##""l\##($0)":{"allOf":[{"$ref":"#/$defs/l\##($0 + 1)"},{"$ref":"#/$defs/l\##($0 + 1)"}]}"##
    }
    levels.append(#""l40":true"#)
    let bomb = ##"{"$ref":"#/$defs/l0","$defs":{\##(levels.joined(separator: ","))}}"##
    #expect(check("1", against: bomb) == .verdict(.exhausted))
    #expect(
      check("1", against: ##"{"not":\##(bomb.replacing("#/", with: "#/not/"))}"##)
        == .verdict(.exhausted))
    let long = String(repeating: "a", count: 50_000)
    for pattern in [
      "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){20}b", "^(?=(a+)+$)(?!(a*)*b)a", "(?<=(a+)+)b",
      "(((a?){9}){9}){9}b",
    ] {
      let schema = #"{"pattern":"\#(pattern)"}"#
      let verdict = check("\"\(long)!\"", against: schema, steps: 200_000)
      #expect(verdict == .verdict(.exhausted), "\(pattern)")
      #expect(check("\"aaaa!\"", against: schema) != .verdict(.exhausted), "\(pattern)")
    }
    let elements = (0..<3000).map { "{\"a\":\($0),\"b\":[\($0)]}" }.joined(separator: ",")
    #expect(check("[\(elements)]", against: #"{"uniqueItems":true}"#, steps: 100_000).isValid)
    #expect(
      check("[\(elements)]", against: #"{"uniqueItems":true}"#, steps: 2000)
        == .verdict(.exhausted))
    let wide = "{" + (0..<3000).map { "\"k\($0)\":0" }.joined(separator: ",") + "}"
    let turned = "{" + (0..<3000).reversed().map { "\"k\($0)\":0" }.joined(separator: ",") + "}"
    #expect(check(wide, against: "{\"const\":\(turned)}", steps: 50_000) == .verdict(.exhausted))
    #expect(check(wide, against: "{\"const\":\(wide)}", steps: 50_000).isValid)
  }

  /// Each of 20 levels applies the next one twice: a million evaluations of what is at the end.
  private func million(_ end: String) -> String {
    var levels = (0..<20).map {
      ##""l\##($0)":{"allOf":[{"$ref":"#/$defs/l\##($0 + 1)"},{"$ref":"#/$defs/l\##($0 + 1)"}]}"##
    }
    levels.append("\"l20\":\(end)")
    return ##"{"$ref":"#/$defs/l0","$defs":{\##(levels.joined(separator: ","))}}"##
  }

  @Test(
    "what takes time takes steps, however little the schema says about it",
    arguments: ["const", "enum", "pattern", "key", "required", "dependency", "equal key"])
  func lengths(_ kind: String) {
    // A value whose length the evaluations would be multiplied with; a step is some nanoseconds.
    let long = String(repeating: "x", count: 100_000)
    let (end, value) =
      switch kind {
      case "const": (#"{"const":"\#(long)"}"#, "\"\(long)\"")
      case "enum": (#"{"enum":["a","\#(long)"]}"#, "\"\(long)\"")
      case "pattern": (#"{"not":{"pattern":"^b"}}"#, "\"\(long)\\n\"")
      case "key": (#"{"patternProperties":{"^b":false}}"#, "{\"\(long)\":1}")
      case "required": (#"{"not":{"required":["a","b"]}}"#, "{\"\(long)\":1,\"a\":1}")
      case "dependency":
        (#"{"dependentRequired":{"a":["b"]},"dependentSchemas":{"c":{}}}"#, "{\"\(long)\":1}")
      default: (#"{"const":{"\#(long)":1}}"#, "{\"\(long)\":1}")
      }
    #expect(check(value, against: end).isValid)
    #expect(check(value, against: million(end), steps: 2_000_000) == .verdict(.exhausted))
    let short = value.replacing(long, with: "x")
    let same = end.replacing(long, with: "x")
    #expect(check(short, against: same, steps: 100).isValid)
  }

  @Test("addresses and pointers cost what they are long")
  func addresses() {
    func isTooLarge(_ schema: String) -> Bool {
      guard case .failure(let fault) = compile(schema) else { return false }
      return fault.kind == .tooLarge
    }
    func nested(_ base: Int, _ count: Int) -> String {
      let inner = (0..<count).map { ##""\##($0)":{"$id":"\##($0)"}"## }.joined(separator: ",")
      let path = String(repeating: "p", count: base)
      return ##"{"$id":"http://h/\##(path)/","$defs":{\##(inner)}}"##
    }
    #expect(!isTooLarge(nested(100, 1000)))
    #expect(isTooLarge(nested(9000, 1)))
    #expect(isTooLarge(nested(8000, 1000)))
    func pointers(_ key: Int, _ count: Int) -> String {
      let long = String(repeating: "k", count: key)
      let all = repeatElement(##"{"$ref":"#/$defs/z"}"##, count: count).joined(separator: ",")
      return ##"{"$defs":{"\##(long)":true,"z":{"type":"string"}},"allOf":[\##(all)]}"##
    }
    #expect(!isTooLarge(pointers(100, 2000)))
    #expect(isTooLarge(pointers(100_000, 2000)))
  }

  @Test("several schemas may share their steps")
  func sharedSteps() throws {
    let many = (0..<200).map { "\"k\($0)\":true" }.joined(separator: ",")
    var decoder = Decoder(limits: WireLimits())
    var document = Document()
    try decoder.decodeValue(Array("{\"properties\":{\(many)}}".utf8).span, into: &document)
    var steps = 1000
    var compiled = 0
    while steps > 0, compiled < 10 {
      do throws(SchemaFault) {
        _ = try Schema(compiling: document, at: document.root, steps: &steps)
        compiled += 1
      } catch {
        #expect(error.kind == .tooLarge)
        break
      }
    }
    #expect(compiled > 0 && compiled < 10)
  }

  @Test("depth is bounded in the value and in the schema")
  func depth() {
    let tree = ##"{"items":{"$ref":"#"},"type":"array"}"##
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(check(nested(200), against: tree).isValid)
    #expect(check(nested(1000), against: tree) == .verdict(.exhausted))
    #expect(check(nested(1000), against: #"{"const":\#(nested(1000))}"#) == .verdict(.exhausted))
    #expect(
      check("[\(nested(900)),\(nested(900))]", against: #"{"uniqueItems":true}"#)
        == .verdict(.exhausted))
    // A dynamic reference that comes back to itself is found out by depth alone.
    let dynamic = ##"""
      {"$id":"http://x.test/a","$dynamicAnchor":"n","allOf":[{"$ref":"b"}],"$defs":{
        "b":{"$id":"b","$dynamicAnchor":"n","not":{"$dynamicRef":"#n"}}}}
      """##
    #expect(check("1", against: dynamic) == .verdict(.exhausted))
    var deep = "true"
    for _ in 0..<300 { deep = #"{"allOf":[\#(deep)]}"# }
    #expect(check("1", against: deep) == .verdict(.exhausted))
    if case .failure(let fault) = compile(deep) { Issue.record("\(fault)") }
  }

  @Test("the deepest evaluation that can be asked for fits on a stack of two megabytes")
  func stack() throws {
    // Every call on the way that there can be, at each level: marks, a branch, an object, an array.
    var inPlace = "true"
    for _ in 0..<600 { inPlace = #"{"if":\#(inPlace),"else":false,"unevaluatedItems":true}"# }
    let below = ##"{"allOf":[{"properties":{"a":{"$ref":"#"}}}],"unevaluatedProperties":true}"##
    let arrays = String(repeating: "[", count: 600) + String(repeating: "]", count: 600)
    let objects =
      String(repeating: #"{"a":"#, count: 600) + "1" + String(repeating: "}", count: 600)
    let limits = SchemaLimits(maxSize: 1 << 20, maxDepth: 512)
    for (schema, value) in [
      (inPlace, "[]"), (below, objects), (##"{"contains":{"$ref":"#"}}"##, arrays),
      (#"{"const":\#(arrays)}"#, arrays), (#"{"const":\#(objects)}"#, objects),
      (##"{"uniqueItems":true}"##, "[\(arrays),2,3,4,5,6,7,8,9,\(objects)]"),
    ] {
      let compiled = try compile(schema, limits: limits).get()
      let document = try #require(decodeValue(value.utf8))
      let verdict = Mutex<SchemaVerdict?>(nil)
      let done = DispatchSemaphore(value: 0)
      let thread = Thread {
        let found = compiled.check(document, document.root, steps: 1_000_000)
        verdict.withLock { $0 = found }
        done.signal()
      }
      thread.stackSize = 2 << 20
      thread.start()
      done.wait()
      #expect(verdict.withLock { $0 } == .exhausted)
    }
  }

  @Test("the text of a reason is one short line without anything invisible")
  func words() throws {
    let name = #"\u0000\u001b[31m\u202e\u200b\u0085"# + String(repeating: "n", count: 500)
    let schema = #"{"additionalProperties":false,"required":["\#(name)"]}"#
    for value in [#"{"\#(name)":1}"#, "{}"] {
      let violation = try #require(check(value, against: schema).violation)
      for text in [violation.text, violation.pointer] {
        #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !$0.isUnseen })
        #expect(text.utf8.count < 400)
      }
    }
    let fault = try #require(check("1", against: #"{"$ref":"\#(name)"}"#).fault)
    #expect(fault.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && !$0.isUnseen })
    #expect(fault.description.utf8.count < 400)
  }
}
