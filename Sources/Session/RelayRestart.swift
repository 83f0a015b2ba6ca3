internal import Linux
internal import Policy
internal import Wire

/// A server that failed, and the one that follows it, as the relay sees them.
///
/// The old one's pipes are read to their ends and closed before anything else, so that no byte of it can be
/// taken for one of the new server. What the client sends meanwhile is decided on as ever and waits; the
/// bounds of what waits are those of a server that reads slowly.
extension RelayLoop {
  /// The server ended, and another one follows. Until its last bytes have been read the client waits: what
  /// is in flight is then the old server's alone.
  mutating func pause() {
    state.isPaused = true
    state.drainDeadline = Clock.monotonicMicroseconds() + max(state.patience, Self.serverGrace)
    toServer.park()
    toNewServer.close()
    state.isResuming = false
  }

  /// Goes on when the old server's bytes have been read, or the client did not take them in time.
  mutating func advancePause() throws(Errno) {
    guard let deadline = state.drainDeadline else { return }
    if !state.serverClosed || errors.isOpen {
      guard Clock.monotonicMicroseconds() >= deadline else { return }
    }
    state.drainDeadline = nil
    state.serverDeadline = nil
    state.serverClosed = true
    // The number is ours alone, and its error could change nothing.
    do { try Descriptor.close(server.descriptor) } catch { _ = error }
    server.descriptor = -1
    errors.close()
    // Half a line of the old server is nobody's beginning.
    serverFramer = LineFramer(maxSize: decoder.limits.maxSize, chunk: Self.serverChunk)
    // What was let through for the old server and did not reach it is answered now, and must not go to
    // the next one.
    toServer.discard()
    let now = Clock.monotonicMicroseconds()
    announce(window.serverPaused(reason: Self.words(state.ending), at: now), at: now)
    try hold(.drained)
  }

  /// Writes the records that wait, says how far they go, and is still until the monitor has written its own.
  mutating func hold(_ kind: ControlMessage.Kind) throws(Errno) {
    _ = recorder.commit(at: Clock.monotonicMicroseconds())
    try tell(kind, [recorder.sequence, recorder.isTorn ? 1 : 0])
    state.isHeld = true
  }

  /// No other server follows after all; `sequence`: of the next record, 0 if the monitor wrote none;
  /// `isTorn`: whether it wrote a part of one.
  mutating func endPause(at sequence: Int64, isTorn: Bool) {
    if sequence > 0 { recorder.resume(at: sequence) }
    if isTorn { recorder.resumeTorn() }
    state.isHeld = false
    guard state.isPaused else { return }
    state.isPaused = false
    state.isAnswered = false
    if state.drainDeadline == nil {
      // Nothing of the last server is open, and nothing of a next one.
      state.serverClosed = true
    }
    state.drainDeadline = nil
  }

  /// Another server has been sealed; these are the ends of its pipes.
  mutating func resume(input: Int32, output: Int32, error: Int32) throws(Errno) {
    guard state.isPaused, state.drainDeadline == nil else { throw .badMessage }
    server.descriptor = output
    errors.attach(error)
    state.isPaused = false
    state.serverEnded = false
    state.serverClosed = false
    state.toldServerClosed = false
    state.isAnswered = false
    guard toServer.isOpen else {
      // The client left while it was sealed: it is told so by the end of its input.
      try Descriptor.close(input)
      try tell(.resumed)
      return
    }
    toNewServer = RelayQueue(input, .nonblocking)
    state.isResuming = true
    let now = Clock.monotonicMicroseconds()
    try take(window.resume(at: now), at: now)
  }

  /// A new server has said something: perhaps what its beginning waits for.
  mutating func advanceResumption(at now: Int64) throws(Errno) {
    guard state.isResuming else { return }
    try take(window.resumed(at: now), at: now)
  }

  private mutating func take(
    _ step: (decisions: [Decision], state: Resumption), at now: Int64
  ) throws(Errno) {
    for decision in step.decisions {
      recorder.add(decision.event, document, at: now)
      for extra in decision.extra {
        switch extra {
        case .client(let bytes): toClient.append(bytes, isAnswer: false)
        case .server(let bytes), .notice(let bytes): toNewServer.append(bytes, isAnswer: false)
        }
      }
    }
    // What is said in the client's name is on record before it is said.
    guard recorder.commit(at: now) == .max else { return try refuse(3) }
    switch step.state {
    case .waits: break
    case .refused(.handshakeVersion): return try refuse(2)
    case .refused: return try refuse(1)
    case .done:
      state.isResuming = false
      let lost = window.lost
      try tell(.resumed, [Int64(lost.subscriptions), Int64(lost.tasks)])
    }
    flushClient()
    try flushNewServer()
  }

  /// The session cannot go on with this server: the monitor ends both.
  private mutating func refuse(_ why: Int64) throws(Errno) {
    state.isResuming = false
    toNewServer.close()
    try tell(.handshakeRefused, [why])
  }

  /// Writes what a new server is told first; what the client sent follows as soon as that is written.
  mutating func flushNewServer() throws(Errno) {
    switch toNewServer.flush() {
    case .full: return
    case .broken:
      toNewServer.close()
      guard !state.isResuming else { return }
      // It closed its stdin at once: like any that does, it gets time to say what else it has to say.
      toServer.close()
      if !state.clientEnded {
        state.serverDeadline = Clock.monotonicMicroseconds() + Self.serverGrace
      }
    case .drained:
      guard !state.isResuming, toServer.isParked, toNewServer.isOpen else { return }
      toServer.unpark(from: &toNewServer)
      flushServer()
    }
  }
}
