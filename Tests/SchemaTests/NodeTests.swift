import Generators
import Foundation
import Schema
import Testing

/// The node of playwright's wheel, or one that is installed.
private let node: URL? = {
  let library = top.appending(path: ".build/venvs/node/lib")
  let versions = (try? FileManager.default.contentsOfDirectory(atPath: library.path)) ?? []
  let bundled = versions.map {
    library.appending(path: "\($0)/site-packages/playwright/driver/node")
  }
  return (bundled + [URL(fileURLWithPath: "/usr/bin/node")]).first {
    FileManager.default.isExecutableFile(atPath: $0.path)
  }
}()

/// What another engine says: lines of [pattern, texts] in, lines of answers out; `null` for a
/// pattern that is none with the flag `u`, then what it is without the flag.
private let script = """
  const lines = require("fs").readFileSync(process.argv[1], "utf8").trim().split("\\n");
  for (const line of lines) {
    const [pattern, texts] = JSON.parse(line);
    const run = flags => {
      try { const re = new RegExp(pattern, flags); return texts.map(t => re.test(t)); }
      catch { return null; }
    };
    console.log(JSON.stringify([run("u"), run("")]));
  }
  """

@Suite(
  "Patterns beside node's",
  .enabled(
    if: mustWork || node != nil, "there is no node; Tests/Commands/servers.py node fetches one"))
struct NodeTests {
  private struct Case {
    var pattern: String
    var texts: [String]
  }

  /// Small patterns over a small alphabet, so that they match now and then.
  private struct Generator {
    var random: SplitMix
    let letters = ["a", "b", "-", "1", "é", "😀", "_", " ", "\n"]

    mutating func pick<T>(_ list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &random)] }

    mutating func pattern(_ depth: Int) -> String {
      let alternatives = Int.random(in: 0..<8, using: &random) == 0 ? 2 : 1
      return (0..<alternatives).map { _ in
        (0..<Int.random(in: 0...4, using: &random)).map { _ in term(depth) }.joined()
      }.joined(separator: "|")
    }

    mutating func term(_ depth: Int) -> String {
      switch Int.random(in: 0..<20, using: &random) {
      case 0: return pick(["^", "$", "\\b", "\\B"])
      case 1 where depth > 0:
        return pick(["(?=", "(?!", "(?<=", "(?<!"]) + pattern(depth - 1) + ")"
      case 2...5 where depth > 0:
        return pick(["(", "(?:"]) + pattern(depth - 1) + ")" + quantifier()
      case 6...7: return set() + quantifier()
      case 8:
        return pick([
          "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", ".", "\\p{L}", "\\P{L}", "\\p{Ll}", "\\u00e9",
          "\\u{1f600}", "\\ud83d\\ude00", "\\x61", "\\n", "\\-", "\\_", "\\p{So}", "[^]", "{", "]",
          "\\/", "\\cJ", "\\p{Nd}", "\\0",
        ]) + quantifier()
      case 9: return pick(["*", "{1}", "\\1", "\\q", "(", ")", "[", "a{2,1}", "\\", "}", "(?a)"])
      default: return pick(["a", "b", "a", "b", "-", "1", "é", "😀"]) + quantifier()
      }
    }

    mutating func set() -> String {
      let items = (0..<Int.random(in: 0...3, using: &random)).map { _ in
        pick([
          "a", "b", "a-c", "\\d", "\\w", "\\W", "\\s", "é", "😀", "\\p{L}", "\\P{Lu}", "-", "\\-",
          "^", "é-😀", "\\]", "\\b", "\\n",
        ])
      }
      return pick(["[", "[^"]) + items.joined() + "]"
    }

    mutating func quantifier() -> String {
      pick(["", "", "", "", "", "*", "+", "?", "*?", "{2}", "{1,2}", "{0,1}", "{2,}", "{0}"])
    }

    mutating func text() -> String {
      (0..<Int.random(in: 0...7, using: &random)).map { _ in pick(letters) }.joined()
    }
  }

  @Test("the same patterns are patterns, and are found in the same texts")
  func differential() throws {
    let node = try #require(node, "there is no node")
    var generator = Generator(random: SplitMix(state: 20_12))
    let cases = (0..<20_000).map { _ in
      Case(pattern: generator.pattern(3), texts: (0..<12).map { _ in generator.text() })
    }
    let place = FileManager.default.temporaryDirectory.appending(path: "patterns-\(UUID())")
    defer { try? FileManager.default.removeItem(at: place) }
    let lines = try cases.map {
      try JSONSerialization.data(withJSONObject: [$0.pattern, $0.texts]) + Data([10])
    }
    try Data(lines.joined()).write(to: place)
    let process = Process()
    process.executableURL = node
    process.arguments = ["-e", script, place.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let answers = output.fileHandleForReading.readDataToEndOfFile().split(separator: 10)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    try #require(answers.count == cases.count)
    var counts = (both: 0, neither: 0, lenient: 0, matches: 0)
    for (item, answer) in zip(cases, answers) {
      let parts = try #require(JSONSerialization.jsonObject(with: answer) as? [Any])
      let strict = parts[0] as? [Bool]
      let compiled = try? Pattern(Array(item.pattern.utf8))
      guard let compiled else {
        // What we do not know may be anything but a pattern of the syntax that we claim.
        #expect(strict == nil || item.pattern.contains("\\1"), "\(item.pattern) is refused")
        counts.neither += 1
        continue
      }
      // What only we take with the flag, node takes without it; that reads characters beyond
      // U+FFFF as two, so those texts prove nothing.
      let expected = try #require(
        strict ?? parts[1] as? [Bool], "\(item.pattern) is a pattern for us only")
      let isNarrow =
        !item.pattern.contains("\\p") && !item.pattern.contains("\\P")
        && !item.pattern.contains("\\u") && !item.pattern.contains("😀")
      // Some versions of node look for \B between the two halves of a character, which the standard
      // does not.
      let isHalved = item.pattern.contains("\\B")
      for (text, wanted) in zip(item.texts, expected)
      where strict != nil && !isHalved || isNarrow && !text.contains("😀") {
        var steps = 1_000_000
        let result = compiled.matches(Array(text.utf8).span, steps: &steps)
        #expect(result == wanted, "\(item.pattern) in \(text.debugDescription)")
        counts.matches += 1
      }
      if strict == nil { counts.lenient += 1 } else { counts.both += 1 }
    }
    // Each kind of case was there.
    #expect(counts.both > 10_000 && counts.neither > 1000 && counts.lenient > 100)
    #expect(counts.matches > 100_000, "\(counts)")
  }
}
