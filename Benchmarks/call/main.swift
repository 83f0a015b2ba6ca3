// Where the time of a small call goes in the relay: decode, decide, record; the least of many rounds,
// nanoseconds for a call and its answer together. Nothing is read or written. The argument is the
// number of rounds, 40 if there is none.

import Audit
import Glibc
import Policy
import Profile
import Wire

let profileText = """
  version: 1
  name: bench
  extends: static
  server: {command: [x]}
  tools: {allow: [echo, big, text, work, cheap, refused]}
  """
let list = #"""
  {"jsonrpc":"2.0","id":0,"result":{"tools":[{"name":"echo","description":"Echoes","inputSchema":{"type":"object","properties":{"path":{"type":"string","maxLength":4096},"limit":{"type":"integer","minimum":1,"maximum":100}},"required":["path"]}}]}}
  """#
let ask = #"{"jsonrpc":"2.0","id":0,"method":"tools/list"}"#

func question(_ id: Int) -> [UInt8] {
  Array(
    #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"echo","arguments":{"path":"/srv/data/report.txt","limit":10}}}"#
      .utf8)
}

func reply(_ id: Int) -> [UInt8] {
  Array(#"{"jsonrpc":"2.0","id":\#(id),"result":{"content":[{"type":"text","text":"ok"}]}}"#.utf8)
}

func now() -> Int64 {
  var time = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// What stands between two pipes in a relay.
struct Middle {
  var window: Window
  var decoder: Decoder
  var document = Document()
  var encoder = RecordEncoder(session: "0123456789abcdef")

  init() {
    let (loaded, _) = ProfileLoader(file: "bench").load(Array(profileText.utf8))
    guard let profile = loaded else { fatalError("the profile is wrong") }
    window = Window(
      rules: Rules(profile: profile), identifierSeed: [UInt8](repeating: 1, count: 24),
      questionSeed: [UInt8](repeating: 2, count: 16))
    decoder = Decoder(
      limits: WireLimits(maxSize: profile.messages.maxSize, maxDepth: profile.messages.maxDepth))
    guard case .forward = decide(Array(ask.utf8), .client).action else {
      fatalError("the list is not asked for")
    }
    _ = decide(Array(list.utf8), .server)
  }

  mutating func decode(_ line: [UInt8]) {
    do { try decoder.decode(line.span, into: &document) } catch {
      fatalError("a line cannot be decoded: \(error)")
    }
  }

  mutating func decide(_ line: [UInt8], _ side: Side) -> Decision {
    decode(line)
    return window.decide(document, from: side, at: 1)
  }

  mutating func record(_ event: Event) {
    var record = MessageRecord(
      kind: event.name == .request ? .request : .response, side: event.side,
      verdict: event.verdict.rawValue, rule: event.rule, bytesIn: event.bytesIn,
      method: event.method, id: event.id, tool: event.tool)
    record.bytesOut = event.bytesOut
    record.duration = event.duration
    record.outcome = event.outcome?.rawValue
    record.arguments = event.arguments
    encoder.append(record, of: document, at: Timestamp(microseconds: 1_700_000_000_000_000))
    if encoder.bytes.count > 32 << 10 { encoder.clear() }
  }
}

let calls = 20_000
let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 40
let questions = (1...calls).map(question)
let replies = (1...calls).map(reply)

/// Prints the nanoseconds of one call, the least of all rounds.
func measure(
  _ name: String, _ body: (inout Middle, [UInt8], [UInt8]) -> Void
) {
  var middle = Middle()
  var best = Int64.max
  for _ in 0..<rounds {
    let start = now()
    for index in 0..<calls { body(&middle, questions[index], replies[index]) }
    best = min(best, now() - start)
  }
  print("\(name): \(best / Int64(calls)) ns")
}

measure("decode") { middle, question, reply in
  middle.decode(question)
  middle.decode(reply)
}
measure("decode, decide") { middle, question, reply in
  guard case .forward = middle.decide(question, .client).action,
    case .forward = middle.decide(reply, .server).action
  else { fatalError("a call does not pass") }
}
measure("decode, decide, record") { middle, question, reply in
  middle.record(middle.decide(question, .client).event)
  middle.record(middle.decide(reply, .server).event)
}
