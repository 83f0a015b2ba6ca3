import Foundation
import Linux
import Testing
import Wire

@testable import Confinement
@testable import Session

@Suite("Refused system calls on their way to the record", .serialized)
struct DenialTests {
  private let sync = DeniedCall(number: 162), mount = DeniedCall(number: 165)

  private func entry(
    _ call: DeniedCall, _ errno: UInt16, _ count: Int64 = 1, fresh: Bool = true
  ) -> DenialCounts.Entry {
    DenialCounts.Entry(call: call, errno: errno, count: count, isFresh: fresh)
  }

  @Test("a message carries what was refused, and nothing else is taken for one")
  func messages() throws {
    let entries = [
      entry(sync, 38), entry(mount, 1, 7, fresh: false),
      entry(DeniedCall(number: .max), 95, 0x3fff_ffff, fresh: false),
      entry(DeniedCall(number: 0), 1),
    ]
    let message = ControlMessage.denials(entries[...])
    #expect(message.kind == .denied)
    #expect(try #require(ControlMessage(message.bytes)).denials == entries)
    // More than fits is for the next message, and a number that is too large is cut.
    let many = Array(repeating: entry(sync, 38, .max), count: 9)
    let first = try #require(ControlMessage.denials(many[...]).denials)
    #expect(first.count == ControlMessage.denialsAtOnce)
    #expect(first.allSatisfy { $0.count == 0x3fff_ffff })
    for number: Int64 in [
      -1, 1, 1 << 32, 513 | 1 << 16 | 1 << 32, 0xffff | 1 << 16 | 1 << 32, 1 << 16, .min,
    ] {
      #expect(ControlMessage(.denied, [number]).denials == nil, "\(number)")
    }
  }

  @Test("a relay that reads nothing is told of refusals only as long as there is room for the rest")
  func room() throws {
    let pair = try Descriptor.socketPair()
    let message = ControlMessage.denials([entry(sync, 38)][...])
    var told = 0
    while told < 5_000, try message.sendIfRead(to: pair.ours.rawValue) { told += 1 }
    #expect(told > 8 && told < 5_000)
    // What has to be said still goes, and does not wait.
    for _ in 0..<told {
      let count = try Descriptor.write(
        pair.ours.rawValue, ControlMessage(.stop).bytes, 0..<ControlMessage.size,
        transfer: .socket)
      #expect(count == ControlMessage.size)
    }
    // The control: once it reads, it is told again.
    for _ in 0..<2 * told {
      #expect(try ControlMessage.receive(from: pair.theirs.rawValue) != nil)
    }
    #expect(throws: Errno.wouldBlock) {
      try ControlMessage.receive(from: pair.theirs.rawValue)
    }
    #expect(try message.sendIfRead(to: pair.ours.rawValue))
  }

  @Test("a refusal is recorded with the calls of tools that are in flight, the next ones counted")
  func recorded() throws {
    let relay = try RelayHarness(tools: "[echo, work]", diagnosis: "/etc/trial.yaml:7")
    try relay.write(relay.clientInput, call(1) + "\n" + call(2, "work") + "\n")
    #expect(try relay.line(relay.serverInput) == call(1))
    #expect(try relay.line(relay.serverInput) == call(2, "work"))
    func tell(_ entries: [DenialCounts.Entry]) throws {
      try ControlMessage.denials(entries[...]).send(to: relay.control, waiting: true)
    }
    try tell([entry(sync, 38)])
    try tell([entry(sync, 38)])
    try tell([entry(mount, 1), entry(sync, 38, 500, fresh: false)])
    let hint = try #require(try relay.line(relay.errorOutput))
    #expect(
      hint
        == #"anchorhold: hint: the server was refused the system call "sync" (ENOSYS) during one of "#
        + #"the tools "echo", "work"; syscalls: {add: [sync]} in /etc/trial.yaml:7 would allow it"#)
    #expect(
      try #require(try relay.line(relay.errorOutput)).hasSuffix(
        "; nothing allows it (mounts: the view of the file system is fixed when the cell is sealed)"
      ))
    try relay.write(relay.serverOutput, result(1) + "\n" + result(2) + "\n")
    #expect(try relay.line(relay.clientOutput) == result(1))
    #expect(try relay.line(relay.clientOutput) == result(2))
    // Another tool, or none: a record of its own.
    try tell([entry(sync, 38)])
    _ = try relay.finish()
    #expect(
      try relay.line(relay.errorOutput)
        == "anchorhold: hint: refused system calls of this session: sync 503, mount 1")
    let records = try relay.records()
    let denials = records.filter { $0["kind"] as? String == "denial" }
    #expect(denials.map { $0["call"] as? String } == ["sync", "mount", "sync"])
    #expect(denials.map { $0["errno"] as? String } == ["ENOSYS", "EPERM", "ENOSYS"])
    #expect(denials[0]["allow"] as? String == "syscalls: {add: [sync]}")
    #expect(denials[1]["allow"] is NSNull)
    let during = try #require(denials[0]["during"] as? [[String: Any]])
    #expect(during.map { $0["tool"] as? String } == ["echo", "work"])
    #expect(during.map { $0["id"] as? Int } == [1, 2])
    #expect(denials.map { $0["in_flight"] as? Int } == [2, 2, 0])
    var counted = 0
    for record in records where record["kind"] as? String == "counts" {
      for count in try #require(record["counts"] as? [[String: Any]]) {
        #expect(count["kind"] as? String == "denial" && count["call"] as? String == "sync")
        counted += try #require(count["count"] as? Int)
      }
    }
    #expect(counted == 501)
  }

  @Test("without being asked the relay shows no hints, and records all the same")
  func quiet() throws {
    let relay = try RelayHarness()
    try ControlMessage.denials([entry(sync, 38)][...]).send(to: relay.control, waiting: true)
    #expect(try relay.line(relay.errorOutput, milliseconds: 200) == nil)
    _ = try relay.finish()
    #expect(try relay.records().compactMap { $0["call"] as? String } == ["sync"])
  }

  @Test("records stay few however many tools there are")
  func bounded() {
    var denials = RelayDenials(diagnosis: nil)
    var news = 0
    for number in 0..<5_000 {
      let isFirst = denials.count(entry(sync, 38))
      let during = [(id: RequestID.integer(1), tool: Array("tool\(number)".utf8))]
      if denials.isNew(sync, isFirst: isFirst, during: during) { news += 1 }
    }
    #expect(news == RelayDenials.mostRecorded)
    // The first refusal of another call is still one that is recorded.
    var others: [Bool] = []
    for _ in 0..<2 {
      let isFirst = denials.count(entry(mount, 1))
      others.append(denials.isNew(mount, isFirst: isFirst, during: []))
    }
    #expect(others == [true, false])
  }

  @Test("at level container calls are told of, unless a container's filter answers first")
  func outerFilters() throws {
    let container = SeccompContainer(sharesUser: true, refusesSignals: true)
    for isLate in [false, true] {
      for isFiltered in [false, true] {
        let filter = try CellFilter(
          adding: [], container: container, isLate: isLate, isFiltered: isFiltered)
        #expect((filter.watch == .on) == !isFiltered)
        #expect((filter.server != nil) == isLate)
        let mount = filter.rules.returnValue(for: SeccompCall(number: 165))
        #expect(mount == (isFiltered ? SeccompAction.denied : .report(errno: 1)).returnValue)
        // Init of a late filter is never the one that is told of.
        let own = filter.program.rules.returnValue(for: SeccompCall(number: 165))
        #expect(!isLate || own == SeccompAction.denied.returnValue)
      }
    }
    #expect(try CellFilter(adding: [], isFiltered: true).watch == .on)
  }

  @Test("a server that may load filters of its own is not watched, and refused all the same")
  func ownFilters() throws {
    let filter = try CellFilter(adding: [.seccomp])
    guard case .off(let why) = filter.watch else {
      Issue.record("watched")
      return
    }
    #expect(why == "the profile lets the server load filters of its own")
    #expect(
      filter.program.rules.returnValue(for: SeccompCall(number: 165))
        == SeccompAction.denied.returnValue)
    // The control.
    var other = try CellFilter(adding: [.ptrace])
    #expect(other.watch == .on)
    try other.withoutListener(.busy)
    #expect(
      other.watch.reason
        == "this program itself runs under a filter that tells of calls: Device or resource busy")
    #expect(
      other.program.rules.returnValue(for: SeccompCall(number: 165))
        == SeccompAction.denied.returnValue)
  }
}
