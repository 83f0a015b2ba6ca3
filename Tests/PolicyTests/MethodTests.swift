import Foundation
import Testing
import Wire

@testable import Policy
@testable import Profile

/// One line of `Tests/Vectors/methods.txt`.
struct ListedMethod: Sendable, CustomTestStringConvertible {
  var sender: String
  var kind: String
  var name: String

  var testDescription: String { name }

  static let all: [ListedMethod] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Vectors/methods.txt")
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let words = line.split(separator: " ").map(String.init)
      return ListedMethod(
        sender: words[0], kind: words.count > 1 ? words[1] : "",
        name: words.count > 2 ? words[2] : "")
    }
  }()

  /// A message of this method.
  var line: String {
    let id = kind == "request" ? #""id":1,"# : ""
    return #"{"jsonrpc":"2.0",\#(id)"method":"\#(name)","params":{}}"#
  }
}

@Suite("The methods of the protocol")
struct MethodTests {
  @Test("those that policy knows are those of the protocol, and no others")
  func inventory() {
    var known: Set<String> = []
    var number = 0
    while let method = Method(rawValue: number) {
      if method != .other { known.insert(String(decoding: method.name, as: UTF8.self)) }
      number += 1
    }
    let listed = ListedMethod.all.map(\.name)
    #expect(Set(listed) == known)
    #expect(Set(listed).count == listed.count)
    for method in ListedMethod.all {
      #expect(["client", "server", "both"].contains(method.sender))
      #expect(["request", "notification"].contains(method.kind))
    }
  }

  @Test("what a reader would not see of a server's text is not let through in a profile either")
  func hidden() {
    for scalar in (UInt32(0)...0x10FFFF).compactMap(Unicode.Scalar.init) where scalar.isUnseen {
      #expect(quoted(String(Character(scalar))).hasPrefix("\"\\u{"), "\(scalar.value)")
    }
  }

  @Test("one that the other side never sends goes nowhere", arguments: ListedMethod.all)
  func wrongSide(_ method: ListedMethod) throws {
    guard method.sender != "both" else { return }
    let source = """
      version: 1
      name: open
      server: {command: [x]}
      tools: {allow: "*", schemas: ignore, unknown_arguments: allow}
      resources: {allow: "*"}
      prompts: {allow: "*"}
      requests: {sampling: allow, elicitation: allow, roots: everything}
      features: {completion: allow, logging: allow, tasks: allow, subscriptions: allow}
      """
    let profile = try #require(ProfileLoader(file: "p").load(Array(source.utf8)).profile)
    var window = Window(
      rules: Rules(profile: profile), identifierSeed: [UInt8](repeating: 1, count: 24),
      questionSeed: [UInt8](repeating: 1, count: 24))
    var decoder = Decoder(limits: WireLimits(maxSize: 1 << 16, maxDepth: 24))
    var document = Document()
    try decoder.decode(Array(method.line.utf8).span, into: &document)
    #expect(Method(of: document) != .other)
    let side: Side = method.sender == "client" ? .server : .client
    let decision = window.decide(document, from: side, at: 1)
    if case .forward = decision.action { Issue.record("\(method.name) from the wrong side passed") }
  }
}
