/// What the relay may say to the monitor, and when.
///
/// The relay reads what strangers wrote and may be theirs one day. So the monitor takes each message
/// once, in its time and with numbers that make sense; anything else is the end of the relay.
struct RelayConversation: Sendable {
  /// Whether the monitor has told the relay that the server ended.
  var toldServerEnded = false
  /// What it is expected to say about a server that follows another one, once.
  private var expected: Set<ControlMessage.Kind> = []
  /// Whether the relay is to find out what the server offers.
  var inspects = false
  private var said: Set<ControlMessage.Kind> = []

  /// The largest number that a record can hold for any reader: 2⁵³ − 1.
  static let largestNumber: Int64 = 9_007_199_254_740_991

  /// More of what is lost than this is nothing that a relay remembers.
  private static let mostLost: Int64 = 1 << 20

  /// From now on the relay may say this, once.
  mutating func expect(_ kind: ControlMessage.Kind) { expected.insert(kind) }

  /// Another server follows, about which it may say what it may say about each.
  mutating func serverFollows() {
    said.remove(.serverClosed)
    expected = [.resumed]
  }

  /// Takes note of a message; false if it is none that the relay may send now.
  mutating func admits(_ message: ControlMessage) -> Bool {
    guard !said.contains(.finished), !said.contains(.failed) else { return false }
    switch message.kind {
    case .clientClosed, .clientGone, .serverClosed:
      guard message.numbers.allSatisfy({ $0 == 0 }) else { return false }
    case .finished:
      guard toldServerEnded, message.numbers.allSatisfy({ 0...Self.largestNumber ~= $0 }),
        message.numbers[7] <= 1
      else { return false }
    case .failed:
      guard 1...4095 ~= message.numbers[0], message.numbers[1...].allSatisfy({ $0 == 0 }) else {
        return false
      }
    case .drained, .held:
      guard 1...Self.largestNumber ~= message.numbers[0], 0...1 ~= message.numbers[1],
        message.numbers[2...].allSatisfy({ $0 == 0 })
      else { return false }
      return expected.remove(message.kind) != nil
    case .resumed, .handshakeRefused:
      let isResumed = message.kind == .resumed
      guard isResumed || 1...3 ~= message.numbers[0],
        message.numbers[..<2].allSatisfy({ 0...Self.mostLost ~= $0 }),
        message.numbers[2...].allSatisfy({ $0 == 0 }), isResumed || message.numbers[1] == 0,
        expected.remove(.resumed) != nil
      else { return false }
      return true
    case .pinned:
      // Any numbers are a digest.
      break
    case .inspected:
      guard inspects, InspectionEnd(rawValue: message.numbers[0]) != nil,
        0...Self.largestNumber ~= message.numbers[1],
        message.numbers[2...].allSatisfy({ $0 == 0 })
      else { return false }
    case .ready, .badPins, .open, .serverEnded, .stop, .denied, .noted, .hold, .server: return false
    }
    return said.insert(message.kind).inserted
  }
}
