/// What the relay may say to the monitor, and when.
///
/// The relay reads what strangers wrote and may be theirs one day. So the monitor takes each message
/// once, in its time and with numbers that make sense; anything else is the end of the relay.
struct RelayConversation: Sendable {
  /// Whether the monitor has told the relay that the server ended.
  var toldServerEnded = false
  /// Whether the relay is to find out what the server offers.
  var inspects = false
  private var said: Set<ControlMessage.Kind> = []

  /// The largest number that a record can hold for any reader: 2⁵³ − 1.
  static let largestNumber: Int64 = 9_007_199_254_740_991

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
    case .pinned:
      // Any numbers are a digest.
      break
    case .inspected:
      guard inspects, InspectionEnd(rawValue: message.numbers[0]) != nil,
        0...Self.largestNumber ~= message.numbers[1],
        message.numbers[2...].allSatisfy({ $0 == 0 })
      else { return false }
    case .ready, .badPins, .open, .serverEnded, .stop, .denied: return false
    }
    return said.insert(message.kind).inserted
  }
}
