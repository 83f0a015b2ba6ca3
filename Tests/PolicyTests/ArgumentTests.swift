import Generators
import Foundation
import Profile
import Testing
import Wire

@testable import Policy

/// The rule for one argument, asked with values.
struct RuleBench {
  var player: Player
  var id = 0

  /// - Parameter rule: the rule as a profile writes it.
  init(_ rule: String, more: String = "") {
    let text =
      "tools: {schemas: ignore, unknown_arguments: allow, "
      + "allow: [{name: t, arguments: {a: \(rule)}}]}\n\(more)"
    player = Player(profile: Scenario.profile(text))
  }

  /// Why a value in JSON is refused, nil if the call reaches the server.
  mutating func refusal(of value: String) -> String? {
    id += 1
    let outcome = player.play(
      #"> {"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"t","arguments":{"a":\#(value)}}}"#
    )
    _ = player.play(#"< {"jsonrpc":"2.0","id":\#(id),"result":{"content":[]}}"#)
    guard let line = outcome.lines.first, outcome.lines.count == 1 else { return "nothing came" }
    if line.hasPrefix("=>S ") { return nil }
    let message = try? JSONSerialization.jsonObject(with: Data(line.utf8.dropFirst(4)))
    let result = (message as? [String: Any])?["result"] as? [String: Any]
    let content = result?["content"] as? [[String: Any]]
    return content?.first?["text"] as? String ?? line
  }

  static func json(_ text: String) -> String {
    var writer = ByteWriter()
    writer.appendString(text.utf8)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

@Suite("Rules for arguments")
struct ArgumentTests {
  @Test(
    "under takes paths that lie in the directory by their text",
    arguments: [
      "/srv/data", "/srv/data/", "/srv/data/a", "//srv///data//a/", "/srv/./data/./a",
      "/srv/other/../data/a", "/srv/data/a/../b", "/srv/data/..a", "/srv/data/a b", "/srv/data/ä",
      "/../srv/data/x", "a", "./a", "a/../b", "../data/a", ".", "a:b", "/srv/data/file:/x",
      "/srv/data/-x",
    ])
  func pathInside(_ path: String) {
    var bench = RuleBench(
      "{under: /srv/data}",
      more: "server: {command: [x], workdir: /srv/data}\nfilesystem: {read: [/srv/data]}")
    #expect(bench.refusal(of: RuleBench.json(path)) == nil)
  }

  @Test(
    "under refuses what is outside, or may be read as something else",
    arguments: [
      "/", "", "/srv", "/srv/database", "/srv/data/..", "/srv/data/../database", "/srv/data2/x",
      "/etc/passwd", "..", "../x", "a/../../x", "/srv/data/a/../../../etc/passwd",
      "/srv//data/../..//data", "~", "~/x", "~root/x", "file:///srv/data/x", "file:/srv/data/x",
      "https://srv/data", "/srv/data\\..\\..\\x", "..\\x", " /srv/data/x", "/srv/data/x ",
      "/srv/data/a\u{0}b", "/srv/data/a\nb", "\t/srv/data", "/srv/data/\u{7F}", "/SRV/data/x",
      "/srv/dat\u{FF41}/x", "/srv/data/" + String(repeating: "a/", count: 2_050),
    ])
  func pathOutside(_ path: String) {
    var bench = RuleBench(
      "{under: /srv/data}",
      more: "server: {command: [x], workdir: /srv/data}\nfilesystem: {read: [/srv/data]}")
    let refusal = bench.refusal(of: RuleBench.json(path))
    #expect(refusal?.contains("must be a path in \"/srv/data\"") == true, "\(refusal ?? "passed")")
  }

  @Test("a relative path needs a working directory that the profile names")
  func relative() {
    var bench = RuleBench("{under: /srv/data}")
    #expect(bench.refusal(of: #""a""#)?.contains("is relative") == true)
    #expect(bench.refusal(of: #""/srv/data/a""#) == nil)
    var other = RuleBench(
      "{under: /srv/data}",
      more: "server: {command: [x], workdir: /srv}\nfilesystem: {read: [/srv]}")
    #expect(other.refusal(of: #""a""#)?.contains("is outside") == true)
    #expect(other.refusal(of: #""data/a""#) == nil)
  }

  @Test(
    "host takes URLs and hosts that every reader takes for one of the list",
    arguments: [
      "https://example.com", "https://example.com/", "HTTPS://Example.COM/x?y#z",
      "http://example.com:8080/a@b", "https://example.com?u=http://evil.com/",
      "https://example.com#@evil.com", "wss://a.example.org", "https://a.b.example.org:1/",
      "example.com", "example.com:443", "a.example.org", "https://[2001:db8::1]:443/x",
      "[2001:DB8::1]", "192.0.2.1", "http://192.0.2.1:80/", "https://example.com/\u{FC}",
      "https://example.com/a b\\c",
    ])
  func hostOfList(_ text: String) {
    var bench = RuleBench(
      #"{host: [example.com, "*.example.org", "[2001:db8::1]", 192.0.2.1]}"#)
    let refusal = bench.refusal(of: RuleBench.json(text))
    #expect(refusal == nil)
  }

  @Test(
    "host refuses others, and whatever readers of URLs differ in",
    arguments: [
      "", "https://evil.com", "https://example.com.evil.com", "https://evilexample.com",
      "https://example.org", "https://.example.org", "https://a..example.org",
      "https://xexample.org", "https://example.com@evil.com", "https://evil.com@example.com/",
      "https://user:pw@example.com", "https://example.com\\@evil.com",
      "https://evil.com\\.example.org",
      "https:/example.com", "https:example.com", "https:///example.com", "//example.com",
      "https:\\\\example.com", "https://example.com.", "https://example.com:",
      "https://example.com:x",
      "https://example.com:99999", "https://example.com:443:1", "https://example%2ecom",
      "https://example.com%00.evil.com", "https://ex\u{E4}mple.com", "https://\u{FF45}xample.com",
      "https://example\u{3002}com", "https://evil.com/.example.org",
      "https://evil.com?.example.org",
      "https://evil.com#.example.org", "ftp://example.com", "file://example.com/x",
      "javascript:alert(1)", "data:text/html,x", " https://example.com", "https://example.com ",
      "https://exam\tple.com", "https://example.com\n.evil.com", "https://example.com/\u{0}",
      "http://3221225985", "http://0xC0000201", "http://192.0.2.01", "http://192.0.513",
      "http://0300.0.2.1", "http://127.0.0.1", "localhost", "[::1]", "http://[2001:db8:0::1]/",
      "http://[::ffff:192.0.2.1]/", "http://[2001:db8::1%25eth0]/", "http://2001:db8::1/",
      "example.com/x", "example.com?x", "a:b@example.com", "https://192.0.2.1.example.org.1",
    ])
  func otherHosts(_ text: String) {
    var bench = RuleBench(
      #"{host: [example.com, "*.example.org", "[2001:db8::1]", 192.0.2.1]}"#)
    let refusal = bench.refusal(of: RuleBench.json(text))
    #expect(refusal?.contains("must be at example.com") == true, "\(refusal ?? "passed")")
  }

  @Test("numbers are compared by what they are and not by how they are written")
  func numbers() {
    var bench = RuleBench("{minimum: -0.5, maximum: 100}")
    for good in ["100", "1e2", "100.000", "0.1e3", "1000e-1", "-0.5", "-5e-1", "0", "-0", "1e-999"]
    {
      #expect(bench.refusal(of: good) == nil, "\(good)")
    }
    for bad in [
      "100.0000000000000000000000001", "101", "1e3", "1e400", "-0.50000000000000001", "-1",
      "1e99999999999999999999", "99999999999999999999999999999", "-1e-99999999999999999999",
    ] {
      #expect(bench.refusal(of: bad) != nil, "\(bad)")
    }
    var integers = RuleBench("{type: integer}")
    for good in ["1", "1.0", "1e2", "-0", "120e-1", "12345678901234567890123"] {
      #expect(integers.refusal(of: good) == nil, "\(good)")
    }
    for bad in ["1.5", "1e-1", "\"1\"", "true", "null", "[1]", "{}"] {
      #expect(integers.refusal(of: bad)?.contains("must be an integer") == true, "\(bad)")
    }
    var constant = RuleBench("{const: 7}")
    #expect(constant.refusal(of: "7.0") == nil)
    #expect(constant.refusal(of: "\"7\"") != nil)
    #expect(constant.refusal(of: "7.01") != nil)
  }

  @Test("a rule about strings is never passed by by a value of another type")
  func otherTypes() {
    for rule in ["{under: /srv}", "{host: a.b}", "{forbid_leading: \"-\"}", "{max_length: 3}"] {
      var bench = RuleBench(rule)
      for value in ["1", "true", "null", "[]", "[\"/etc\"]", "{}"] {
        #expect(bench.refusal(of: value)?.contains("must be a string") == true, "\(rule) \(value)")
      }
    }
  }

  /// Other spellings of a document: white space, escapes, the order of keys.
  static func respelled(_ value: Any, _ generator: inout SplitMix) -> String {
    let space = ["", " ", "  ", "\t"].randomElement(using: &generator) ?? ""
    switch value {
    case let object as [String: Any]:
      let members = object.keys.shuffled(using: &generator).map { key in
        respelled(key, &generator) + space + ":" + respelled(object[key] ?? 0, &generator)
      }
      return "{" + space + members.joined(separator: "," + space) + "}"
    case let array as [Any]:
      return "[" + array.map { respelled($0, &generator) }.joined(separator: space + ",") + "]"
    case let text as String:
      var result = "\""
      for unit in text.utf16 {
        if Bool.random(using: &generator) || unit < 0x20 || unit == 0x22 || unit == 0x5C {
          result += "\\u" + String(format: Bool.random(using: &generator) ? "%04x" : "%04X", unit)
        } else if unit < 0x80 {
          result += String(UnicodeScalar(UInt8(unit)))
        } else {
          result += "\\u" + String(format: "%04x", unit)
        }
      }
      return result + "\""
    default: return "\(value)"
    }
  }

  /// What a server says of the tool of ``spelling``.
  static let list = """
    < {"jsonrpc":"2.0","id":"\(Scenario.ownPrefix)1","result":{"tools":[{"name":"t","inputSchema":\
    {"type":"object","properties":{"n":{"type":"integer"},"s":{"pattern":"^[^b]*$"},"p":{},"l":{},\
    "e":{"enum":["x","é",1,2]},"x":{"type":["integer","object"]}}}}]}}
    """

  @Test(
    "the verdict never depends on white space, escapes or the order of keys", arguments: 1...4,
    [false, true])
  func spelling(_ seed: Int, _ enforced: Bool) throws {
    var generator = SplitMix(state: UInt64(seed))
    var profile = Scenario.profile(
      """
      tools:
        schemas: ignore
        unknown_arguments: allow
        allow:
          - name: t
            arguments:
              n: {maximum: 10}
              s: {forbid_leading: "-", max_length: 4}
              p: {under: /srv}
              l: {items: {host: [a.b]}, max_items: 2}
              e: {enum: [x, "é", 1]}
      """)
    profile.tools.enforcesSchemas = enforced
    let choices: [(String, [Any])] = [
      ("n", [1, 10, 11, "1"]), ("s", ["-a", "ab", "abcde", "\n-", "é😀"]),
      ("p", ["/srv/é", "/etc", "x"]), ("e", ["x", "é", "e", 1, 2]), ("N", [1]),
      ("l", [["a.b"], ["a.b", "A.B"], ["c"], ["a.b", "a.b", "a.b"]]), ("x", [1, [1], ["-": "-"]]),
    ]
    var verdicts: Set<Bool> = []
    for round in 0..<120 {
      var arguments: [String: Any] = [:]

      for (key, values) in choices where Int.random(in: 0..<3, using: &generator) == 0 {
        arguments[key] = values.randomElement(using: &generator) ?? 0
      }
      let message: [String: Any] = [
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": ["name": "t", "arguments": arguments],
      ]
      var answers: Set<String> = []
      for _ in 0..<4 {
        var player = Player(profile: profile)
        var outcome = player.play("> " + Self.respelled(message, &generator))
        if enforced { outcome = player.play(Self.list) }
        let line = try #require(outcome.lines.first)
        // Of several faults with a schema the first in the text is told.
        answers.insert(line.hasPrefix("=>S ") ? "passed" : enforced ? "refused" : line)
        verdicts.insert(line.hasPrefix("=>S "))
      }
      #expect(answers.count == 1, "round \(round): \(answers)")
    }
    #expect(verdicts == [true, false])
  }
}

@Suite("Patterns of names")
struct GlobTests {
  @Test(
    "a pattern matches whole names, by characters",
    arguments: [
      ("*", "", true), ("*", "anything", true), ("a*", "a", true), ("a*", "ba", false),
      ("*a", "ba", true), ("*a", "ab", false), ("a?c", "abc", true), ("a?c", "ac", false),
      ("a?c", "a\u{1F600}c", true), ("a?c", "a\nc", true), ("a?c", "a\u{1}c", true),
      ("a*n", "a\n", false), ("?", "\"", true), ("a\\*", "a\\b", true), ("a\\*", "ab", false),
      ("a*b*c", "axxbyybzc", true), ("a*b*c", "axxbyyb", false), ("*.*", "a.b", true),
      ("**a", "bca", true), ("A*", "ab", false), ("é*", "e\u{301}x", false), ("*?", "", false),
    ])
  func matching(_ pattern: String, _ name: String, _ expected: Bool) {
    let content = canonicalContent(of: Array(name.utf8))
    let padded = [0x61] + content + [0x61]
    let matches = Glob(pattern).matches(1..<1 + content.count, in: padded)
    #expect(matches == expected)
  }
}
