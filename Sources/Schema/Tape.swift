/// The text of a schema and where every value in it is, so that it can be walked in any order.
struct Tape {
  /// A value, or the key of a member, which stands before the member's value.
  struct Token {
    var kind: Text.Kinds
    var isKey = false
    var start: Int32
    var end: Int32
    /// The token behind it and all that is in it.
    var next: Int32 = 0
    /// The object or array that it is in, -1 for the whole.
    var parent: Int32
  }

  let bytes: [UInt8]
  private(set) var tokens: [Token] = []

  /// Reads canonical text.
  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    let text = bytes.span
    var at = 0
    var parent: Int32 = -1
    while at < text.count {
      let byte = text[at]
      let index = Int32(tokens.count)
      switch byte {
      case Text.comma, Text.colon: at += 1
      case Text.objectEnd, Text.arrayEnd:
        at += 1
        guard parent >= 0 else { return }
        tokens[Int(parent)].end = Int32(at)
        tokens[Int(parent)].next = index
        parent = tokens[Int(parent)].parent
      case Text.objectStart, Text.arrayStart:
        tokens.append(Token(kind: Text.kind(byte), start: Int32(at), end: 0, parent: parent))
        parent = index
        at += 1
      default:
        let end = Text.end(text, from: at)
        let isKey = byte == Text.quote && end < text.count && text[end] == Text.colon
        tokens.append(
          Token(
            kind: Text.kind(byte), isKey: isKey, start: Int32(at), end: Int32(end),
            next: index + 1, parent: parent))
        at = end
      }
    }
  }

  subscript(_ token: Int32) -> Token { tokens[Int(token)] }

  /// The first token in an object (a key) or array (an element), nil if there is none.
  func first(in token: Int32) -> Int32? {
    guard self[token].kind == .object || self[token].kind == .array else { return nil }
    return self[token].next > token + 1 ? token + 1 : nil
  }

  /// The key or element after one that has a value at `token`.
  func after(_ token: Int32) -> Int32? {
    let next = self[token].next
    let parent = self[token].parent
    return parent >= 0 && next < self[parent].next ? next : nil
  }

  /// How many elements an array has, or members an object.
  func count(_ token: Int32) -> Int {
    var count = 0
    var element = first(in: token)
    while let at = element {
      count += 1
      element = after(self[at].isKey ? at + 1 : at)
    }
    return count
  }

  /// The content of a string without escapes.
  func content(_ token: Int32) -> [UInt8] {
    Text.unescaped(bytes.span, Int(self[token].start) + 1, Int(self[token].end) - 1)
  }

  /// The text of a value.
  func text(_ token: Int32) -> ArraySlice<UInt8> {
    bytes[Int(self[token].start)..<Int(self[token].end)]
  }

  /// Where a value is, from the start of the text, as a JSON pointer of visible characters.
  func pointer(_ token: Int32) -> String {
    var steps: [[UInt8]] = []
    var at = token
    while self[at].parent >= 0, steps.count < 64 {
      let parent = self[at].parent
      if self[parent].kind == .object {
        steps.append(content(self[at].isKey ? at : at - 1))
      } else {
        var index = 0
        var element = first(in: parent)
        while let here = element, here != at {
          index += 1
          element = after(here)
        }
        steps.append(Array(String(index).utf8))
      }
      at = parent
    }
    return Wording.pointer(steps.reversed())
  }
}
