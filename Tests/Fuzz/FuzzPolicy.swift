// Decode and policy under libFuzzer, compiled into one module with the sources of Policy. Wire, Schema
// and Profile are modules beside it, which are watched for coverage as well.
//
// An input is a conversation as the vectors write it: a byte that chooses the profile, then lines:
// `>…` of the client, `!…` of the client with a record that cannot be written, `<…` of the server,
// `e` when the server ends, `p` when it fails and another one follows, `r` when that one is there, `t` with as many seconds as the line is long.

import Profile
import Wire

/// What the profiles let through, said a second time for the ledger.
private struct Allowed {
  var rules: Rules
  var isTool: ([UInt8]) -> Bool
  /// Requests of the client that may reach the server; all when empty.
  var requests: Set<String> = []
  /// The same of the server.
  var questions: Set<String> = []
  /// Tools that the person is asked about.
  var asks: Set<String> = []
  /// How many calls may reach the server in a session.
  var calls = Int.max

  /// Whether what the server said at first is pinned, and changes held back or told of.
  var pins: PinSettings?

  /// Whether a server that fails is followed by another one.
  var restarts = false

  init(
    _ text: String, restarts: Bool = false, pins: Bool? = nil,
    isTool: @escaping ([UInt8]) -> Bool
  ) {
    let restart = restarts ? "on-failure" : "never"
    let source =
      "version: 1\nname: fuzz\nserver: {command: [x], restart: \(restart)}\n" + text
    self.restarts = restarts
    guard let profile = ProfileLoader(file: "fuzz.yaml").load(Array(source.utf8)).profile else {
      fatalError("a profile of the fuzzer is wrong")
    }
    rules = Rules(profile: profile, comparesTools: pins ?? false)
    self.pins = pins.map { isStrict in
      PinSettings(isStrict: isStrict, book: PinBook()) { PinDigest(digest(of: $0)) }
    }
    self.isTool = isTool
  }

  static let handshake: Set<String> = [
    "initialize", "server/discover", "ping", "tools/list", "tools/call",
  ]

  nonisolated(unsafe) static let all: [Allowed] = {
    func names(_ names: String...) -> ([UInt8]) -> Bool {
      { name in names.contains { Array($0.utf8) == name } }
    }
    var closed = Allowed(
      """
      tools: {allow: [read, list, a, "get_*"], schemas: ignore, unknown_arguments: allow}
      messages: {in_flight: 4, max_size: 4KiB, max_depth: 16}
      """
    ) { name in names("read", "list", "a")(name) || name.starts(with: Array("get_".utf8)) }
    closed.requests = handshake
    closed.questions = ["ping"]
    let open = Allowed(
      """
      tools: {allow: "*", schemas: ignore, unknown_arguments: allow}
      resources: {allow: "*"}
      prompts: {allow: "*"}
      requests: {sampling: allow, elicitation: {form: allow, hosts: ["*.example.com"]}, roots: everything}
      features: {completion: allow, logging: allow, tasks: allow, subscriptions: allow, extensions: allow}
      protocol: {lists: pages, progress: any}
      """, pins: false
    ) { _ in true }
    var held = Allowed(
      """
      tools:
        allow:
          - read
          - {name: list, check_output: true, require_annotation: readOnlyHint}
          - {name: a, arguments: {n: {required: true, type: integer, maximum: 100}, s: {under: /srv, host: [example.com]}}}
      text: {hidden: remove, max_field: 1024, max_list: 4096, max_result: 4096}
      messages: {in_flight: 8, own_timeout: 10s}
      """, pins: true, isTool: names("read", "list", "a"))
    held.requests = handshake
    held.questions = ["ping"]
    let stateless = Allowed(
      """
      tools: {allow: [a, b, ask, slow], schemas: ignore}
      resources: {allow: ["file:///srv/**", "memo:**"]}
      prompts: {allow: [review, plan]}
      requests: {sampling: allow, elicitation: allow, roots: allow}
      features: {completion: allow, tasks: allow, subscriptions: allow}
      protocol: {era: stateless, versions: [2026-07-28]}
      """, isTool: names("a", "b", "ask", "slow"))
    var asking = Allowed(
      """
      tools:
        schemas: ignore
        allow: [look]
        ask: [commit, {name: push, arguments: {branch: {enum: [main]}}, unknown_arguments: allow}]
      """, isTool: names("look", "commit", "push"))
    asking.requests = handshake
    asking.questions = ["ping"]
    asking.asks = ["commit", "push"]
    var counted = Allowed(
      """
      tools:
        schemas: ignore
        unknown_arguments: allow
        rate: 20/min
        in_flight: 3
        timeout: 10s
        breaker: {failures: 2, window: 20s, pause: 10s, successes: 2}
        budget: {calls: 8, bytes: 4KiB}
        allow: [a, b, {name: x, rate: 2/min, in_flight: 1, timeout: 5s}]
        ask: [commit]
      """, isTool: names("a", "b", "x", "commit"))
    counted.requests = handshake
    counted.questions = ["ping"]
    counted.asks = ["commit"]
    counted.calls = 8
    var restarted = Allowed(
      """
      tools: {allow: [read, list, a, "get_*"]}
      features: {logging: allow, subscriptions: allow}
      resources: {allow: ["memo:**"]}
      messages: {in_flight: 8}
      """, restarts: true, pins: true
    ) { name in names("read", "list", "a")(name) || name.starts(with: Array("get_".utf8)) }
    restarted.requests = handshake.union([
      "logging/setLevel", "resources/list", "resources/templates/list", "resources/read",
      "resources/subscribe", "resources/unsubscribe", "subscriptions/listen",
    ])
    restarted.questions = ["ping"]
    return [closed, open, held, stateless, asking, counted, restarted]
  }()
}

/// 32 bytes that differ where the input does, as far as a fuzzer can see.
private func digest(of bytes: [UInt8]) -> [UInt8] {
  var words: [UInt64] = [0xcbf2_9ce4_8422_2325, 1, 2, 3]
  for (index, byte) in bytes.enumerated() {
    words[index % 4] =
      (words[index % 4] ^ UInt64(byte)) &* 0x100_0000_01b3 &+ words[(index + 1) % 4]
  }
  return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
}

/// What went over the two wires, and what that forbids.
private struct Ledger {
  let allowed: Allowed
  /// Requests of the client and of the server that are not answered yet, by how often.
  var asked: [RequestID: Int] = [:]
  var questions: [RequestID: Int] = [:]
  /// Whether the person has agreed to anything.
  var hasAccepted = false
  /// Calls of tools that reached the server.
  var calls = 0
  var decoder = Decoder(limits: WireLimits(maxSize: 64 << 20, maxDepth: 1024))
  var document = Document()

  /// The line again, from bytes that were sent.
  private mutating func read(_ line: [UInt8]) {
    demand(!line.contains { $0 < 0x20 }, "a control byte was sent")
    do throws(WireError) {
      try decoder.decode(line.span, into: &document)
    } catch {
      fail("what was sent is refused: \(error)")
    }
    demand(document.bytes == line, "what was sent is not canonical")
  }

  private var method: String {
    document.method.map { String(decoding: document.bytes[$0], as: UTF8.self) } ?? ""
  }

  /// Whether an id is of a request of our own to the server, or of a question to the person.
  private func isOwn(_ id: RequestID) -> Bool { id.content?.starts(with: ownPrefix) ?? false }
  func isQuestion(_ id: RequestID) -> Bool {
    id.content?.starts(with: questionPrefix) ?? false
  }

  mutating func client(gets line: [UInt8]) {
    read(line)
    switch document.kind {
    case .request:
      guard let id = document.id else { return }
      // The fuzzer's server knows the ids of our questions, which a real one cannot.
      let isOurs = isQuestion(id) && !allowed.asks.isEmpty && method == "elicitation/create"
      demand(isOurs || questions[id, default: 0] > 0, "a question of nobody")
      demand(
        isOurs || allowed.questions.isEmpty || allowed.questions.contains(method),
        "a denied question")
    case .notification: break
    case .result, .error:
      // Only of a line that could not be read is it unknown whose answer this is.
      guard let id = document.id else {
        return demand(document.kind == .error, "a result of nothing")
      }
      demand(asked[id, default: 0] > 0, "an answer to nothing")
      asked[id, default: 0] -= 1
    }
  }

  mutating func server(gets line: [UInt8], isRecorded: Bool) {
    read(line)
    if let id = document.id, isQuestion(id) {
      demand(
        questions[id, default: 0] + asked[id, default: 0] > 0, "the server sees a question of ours")
    }
    switch document.kind {
    case .request:
      guard let id = document.id else { return }
      demand(isRecorded, "a request went out without a record")
      demand(isOwn(id) || asked[id, default: 0] > 0, "a request of nobody")
      demand(
        allowed.requests.isEmpty || allowed.requests.contains(method), "a denied request")
      if method == "tools/call" {
        demand(!isOwn(id), "a call of our own")
        let name = document.params.flatMap { document.member("name", of: $0) }
        demand(name?.kind == .string, "a call of no tool")
        let tool = name.map { document.utf8($0) } ?? []
        demand(allowed.isTool(tool), "a hidden tool")
        calls += 1
        demand(calls <= allowed.calls, "more calls than the session may make")
        demand(
          hasAccepted || !allowed.asks.contains(String(decoding: tool, as: UTF8.self)),
          "nobody was asked")
      }
    case .notification: break
    case .result, .error:
      guard let id = document.id else { fail("an answer to nobody") }
      demand(questions[id, default: 0] > 0, "an answer to nothing")
      questions[id, default: 0] -= 1
    }
  }
}

private let ownPrefix = Array(("anchorhold-" + String(repeating: "a5", count: 16)).utf8)
private let questionPrefix = Array(("anchorhold-ask-" + String(repeating: "a5", count: 24)).utf8)

/// A session that is played twice: as the lines came, and in canonical spelling.
private struct Session {
  var window: Window
  var twin: Window
  var ledger: Ledger
  var decoder: Decoder
  var document = Document()
  var spelled = Document()
  var now: Int64 = 0
  var hasEnded = false
  /// Whether a server failed and the next one is not there yet, or is still told what it has to know.
  var isAway = false
  var isResuming = false
  /// What was sent in this step, for the oracle.
  var sent: [(toClient: Bool, line: [UInt8])] = []

  init(_ allowed: Allowed) {
    let seed = [UInt8](repeating: 0xA5, count: 24)
    window = Window(
      rules: allowed.rules, identifierSeed: seed, questionSeed: seed, pins: allowed.pins)
    twin = window
    decoder = Decoder(limits: WireLimits(maxSize: allowed.rules.maxSize, maxDepth: 24))
    ledger = Ledger(allowed: allowed)
  }

  /// Plays one line; why it was refused, if it could not be read.
  mutating func play(_ line: [UInt8], from side: Side, recordFails: Bool) -> WireReason? {
    now += 1000
    sent.removeAll()
    do throws(WireError) {
      try decoder.decode(line.span, into: &document)
    } catch {
      // Where the id can be told, the answer bears it.
      if side == .client, let id = error.id { ledger.asked[id, default: 0] += 1 }
      let decision = window.refuse(error, from: side, size: line.count, at: now)
      agree(decision, twin.refuse(error, from: side, size: line.count, at: now))
      note(decision, side, [])
      return error.reason
    }
    if side == .server, document.kind == .request, let id = document.id, ledger.isQuestion(id),
      !window.consents.isOpen(id)
    {
      // The ids of questions are random: no server has one before it was put, or of its own.
      return nil
    }
    if document.kind == .request, let id = document.id {
      if side == .client { ledger.asked[id, default: 0] += 1 }
      if side == .server { ledger.questions[id, default: 0] += 1 }
    }
    if side == .client, Self.accepts(document.bytes) { ledger.hasAccepted = true }
    respell(document.bytes)
    var decision = window.decide(document, from: side, at: now)
    var other = twin.decide(spelled, from: side, at: now)
    if recordFails, decision.event.mustRecordBefore {
      decision = window.auditFailed(document, from: side)
      other = twin.auditFailed(spelled, from: side)
    }
    agree(decision, other)
    note(decision, side, document.bytes)
    if isResuming, side == .server { go(window.resumed(at: now), twin.resumed(at: now)) }
    release()
    return nil
  }

  /// Lets time pass, with a look whenever the window asks for one.
  mutating func pass(seconds: Int) {
    sent.removeAll()
    let end = now + Int64(seconds) * 1_000_000
    while let deadline = window.deadline, deadline <= end {
      demand(twin.deadline == deadline, "spelling changed a time")
      now = max(now, deadline)
      while let (side, decision) = window.expire(at: now) {
        guard let (_, other) = twin.expire(at: now) else { fail("spelling changed what is due") }
        agree(decision, other)
        note(decision, side, [])
        release()
      }
      _ = twin.expire(at: now)
      demand(window.deadline ?? .max > now, "it would look again without end")
    }
    now = end
  }

  /// Calls that waited, in both sessions.
  private mutating func release() {
    while true {
      let (one, other) = (window.release(at: now), twin.release(at: now))
      guard let (held, decision) = one, let other else {
        demand(one == nil && other == nil, "only one was released")
        break
      }
      agree(decision, other.decision)
      note(decision, .client, held.bytes)
    }
    // As the relay does: what is new is taken to be written.
    demand(window.hasPins == twin.hasPins, "spelling changed what is pinned")
    if window.hasPins { _ = (window.takePins(), twin.takePins()) }
    demand(window.inFlight <= ledger.allowed.rules.inFlight, "too many are in flight")
    demand(window.own.count == window.gathers.count, "a page of no list")
  }

  /// Whether a message of the client says yes to something, whatever that is.
  private static func accepts(_ line: [UInt8]) -> Bool {
    let yes = Array(#""action":"accept""#.utf8)
    guard line.count >= yes.count else { return false }
    return (0...line.count - yes.count).contains { line[$0...].starts(with: yes) }
  }

  /// Reads canonical bytes for the twin.
  private mutating func respell(_ line: [UInt8]) {
    do throws(WireError) {
      try decoder.decode(line.span, into: &spelled)
    } catch {
      fail("what was accepted is refused: \(error)")
    }
    demand(spelled.bytes == line, "canonical bytes changed")
  }

  /// The server ends: whatever waits is answered.
  mutating func end() {
    sent.removeAll()
    let waiting = window.inFlight
    var answers = 0
    for decision in window.serverEnded(reason: "exited with status 1", at: now) {
      answers += 1
      note(decision, .client, [])
    }
    _ = twin.serverEnded(reason: "exited with status 1", at: now)
    demand(answers == waiting && window.inFlight == 0, "somebody waits for ever")
    hasEnded = true
  }

  /// The server fails, and another one is to follow: all but a handshake is answered, and what the server
  /// asked is void.
  mutating func pause() {
    sent.removeAll()
    let ones = window.serverPaused(reason: "ended with an error", at: now)
    let others = twin.serverPaused(reason: "ended with an error", at: now)
    demand(ones.count == others.count, "spelling changed a pause")
    for (one, other) in zip(ones, others) {
      agree(one, other)
      note(one, .client, [])
    }
    demand(window.inFlight <= 1, "somebody waits for a server that is gone")
    ledger.questions.removeAll()
    isAway = true
    isResuming = false
  }

  /// The next server is there.
  mutating func resume() {
    sent.removeAll()
    isAway = false
    isResuming = true
    go(window.resume(at: now), twin.resume(at: now))
    release()
  }

  /// What the next server is told, and the client of it.
  private mutating func go(
    _ one: (decisions: [Decision], state: Resumption),
    _ other: (decisions: [Decision], state: Resumption)
  ) {
    demand(
      one.decisions.count == other.decisions.count && one.state == other.state,
      "spelling changed a restart")
    for (one, other) in zip(one.decisions, other.decisions) {
      agree(one, other)
      for extra in one.extra {
        switch extra {
        case .client(let line):
          send(line, toClient: true, true, .client)
          demand(ledger.document.kind == .notification, "a restart asks the client something")
        // The relay records each before it sends it.
        case .server(let line), .notice(let line): send(line, toClient: false, true, .client)
        }
      }
    }
    if one.state != .waits { isResuming = false }
    if case .refused = one.state { end() }
  }

  /// Spelling changes no verdict.
  private func agree(_ one: Decision, _ other: Decision) {
    demand(
      one.action == other.action && one.extra == other.extra
        && one.event.verdict == other.event.verdict && one.event.reason == other.event.reason
        && one.event.rule == other.event.rule, "spelling changed \(one) to \(other)")
  }

  private mutating func note(_ decision: Decision, _ side: Side, _ message: [UInt8]) {
    let isRecorded = decision.event.mustRecordBefore
    switch decision.action {
    case .forward: send(message, toClient: side == .server, isRecorded, side)
    case .replace(let line): send(line, toClient: side == .server, isRecorded, side)
    case .answer(let line): send(line, toClient: side == .client, isRecorded, side)
    case .drop: break
    }
    for extra in decision.extra {
      switch extra {
      case .client(let line): send(line, toClient: true, isRecorded, side)
      case .server(let line): send(line, toClient: false, isRecorded || side == .server, side)
      case .notice(let line):
        send(line, toClient: false, false, side)
        demand(ledger.document.kind == .notification, "a notice that wants an answer")
      }
    }
  }

  private mutating func send(_ line: [UInt8], toClient: Bool, _ isRecorded: Bool, _ side: Side) {
    sent.append((toClient, line))
    if toClient {
      ledger.client(gets: line)
      if side == .server {
        demand(window.texts.filter(line).message == nil, "something unseen was sent")
      }
    } else {
      ledger.server(gets: line, isRecorded: isRecorded)
      // Nobody reads it, and nobody waits for an answer.
      demand(
        !hasEnded || ledger.document.kind == .notification, "a server that has ended was asked")
    }
  }
}

/// The entry point of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPolicy(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let first = input.first else { return 0 }
  let profile = Int(first) % Allowed.all.count
  var session = Session(Allowed.all[profile])
  var transcript = Transcript(input)
  for line in input.dropFirst().split(separator: 0x0A) {
    guard let mark = line.first else { continue }
    let payload = Array(line.dropFirst())
    switch mark {
    case UInt8(ascii: ">"), UInt8(ascii: "!"), UInt8(ascii: "<"):
      let side: Side = mark == UInt8(ascii: "<") ? .server : .client
      if side == .server, session.hasEnded || session.isAway { continue }
      let reason = session.play(payload, from: side, recordFails: mark == UInt8(ascii: "!"))
      transcript.add(
        "message", payload, reason?.rawValue, reason == nil ? session.document.bytes : [],
        from: side == .client ? "client" : "server", profile: profile, sent: session.sent)
    case UInt8(ascii: "t"): session.pass(seconds: payload.count)
    case UInt8(ascii: "p"):
      if Allowed.all[profile].restarts, !session.hasEnded, !session.isAway { session.pause() }
    case UInt8(ascii: "r"): if session.isAway, !session.hasEnded { session.resume() }
    case UInt8(ascii: "e"): if !session.hasEnded { session.end() }
    default: continue
    }
  }
  transcript.write()
  return 0
}
