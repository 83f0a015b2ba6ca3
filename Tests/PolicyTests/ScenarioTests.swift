import Foundation
import Testing
import Wire

@testable import Policy

@Suite("Conversations")
struct ScenarioTests {
  @Test("there are conversations to play")
  func present() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Scenario.folder.path)
    #expect(Scenario.all.map(\.name) == files.sorted())
    #expect(files.count >= 120)
  }

  @Test("a conversation ends as it is told", arguments: Scenario.all)
  func plays(_ scenario: Scenario) {
    #expect(!scenario.steps.isEmpty)
    #expect(scenario.play() == [])
  }

  @Test("every step of a conversation says what comes of it", arguments: Scenario.all)
  func complete(_ scenario: Scenario) {
    for step in scenario.steps {
      #expect(!step.expectations.isEmpty, "line \(step.number) of \(scenario.name)")
    }
  }
}
