import Schema
import Testing
import Wire

@Suite("A schema")
struct SchemaTests {
  @Test("refuses for a reason that says where and what")
  func reasons() throws {
    let schema = #"""
      {"type":"object","required":["path"],"additionalProperties":false,"properties":{
        "path":{"type":"string","minLength":2,"maxLength":4,"pattern":"^/"},
        "line":{"type":"integer","minimum":1,"exclusiveMaximum":1e2,"multipleOf":0.5},
        "tags":{"type":"array","uniqueItems":true,"maxItems":3,"items":{"enum":["a/b","c"]}},
        "mode":{"anyOf":[{"const":1},{"type":"null"}]},"pair":{"prefixItems":[true],"items":false},
        "none":false,"x~y":{"properties":{"z":{"oneOf":[true,true]}}},"n":{"not":{"type":"null"}}}}
      """#
    let cases: [(String, String, String, String)] = [
      ("[]", "", "type", "must be an object"),
      ("{}", "", "required", "must have \"path\""),
      (#"{"path":7}"#, "/path", "type", "must be a string"),
      (#"{"path":"/"}"#, "/path", "minLength", "must have at least 2 characters"),
      (
        #"{"path":"/\u00e9\u00e9\ud83d\ude00\n"}"#, "/path", "maxLength",
        "must have at most 4 characters"
      ),
      (#"{"path":"ab"}"#, "/path", "pattern", "must match the pattern that is asked for"),
      (#"{"path":"/a","line":1.5}"#, "/line", "type", "must be an integer"),
      (#"{"path":"/a","line":0}"#, "/line", "minimum", "must be at least 1"),
      (#"{"path":"/a","line":100.0}"#, "/line", "exclusiveMaximum", "must be less than 1e2"),
      (#"{"path":"/a","tags":["c","a/b","c"]}"#, "/tags/2", "uniqueItems", "is there twice"),
      (
        #"{"path":"/a","tags":["c","d"]}"#, "/tags/1", "enum",
        "must be one of the values that are listed"
      ),
      (
        #"{"path":"/a","tags":[1,2,3,4]}"#, "/tags/0", "enum",
        "must be one of the values that are listed"
      ),
      (#"{"path":"/a","mode":2}"#, "/mode", "anyOf", "must fit one of several forms and fits none"),
      (#"{"path":"/a","pair":[1,2]}"#, "/pair/1", "items", "is one item too many"),
      (#"{"path":"/a","none":1}"#, "/none", "false", "is not allowed"),
      (
        #"{"path":"/a","x~y":{"z":1}}"#, "/x~0y/z", "oneOf",
        "must fit exactly one of several forms and fits more"
      ),
      (#"{"path":"/a","n":null}"#, "/n", "not", "must not have the form that it has"),
      (
        #"{"path":"/a","b/\u202e\"":1}"#, #"/b~1\u{202e}\""#, "additionalProperties",
        #""b/\u{202e}\"" is not allowed here"#
      ),
    ]
    for (value, pointer, keyword, words) in cases {
      #expect(
        check(value, against: schema).violation.map { [$0.pointer, $0.keyword, $0.text] }
          == [pointer, keyword, words], "\(value)")
    }
    #expect(
      check(
        #"{"tags":["a\/b","c"],"mode":null,"path":"/\ud83d\ude00","line":99.5e0,"pair":[0]}"#,
        against: schema.replacing("\"integer\"", with: "\"number\"")
      ).isValid)
  }

  @Test("numbers are compared by their digits, whatever their size")
  func numbers() {
    let cases: [(String, String, Bool)] = [
      (#"{"const":1}"#, "1.0", true), (#"{"const":1}"#, "100e-2", true),
      (#"{"const":0}"#, "-0.0e5", true), (#"{"const":10}"#, "1", false),
      (#"{"enum":[1,2,3]}"#, "2", true), (#"{"enum":[1,23]}"#, "123", false),
      (#"{"maximum":9007199254740992}"#, "9007199254740993", false),
      (#"{"maximum":9007199254740993}"#, "9007199254740992.5", true),
      (#"{"minimum":-1e400}"#, "-2e400", false), (#"{"minimum":-1e400}"#, "-1e400", true),
      (#"{"exclusiveMaximum":0.1}"#, "0.1000000000000000000000", false),
      (#"{"exclusiveMaximum":0.1}"#, "0.0999999999999999999999", true),
      (#"{"multipleOf":0.01}"#, "19.99", true), (#"{"multipleOf":0.01}"#, "19.999", false),
      (#"{"multipleOf":3}"#, "1e300", false), (#"{"multipleOf":3}"#, "3e300", true),
      (#"{"multipleOf":7}"#, "1000000000000000000000000000000000000000000000000000007", false),
      (#"{"multipleOf":7}"#, "7000000000000000000000000000000000000000000000000000007", true),
      (#"{"multipleOf":0.0001}"#, "0.00751", false), (#"{"multipleOf":1e-8}"#, "12391239123", true),
      (#"{"type":"integer"}"#, "1e400", true), (#"{"type":"integer"}"#, "1.5e1", true),
      (#"{"type":"integer"}"#, "1e-1", false), (#"{"type":"integer"}"#, "0e-99", true),
      (#"{"uniqueItems":true}"#, "[1,10,1.0]", false),
      (#"{"uniqueItems":true}"#, "[0,1,2,3,4,5,6,7,8,9,10,10e0]", false),
      (#"{"uniqueItems":true}"#, "[0,1,2,3,4,5,6,7,8,9,10,true,\"1\",[1],[[1]],{\"a\":1}]", true),
      (#"{"uniqueItems":true}"#, #"[{"a":1,"b":[2]},1,2,3,4,5,6,7,8,{"b":[2.0],"a":1}]"#, false),
      (#"{"uniqueItems":true}"#, "[0,1,2,3,4,5,6,7,8,9,-0.0]", false),
      (#"{"uniqueItems":true}"#, "[0,1,2,3,4,5,6,7,8,-120,-1.2e2]", false),
      (#"{"uniqueItems":true}"#, "[0,1,2,3,4,5,6,7,8,1e17,100000000000000000]", false),
      (#"{"uniqueItems":true}"#, "[0,1,2,3,4,5,6,7,8,1e18,1000000000000000000]", false),
      (#"{"uniqueItems":true}"#, "[0,1,2,3,4,5,6,7,8,1e30,10.00e29]", false),
      (#"{"uniqueItems":true}"#, "[0,1,2,3,4,5,6,7,8,0.5,5e-1]", false),
      (#"{"uniqueItems":true}"#, "[0,1,2,3,4,5,6,7,8,1e18,1e19,-1,-1e18,0.1,0.01]", true),
      (#"{"minLength":2.0}"#, "\"a\"", false), (#"{"minLength":2.0}"#, "\"ab\"", true),
    ]
    for (schema, value, isValid) in cases {
      #expect(check(value, against: schema).isValid == isValid, "\(value) against \(schema)")
    }
    let beyond = "1e999999999999999999999"
    #expect(check(beyond, against: #"{"maximum":5}"#) == .verdict(.exhausted))
    #expect(check(beyond, against: #"{"type":"integer"}"#) == .verdict(.exhausted))
    #expect(check(beyond, against: #"{"type":"number"}"#).isValid)
    #expect(check("0e999999999999999999999", against: #"{"maximum":5}"#).isValid)
    for keyword in ["maximum", "multipleOf", "const"] {
      let fault = check("1", against: #"{"\#(keyword)":\#(beyond)}"#).fault
      #expect(fault?.kind == .tooLarge && fault?.pointer == "/\(keyword)")
    }
  }

  @Test(
    "closed, it refuses keys that it does not name, and only those",
    arguments: [
      (#"{"type":"object"}"#, #"{}"#, #"{"a":1}"#),
      (#"{}"#, #"7"#, #"{"a":1}"#),
      (#"true"#, #"{}"#, #"{"a":1}"#),
      (#"{"properties":{"a":{}}}"#, #"{"a":{"b":1}}"#, #"{"a":1,"b":1}"#),
      (#"{"patternProperties":{"^x-":{}},"required":["x-1"]}"#, #"{"x-1":1}"#, #"{"x-1":1,"a":2}"#),
      (
        #"{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}"#, #"{"a":1,"b":1}"#,
        #"{"a":1,"c":1}"#
      ),
      (##"{"$ref":"#/$defs/x","$defs":{"x":{"properties":{"a":{}}}}}"##, #"{"a":1}"#, #"{"c":1}"#),
      (
        #"{"anyOf":[{"properties":{"a":{"type":"null"}},"required":["a"]},{"properties":{"b":{}}}]}"#,
        #"{"a":null,"b":1}"#, #"{"a":1,"b":1}"#
      ),
      (
        #"{"if":{"properties":{"k":{"const":1}}},"then":{"properties":{"a":{}}}}"#,
        #"{"k":1,"a":1}"#, #"{"k":2,"a":1}"#
      ),
      (
        #"{"properties":{"a":{}},"dependentSchemas":{"a":{"properties":{"b":{}}}}}"#,
        #"{"a":1,"b":1}"#, #"{"b":1}"#
      ),
      (#"{"not":{"properties":{"a":{"const":1}},"required":["a"]}}"#, #"{}"#, #"{"a":2}"#),
      (##"{"properties":{"a":{"$ref":"#"}}}"##, #"{"a":{"b":1}}"#, #"{"b":1}"#),
      (
        #"{"anyOf":[{"required":["a"],"additionalProperties":true},{"required":["b"]}]}"#,
        #"{"a":1,"z":1}"#, #"{"b":1,"z":1}"#
      ),
    ])
  func closed(_ schema: String, _ good: String, _ bad: String) {
    #expect(check(good, against: schema, closed: true).isValid)
    #expect(check(bad, against: schema, closed: true).violation?.keyword == "closed")
    #expect(check(good, against: schema).isValid && check(bad, against: schema).isValid)
  }

  @Test(
    "what opens itself stays open when it is closed",
    arguments: [
      #"{"additionalProperties":true}"#, #"{"additionalProperties":{}}"#,
      #"{"unevaluatedProperties":true}"#, #"{"allOf":[{"additionalProperties":true}]}"#,
      #"{"anyOf":[{"unevaluatedProperties":{}}]}"#,
      ##"{"$ref":"#/$defs/o","$defs":{"o":{"additionalProperties":{"type":"integer"}}}}"##,
    ])
  func open(_ schema: String) {
    #expect(check(#"{"a":1}"#, against: schema, closed: true).isValid)
  }

  @Test("a document that is larger than the schema and the value gives the same verdict")
  func inPlace() throws {
    let document = try #require(
      decodeValue(
        #"{"x":[1,{"type":"array","items":{"type":"integer"}}],"y":{"z":[1,2,"3"],"w":[1,2]}}"#.utf8
      ))
    let list = try #require(document.member("x", of: document.root))
    let schemaAt = try #require(Array(document.elements(of: list)).last)
    let y = try #require(document.member("y", of: document.root))
    let bad = try #require(document.member("z", of: y))
    let good = try #require(document.member("w", of: y))
    let schema = try Schema(compiling: document, at: schemaAt)
    #expect(schema.check(document, good, steps: 100) == .valid)
    guard case .invalid(let violation) = schema.check(document, bad, steps: 100) else {
      Issue.record("a string passed for an integer")
      return
    }
    #expect(violation.description == "/2 must be an integer")
  }
}
