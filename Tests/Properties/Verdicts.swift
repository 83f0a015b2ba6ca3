import Generators
import Policy
import Profile
import Wire

/// What is decided on a message is decided on its value.
struct Verdicts {
  private let sessions: [Window]
  private var decoder = Decoder(limits: WireLimits())
  private var document = Document()
  /// How many messages were sent on, not sent on, and refused by the decoder: none may be all.
  private(set) var passed = 0, stopped = 0, unread = 0

  init() {
    sessions = Verdicts.profiles.map { text in
      let source = "version: 1\nname: properties\nserver: {command: [x]}\n" + text
      guard let profile = ProfileLoader(file: "properties").load(Array(source.utf8)).profile else {
        fatalError("a profile is wrong:\n\(source)")
      }
      var window = Window(
        rules: Rules(profile: profile), identifierSeed: [UInt8](repeating: 7, count: 24),
        questionSeed: [UInt8](repeating: 8, count: 16))
      var decoder = Decoder(limits: WireLimits())
      var document = Document()
      // What is in flight in both directions, and what the server said of its tools.
      for (side, line) in Verdicts.before {
        try? decoder.decode(Array(line.utf8).span, into: &document)
        _ = window.decide(document, from: side, at: 1)
      }
      return window
    }
  }

  private static let profiles = [
    "tools: {allow: [read, list, 'get_*'], schemas: ignore, unknown_arguments: allow}",
    """
    tools:
      allow:
        - {name: read, check_output: true}
        - {name: list, arguments: {n: {type: integer, maximum: 10}, path: {under: /srv}, a: {absent: true}}}
    resources: {allow: ["file:///srv/**"]}
    prompts: {allow: [plan]}
    requests: {elicitation: allow, roots: allow}
    features: {logging: allow, completion: allow, subscriptions: allow, tasks: allow}
    """,
    """
    tools: {allow: "*", schemas: ignore, unknown_arguments: allow}
    resources: {allow: "*"}
    prompts: {allow: "*"}
    requests: {sampling: allow, elicitation: allow, roots: everything}
    features: {completion: allow, logging: allow, tasks: allow, subscriptions: allow, extensions: allow}
    text: {hidden: remove}
    """,
  ]

  private static let before: [(Side, String)] = [
    (.client, #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"capabilities":{}}}"#),
    (.server, #"{"jsonrpc":"2.0","id":0,"result":{"capabilities":{"tools":{}}}}"#),
    (.client, #"{"jsonrpc":"2.0","id":0,"method":"tools/list"}"#),
    (
      .server,
      #"{"jsonrpc":"2.0","id":0,"result":{"tools":[{"name":"read","inputSchema":{"type":"object"}},{"name":"list","inputSchema":{"properties":{"n":{"type":"integer"},"path":{}}}}]}}"#
    ),
    (.client, #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}"#),
    (.client, #"{"jsonrpc":"2.0","id":"1","method":"tools/list"}"#),
    (
      .client,
      #"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list","_meta":{"progressToken":"t"}}}"#
    ),
    (.client, #"{"jsonrpc":"2.0","id":3,"method":"server/discover"}"#),
    (.server, #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#),
    (.server, #"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#),
  ]

  /// What is wrong with one generated message, nil if nothing.
  mutating func fault(_ seed: UInt64) -> String? {
    var random = SplitMix(state: seed)
    let side: Side = random.roll(2) == 0 ? .client : .server
    let message = Messages.any(&random)
    let session = random.roll(sessions.count)
    let first = verdict(Spelling.canonical(message), side, session)
    for _ in 0..<4 {
      let line = Spelling.any(message.shuffled(&random), &random)
      let other = verdict(line, side, session)
      if first != other {
        return "\(side): \(text(Spelling.canonical(message))) gives \(first),\n"
          + "\(text(line)) gives \(other)"
      }
    }
    if first.isUnread {
      unread += 1
    } else if first.sent.contains(where: { $0.hasPrefix("on") }) {
      passed += 1
    } else {
      stopped += 1
    }
    return nil
  }

  /// A verdict, and what is sent because of it, without regard to the order of keys.
  struct Verdict: Equatable {
    var isUnread = false
    var facts: [String] = []
    var sent: [String] = []
  }

  private mutating func verdict(_ line: [UInt8], _ side: Side, _ session: Int) -> Verdict {
    var window = sessions[session]
    var verdict = Verdict()
    do throws(WireError) {
      try decoder.decode(line.span, into: &document)
    } catch {
      // Of several faults the first is told; that there is one is the same in all orders.
      return Verdict(isUnread: true)
    }
    let bytes = document.bytes
    let decision = window.decide(document, from: side, at: 2)
    let event = decision.event
    verdict.facts = [
      event.name.rawValue, event.verdict.rawValue, event.reason ?? "", "\(event.rule)",
      text(event.method ?? []), text(event.tool ?? []), "\(window.inFlight)",
    ]
    switch decision.action {
    case .forward: verdict.sent.append("on " + sorted(bytes))
    case .replace(let line): verdict.sent.append("on " + sorted(line))
    // An answer may say what was wrong first.
    case .answer: verdict.sent.append("back")
    case .drop: break
    }
    for extra in decision.extra {
      switch extra {
      case .client(let line): verdict.sent.append("client " + sorted(line))
      case .server(let line), .notice(let line): verdict.sent.append("server " + sorted(line))
      }
    }
    return verdict
  }

  /// A sent line with the members of its objects in one order.
  private mutating func sorted(_ line: [UInt8]) -> String {
    do throws(WireError) {
      try decoder.decodeValue(line.span, into: &document)
    } catch {
      return "what was sent is refused: \(text(line))"
    }
    return sorted(document.root)
  }

  private func sorted(_ value: Value) -> String {
    switch value.kind {
    case .object:
      let members = document.members(of: value).map { key, member in
        text(Array(document.bytes[key])) + ":" + sorted(member)
      }
      return "{" + members.sorted().joined(separator: ",") + "}"
    case .array:
      return "[" + document.elements(of: value).map { sorted($0) }.joined(separator: ",") + "]"
    default: return text(Array(document.bytes[value.range]))
    }
  }
}
