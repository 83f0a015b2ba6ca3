import Foundation
import Testing

@testable import Profile

@Suite("The format's description")
struct FormatTests {
  private static let docs = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs")

  private static let begin = "<!-- the table of keys; written by FormatTests, do not edit -->\n"
  private static let end = "<!-- end of the table -->\n"
  private static var writes: Bool {
    ProcessInfo.processInfo.environment["ANCHORHOLD_WRITE_DOCS"] == "1"
  }

  @Test("docs/profile.md holds the table of every key (ANCHORHOLD_WRITE_DOCS=1 writes it)")
  func table() throws {
    let file = Self.docs.appending(path: "profile.md")
    var text = try String(contentsOf: file, encoding: .utf8)
    let start = try #require(text.range(of: Self.begin)).upperBound
    let end = try #require(text.range(of: Self.end)).lowerBound
    if Self.writes {
      text.replaceSubrange(start..<end, with: FormatSchema.markdown)
      try text.write(to: file, atomically: true, encoding: .utf8)
    } else {
      #expect(text[start..<end] == FormatSchema.markdown)
    }
  }

  @Test("docs/profile.schema.json is the schema (ANCHORHOLD_WRITE_DOCS=1 writes it)")
  func schema() throws {
    let file = Self.docs.appending(path: "profile.schema.json")
    if Self.writes {
      try FormatSchema.json.text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == FormatSchema.json.text)
    let object = try JSONSerialization.jsonObject(with: Data(FormatSchema.json.text.utf8))
    let properties = (object as? [String: Any])?["properties"] as? [String: Any]
    let enforced = Format.root.filter { if case .enforced = $0.status { true } else { false } }
    #expect(Set(properties?.keys.map { $0 } ?? []) == Set(enforced.map(\.name)))
  }

  @Test("the example of every key is one that the parser takes, or refuses as not enforced")
  func examples() throws {
    for path in FormatSchema.keyPaths {
      let (text, isLater) = try Self.profile(with: path)
      var loader = ProfileLoader(file: path)
      loader.requiresSettings = false
      let diagnostics = loader.load(Array(text.utf8)).diagnostics
      let errors = diagnostics.filter { $0.severity == .error }
      // Examples mention the variable of the docs; here some have nothing that uses it.
      let others = errors.filter { !$0.message.contains("is never used") }
      if isLater {
        #expect(others.contains { $0.message.hasSuffix("not enforced by this version") }, "\(path)")
      } else {
        #expect(others.isEmpty, "\(path): \(others.map(\.message)) in\n\(text)")
      }
    }
  }

  @Test(
    "a value outside the range of a key is refused",
    arguments: [
      ("limits", "memory", "15MiB", "16MiB", "1TiB", "2TiB"),
      ("limits", "processes", "7", "8", "65536", "65537"),
      ("limits", "open_files", "15", "16", "1048576", "1048577"),
      ("limits", "cpu_time", "0s", "1s", "365d", "366d"),
      ("messages", "max_size", "1023", "1KiB", "256MiB", "257MiB"),
      ("messages", "max_depth", "3", "4", "512", "513"),
      ("messages", "in_flight", "0", "1", "4096", "4097"),
    ])
  func ranges(
    _ section: String, _ key: String, _ below: String, _ least: String, _ most: String,
    _ above: String
  ) {
    func isGood(_ value: String) -> Bool {
      let text = "version: 1\nname: x\n\(section): {\(key): \(value)}\n"
      return ProfileLoader(file: "p").load(Array(text.utf8)).profile != nil
    }
    #expect(!isGood(below) && isGood(least) && isGood(most) && !isGood(above))
  }

  /// A profile that gives one key its example, in the shape that the key's path says.
  private static func profile(with path: String) throws -> (text: String, isLater: Bool) {
    var keys = Format.root
    var parts = path.split(separator: ".").map(String.init)
    var found: Key?
    var open = ""
    var close = ""
    while let part = parts.first {
      parts.removeFirst()
      if part == "NAME" {
        open += "{x: "
        close = "}" + close
      } else {
        let name = part.replacing("[]", with: "")
        let key = try #require(keys.first { $0.name == name }, "\(path)")
        found = key
        open += (open.isEmpty ? "" : "{\(siblings(keys, besides: name))") + name + ": "
        close = (close.isEmpty && open == name + ": " ? "" : "}") + close
        if part.hasSuffix("[]") {
          open += "["
          close = "]" + close
        }
        keys = inner(key.shape)
      }
    }
    let key = try #require(found)
    let isLater = if case .later = key.status { true } else { false }
    var text = ["version", "name", "variables"].filter { !path.hasPrefix($0) }.map {
      $0 == "variables"
        ? "variables: {repository: {type: directory, required: true}}\n"
        : "\($0): \($0 == "version" ? "1" : "x")\n"
    }.joined()
    if path == "variables" || path.hasPrefix("variables.") {
      text += "server: {command: [\"${\(path == "variables" ? "repository" : "x")}\"]}\n"
    }
    return (text + open + key.example + close + "\n", isLater)
  }

  private static func siblings(_ keys: [Key], besides name: String) -> String {
    let needed = keys.filter { $0.isRequired && $0.name != name }
      .map { "\($0.name): \($0.example), " }.joined()
    // A variable is whole only with one of these two.
    let isVariable = keys.contains { $0.name == "default" } && name != "default"
    // Numbers of a user come in pairs, and so do a danger and its reason.
    let partner = [
      "uid": "group: 4321, ", "group": "uid: 4321, ", "dangerous": "reason: because, ",
      "reason": "dangerous: true, ",
    ]
    let isUser = keys.contains { $0.name == "owner_of" }
    if isUser { return partner[name] ?? "" }
    let isDanger = keys.contains { $0.name == "dangerous" }
    return needed + (isDanger ? partner[name] ?? "" : "")
      + (isVariable && name != "required" ? "required: true, " : "")
  }

  private static func inner(_ shape: Shape) -> [Key] {
    switch shape {
    case .table(let keys), .either(_, let keys): keys
    case .list(let element, _), .listOrEverything(let element, _): inner(element)
    case .names(_, let value, _): inner(value)
    default: []
    }
  }
}
