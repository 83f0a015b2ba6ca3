import Testing
import Wire

@testable import Policy

@Suite("Tables")
struct TableTests {
  private func pending(token: RequestID? = nil) -> Pending {
    Pending(method: .ping, isStateless: false, rule: 0, started: 0, token: token)
  }

  @Test("an id is its type and its value")
  func identity() {
    var table = RequestTable(capacity: 4)
    table.insert(.integer(1), pending())
    #expect(table.isTaken(.integer(1)))
    #expect(!table.isTaken(.string(Array("1".utf8))))
    let foreign = table.remove(.string(Array("1".utf8)))
    let first = table.remove(.integer(1))
    let second = table.remove(.integer(1))
    #expect(foreign == nil && first != nil && second == nil)
    #expect(table.count == 0)
  }

  @Test("a token counts as long as one of its requests is in flight")
  func tokens() {
    var table = RequestTable(capacity: 4)
    table.insert(.integer(1), pending(token: .integer(9)))
    table.insert(.integer(2), pending(token: .integer(9)))
    #expect(table.hasToken(.integer(9)))
    _ = table.remove(.integer(1))
    #expect(table.hasToken(.integer(9)))
    _ = table.remove(.integer(2))
    #expect(!table.hasToken(.integer(9)))
  }

  @Test("cancelled requests are remembered up to a bound, the oldest forgotten first")
  func tombstones() {
    var table = RequestTable(capacity: 4)
    for number in 0..<Int64(Bounds.tombstones + 10) { table.bury(.integer(number)) }
    for number in 0..<Int64(10) { #expect(!table.isTaken(.integer(number))) }
    for number in 10..<Int64(Bounds.tombstones + 10) { #expect(table.isTaken(.integer(number))) }
    let found = table.exhume(.integer(500))
    let foundAgain = table.exhume(.integer(500))
    #expect(found && !foundAgain)
    #expect(!table.isTaken(.integer(500)))
  }

  @Test("all requests come out in the order in which they came")
  func order() {
    var table = RequestTable(capacity: 4)
    for number in [5, 3, 9, 1, 7] as [Int64] { table.insert(.integer(number), pending()) }
    let ids = table.removeAll().map(\.id)
    #expect(ids == [5, 3, 9, 1, 7].map { .integer($0) })
    #expect(table.count == 0)
  }

  @Test("a name is found by its bytes alone, among many")
  func names() {
    var table = NameTable(seed: 7)
    for number in 0..<1_000 {
      let isNew = table.insert(Array("tool-\(number)".utf8))
      #expect(isNew)
    }
    let again = table.insert(Array("tool-500".utf8))
    #expect(!again)
    #expect(table.count == 1_000)
    let line = Array("xxtool-77yy".utf8)
    #expect(table.number(of: 2..<9, in: line) == 77)
    #expect(table.number(of: 2..<10, in: line) == nil)
    #expect(table.number(of: 2..<6, in: line) == nil)
    #expect(table.number(of: 0..<0, in: line) == nil)
    let empty = table.insert([])
    #expect(empty)
    #expect(table.number(of: 0..<0, in: line) == 1_000)
  }

  @Test("the ids of our own requests come from the seed")
  func prefix() {
    let one = Window(rules: Rules(profile: .init(name: "x")), identifierSeed: [1, 2, 0xAB])
    #expect(one.prefix == Array("anchorhold-0102ab-".utf8))
  }
}
