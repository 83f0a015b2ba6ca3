import Profile
import Testing

@testable import Session

@Suite("How often a server is started again")
struct RestartTests {
  private let second: Int64 = 1_000_000

  @Test("each wait is twice the one before, up to the longest")
  func waits() {
    var rule = Profile.Restart()
    rule.most = 100
    var limit = RestartLimit(rule)
    let waits = (0..<9).map { limit.wait(at: Int64($0) * second) }
    #expect(
      waits == [
        500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000, 30_000_000, 30_000_000,
        30_000_000,
      ])
    #expect(limit.count == 9)
  }

  @Test("no more restarts than the most within the time, which moves on")
  func most() {
    var rule = Profile.Restart()
    rule.most = 2
    rule.within = 10
    var limit = RestartLimit(rule)
    #expect(limit.wait(at: 0) == 500_000)
    #expect(limit.wait(at: 5 * second) == 1_000_000)
    #expect(limit.wait(at: 9_999_999) == nil)
    #expect(limit.count == 2)
    // The first is ten seconds ago, the second is not.
    #expect(limit.wait(at: 10 * second) == 1_000_000)
    #expect(limit.wait(at: 14_999_999) == nil)
    #expect(limit.wait(at: 15 * second) == 1_000_000)
    #expect(limit.wait(at: 100 * second) == 500_000)
    #expect(limit.text == "1 of 2 in 10 s")
  }

  @Test("the relay may say what it says of a restart when it was asked, and once")
  func conversation() {
    var conversation = RelayConversation()
    let drained = ControlMessage(.drained, [7])
    #expect(conversation.admits(drained) == false)
    #expect(conversation.admits(ControlMessage(.held, [7])) == false)
    #expect(conversation.admits(ControlMessage(.resumed)) == false)
    #expect(conversation.admits(ControlMessage(.handshakeRefused, [1])) == false)
    conversation.expect(.drained)
    let most = RelayConversation.largestNumber
    for wrong in [[0], [-1], [1, 2], [1, 0, 1], [most + 1]] as [[Int64]] {
      #expect(conversation.admits(ControlMessage(.drained, wrong)) == false)
    }
    #expect(conversation.admits(ControlMessage(.held, [7])) == false)
    #expect(conversation.admits(drained) == true)
    #expect(conversation.admits(drained) == false)
    #expect(conversation.admits(ControlMessage(.serverClosed)) == true)
    conversation.expect(.held)
    #expect(conversation.admits(ControlMessage(.held, [9, 1])) == true)
    conversation.serverFollows()
    for wrong in [[0], [4], [1, 1]] as [[Int64]] {
      #expect(conversation.admits(ControlMessage(.handshakeRefused, wrong)) == false)
    }
    for wrong in [[-1], [1 << 21], [0, 0, 1]] as [[Int64]] {
      #expect(conversation.admits(ControlMessage(.resumed, wrong)) == false)
    }
    #expect(conversation.admits(ControlMessage(.resumed, [3, 4])) == true)
    #expect(conversation.admits(ControlMessage(.handshakeRefused, [1])) == false)
    #expect(conversation.admits(ControlMessage(.serverClosed)) == true)
    #expect(conversation.admits(ControlMessage(.serverClosed)) == false)
    #expect(conversation.admits(ControlMessage(.server)) == false)
    #expect(conversation.admits(ControlMessage(.finished, [1, 1, 1, 1, 1, 1, 1])) == false)
  }
}
