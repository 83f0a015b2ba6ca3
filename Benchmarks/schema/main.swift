import Schema
import Wire

// What a check of a call's arguments costs, beside the decode of the same line: the median of
// several interleaved rounds, in nanoseconds.

func decode(_ text: String) -> Document? {
  var decoder = Decoder(limits: WireLimits())
  var document = Document()
  do throws(WireError) {
    try decoder.decodeValue(Array(text.utf8).span, into: &document)
    return document
  } catch {
    return nil
  }
}

let small = #"""
  {"type":"object","required":["path","mode"],"properties":{"path":{"type":"string","minLength":1},
  "line":{"type":"integer","minimum":0,"maximum":100000},"recursive":{"type":"boolean"},
  "mode":{"enum":["fast","slow","auto"]},"limit":{"anyOf":[{"type":"integer"},{"type":"null"}]}}}
  """#
let withPattern = #"""
  {"type":"object","properties":{"address":
  {"type":"string","pattern":"^(?!\\.)[a-z0-9._-]+@([a-z0-9-]+\\.)+[a-z]{2,}$"}}}
  """#
let list =
  #"{"type":"object","properties":{"items":{"items":{"type":"integer"},"uniqueItems":true}}}"#
let cases: [(name: String, schema: String, arguments: String, count: Int)] = [
  (
    "5 arguments", small,
    #"{"path":"/src/app/main.swift","line":120,"recursive":true,"mode":"slow","limit":null}"#,
    200_000
  ),
  ("an address and its pattern", withPattern, #"{"address":"someone.else@example.com"}"#, 50_000),
  (
    "1,000 different integers", list,
    #"{"items":[\#((0..<1000).map { "\($0)" }.joined(separator: ","))]}"#, 500
  ),
]

func median(_ values: [Duration], _ count: Int) -> Double {
  let (seconds, attoseconds) = values.sorted()[values.count / 2].components
  return (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(count)
}

let clock = ContinuousClock()
print("check of arguments                    decode ns    check ns   ratio")
for item in cases {
  let line =
    #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"work","arguments":"#
    + item.arguments + "}}"
  let bytes = Array(line.utf8)
  guard let written = decode(item.schema),
    let schema = try? Schema(compiling: written, at: written.root, closed: true)
  else { fatalError("the schema of \(item.name) does not compile") }
  var decoder = Decoder(limits: WireLimits())
  var document = Document()
  var decoding: [Duration] = []
  var checking: [Duration] = []
  for _ in 0..<7 {
    decoding.append(
      try clock.measure {
        for _ in 0..<item.count { try decoder.decode(bytes.span, into: &document) }
      })
    guard let params = document.params,
      let arguments = document.member("arguments", of: params)
    else { fatalError("no arguments") }
    checking.append(
      clock.measure {
        for _ in 0..<item.count {
          guard schema.check(document, arguments, steps: 100_000) == .valid else {
            fatalError("\(item.name) is refused")
          }
        }
      })
  }
  let decode = median(decoding, item.count)
  let check = median(checking, item.count)
  func cell(_ value: Double, _ width: Int) -> String {
    let tenths = Int(value * 10 + 0.5)
    let text = "\(tenths / 10).\(tenths % 10)"
    return String(repeating: " ", count: max(0, width - text.utf8.count)) + text
  }
  let name = item.name + String(repeating: " ", count: max(0, 34 - item.name.utf8.count))
  print(name + cell(decode, 13) + cell(check, 12) + cell(check / decode, 8))
}
