import Foundation
import Testing
import Wire

/// Pushes bytes through a framer in pieces of the given sizes; lines as text, `nil` for oversize.
private func frame(
  _ bytes: [UInt8], pieces: [Int], framer: inout LineFramer
) -> [String?] {
  var found: [String?] = []
  var at = 0
  var turn = 0
  while at < bytes.count {
    let size = min(max(pieces[turn % pieces.count], 1), bytes.count - at)
    turn += 1
    let count = framer.read { out in for byte in bytes[at..<at + size] { out.append(byte) } }
    #expect(count == size)
    at += size
    while let item = framer.next() {
      switch item {
      case .line(let range): found.append(text(framer.buffer[range]))
      case .oversize: found.append(nil)
      case .oversizeEnd: break
      }
    }
  }
  return found
}

@Suite("The line framer")
struct LineFramerTests {
  @Test("lines are the same however the bytes arrive", arguments: [1, 2, 3, 7, 64, 1000])
  func chunks(_ size: Int) {
    let lines = ["", "a", "bb\r", "\r", "ccc\rd", String(repeating: "e", count: 300), "é☃", "x"]
    let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
    let expected: [String?] = ["", "a", "bb", "", "ccc\rd", lines[5], "é☃", "x"]
    var framer = LineFramer(maxSize: 1000, chunk: 1000)
    #expect(frame(bytes, pieces: [size], framer: &framer) == expected)
    #expect(frame(bytes, pieces: [size, 1, 5], framer: &framer) == expected)
    #expect(framer.pending == 0)
  }

  @Test("other line ends of Unicode do not end a line")
  func onlyLineFeed() {
    var framer = LineFramer(maxSize: 100)
    let line = "a\u{2028}b\u{85}c\u{0B}d\re"
    #expect(frame(Array((line + "\n").utf8), pieces: [100], framer: &framer) == [line])
  }

  @Test("a line of exactly the limit passes, one byte more does not", arguments: ["\n", "\r\n"])
  func limit(_ end: String) {
    for chunk in [1, 10, 64, 200] {
      var framer = LineFramer(maxSize: 64, chunk: 256)
      let fits = String(repeating: "a", count: 64)
      let bytes = Array((fits + end + fits + "b" + end + "next" + end).utf8)
      #expect(frame(bytes, pieces: [chunk], framer: &framer) == [fits, nil, "next"])
    }
  }

  @Test("a line that has no end yet is pending and not given out")
  func half() {
    var framer = LineFramer(maxSize: 100)
    #expect(frame(Array("whole\nhal".utf8), pieces: [4], framer: &framer) == ["whole"])
    #expect(framer.pending == 3)
    #expect(frame(Array("f\n".utf8), pieces: [4], framer: &framer) == ["half"])
  }

  @Test("a line of 100 MB at a limit of 4 MiB is refused once, and never held")
  func hundredMegabytes() {
    var framer = LineFramer(maxSize: 4 << 20)
    var items: [LineFramer.Item] = []
    var largest = 0
    for _ in 0..<1600 {
      _ = framer.read { $0.append(repeating: UInt8(ascii: "x"), count: 64 << 10) }
      while let item = framer.next() { items.append(item) }
      largest = max(largest, framer.buffer.capacity)
    }
    #expect(items == [.oversize])
    #expect(largest <= 9 << 20)
    #expect(framer.pending == 0)
    #expect(framer.isDiscarding)
    #expect(frame(Array("\nnext\n".utf8), pieces: [6], framer: &framer) == ["next"])
    framer.shrink()
    #expect(framer.buffer.capacity < 1 << 20)
  }

  @Test("a failed read adds nothing and the error comes out")
  func failure() {
    struct Broken: Error {}
    var framer = LineFramer(maxSize: 100)
    _ = frame(Array("ab".utf8), pieces: [2], framer: &framer)
    #expect(throws: Broken.self) {
      try framer.read { (_: inout OutputSpan<UInt8>) throws(Broken) in throw Broken() }
    }
    #expect(frame(Array("c\n".utf8), pieces: [2], framer: &framer) == ["abc"])
  }
}
