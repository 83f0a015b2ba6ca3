import Testing

@testable import Wire

/// What a framer of `maxSize` 64 tells of one line, read in pieces of `size` bytes.
private func identifier(_ line: String, pieces size: Int = 4096) -> RequestID? {
  var framer = LineFramer(maxSize: 64, chunk: 4096)
  let bytes = Array((line + "\n").utf8)
  var at = 0
  var items: [LineFramer.Item] = []
  while at < bytes.count {
    let end = min(at + size, bytes.count)
    _ = framer.read { out in for byte in bytes[at..<end] { out.append(byte) } }
    at = end
    while let item = framer.next() { items.append(item) }
  }
  #expect(items == [.oversize, .oversizeEnd])
  return framer.edges.responseID
}

@Suite("The edges of a line that is too long")
struct LineEdgesTests {
  private let text =
    #""result":{"content":[{"type":"text","text":""#
    + String(repeating: "x", count: 2000) + #""}],"isError":false}"#

  @Test(
    "tell whose answer it was, wherever the usual servers put the id", arguments: [7, 100, 4096])
  func found(_ size: Int) {
    let head = #"{"jsonrpc":"2.0","id":7,\#(text)}"#
    #expect(identifier(head, pieces: max(size, 100)) == .integer(7))
    #expect(identifier(#"{\#(text),"jsonrpc":"2.0","id":7}"#, pieces: size) == .integer(7))
    #expect(
      identifier(#"{\#(text),"id":"a-1","jsonrpc":"2.0"}"#, pieces: size)
        == .string(Array("a-1".utf8)))
    #expect(identifier(#"{"jsonrpc":"2.0", \#(text) , "id" : -3 }"#, pieces: size) == .integer(-3))
    #expect(identifier(#"{"id":"é","jsonrpc":"2.0",\#(text)}"#, pieces: 4096) == nil)
  }

  @Test(
    "tell nothing of what is no response, or has its id in no plain form",
    arguments: [
      #"{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":"@"}}"#,
      #"{"method":"x","result":"@","id":7}"#,
      #"[{"result":"@","id":7}]"#,
      #"{"result":"@","id":7.0}"#, #"{"result":"@","id":07}"#, #"{"result":"@","id":+7}"#,
      #"{"result":"@","id":9007199254740992}"#, #"{"result":"@","id":"\\u0037"}"#,
      #"{"result":"@","id":null}"#, #"{"result":"@","id":7}x"#, #"{"result":"@","id":7"#,
      #"{"result":"@","other":7}"#, #"{"result":"@","id":7,"other":8}"#, #"@"#,
    ])
  func nothing(_ line: String) {
    let long = line.replacingOccurrences(of: "@", with: String(repeating: "y", count: 600))
    #expect(identifier(long) == nil)
  }

  @Test("of one of them the sound form is found")
  func control() {
    let long = String(repeating: "y", count: 600)
    #expect(identifier(#"{"result":"\#(long)","id":7}"#) == .integer(7))
  }
}

extension String {
  fileprivate func replacingOccurrences(of mark: Character, with text: String) -> String {
    String(flatMap { $0 == mark ? Array(text) : [$0] })
  }
}
