import Testing
import Wire

@testable import Policy

@Suite("Conversations")
struct ScenarioTests {
  @Test("there are conversations to play")
  func present() {
    #expect(Scenario.all.count >= 40)
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
