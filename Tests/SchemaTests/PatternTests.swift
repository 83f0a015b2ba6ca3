import Foundation
import Schema
import Generators
import Testing

/// Whether a pattern is found in a text; nil if it is no pattern.
private func found(_ pattern: String, in text: String, steps: Int = 1_000_000) -> Bool? {
  guard let pattern = try? Pattern(Array(pattern.utf8)) else { return nil }
  var steps = steps
  return pattern.matches(Array(text.utf8).span, steps: &steps)
}

@Suite("A pattern")
struct PatternTests {
  @Test("is found where ECMA-262 says so, and nowhere else")
  func syntax() {
    let cases: [(String, [String], [String])] = [
      ("", ["", "a"], []), ("abc", ["abc", "xabcx"], ["ab", "", "ABC"]),
      ("^abc$", ["abc"], ["abcd", "xabc", "abc\n"]), ("a|b|", ["", "x"], []),
      ("^(a|bc)+$", ["a", "bca"], ["b", ""]), ("^a*?$", ["", "aa"], ["b"]),
      ("^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]), ("^a{2,}$", ["aa", "aaaaa"], ["a"]),
      ("^a{0}$", [""], ["a"]), ("^(?:a{2}){2}$", ["aaaa"], ["aaa", "aaaaa"]),
      ("^.$", ["a", "é", "😀"], ["", "\n", "\r", "\u{2028}", "ab"]),
      ("^[^]$", ["\n", "😀"], [""]), ("[]", [], ["", "a"]),
      ("^[a-c\\d_-]+$", ["a1_-"], ["d", "é"]), ("^[^a-c]$", ["d", "é"], ["a"]),
      ("^[\\w-.]+$", ["a-b.c"], ["a b"]), ("^[\\]\\-\\\\]+$", ["]-\\"], ["a"]),
      ("^\\d\\D\\w\\W\\s\\S$", ["1aa! x"], ["١aa! x"]),
      ("^\\s$", ["\u{FEFF}", "\u{2003}", "\u{2029}", "\t"], ["\u{200B}", "\u{180E}", "\u{85}"]),
      ("\\bfoo\\b", ["a foo b", "foo"], ["afoo", "foo_"]), ("^\\B", ["", "-"], ["a"]),
      ("^\\x41\\u0042\\u{1F600}\\ud83d\\ude00\\cJ\\0\\t$", ["AB😀😀\n\0\t"], ["AB"]),
      ("^\\p{L}+$", ["aÄж字"], ["a1"]), ("^\\p{Lu}\\P{Lu}$", ["Ä1"], ["äÄ"]),
      ("^[\\p{Nd}\\p{Sc}]+$", ["1٣€$"], ["a"]), ("^\\p{gc=Letter}[^\\P{Ll}]$", ["Aa"], ["AA"]),
      ("^\\p{Alphabetic}\\p{White_Space}$", ["ж "], ["1 "]), ("^\\p{ASCII}$", ["a"], ["ä"]),
      ("^\\@\\_\\/\\-\\:\\'$", ["@_/-:'"], []), ("^{a}]$", ["{a}]"], []),
      ("^a{,2}$", ["a{,2}"], []),
      ("^(?!admin$)\\w+$", ["user", "admins"], ["admin"]),
      (
        "^(?=.*\\d)(?=.*[a-z]).{4}$",
        ["ab1c"], ["abcd", "1234"]
      ),
      ("(?<=\\$)\\d+", ["a$5"], ["a5", "$ 5"]), ("(?<!-)\\b1", ["1", "a 1"], ["-1"]),
      ("^(?=a(?!b(?<=ab)))a", ["ac"], ["ab"]), ("^(?=(?<=^)a)", ["a"], ["b"]),
      ("(?<year>\\d{4})", ["in 2024"], ["24"]), ("^(?:)+$|^(a*)*b$", ["", "aab"], ["aa"]),
      // The address pattern of a widespread TypeScript library.
      (
        "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
        ["a.b+c@d-e.example.com"], [".a@b.co", "a..b@c.de", "a@b", "a@b.c"]
      ),
    ]
    for (pattern, matching, other) in cases {
      for text in matching { #expect(found(pattern, in: text) == true, "\(pattern) in \(text)") }
      for text in other { #expect(found(pattern, in: text) == false, "\(pattern) in \(text)") }
    }
  }

  @Test(
    "that is not understood is refused",
    arguments: [
      "(", ")", "[", "a**", "*a", "+", "?", "{1}", "a{2}{3}", "a{3,2}", "[b-a]", "\\", "(?i)a",
      "(?P<n>a)", "(?<n>a)\\k<n>", "(a)\\1", "\\a", "\\Z", "\\01", "\\xf", "\\u12", "\\u{110000}",
      "\\u{}", "\\c1", "\\p", "\\pL", "\\p{Nope}", "\\p{Script=Greek}", "\\p{sc=Latin}", "(?<>a)",
      "(?<1>a)", "^*", "(?=a)*", "\\b+", "(?", "(?#a)", "(?>a)", "[\\B]", "[\\1]", "\\ä",
      "a{1000000}", "(((((a{50}){50}){50}){50}){50}){50}", "(((((){999}){999}){999}){999}){999}",
      String(repeating: "(", count: 500) + String(repeating: ")", count: 500),
      String(repeating: "a", count: 20_000), String(repeating: "(?=a)", count: 17),
    ])
  func refused(_ pattern: String) {
    #expect(found(pattern, in: "a") == nil)
    #expect(throws: PatternFault.self) { try Pattern(Array(pattern.utf8)) }
  }

  @Test(
    "takes time that grows with the text and not faster",
    arguments: [
      "^(a+)+$", "^(a|a)*$", "(a*)*b", "^(?=(a+)+$)b", "(x+x+)+y", "([a-z]+)*!$", "(.*)(.*)(.*)b",
    ])
  func linear(_ pattern: String) throws {
    let compiled = try Pattern(Array(pattern.utf8))
    func cost(_ length: Int) -> Int {
      var steps = 1 << 40
      _ = compiled.matches(Array(repeating: UInt8(ascii: "a"), count: length).span, steps: &steps)
      return 1 << 40 - steps
    }
    #expect(cost(4000) < 3 * cost(2000))
    #expect(cost(4000) < 4000 * 4 * (compiled.states + 2))
  }

  @Test("is not thrown by bytes that are no UTF-8")
  func bytes() throws {
    var generator = SplitMix(state: 7)
    for pattern in ["^(?<=é)[^a]+$", "é|(?=.\\B)", "\\p{L}*(?!ж)"] {
      let compiled = try Pattern(Array(pattern.utf8))
      for _ in 0..<2000 {
        let text = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
          UInt8.random(in: 0...255, using: &generator)
        }
        var steps = 100_000
        #expect(compiled.matches(text.span, steps: &steps) != nil)
      }
    }
  }
}
