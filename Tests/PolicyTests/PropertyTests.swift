import Generators
import Foundation
import Profile
import Testing
import Wire

@testable import Policy

@Suite("Whatever the two sides send")
struct PropertyTests {
  static let allowed: Set<String> = ["read", "list"]
  static let methodsToServer: Set<String> = [
    "initialize", "server/discover", "ping", "tools/list", "tools/call",
    "notifications/initialized", "notifications/cancelled", "notifications/progress",
  ]
  static let methodsToClient: Set<String> = [
    "ping", "notifications/cancelled", "notifications/progress", "notifications/tools/list_changed",
  ]

  /// What has gone over the two wires, and what that forbids.
  struct Ledger {
    /// How often the client asked under an id and was not answered.
    var open: [String: Int] = [:]
    /// What the server was asked last under an id.
    var asked: [String: String] = [:]
    var faults: [String] = []

    func json(_ line: String) -> [String: Any] {
      (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any] ?? [:]
    }

    func key(_ id: Any?) -> String { "\(type(of: id as Any)) \(id as Any)" }

    mutating func client(sent line: String) {
      let message = json(line)
      if message["method"] != nil, let id = message["id"] { open[key(id), default: 0] += 1 }
    }

    mutating func client(sees line: String) {
      let message = json(line)
      if let method = message["method"] as? String {
        if !PropertyTests.methodsToClient.contains(method) { faults.append("client saw \(line)") }
        return
      }
      let id = key(message["id"])
      if open[id, default: 0] < 1 {
        faults.append("client saw an answer to nothing: \(line)")
      }
      open[id, default: 0] -= 1
      let result = message["result"] as? [String: Any]
      let tools = asked[id] == "tools/list" ? result?["tools"] : nil
      for tool in tools as? [[String: Any]] ?? [] {
        if !PropertyTests.allowed.contains(tool["name"] as? String ?? "?") {
          faults.append("client saw a hidden tool: \(line)")
        }
      }
      let isHandshake = ["initialize", "server/discover"].contains(asked[id])
      let capabilities = (isHandshake ? result?["capabilities"] : nil) as? [String: Any] ?? [:]
      if capabilities.keys.contains(where: { $0 != "tools" }) {
        faults.append("client saw denied capabilities: \(line)")
      }
    }

    mutating func server(sees line: String) {
      let message = json(line)
      guard let method = message["method"] as? String else { return }
      if !PropertyTests.methodsToServer.contains(method) { faults.append("server saw \(line)") }
      if let id = message["id"] { asked[key(id)] = method }
      let params = message["params"] as? [String: Any]
      if method == "tools/call" {
        if !PropertyTests.allowed.contains(params?["name"] as? String ?? "?") {
          faults.append("server saw a hidden tool: \(line)")
        }
      }
      let meta = params?["_meta"] as? [String: Any]
      let declared = [
        params?["capabilities"], meta?["io.modelcontextprotocol/clientCapabilities"],
      ]
      for case let capabilities as [String: Any] in declared where !capabilities.isEmpty {
        faults.append("server saw denied capabilities: \(line)")
      }
    }
  }

  static func id(_ generator: inout SplitMix) -> String {
    ["1", "2", "3", "4", #""1""#, #""2""#, #""a""#, #""\#(Scenario.ownPrefix)1""#]
      .randomElement(using: &generator) ?? "1"
  }

  static func clientLine(_ generator: inout SplitMix) -> String {
    let id = id(&generator)
    let meta =
      [
        "", #","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#,
        #","_meta":{"progressToken":\#(id),"io.modelcontextprotocol/clientCapabilities":{"roots":{}}}"#,
      ].randomElement(using: &generator) ?? ""
    let name =
      ["read", "list", "write", "READ", "read ", "réad", "rea\\u0064", "x\\u0000"]
      .randomElement(using: &generator) ?? ""
    return [
      #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(name)"\#(meta)}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(name)"\#(meta)}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/list","params":{"a":1\#(meta)}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"method":"initialize","params":{"capabilities":{"sampling":{}}}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"method":"server/discover","params":{"a":1\#(meta)}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"method":"resources/read","params":{"uri":"a:b"}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"method":"prompts/list"}"#,
      #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(id)}}"#,
      #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":\#(id)}}"#,
      #"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#,
      #"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"\#(name)"}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"result":{}}"#,
    ].randomElement(using: &generator) ?? ""
  }

  static func serverLine(_ generator: inout SplitMix) -> String {
    let id = id(&generator)
    let tool = ["read", "write", "list", "Read"].randomElement(using: &generator) ?? ""
    let cursor =
      ["", #","nextCursor":"a""#, #","nextCursor":"b""#]
      .randomElement(using: &generator) ?? ""
    return [
      #"{"jsonrpc":"2.0","id":\#(id),"result":{"content":[],"isError":false}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"result":{"tools":[{"name":"\#(tool)"},{"name":"read"}]\#(cursor)}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"result":{"capabilities":{"prompts":{},"tools":{}}}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"result":{"resultType":"input_required","inputRequests":{"a":{}}}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32042,"message":"x"}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-1,"message":"x"}}"#,
      #"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"x"}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"method":"sampling/createMessage","params":{}}"#,
      #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(id)}}"#,
      #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":\#(id)}}"#,
      #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
      #"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":1}}"#,
      #"{"jsonrpc":"2.0","id":\#(id),"result":{},"result":{}}"#,
    ].randomElement(using: &generator) ?? ""
  }

  @Test(
    "the client sees only answers to its own questions, the server only what is allowed",
    arguments: UInt64(1)...8, [false, true])
  func interleaving(_ seed: UInt64, _ isBounded: Bool) {
    var profile = Profile(name: "test")
    profile.tools = .unchecked(
      .names(PropertyTests.allowed.sorted().map { Located($0, line: 1, column: 1) }))
    profile.messages.inFlight = 6
    if isBounded {
      profile.messages.ownTimeout = 2
      profile.tools.limits.timeout = .seconds(1)
      profile.tools.limits.inFlight = Located(2)
      profile.tools.limits.rate = Located(Profile.Rate(1, per: .second, burst: 2))
      var breaker = Profile.Breaker()
      (breaker.failures, breaker.minimum, breaker.window, breaker.pause) = (3, 3, 3, 1)
      profile.tools.limits.breaker = .on(breaker)
    }
    var generator = SplitMix(state: seed)
    var player = Player(profile: profile)
    var ledger = Ledger()
    var forwarded = 0
    var reasons: Set<String> = []
    for _ in 0..<3_000 {
      if isBounded, Int.random(in: 0..<4, using: &generator) == 0 {
        let outcome = player.pass(Int64.random(in: 0...600_000, using: &generator))
        for output in outcome.lines {
          let text = String(output.dropFirst(4))
          if output.hasPrefix("=>C ") {
            ledger.client(sees: text)
          } else {
            ledger.server(sees: text)
          }
        }
        reasons.formUnion(outcome.facts)
      }
      let isClient = Bool.random(using: &generator)
      let line =
        isClient
        ? PropertyTests.clientLine(&generator) : PropertyTests.serverLine(&generator)
      if isClient { ledger.client(sent: line) }
      let fails = Int.random(in: 0..<20, using: &generator) == 0
      let outcome = player.send(
        Array(line.utf8), from: isClient ? .client : .server, recordFails: fails)
      for output in outcome.lines {
        let text = String(output.dropFirst(4))
        if output.hasPrefix("=>C ") {
          ledger.client(sees: text)
        } else {
          ledger.server(sees: text)
          if isClient { forwarded += 1 }
        }
      }
      reasons.formUnion(outcome.facts)
      #expect(player.window.inFlight <= 6)
      #expect(!isBounded || player.window.client.calls <= 2)
      #expect(player.window.own.count == player.window.gathers.count)
    }
    // The positive control: something did pass.
    #expect(forwarded > 100)
    #expect(reasons.contains("reason \(Reason.timeout.rawValue)") == isBounded)
    let before = player.window.inFlight
    let ending = player.play("end")
    #expect(ending.lines.count == before)
    for output in ending.lines { ledger.client(sees: String(output.dropFirst(4))) }
    #expect(player.window.inFlight == 0)
    #expect(ledger.faults.count == 0, "\(ledger.faults.first ?? "")")
  }

  @Test("a tool that is not allowed never reaches the server, in any spelling")
  func spellings() throws {
    var profile = Profile(name: "test")
    profile.tools = .unchecked(.names([Located("read", line: 1, column: 1)]))
    var player = Player(profile: profile)
    let names = [
      "write", "Read", "READ", "read ", " read", "read\\u0000", "\\u0000read", "read\\t",
      "re\\u00ADad",
      "read\\u200b", "\\uFEFFread", "ｒｅａｄ", "re\u{301}ad", "rea", "readd", "read/../write", "",
      "\\u0077rite", "wr\\u0069te", "read\\\"", "rеad", "\\ud83d\\ude00",
    ]
    var number = 0
    for name in names {
      for template in [
        #"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"NAME"}}"#,
        #"{"params":{"arguments":{"name":"read"},"name":"NAME"},"id":ID,"method":"tools\/call","jsonrpc":"2.0"}"#,
        #"{"jsonrpc":"2.0","id":ID,"method":"tools\u002fcall","params":{"na\u006de":"NAME"}}"#,
        #" { "jsonrpc" : "2.0" , "id" : ID , "method" : "tools/call" , "params" : { "name" : "NAME" } } "#,
        #"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"NAME","Name":"read"}}"#,
        #"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"read","name":"NAME"}}"#,
        #"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"NAME","_meta":{"name":"read"}}}"#,
        #"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"NAME"}}"#,
      ] {
        number += 1
        let line = template.replacingOccurrences(of: "NAME", with: name)
          .replacingOccurrences(of: "ID", with: String(number))
        let outcome = player.send(Array(line.utf8), from: .client)
        #expect(!outcome.lines.contains { $0.hasPrefix("=>S ") }, "\(line)")
      }
    }
    // The positive control: the allowed one passes, in other spellings of the line as well.
    for line in [
      #"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"read"}}"#,
      #" {"params":{"name":"\u0072ead"},"id":"b","method":"tools/call","jsonrpc":"2.0"}"#,
    ] {
      let outcome = player.send(Array(line.utf8), from: .client)
      #expect(outcome.lines.count == 1)
      #expect(outcome.lines.first?.hasPrefix("=>S ") == true)
      #expect(outcome.lines.first?.contains(#""name":"read""#) == true)
    }
  }
}
