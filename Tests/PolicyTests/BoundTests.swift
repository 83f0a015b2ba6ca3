import Profile
import Testing
import Wire

@testable import Policy

@Suite("Bounds")
struct BoundTests {
  private func player(inFlight: Int = 64) -> Player {
    var profile = Profile(name: "test")
    profile.tools = .unchecked(.everything(line: 3))
    profile.messages.inFlight = inFlight
    return Player(profile: profile)
  }

  @Test("an id of 1,024 bytes is kept, a longer one refused")
  func longID() {
    var player = player()
    let fits = String(repeating: "i", count: 1_024)
    let sent = player.play(#"> {"jsonrpc":"2.0","id":"\#(fits)","method":"ping"}"#)
    #expect(sent.lines.first?.hasPrefix("=>S ") == true)
    let refused = player.play(#"> {"jsonrpc":"2.0","id":"\#(fits)i","method":"ping"}"#)
    #expect(refused.lines.first?.hasPrefix("=>C ") == true)
    #expect(refused.facts.contains("reason bad-id"))
    #expect(player.window.inFlight == 1)
  }

  @Test("a list request whose _meta would have to be repeated at length is refused")
  func longMeta() {
    var player = player()
    let list = { (id: Int, meta: Int) in
      let value = String(repeating: "m", count: meta)
      return
        #"> {"jsonrpc":"2.0","id":\#(id),"method":"tools/list","params":{"_meta":{"k":"\#(value)"}}}"#
    }
    #expect(player.play(list(1, 60_000)).facts.contains("verdict pass"))
    #expect(player.play(list(2, 70_000)).facts.contains("reason too-long"))
  }

  @Test("under \"*\" a tool's name of 1,024 bytes passes, a longer one is unknown")
  func longName() {
    var player = player()
    let fits = String(repeating: "n", count: 1_024)
    let call = { (id: Int, name: String) in
      #"> {"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(name)"}}"#
    }
    #expect(player.play(call(1, fits)).facts.contains("verdict pass"))
    #expect(player.play(call(2, fits + "n")).facts.contains("reason unknown-tool"))
  }

  @Test("a list is gathered from 100 pages and no more")
  func hundredPages() throws {
    var player = player()
    var outcome = player.play(#"> {"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
    var id = "1"
    var pages = 0
    while outcome.lines.first?.hasPrefix("=>S ") == true {
      pages += 1
      try #require(pages <= 200)
      outcome = player.play(
        #"< {"jsonrpc":"2.0","id":\#(id),"result":{"nextCursor":"c\#(pages)","tools":[{"name":"t\#(pages)"}]}}"#
      )
      id = "\"\(Scenario.ownPrefix)\(pages)\""
    }
    #expect(pages == 100)
    #expect(outcome.facts.contains("reason list-pages"))
    #expect(outcome.lines.first?.contains(#"{"name":"t100"}]"#) == true)
    #expect(player.window.inFlight == 0)
    #expect(player.window.own.isEmpty)
    #expect(player.window.gathers.isEmpty)
  }

  @Test("the cancellations of a client do not grow the memory of a session")
  func cancellations() {
    var player = player(inFlight: 1)
    for number in 0..<5_000 {
      let sent = player.play(#"> {"jsonrpc":"2.0","id":\#(number),"method":"ping"}"#)
      #expect(sent.facts.contains("verdict pass"))
      let cancelled = player.play(
        #"> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(number)}}"#
      )
      #expect(cancelled.facts.contains("event notification"))
    }
    #expect(player.window.inFlight == 0)
    let late = player.play(#"< {"jsonrpc":"2.0","id":4999,"result":{}}"#)
    #expect(late.facts.contains("drop late-response"))
    let forgotten = player.play(#"< {"jsonrpc":"2.0","id":1,"result":{}}"#)
    #expect(forgotten.facts.contains("drop unmatched-response"))
  }

  @Test("durations are those of the clock that is passed in")
  func durations() throws {
    var player = player()
    player.now = 1_000
    _ = player.play(#"> {"jsonrpc":"2.0","id":1,"method":"ping"}"#)
    player.now = 5_000
    let outcome = player.play(#"< {"jsonrpc":"2.0","id":1,"result":{}}"#)
    #expect(try #require(outcome.decisions.first).event.duration == 4_000)
  }

  @Test("what is sent on must be recorded before; what stays need not")
  func mustRecord() throws {
    var player = player()
    let passed = player.play(
      #"> {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}"#)
    #expect(try #require(passed.decisions.first).event.mustRecordBefore)
    let refused = player.play(#"> {"jsonrpc":"2.0","id":1,"method":"nothing"}"#)
    #expect(try #require(refused.decisions.first).event.mustRecordBefore == false)
  }
}
