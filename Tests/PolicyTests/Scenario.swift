import Audit
import Foundation
import Profile
import Testing
import Wire

@testable import Policy

/// A conversation as a file tells it, and how it is played against a window.
///
/// A header of `key: value` lines (`says`, `tools`, `logging`, `in_flight`, `max_size`, `pins` with
/// `strict` or `warn`, which is a first use; each `yaml: …`
/// is a line of the profile, from line 4 on; lines `profile: …` are the whole of it, indented, from line 3
/// on), an empty line, then steps. A step is a line `> …` (the client sends), `< …` (the server sends), `>! …`
/// (the client sends and the record cannot be written), `end …` (the server ended), `pause` (it failed,
/// and another one follows), `resume` (that one is there) or `after TIME` (so
/// much time passes: `20s`, `500ms`; every other step takes 10 µs). The lines
/// below it say everything that comes of it, in order: `=>S …`, `=>C …`, with `=` for the same
/// message; `drop REASON` and `reason REASON` say what the record must; `tool NAME`, `rule N`,
/// `removed N`, `outcome O` likewise; `no decision` that there is none. `OWN1` stands for the id of our own first request.
struct Scenario: CustomTestStringConvertible, Sendable {
  struct Step: Sendable {
    var number: Int
    var stimulus: String
    var expectations: [String] = []
  }

  var name: String
  var header: [String: String] = [:]
  /// The lines of `profile:`.
  var text: [String] = []
  var yaml: [String] = []
  var steps: [Step] = []

  var testDescription: String { name }

  static let seed = [UInt8](repeating: 0xA5, count: 24)
  static let ownPrefix = "anchorhold-" + String(repeating: "a5", count: 16) + "-"

  static let askPrefix = "anchorhold-ask-" + String(repeating: "a5", count: 24) + "-"

  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Vectors/policy")

  static let all: [Scenario] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.sorted().filter { $0.hasSuffix(".txt") }.map { Scenario(file: $0) }
  }()

  init(file: String) {
    name = file
    let text = try? String(contentsOf: Scenario.folder.appending(path: file), encoding: .utf8)
    var inHeader = true
    let lines = (text ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      if inHeader {
        if line.isEmpty {
          inHeader = false
        } else if line.hasPrefix("profile: ") {
          self.text.append(String(line.dropFirst(9)))
        } else if let colon = line.firstIndex(of: ":") {
          let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
          if line.hasPrefix("yaml:") { yaml.append(value) }
          header[String(line[..<colon])] = value
        }
        continue
      }
      let owned = line.replacingOccurrences(of: "OWN", with: Scenario.ownPrefix)
        .replacingOccurrences(of: "ASK", with: Scenario.askPrefix)
      if line.isEmpty || line.hasPrefix("#") { continue }
      if line.hasPrefix(">") || line.hasPrefix("<") || line.hasPrefix("end")
        || line.hasPrefix("after ") || line == "pause" || line == "resume"
      {
        steps.append(Step(number: index + 1, stimulus: owned))
      } else {
        steps[steps.count - 1].expectations.append(owned)
      }
    }
  }

  var profile: Profile {
    if !text.isEmpty { return Scenario.profile(text.joined(separator: "\n")) }
    var profile = Profile(name: "test")
    if !yaml.isEmpty {
      let text = "version: 1\nname: test\nserver: {command: [x]}\n" + yaml.joined(separator: "\n")
      let (loaded, diagnostics) = ProfileLoader(file: name).load(Array(text.utf8))
      guard let loaded else { fatalError("\(name): \(diagnostics)") }
      profile = loaded
    }
    switch header["tools"] ?? "*" {
    case "*": profile.tools = .init(allow: .everything(line: 7))
    case let names:
      profile.tools = .init(
        allow: .names(
          names.split(separator: " ").enumerated().map {
            Located(unescape(String($0.element)), line: 10 + $0.offset, column: 7)
          }))
    }
    // Conversations about other things do without the server's schemas.
    profile.tools.enforcesSchemas = false
    profile.tools.unknownArguments = .allow
    profile.features.logging = header["logging"] == "allow" || profile.features.logging
    if header["restart"] == "on-failure" { profile.server.restart = .init() }
    if let text = header["in_flight"], let number = Int(text) { profile.messages.inFlight = number }
    if let text = header["max_size"], let number = Int(text) { profile.messages.maxSize = number }
    return profile
  }

  /// A profile of this text below its version and name, so that the text begins in line 3.
  static func profile(_ text: String) -> Profile {
    let (profile, findings) = ProfileLoader(file: "vector").load(
      Array("version: 1\nname: test\n\(text)\n".utf8))
    guard let profile else { fatalError(findings.map(\.text).joined(separator: "\n")) }
    return profile
  }

  /// What a session is compared with, nothing yet.
  private var pins: PinSettings? {
    header["pins"].map { PinSettings(isStrict: $0 == "strict", book: PinBook(), digest: sha256) }
  }

  /// `\u{XXXX}` in a name of the header.
  private func unescape(_ text: String) -> String {
    var result = text
    while let start = result.range(of: "\\u{"),
      let end = result[start.upperBound...].firstIndex(of: "}"),
      let value = UInt32(result[start.upperBound..<end], radix: 16),
      let scalar = Unicode.Scalar(value)
    {
      result.replaceSubrange(start.lowerBound...end, with: String(Character(scalar)))
    }
    return result
  }

  /// Plays the conversation; the differences between what came and what was expected.
  func play() -> [String] {
    var player = Player(profile: profile, pins: pins)
    var differences: [String] = []
    for step in steps {
      let outcome = player.play(step.stimulus)
      let expected = step.expectations.filter { $0.hasPrefix("=>") }
        .map { $0.hasSuffix(" =") ? String($0.dropLast()) + outcome.canonical : $0 }
      if outcome.lines != expected {
        differences.append(
          "line \(step.number): expected \(expected), came \(outcome.lines) (\(outcome.facts))")
      }
      let facts = outcome.facts + (outcome.decisions.isEmpty ? ["no decision"] : [])
      for fact in step.expectations where !fact.hasPrefix("=>") && !facts.contains(fact) {
        differences.append("line \(step.number): expected \"\(fact)\", came \(outcome.facts)")
      }
    }
    return differences
  }
}

/// A window that is fed lines.
struct Player {
  var window: Window
  var decoder: Decoder
  var document = Document()
  var now: Int64 = 0
  var isResuming = false

  struct Outcome {
    var canonical = ""
    /// `=>S …` and `=>C …`.
    var lines: [String] = []
    var facts: [String] = []
    var decisions: [Decision] = []
  }

  init(profile: Profile, seed: [UInt8] = Scenario.seed, pins: PinSettings? = nil) {
    window = Window(
      rules: Rules(profile: profile, comparesTools: pins != nil), identifierSeed: seed,
      questionSeed: seed, pins: pins)
    decoder = Decoder(
      limits: WireLimits(maxSize: profile.messages.maxSize, maxDepth: profile.messages.maxDepth))
  }

  mutating func play(_ stimulus: String) -> Outcome {
    if stimulus.hasPrefix("after ") { return pass(microseconds(stimulus.dropFirst(6))) }
    now += 10
    if stimulus.hasPrefix("end") {
      var outcome = Outcome()
      for decision in window.serverEnded(reason: "exited with status 1", at: now) {
        note(decision, side: .client, &outcome)
      }
      return outcome
    }
    if stimulus == "pause" {
      isResuming = false
      var outcome = Outcome()
      for decision in window.serverPaused(reason: "ended with an error", at: now) {
        note(decision, side: .client, &outcome)
      }
      outcome.facts.append("lost \(window.lost.subscriptions) \(window.lost.tasks)")
      return outcome
    }
    if stimulus == "resume" {
      isResuming = true
      var outcome = Outcome()
      note(window.resume(at: now), &outcome)
      return outcome
    }
    let side: Side = stimulus.hasPrefix(">") ? .client : .server
    let fails = stimulus.hasPrefix(">! ")
    return send(Array(stimulus.utf8.dropFirst(fails ? 3 : 2)), from: side, recordFails: fails)
  }

  /// Lets time pass, with a look whenever the window asks for one, as the relay does it.
  mutating func pass(_ time: Int64) -> Outcome {
    var outcome = Outcome()
    let end = now + time
    while let deadline = window.deadline, deadline <= end {
      now = max(now, deadline)
      while let (side, decision) = window.expire(at: now) {
        note(decision, side: side, &outcome)
        release(&outcome)
      }
      // Else the relay would look again without end.
      #expect(window.deadline ?? .max > now)
    }
    now = end
    return outcome
  }

  private func microseconds(_ text: Substring) -> Int64 {
    for (unit, factor) in [("ms", 1_000), ("us", 1), ("s", 1_000_000)] as [(String, Int64)]
    where text.hasSuffix(unit) {
      if let count = Int64(text.dropLast(unit.count)) { return count * factor }
    }
    fatalError("no time: \(text)")
  }

  private mutating func release(_ outcome: inout Outcome) {
    while let (held, decision) = window.release(at: now) {
      outcome.canonical = text(held.bytes)
      note(decision, side: .client, &outcome)
    }
  }

  mutating func send(_ line: [UInt8], from side: Side, recordFails: Bool = false) -> Outcome {
    var outcome = Outcome()
    do throws(WireError) {
      try decoder.decode(line.span, into: &document)
      outcome.canonical = text(document.bytes)
      var decision = window.decide(document, from: side, at: now)
      if recordFails, decision.event.mustRecordBefore {
        decision = window.auditFailed(document, from: side)
      }
      note(decision, side: side, &outcome)
      if isResuming, side == .server { note(window.resumed(at: now), &outcome) }
      release(&outcome)
    } catch {
      note(window.refuse(error, from: side, size: line.count, at: now), side: side, &outcome)
    }
    return outcome
  }

  /// What a server that was started again is told, and what comes of it.
  private mutating func note(
    _ step: (decisions: [Decision], state: Resumption), _ outcome: inout Outcome
  ) {
    for decision in step.decisions { note(decision, side: .client, &outcome) }
    outcome.facts.append("\(step.state)")
    if step.state != .waits { isResuming = false }
  }

  private func note(_ decision: Decision, side: Side, _ outcome: inout Outcome) {
    let (sender, other) = side == .client ? ("=>C ", "=>S ") : ("=>S ", "=>C ")
    switch decision.action {
    case .forward: outcome.lines.append(other + outcome.canonical)
    case .replace(let line): outcome.lines.append(other + text(line))
    case .answer(let line): outcome.lines.append(sender + text(line))
    case .drop: break
    }
    for extra in decision.extra {
      switch extra {
      case .client(let line): outcome.lines.append("=>C " + text(line))
      case .server(let line), .notice(let line): outcome.lines.append("=>S " + text(line))
      }
    }
    outcome.decisions.append(decision)
    let event = decision.event
    outcome.facts.append("event \(event.name.rawValue)")
    outcome.facts.append("verdict \(event.verdict.rawValue)")
    outcome.facts.append("rule \(event.rule)")
    if let reason = event.reason {
      outcome.facts.append("reason \(reason)")
      if event.name == .drop { outcome.facts.append("drop \(reason)") }
    }
    if let tool = event.tool { outcome.facts.append("tool \(text(tool))") }
    if let method = event.method { outcome.facts.append("method \(text(method))") }
    if let hidden = event.hidden { outcome.facts.append("hidden \(hidden)") }
    if let changed = event.changed {
      outcome.facts.append("changed \(changed.count) \(changed.names.map(text))")
    }
    if event.changedInstructions { outcome.facts.append("changed instructions") }
    if let cut = event.cut { outcome.facts.append("cut \(cut)") }
    if let removed = event.removed { outcome.facts.append("removed \(removed)") }
    if let end = event.outcome { outcome.facts.append("outcome \(end.rawValue)") }
  }

  func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}

extension Profile.Tools {
  /// Tools whose calls are not held to what the server says of them.
  static func unchecked(_ allow: [Profile.Tool]) -> Profile.Tools {
    var tools = Profile.Tools(allow: allow)
    tools.enforcesSchemas = false
    tools.unknownArguments = .allow
    return tools
  }
}

/// The digest that pins are made of.
@Sendable func sha256(_ bytes: [UInt8]) -> PinDigest { PinDigest(Digest.sha256(bytes.span)) }
