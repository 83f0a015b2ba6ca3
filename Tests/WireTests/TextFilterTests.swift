import Testing

@testable import Wire

/// The canonical message of a text of JSON, and what the decoder noted.
private func parse(_ text: String) throws -> Document {
  var decoder = Decoder(limits: WireLimits(maxDepth: 64))
  var document = Document()
  try decoder.decodeValue(Array(text.utf8).span, into: &document)
  return document
}

/// A character that source code may not spell.
private func scalar(_ value: UInt32) -> String {
  Unicode.Scalar(value).map { String(Character($0)) } ?? ""
}

private func quoted(_ text: String) -> String {
  var writer = ByteWriter()
  writer.appendString(Array(text.utf8))
  return String(decoding: writer.bytes, as: UTF8.self)
}

/// A result with one text in it, as the client reads that text; and what was counted.
private func read(
  _ text: String, _ hidden: TextRules.Hidden, longest: Int = .max
) throws -> (text: String, counts: TextCounts) {
  let document = try parse(#"{"result":{"text":\#(quoted(text))}}"#)
  var filter = TextFilter(rules: TextRules(hidden: hidden, longest: longest))
  let (message, counts) = filter.filter(document.bytes)
  #expect((message == nil) == counts.isEmpty)
  // The decoder may be wrong in one direction only.
  if message != nil, longest == .max { #expect(document.texts.mayBeUnseen) }
  let after = try parse(String(decoding: message ?? document.bytes, as: UTF8.self))
  let result = try #require(after.member("result", of: after.root))
  let value = try #require(after.member("text", of: result))
  return (String(decoding: after.utf8(value), as: UTF8.self), counts)
}

@Suite("What a model reads")
struct TextFilterTests {
  /// A text, as it is with `escape` and with `remove`.
  struct Vector: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var escaped: String
    var removed: String
    var testDescription: String { name }

    init(_ name: String, _ text: String, _ escaped: String, _ removed: String) {
      (self.name, self.text, self.escaped, self.removed) = (name, text, escaped, removed)
    }
  }

  static let vectors: [Vector] = [
    Vector("NUL", "a\u{0}b", #"a\u{0}b"#, "ab"),
    Vector("backspace", "a\u{8}b", #"a\u{8}b"#, "ab"),
    Vector("DEL", "a\u{7f}b", #"a\u{7f}b"#, "ab"),
    Vector("form feed", "a\u{c}b", #"a\u{c}b"#, "a\nb"),
    Vector("vertical tab", "a\u{b}b", #"a\u{b}b"#, "a\nb"),
    Vector("lone CR", "10%\r20%", #"10%\u{d}20%"#, "10%\n20%"),
    Vector("two CR", "a\r\r\nb", "a\\u{d}\r\nb", "a\n\r\nb"),
    Vector("C1", "a\u{84}b", #"a\u{84}b"#, "ab"),
    Vector("next line", "a\u{85}b", #"a\u{85}b"#, "a\nb"),
    Vector("separators", "a\u{2028}b\u{2029}c", #"a\u{2028}b\u{2029}c"#, "a\nb\nc"),
    Vector("colour", "\u{1b}[1;31mred\u{1b}[0m", #"\u{1b}[1;31mred\u{1b}[0m"#, "red"),
    Vector("C1 colour", "\u{9b}31mred", #"\u{9b}31mred"#, "red"),
    Vector(
      "link", "\u{1b}]8;;http://a/\u{1b}\\text\u{1b}]8;;\u{7}.",
      #"\u{1b}]8;;http://a/\u{1b}\text\u{1b}]8;;\u{7}."#, "text."),
    Vector("C1 string", "a\u{9d}0;x\u{9c}b", #"a\u{9d}0;x\u{9c}b"#, "ab"),
    Vector("device string", "a\u{1b}P1$r\u{1b}\\b", #"a\u{1b}P1$r\u{1b}\b"#, "ab"),
    Vector("string without end", "a\u{1b}]0;title\nb", "a\\u{1b}]0;title\nb", "a0;title\nb"),
    Vector("string within string", "\u{1b}]a\u{1b}[mb", #"\u{1b}]a\u{1b}[mb"#, "ab"),
    Vector("charset", "a\u{1b}(Bb", #"a\u{1b}(Bb"#, "ab"),
    Vector("escape at the end", "a\u{1b}", #"a\u{1b}"#, "a"),
    Vector("quote in a sequence", "\u{1b}\"qb", #"\u{1b}"qb"#, "b"),
    Vector("overrides", "a\u{202e}b\u{202c}c", #"a\u{202e}b\u{202c}c"#, "abc"),
    Vector("isolates", "a\u{2066}b\u{2069}c", #"a\u{2066}b\u{2069}c"#, "abc"),
    Vector("marks", "a\u{200e}\u{200f}\u{61c}b", #"a\u{200e}\u{200f}\u{61c}b"#, "ab"),
    Vector("zero width", "pass\u{200b}word", #"pass\u{200b}word"#, "password"),
    Vector("joiner in Latin", "pass\u{200d}wo\u{200c}rd", #"pass\u{200d}wo\u{200c}rd"#, "password"),
    Vector("word joiner", "a\u{2060}b\u{feff}c", #"a\u{2060}b\u{feff}c"#, "abc"),
    Vector("soft hyphen", "a\u{ad}b", #"a\u{ad}b"#, "ab"),
    Vector("grapheme joiner", "a\u{34f}b", #"a\u{34f}b"#, "ab"),
    Vector("fillers", "\u{115f}\u{1160}\u{3164}\u{ffa0}", #"\u{115f}\u{1160}\u{3164}\u{ffa0}"#, ""),
    Vector("tags", "a\u{e0068}\u{e0069}", #"a\u{e0068}\u{e0069}"#, "a"),
    Vector(
      "tags after a flag that is none", "\u{1f3f4}\u{e0068}\u{e0069}\u{e007f}",
      "\u{1f3f4}" + #"\u{e0068}\u{e0069}\u{e007f}"#, "\u{1f3f4}"),
    Vector("selector on a letter", "a\u{fe0f}b", #"a\u{fe0f}b"#, "ab"),
    Vector("selector on a digit", "1\u{fe0f}2", #"1\u{fe0f}2"#, "12"),
    Vector(
      "selectors in a row", "\u{1f600}\u{fe0f}\u{fe0e}\u{e0101}",
      "\u{1f600}\u{fe0f}" + #"\u{fe0e}\u{e0101}"#, "\u{1f600}\u{fe0f}"),
    Vector("joiners in a row", "م\u{200c}\u{200c}ن", #"م\u{200c}\u{200c}ن"#, "من"),
    Vector(
      "noncharacters", "a" + [0xFDD0, 0xFFFF, 0x1FFFE].map(scalar).joined() + "b",
      #"a\u{fdd0}\u{ffff}\u{1fffe}b"#, "ab"),
    Vector("annotation", "a\u{fff9}b\u{fffb}", #"a\u{fff9}b\u{fffb}"#, "ab"),
    Vector("shorthand", "a\u{1bca0}b\u{1d173}", #"a\u{1bca0}b\u{1d173}"#, "ab"),
    Vector(
      "after an escape that looks like a digit", "\u{1}\u{fe0f}\u{20e3}",
      #"\u{1}\u{fe0f}"# + "\u{20e3}", "\u{20e3}"),
    Vector(
      "many in a row", "a" + String(repeating: "\u{e0041}", count: 100) + "b",
      "a" + String(repeating: #"\u{e0041}"#, count: 16) + "[84 more]b", "ab"),
  ]

  @Test("what is not seen is written out, or left out", arguments: vectors)
  func unseen(_ vector: Vector) throws {
    let escaped = try read(vector.text, .escape)
    #expect(escaped.text.utf8.elementsEqual(vector.escaped.utf8), "\(escaped.text)")
    #expect(escaped.counts.hidden > 0)
    let removed = try read(vector.text, .remove)
    #expect(removed.text.utf8.elementsEqual(vector.removed.utf8), "\(removed.text)")
    #expect(removed.counts.hidden > 0)
    let allowed = try read(vector.text, .allow)
    #expect(allowed.text.utf8.elementsEqual(vector.text.utf8))
    #expect(allowed.counts.isEmpty)
  }

  static let ordinary = [
    "", "plain", "tab\tand\nlines\r\nof Windows\r\n", "\"quotes\" and \\backslashes\\ \\u{200b}",
    "Größe, café, naïve – “quoted” … € §", "Привет", "你好,世界 日本語 한국어",
    // Emoji: presentation, skin, sequences, keycaps, flags.
    "\u{2764}\u{fe0f} \u{263a}\u{fe0e} \u{1f600}", "\u{1f44d}\u{1f3fd}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466}",
    "\u{1f469}\u{1f3fd}\u{200d}\u{1f680}", "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
    "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}", "\u{1f3c3}\u{200d}\u{2642}\u{fe0f}",
    "1\u{fe0f}\u{20e3} #\u{fe0f}\u{20e3}", "\u{1f1e9}\u{1f1ea}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}!",
    // Persian with joiners, Arabic, Hebrew with points, Hindi, Bengali, Sinhala, Thai, Khmer.
    "می\u{200c}خواهم کتاب\u{200c}ها را ببینم", "السلام عليكم", "שָׁלוֹם עולם",
    "नमस्ते क\u{94d}\u{200d}ष क\u{94d}\u{200c}ष", "র\u{9cd}\u{200d}যাব", "ශ\u{dca}\u{200d}රී",
    "ภาษา\u{200b}ไทย", "ភាសា\u{200b}ខ្មែរ",
    // Variants of ideographs and of signs; Mongolian.
    "葛\u{e0100}飾区", "\u{2229}\u{fe00}", "ᠮᠣᠩᠭᠣᠯ\u{180b}",
    "\u{e000}private\u{f8ff}", "a\u{301}\u{308}", "\u{a0}\u{3000}\u{2003}",
  ]

  @Test("ordinary writing stays byte for byte", arguments: ordinary)
  func untouched(_ text: String) throws {
    for hidden in [TextRules.Hidden.escape, .remove, .allow] {
      let (after, counts) = try read(text, hidden)
      #expect(after.utf8.elementsEqual(text.utf8), "\(after)")
      #expect(counts.isEmpty)
    }
  }

  @Test("the decoder suspects every unseen character, in both spellings, and few others")
  func suspicion() throws {
    var (missed, unlike, wrong) = ([UInt32](), [UInt32](), 0)
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let isControl = value < 0x20 && value != 9 && value != 10 || value == 0x7F
      let isUnseen = isControl || scalar.isUnseen
      // All of the first planes, and the edges of the others.
      guard
        value < 0x3400 || value >= 0xE000 && value < 0x20000 || isUnseen && value & 0xFF < 4
          || value & 0xFFFF > 0xFFF0 || value >> 8 == 0xE01
      else { continue }
      let document = try parse(quoted(String(Character(scalar))))
      let isSuspect = document.texts.mayBeUnseen
      if isUnseen, !isSuspect { missed.append(value) }
      if isSuspect, !isUnseen { wrong += 1 }
      let units = Array(String(Character(scalar)).utf16)
      let spelled = units.map { unit in
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }.joined()
      if try parse("\"\(spelled)\"").texts.mayBeUnseen != isUnseen { unlike.append(value) }
    }
    #expect(missed == [])
    #expect(unlike == [])
    #expect(wrong < 1_000, "\(wrong)")
  }

  @Test("a carriage return raises no suspicion before a line feed only")
  func lines() throws {
    #expect(try !parse(#""a\r\nb\u000a""#).texts.mayBeUnseen)
    #expect(try parse(#""a\rb""#).texts.mayBeUnseen)
    #expect(try parse(#""a\r""#).texts.mayBeUnseen)
    #expect(try parse(#""a\r\r\n""#).texts.mayBeUnseen)
    #expect(try parse(#"{"a\u0000":1}"#).texts.mayBeUnseen)
    #expect(try parse("[\"\(String(repeating: "x", count: 37))\u{7f}\"]").texts.mayBeUnseen)
    #expect(try !parse("[\"\(String(repeating: "x~", count: 37))\"]").texts.mayBeUnseen)
  }

  @Test("what must come back as it was stays as it was")
  func exact() throws {
    let z = "\u{200b}"
    let message = """
      {"jsonrpc":"2.0","id":"\(z)","method":"m\(z)","params":{"progressToken":"\(z)",\
      "requestId":"\(z)","_meta":{"progressToken":"\(z)","io.modelcontextprotocol/subscriptionId":"\(z)"}},\
      "result":{"nextCursor":"\(z)","requestState":"\(z)",\
      "_meta":{"io.modelcontextprotocol/subscriptionId":"\(z)"}}}
      """
    var filter = TextFilter(rules: TextRules())
    #expect(try filter.filter(parse(message).bytes).message == nil)
    // The same names elsewhere are nothing special.
    let other =
      #"{"result":{"a":{"nextCursor":"\#(z)","id":"\#(z)","_meta":{"progressToken":"\#(z)"}}}}"#
    #expect(try filter.filter(parse(other).bytes).counts.hidden == 3)
    let lists = #"{"result":{"nextCursor":["\#(z)"],"requestState":{"a":"\#(z)"}},"id":["\#(z)"]}"#
    #expect(try filter.filter(parse(lists).bytes).counts.hidden == 3)
  }

  @Test("keys and names are written out and never shortened, and no two keys become one")
  func names() throws {
    var filter = TextFilter(rules: TextRules(hidden: .remove))
    func after(_ json: String) throws -> String {
      let bytes = try parse(#"{"result":\#(json)}"#).bytes
      let output = filter.filter(bytes).message ?? bytes
      // Strict: no key is there twice.
      let strict = try parse(String(decoding: output, as: UTF8.self))
      return String(decoding: strict.bytes.dropFirst(10).dropLast(), as: UTF8.self)
    }
    let z = "\u{200b}"
    #expect(try after(#"{"te\#(z)xt":"te\#(z)xt"}"#) == #"{"te\\u{200b}xt":"text"}"#)
    #expect(try after(#"{"a":1,"a\#(z)":2}"#) == #"{"a":1,"a\\u{200b}":2}"#)
    #expect(
      try after(#"{"a\\u{200b}":1,"a\#(z)":2}"#) == #"{"a\\u{5c}u{200b}":1,"a\\u{200b}":2}"#)
    #expect(try after(#"{"a\\u{200b}":"\#(z)"}"#) == #"{"a\\u{200b}":""}"#)
    #expect(
      try after(#"{"uri":"file:///a/.\#(z)./b","type":"te\#(z)xt","required":["y\#(z)"]}"#)
        == #"{"uri":"file:///a/.\\u{200b}./b","type":"te\\u{200b}xt","required":["y\\u{200b}"]}"#
    )
    // What stands beside and after is none of the name's business.
    #expect(
      try after(#"{"enum":["x\#(z)"],"text":"x\#(z)","a":["x\#(z)"],"name":{"b":"x\#(z)"}}"#)
        == #"{"enum":["x\\u{200b}"],"text":"x","a":["x"],"name":{"b":"x"}}"#)
  }

  @Test("a string that is too long is cut between characters and says so")
  func cut() throws {
    for unit in ["x", "é", "日", "\u{1f600}", "\\", "\"", "\n", "a\u{1}", "می\u{200c}"] {
      for offset in 0..<8 {
        let text = String(repeating: "a", count: offset) + String(repeating: unit, count: 600)
        let (after, counts) = try read(text, .escape, longest: 512)
        if quoted(text).utf8.count - 2 <= 512 { continue }
        #expect(counts.cut == 1)
        #expect(quoted(after).utf8.count - 2 <= 512)
        #expect(after.utf8.count > 150)
        #expect(after.hasSuffix(" more bytes, cut by anchorhold]"), "\(after.suffix(60))")
        let kept = after.prefix(while: { $0 != "…" })
        if unit != "a\u{1}" { #expect(text.utf8.starts(with: kept.utf8)) }
        let again = try read(after, .escape, longest: 512)
        #expect(again.text.utf8.elementsEqual(after.utf8))
      }
    }
    // Data is not cut: half of it is worth nothing.
    let data = String(repeating: "QUJD", count: 200)
    var filter = TextFilter(rules: TextRules(longest: 512))
    func isKept(_ json: String) throws -> Bool {
      filter.filter(try parse(#"{"result":\#(json)}"#).bytes).message == nil
    }
    #expect(try isKept(#"{"data":"\#(data)"}"#))
    #expect(try isKept(#"{"blob":"\#(data)"}"#))
    #expect(try isKept(#"{"icons":[{"src":"data:image/png;base64,\#(data)"}]}"#))
    #expect(try !isKept(#"{"text":"\#(data)"}"#))
    #expect(try !isKept(#"{"data":"\#(data) \#(data)"}"#))
  }
}
