internal import Linux
internal import Policy
internal import Wire

/// Beginning and end of a session, as the relay sees them.
extension RelayLoop {
  /// Says something to the monitor.
  func tell(_ kind: ControlMessage.Kind, _ numbers: [Int64] = []) throws(Errno) {
    do {
      try ControlMessage(kind, numbers).send(to: control, waiting: true)
    } catch .brokenPipe {
      // The monitor is gone; the control socket says so at the next look.
    }
  }

  /// Does what the monitor has said, all of it, because what it said of a server comes before what
  /// that server says; false if it is gone, and with it the session.
  mutating func hear() throws(Errno) -> Bool {
    while true {
      do throws(Errno) {
        if mayRestart {
          guard let (message, passed) = try ControlMessage.receivePassed(from: control) else {
            return false
          }
          try hear(message, passed)
        } else {
          guard let message = try ControlMessage.receive(from: control) else { return false }
          try hear(message, [])
        }
      } catch .wouldBlock { return true } catch { throw error }
    }
  }

  private mutating func hear(_ message: ControlMessage, _ passed: [Int32]) throws(Errno) {
    switch message.kind {
    case .open: state.isOpen = true
    case .stop:
      if message.numbers[0] > 0 {
        // What was to be patience has been cut short.
        state.patience = message.numbers[0]
        state.outputDeadline = Clock.monotonicMicroseconds() + state.patience
      }
      state.clientEnded = true
      if toServer.isOpen { _ = toServer.flush() }
      closeServerInput()
    case .serverEnded:
      state.serverEnded = true
      state.ending = message.numbers[0]
      state.patience = message.numbers[1]
      if message.numbers[2] != 0 {
        pause()
      } else {
        endPause(at: message.numbers[3], isTorn: message.numbers[4] != 0)
        closeServerInput()
      }
    case .noted:
      recorder.resume(at: message.numbers[0])
      state.isHeld = false
    case .hold: try hold(.held)
    case .server:
      recorder.resume(at: message.numbers[0])
      state.isHeld = false
      try resume(input: passed[0], output: passed[1], error: passed[2])
    case .denied:
      guard let denials = message.denials else { throw .badMessage }
      hearDenials(denials)
    case .ready, .clientClosed, .clientGone, .serverClosed, .finished, .failed, .badPins,
      .pinned, .inspected, .drained, .held, .resumed, .handshakeRefused:
      throw .badMessage
    }
  }

  /// Takes the steps that what has happened calls for.
  mutating func advance() throws(Errno) {
    if state.mayAdvance {
      state.mayAdvance = false
      try advanceResumption(at: Clock.monotonicMicroseconds())
    }
    try advanceOutput()
    try advanceInput()
  }

  /// From the client's end of file to the server's.
  private mutating func advanceInput() throws(Errno) {
    if state.clientHungUp, !state.clientEnded, let deadline = state.inputDeadline,
      Clock.monotonicMicroseconds() >= deadline
    {
      // What the client sent last cannot be read any more.
      state.clientEnded = true
    }
    guard state.clientEnded, !state.toldClientClosed else { return }
    if toServer.isOpen, !toServer.isParked, toServer.count > 0, let deadline = state.inputDeadline,
      Clock.monotonicMicroseconds() < deadline
    {
      return
    }
    state.inputDeadline = nil
    closeServerInput()
    state.toldClientClosed = true
    try tell(.clientClosed)
  }

  /// From the server's end of file to the last answer.
  private mutating func advanceOutput() throws(Errno) {
    if state.clientGone, !state.toldClientGone {
      state.toldClientGone = true
      state.clientEnded = true
      try tell(.clientGone)
    }
    if state.serverClosed, !state.toldServerClosed {
      state.toldServerClosed = true
      if !state.serverEnded {
        state.serverDeadline = Clock.monotonicMicroseconds() + Self.serverGrace
        try tell(.serverClosed)
      }
    }
    if state.isPaused {
      try advancePause()
    } else if state.serverEnded, state.serverClosed {
      answerAll(state.ending)
    } else if let deadline = state.serverDeadline, Clock.monotonicMicroseconds() >= deadline {
      answerAll(nil)
    }
    if state.isAnswered { state.serverDeadline = nil }
  }

  /// Answers what the client still waits for; `status` is the server's wait status, nil if it runs.
  private mutating func answerAll(_ status: Int64?) {
    guard !state.isAnswered else { return }
    state.isAnswered = true
    let now = Clock.monotonicMicroseconds()
    announce(window.serverEnded(reason: Self.words(status), at: now), at: now)
  }

  /// What became of a server, as an answer says it.
  static func words(_ status: Int64?) -> StaticString {
    switch status.map({ ExitStatus(statusWord: Int32(truncatingIfNeeded: $0)) }) {
    case nil: "closed its streams"
    case .exited(0): "ended"
    case .exited: "ended with an error"
    case .signalled: "was ended by a signal"
    }
  }

  /// Records and sends what the end of a server makes known to the client.
  mutating func announce(_ decisions: [Decision], at now: Int64) {
    for decision in decisions {
      recorder.add(decision.event, document, at: now)
      count(decision.event)
      if case .answer(let bytes) = decision.action { toClient.append(bytes, isAnswer: true) }
      for case .client(let bytes) in decision.extra { toClient.append(bytes, isAnswer: true) }
    }
    settle(at: now)
  }

  /// Writes to the client; if nobody reads there any more the session is over.
  mutating func flushClient() {
    guard toClient.flush() == .broken else { return }
    toClient.abandon()
    state.clientGone = true
  }

  /// Writes to the server; one that closed its stdin gets time to say what else it has to say.
  mutating func flushServer() {
    guard toServer.flush() == .broken else { return }
    toServer.close()
    if state.serverDeadline == nil, !state.clientEnded {
      state.serverDeadline = Clock.monotonicMicroseconds() + Self.serverGrace
    }
  }

  private mutating func closeServerInput() {
    toServer.close()
    toNewServer.close()
  }

  /// Whether nothing is left to do: the server ended, its streams are read to their ends, and the
  /// client has taken everything or had the time to.
  var isFinished: Bool {
    mutating get {
      guard state.serverEnded, state.serverClosed, state.isAnswered, !errors.isOpen,
        !state.isPaused
      else {
        return false
      }
      if toClient.count == 0 { return true }
      let now = Clock.monotonicMicroseconds()
      let deadline = state.outputDeadline ?? now + state.patience
      state.outputDeadline = deadline
      return now >= deadline
    }
  }

  /// Writes the last records and says goodbye.
  mutating func finish() throws(Errno) {
    let now = Clock.monotonicMicroseconds()
    errors.tellHidden(at: now, isLast: true)
    if let summary = denials.summary { errors.say(summary) }
    errors.flush()
    _ = recorder.commit(at: now, isLast: true)
    counters.bytesToClient = toClient.written
    counters.bytesToServer = toServer.written
    counters.stderrBytes = errors.total
    counters.nextSequence = recorder.sequence
    counters.isTorn = recorder.isTorn ? 1 : 0
    try tell(.finished, counters.numbers)
  }
}
