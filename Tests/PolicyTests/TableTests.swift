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

  @Test("an id that is cancelled again after its late answer is remembered as long as any other")
  func secondGrave() {
    var table = RequestTable(capacity: 4)
    table.bury(.integer(-1))
    let late = table.exhume(.integer(-1))
    #expect(late)
    for number in 0..<Int64(Bounds.tombstones - 2) { table.bury(.integer(number)) }
    table.bury(.integer(-1))
    // The ring comes round to the first grave, which is empty.
    table.bury(.integer(7_000))
    #expect(table.isTaken(.integer(-1)))
    for number in 0..<Int64(Bounds.tombstones) { table.bury(.integer(8_000 + number)) }
    #expect(!table.isTaken(.integer(-1)))
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
    let rules = Rules(profile: .init(name: "x"))
    let one = Window(
      rules: rules, identifierSeed: [1, 2, 0xAB, 1, 2, 3, 4, 5, 6, 7, 8],
      questionSeed: [3])
    #expect(one.prefix == Array("anchorhold-0102ab-".utf8))
    // The server sees the ids: what lays out tables must not follow from them.
    let two = Window(
      rules: rules, identifierSeed: [1, 2, 0xAB, 1, 2, 3, 4, 5, 6, 7, 9],
      questionSeed: [3])
    #expect(two.prefix == one.prefix)
    #expect(two.seed != one.seed)
  }
}
