import Foundation
import Linux
import Testing

@testable import Session

@Suite("The relay", .serialized)
struct RelayTests {
  @Test("a call goes to the server in its canonical form, its result comes back, both are recorded")
  func roundTrip() throws {
    let relay = try RelayHarness()
    try relay.write(
      relay.clientInput, " " + call(1).replacingOccurrences(of: ",", with: " , ") + "\r\n")
    #expect(try relay.line(relay.serverInput) == call(1))
    try relay.write(relay.serverOutput, result(1) + "\n")
    #expect(try relay.line(relay.clientOutput) == result(1))
    let counters = try relay.finish()
    #expect(counters.requests == 1)
    #expect(counters.refusals == 0)
    #expect(counters.nextSequence == 3)
    let records = try relay.records()
    #expect(records.map { $0["kind"] as? String } == ["request", "response"])
    #expect(records.map { $0["seq"] as? Int } == [1, 2])
  }

  @Test("nothing of the client is read before the monitor opens the window")
  func closedAtFirst() throws {
    let relay = try RelayHarness(opens: false)
    try relay.write(relay.clientInput, call(1) + "\n")
    #expect(try relay.line(relay.serverInput, milliseconds: 200) == nil)
    try relay.tell(.open)
    #expect(try relay.line(relay.serverInput) == call(1))
    _ = try relay.finish()
  }

  @Test("a tool that is not allowed never reaches the server; one that is does")
  func refusedTool() throws {
    let relay = try RelayHarness()
    try relay.write(relay.clientInput, call(1, "other") + "\n" + call(2) + "\n")
    let answer = try #require(try relay.line(relay.clientOutput))
    #expect(answer.contains("-32602") && answer.contains(#""id":1"#))
    #expect(try relay.line(relay.serverInput) == call(2))
    let counters = try relay.finish()
    #expect(counters.refusals >= 1)
  }

  @Test("rubbish on the server's stdout is dropped and recorded, and the session goes on")
  func rubbish() throws {
    let relay = try RelayHarness()
    try relay.write(relay.clientInput, call(1) + "\n")
    _ = try relay.line(relay.serverInput)
    try relay.write(relay.serverOutput, "Starting up...\n\n" + result(99) + "\n" + result(1) + "\n")
    #expect(try relay.line(relay.clientOutput) == result(1))
    let counters = try relay.finish()
    #expect(counters.drops == 3)
    let drops = try relay.records().filter { $0["kind"] as? String == "drop" }
    #expect(
      drops.map { $0["reason"] as? String } == ["json-syntax", "empty-line", "unmatched-response"])
  }

  @Test("a flood of rubbish makes few records and loses no count")
  func flood() throws {
    let relay = try RelayHarness()
    let count = 20_000
    let writer = Thread {
      let chunk = String(repeating: "rubbish\n", count: 1000)
      for _ in 0..<count / 1000 {
        do { try relay.write(relay.serverOutput, chunk) } catch { Issue.record(error) }
      }
      do { try relay.write(relay.serverOutput, result(1) + "\n") } catch { Issue.record(error) }
    }
    try relay.write(relay.clientInput, call(1) + "\n")
    _ = try relay.line(relay.serverInput)
    writer.start()
    #expect(try relay.line(relay.clientOutput, milliseconds: 30_000) == result(1))
    let counters = try relay.finish()
    #expect(counters.drops == Int64(count))
    let records = try relay.records()
    #expect(records.count < 2000)
    let single = records.filter { $0["kind"] as? String == "drop" }.count
    let grouped = records.flatMap { $0["counts"] as? [[String: Any]] ?? [] }
      .compactMap { $0["count"] as? Int }.reduce(0, +)
    #expect(single + grouped == count)
  }

  @Test("a half line at the end of the server's stdout is never forwarded, and calls are answered")
  func halfLine() throws {
    let relay = try RelayHarness()
    try relay.write(relay.clientInput, call(1) + "\n" + call(2) + "\n")
    _ = try relay.line(relay.serverInput)
    try relay.write(relay.serverOutput, result(1))
    _ = try relay.finish(status: 9)
    let first = try #require(try relay.line(relay.clientOutput))
    let second = try #require(try relay.line(relay.clientOutput))
    #expect(first.contains(#""id":1"#) && first.contains("was ended by a signal"))
    #expect(second.contains(#""id":2"#))
    #expect(try relay.line(relay.clientOutput) == nil)
    let reasons = try relay.records().compactMap { $0["reason"] as? String }
    #expect(reasons.contains("json-truncated"))
  }

  @Test("a line above the limit is refused with its first bytes gone, and the next one passes")
  func oversize() throws {
    let relay = try RelayHarness(maxSize: "64KiB")
    let chunk = String(repeating: "x", count: 1 << 20)
    try relay.write(relay.clientInput, #"{"jsonrpc":"2.0","id":1,"method":""#)
    for _ in 0..<20 { try relay.write(relay.clientInput, chunk) }
    try relay.write(relay.clientInput, "\"}\n" + call(2) + "\n")
    let answer = try #require(try relay.line(relay.clientOutput))
    #expect(answer.contains("-32600") && answer.contains("oversize"))
    #expect(try relay.line(relay.serverInput) == call(2))
    _ = try relay.finish()
  }

  @Test("when a record cannot be written the call is refused, and nothing of the client passes")
  func fullDisk() throws {
    let relay = try RelayHarness(audit: "/dev/full")
    let note = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
    try relay.write(relay.clientInput, call(1) + "\n" + note + "\n" + call(2) + "\n")
    let answer = try #require(try relay.line(relay.clientOutput))
    #expect(answer.contains(#""id":1"#) && answer.contains("audit"))
    #expect(try #require(try relay.line(relay.clientOutput)).contains(#""id":2"#))
    #expect(try relay.line(relay.serverInput, milliseconds: 200) == nil)
    _ = try relay.finish()
  }

  @Test("the end of the client's stdin is passed on after everything it wrote")
  func clientEnds() throws {
    let relay = try RelayHarness()
    let lines = (1...50).map { call($0) }
    try relay.write(relay.clientInput, lines.map { $0 + "\n" }.joined() + "{\"half\":")
    relay.close(relay.clientInput)
    for line in lines { #expect(try relay.line(relay.serverInput) == line) }
    #expect(try relay.line(relay.serverInput) == nil)
    #expect(try relay.hear() == .clientClosed)
    try relay.write(relay.serverOutput, result(50) + "\n")
    #expect(try relay.line(relay.clientOutput)?.contains("json-truncated") == true)
    #expect(try relay.line(relay.clientOutput) == result(50))
    _ = try relay.finish()
  }

  @Test("a client that reads no more ends the session")
  func clientGone() throws {
    let relay = try RelayHarness()
    try relay.write(relay.clientInput, call(1) + "\n")
    _ = try relay.line(relay.serverInput)
    relay.close(relay.clientOutput)
    try relay.write(relay.serverOutput, result(1) + "\n")
    var heard: [ControlMessage.Kind?] = []
    heard.append(try relay.hear())
    heard.append(try relay.hear())
    #expect(heard.contains(.clientGone) && heard.contains(.clientClosed))
    _ = try relay.finish()
  }

  @Test(
    "megabytes each way at once arrive whole and in order, although neither side hurries",
    arguments: [Transfer.nonblocking, .socket, .blocking])
  func bothWays(_ transfer: Transfer) throws {
    let relay = try RelayHarness(transfer: transfer)
    let payload = String(repeating: "a", count: 50_000)
    let count = 60
    let server = Thread {
      do {
        for id in 1...count {
          guard let line = try relay.line(relay.serverInput) else { return }
          #expect(line == call(id, "echo", #"{"x":"\#(payload)"}"#))
          if id % 10 == 0 { usleep(20_000) }
          try relay.write(relay.serverOutput, result(id, payload) + "\n")
        }
      } catch { Issue.record(error) }
    }
    let client = Thread {
      do {
        for id in 1...count {
          try relay.write(relay.clientInput, call(id, "echo", #"{"x":"\#(payload)"}"#) + "\n")
        }
      } catch { Issue.record(error) }
    }
    server.start()
    client.start()
    usleep(100_000)
    for id in 1...count { #expect(try relay.line(relay.clientOutput) == result(id, payload)) }
    _ = try relay.finish()
  }

  @Test("a server that reads nothing does not keep its answers from the client")
  func serverReadsNothing() throws {
    let relay = try RelayHarness()
    try relay.write(relay.clientInput, call(1) + "\n")
    _ = try relay.line(relay.serverInput)
    let client = Thread {
      let argument = #"{"x":"\#(String(repeating: "a", count: 100_000))"}"#
      // More than the pipes and our queue hold: this thread waits until the server's end closes.
      do {
        for id in 2..<20 {
          try relay.write(relay.clientInput, call(id, "echo", argument) + "\n")
        }
      } catch { Issue.record(error) }
    }
    client.start()
    usleep(200_000)
    let note = #"{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{}}"#
    for _ in 0..<100 { try relay.write(relay.serverOutput, note + "\n") }
    try relay.write(relay.serverOutput, result(1) + "\n")
    #expect(try relay.line(relay.clientOutput) == result(1))
    relay.close(relay.serverInput)
    for id in 2..<20 {
      #expect(try relay.line(relay.clientOutput)?.contains(#""id":\#(id),"#) == true)
    }
    _ = try relay.finish()
  }

  @Test("a client that does not read does not keep the server's stderr from being shown")
  func stalledClient() throws {
    let relay = try RelayHarness()
    let payload = String(repeating: "a", count: 1 << 20)
    try relay.write(relay.clientInput, call(1) + "\n")
    _ = try relay.line(relay.serverInput)
    let writer = Thread {
      do { try relay.write(relay.serverOutput, result(1, payload) + "\n") } catch {
        Issue.record(error)
      }
    }
    writer.start()
    try relay.write(relay.serverError, "still here\n")
    #expect(try relay.line(relay.errorOutput) == "anchorhold[trial]: still here")
    #expect(try relay.line(relay.clientOutput) == result(1, payload))
    _ = try relay.finish()
  }

  @Test("the server's stderr is cleaned, cut and bounded")
  func stderrLines() throws {
    let relay = try RelayHarness()
    try relay.write(
      relay.serverError,
      "plain\n\u{1B}[31mred\u{1B}[0m \u{1B}]0;title\u{07}x\n\u{202E}rtl\u{01}\n"
        + String(repeating: "y", count: 10_000) + "\nno end")
    #expect(try relay.line(relay.errorOutput) == "anchorhold[trial]: plain")
    #expect(try relay.line(relay.errorOutput) == "anchorhold[trial]: red x")
    #expect(try relay.line(relay.errorOutput) == #"anchorhold[trial]: \u{202e}rtl\x01"#)
    let long = try #require(try relay.line(relay.errorOutput))
    #expect(long.utf8.count < 4300 && long.hasSuffix("[cut; 10000 bytes]"))
    for _ in 0..<100 { try relay.write(relay.serverError, String(repeating: "z\n", count: 1000)) }
    let counters = try relay.finish()
    #expect(counters.stderrBytes > 200_000)
    var shown = 0
    var held = false
    while let line = try relay.line(relay.errorOutput) {
      shown += 1
      if line.contains("were held back]") { held = true }
    }
    #expect(held)
    #expect(shown < 5000)
    #expect(try relay.records().contains { $0["kind"] as? String == "stderr" })
  }
}
