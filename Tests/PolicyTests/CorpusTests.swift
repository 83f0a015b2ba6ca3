import Foundation
import Profile
import Testing
import Wire

@testable import Policy

/// Messages of real sessions, where they are at hand.
enum Corpus {
  static let lines: [String]? = {
    let environment = ProcessInfo.processInfo.environment
    let beside = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared").path
    let folder = environment["ANCHORHOLD_SHARED"] ?? beside
    let text = try? String(contentsOfFile: folder + "/data/wire-corpus.log", encoding: .utf8)
    return text?.split(separator: "\n").map(String.init)
  }()
}

@Suite("Real sessions")
struct CorpusTests {
  @Test(
    "every message of real sessions gets a decision of a kind that is expected",
    .enabled(if: Corpus.lines != nil, "the corpus of real sessions is not at hand"))
  func corpus() throws {
    let lines = try #require(Corpus.lines)
    // The log holds many sessions one after the other and mixed, so ids are used again while in
    // flight: each request here is answered before the next with its id, as a session would.
    var profile = Profile(name: "test")
    profile.tools = .unchecked(.everything(line: 1))
    profile.messages.inFlight = 4_096
    var player = Player(profile: profile)
    var reasons: [String: Int] = [:]
    var verdicts: [String: Int] = [:]
    for line in lines {
      let outcome = player.play(line)
      for decision in outcome.decisions {
        verdicts[decision.event.verdict.rawValue, default: 0] += 1
        if let reason = decision.event.reason { reasons[reason, default: 0] += 1 }
      }
    }
    let known: Set<String> = [
      "capabilities", "hidden-list", "method-denied", "notification-denied", "unmatched-response",
      "id-in-use", "unmatched-cancellation", "unmatched-progress", "late-response", "bad-cursor",
      "list-page", "list-filtered", "result-type", "input-denied", "no-subscription",
      "unasked-input", "bad-list", "list-malformed", "cursor-repeated",
    ]
    #expect(Set(reasons.keys).subtracting(known) == [], "\(reasons)")
    #expect(verdicts["pass", default: 0] > 300, "\(verdicts) \(reasons)")
  }

  @Test(
    "a real session's calls pass with an allow-everything profile, one session at a time",
    .enabled(if: Corpus.lines != nil, "the corpus of real sessions is not at hand"))
  func calls() throws {
    let lines = try #require(Corpus.lines)
    var calls = 0
    for line in lines where line.hasPrefix(">") && line.contains(#""method":"tools/call""#) {
      var profile = Profile(name: "test")
      profile.tools = .unchecked(.everything(line: 1))
      var player = Player(profile: profile)
      let outcome = player.play(line)
      if line.contains(#""inputResponses""#) { continue }
      #expect(outcome.lines.count == 1)
      #expect(outcome.lines.first?.hasPrefix("=>S ") == true, "\(line)")
      calls += 1
    }
    #expect(calls > 100)
  }

  @Test(
    "a profile that allows everything denies no method of a real session",
    .enabled(if: Corpus.lines != nil, "the corpus of real sessions is not at hand"))
  func everything() throws {
    var reasons: [String: Int] = [:]
    var passed: [String: Int] = [:]
    // The log holds many sessions, mixed, with the same ids: each question here has its own.
    for line in try #require(Corpus.lines) where line.contains(#""method":""#) {
      var player = Player(profile: Self.open)
      // Requests of the server belong to sessions with a handshake.
      _ = player.play(
        #"> {"jsonrpc":"2.0","id":"x","method":"initialize","params":{"capabilities":{}}}"#)
      for decision in player.play(line).decisions {
        let event = decision.event
        if let reason = event.reason { reasons[reason, default: 0] += 1 }
        if event.verdict == .pass || event.verdict == .rewrite, let method = event.method {
          passed[String(decoding: method, as: UTF8.self), default: 0] += 1
        }
      }
    }
    for denial in ["method-denied", "notification-denied", "hidden-list", "result-type"] {
      #expect(reasons[denial] == nil, "\(reasons)")
    }
    for method in [
      "resources/read", "resources/list", "resources/templates/list", "prompts/get", "prompts/list",
      "completion/complete", "subscriptions/listen", "elicitation/create", "sampling/createMessage",
      "roots/list", "notifications/message", "logging/setLevel", "resources/subscribe",
    ] {
      #expect(passed[method, default: 0] > 0, "\(method)")
    }
  }

  private static let open: Profile = {
    var profile = Profile(name: "test")
    profile.tools = .unchecked(.everything(line: 1))
    profile.resources = .everything(line: 1)
    profile.prompts = .everything(line: 1)
    profile.requests.sampling = true
    profile.requests.forms = true
    profile.requests.hosts = ["example.com"]
    profile.requests.roots = .allow
    profile.features = .init(logging: true)
    profile.features.completion = true
    profile.features.tasks = true
    profile.features.subscriptions = true
    profile.features.extensions = true
    profile.messages.inFlight = 4_096
    return profile
  }()
}
