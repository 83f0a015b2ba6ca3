import Profile
import Testing
import Wire

@testable import Policy

@Suite("Pins")
struct PinTests {
  static func entry(_ text: String) -> PinBook.Entry {
    PinBook.Entry(digest: sha256(Array(text.utf8)), text: Array(text.utf8))
  }

  static var full: PinBook {
    var book = PinBook()
    book.instructions = entry(#""Be kind.""#)
    book.tools = [:]
    for name in ["a", "b", "c"] {
      book.tools?[sha256(Array(name.utf8))] = entry(#"{"name":"\#(name)"}"#)
    }
    return book
  }

  @Test("are read back as they were written, whatever of them has been seen")
  func roundTrip() throws {
    var books = [PinBook(), PinTests.full]
    var partial = PinTests.full
    partial.tools = nil
    books.append(partial)
    partial = PinTests.full
    partial.instructions = nil
    books.append(partial)
    partial.tools = [:]
    books.append(partial)
    for book in books { #expect(try PinBook(book.bytes[...]) == book) }
    #expect(books.map(\.isIncomplete) == [true, false, true, true, true])
  }

  @Test("that are cut anywhere, or in which a byte of ours is another, are refused or say less")
  func damage() throws {
    let whole = PinTests.full.bytes
    for count in 0..<whole.count {
      let read = Result { () throws(PinBook.Fault) in try PinBook(whole[..<count]) }
      // Only where a line ends before the tools begin is a part of it one, too.
      if case .success(let book) = read { #expect(book.tools == nil, "\(count)") }
    }
    for change in ["x", "tools 3\n", "tool ", "\n", " "] {
      let more = whole + Array(change.utf8)
      #expect(throws: PinBook.Fault.self) { try PinBook(more[...]) }
    }
    let lines = whole.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    for (one, other) in [(2, 3), (0, 1), (1, 2)] {
      var turned = lines
      turned.swapAt(one, other)
      let text = Array(turned.joined(separator: [0x0A]))
      #expect(throws: PinBook.Fault.self) { try PinBook(text[...]) }
    }
    for count in ["03", "2", "4", "", "-1", "3000000000"] {
      var other = lines
      other[1] = Array("tools \(count)".utf8)
      let text = Array(other.joined(separator: [0x0A]))
      #expect(throws: PinBook.Fault.self) { try PinBook(text[...]) }
    }
  }

  @Test("have digests that are written and read as digits of one form")
  func digests() throws {
    let digest = sha256(Array("abc".utf8))
    let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(digest.text == Array(text.utf8))
    #expect(PinDigest(text: digest.text[...]) == digest)
    #expect(PinDigest(numbers: digest.numbers) == digest)
    #expect(PinDigest(text: Array(text.uppercased().utf8)[...]) == nil)
    #expect(PinDigest(text: digest.text.dropLast()) == nil)
    #expect(PinDigest(text: digest.text[...] + [0x30]) == nil)
    #expect(PinDigest.none.numbers == [0, 0, 0, 0])
  }

  @Test("know a value by what it says and not by how")
  func sorting() throws {
    func sorted(_ json: String) throws -> String {
      var decoder = Decoder(limits: WireLimits())
      var document = Document()
      let line = #"{"jsonrpc":"2.0","method":"m","params":{"v":\#(json)}}"#
      try decoder.decode(Array(line.utf8).span, into: &document)
      let params = try #require(document.params)
      let value = try #require(document.member("v", of: params))
      return String(decoding: document.sorted(value), as: UTF8.self)
    }
    let one = try sorted(#"{ "b" : [1, {"y":null, "x":true}], "a\u0062":"\u00e9\n", "":{} }"#)
    #expect(one == #"{"":{},"ab":"é\n","b":[1,{"x":true,"y":null}]}"#)
    #expect(try sorted(one) == one)
    // By bytes, where a shorter key comes before one that it begins.
    #expect(try sorted(#"{"aa":1,"a":2,"Z":3}"#) == #"{"Z":3,"a":2,"aa":1}"#)
    // The order of an array says something, and so does how a number is written.
    #expect(try sorted("[2,1]") != sorted("[1,2]"))
    #expect(try sorted("1.0") != sorted("1"))
  }

  @Test("that are new are given once, and not before there are tools")
  func taking() throws {
    let settings = PinSettings(isStrict: true, book: PinBook(), digest: sha256)
    var player = Player(profile: Profile(name: "t"), pins: settings)
    _ = player.play(#"> {"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#)
    _ = player.play(#"< {"jsonrpc":"2.0","id":0,"result":{"capabilities":{}}}"#)
    #expect(!player.window.hasPins)
    let early = player.window.takePins()
    #expect(early == nil)
    _ = player.play(#"> {"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
    _ = player.play(#"< {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"hidden"}]}}"#)
    #expect(player.window.hasPins)
    let taken = player.window.takePins()
    let pins = try #require(taken)
    #expect(!player.window.hasPins)
    let book = try PinBook(pins.bytes[...])
    // Also a tool that the profile does not show.
    #expect(book.tools?.count == 1)
    #expect(book.instructions?.text == Array("null".utf8))
    #expect(pins.instructions == sha256(Array("null".utf8)))
    #expect(pins.tools != .none)
    // A session that knows all of it has nothing to give.
    let again = PinSettings(isStrict: true, book: book, digest: sha256)
    var second = Player(profile: Profile(name: "t"), pins: again)
    _ = second.play(#"> {"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
    _ = second.play(#"< {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"hidden"}]}}"#)
    #expect(!second.window.hasPins)
  }
}
