internal import Linux

/// The pins of what was seen for the first time.
///
/// What the server is made of may be large, and is read in parts between the loop's rounds: a signal is
/// heard and a client that leaves is noticed meanwhile.
extension Monitor {
  /// Writes new pins; a session whose pins cannot be kept does not go on, if they are strict.
  mutating func keepPins(_ numbers: [Int64]) throws(SessionError) {
    guard let pinning, pinning.output >= 0 else {
      return try breakRelay("pins that nobody asked for")
    }
    do throws(SessionError) { try pinning.keep(numbers) } catch { try failPins(error, pinning) }
  }

  /// Reads on for that, if there is something to read.
  mutating func readPins() throws(SessionError) {
    guard let pinning, pinning.isReading else { return }
    do throws(SessionError) { try pinning.readOn() } catch { try failPins(error, pinning) }
  }

  /// The session is over. What the client was shown is pinned all the same, for as long as whoever asked
  /// for the end has to wait anyway.
  mutating func finishPins() throws(SessionError) {
    while let pinning, pinning.isReading {
      if let endBy, Clock.monotonicMicroseconds() >= endBy {
        pinning.stopReading()
        return try failPins(
          SessionError(
            "nothing was pinned: the session ended before what is pinned of the server was read",
            hint: "let its first session last longer, or name less in server.pinned"), pinning)
      }
      try handleSignals()
      try readPins()
    }
  }

  private mutating func failPins(_ error: SessionError, _ pinning: Pinning) throws(SessionError) {
    guard pinning.isStrict || conversation.inspects else {
      return Diagnostics.warning(error.message, hint: error.hint)
    }
    Diagnostics.error(error.message, hint: error.hint)
    pinsFailed = true
    let now = Clock.monotonicMicroseconds()
    try end("pins-failed", terminateAt: now, by: now + Grace.allAfterOurSignal)
  }
}
