internal import Confinement
internal import Linux
internal import Profile

/// What the monitor knows of servers that failed and are started again.
struct Restarts: Sendable {
  /// A server has ended, and the next one is not there.
  struct Pause: Sendable {
    /// When it ended, and when the next one may be made.
    var since: Int64, until: Int64
    var wait: Int64
    /// The number of the next record, once the relay has read and closed everything of the old server,
    /// and whether the file ends in half a line.
    var sequence: Int64?, isTorn = false
    /// The old server's end is recorded, and nothing of its cell is left.
    var isNoted = false
    /// The relay has been asked to be still.
    var isHolding = false
  }

  private var limit: RestartLimit?
  var pause: Pause?
  /// Until when the relay has to have said what it was asked for.
  var relayBy: Int64?
  /// Until when the new server has to have answered the handshake.
  var resumeBy: Int64?
  /// How many cells followed the first one.
  var generation = 0
  /// It could not be started again.
  var failed = false
  /// When the server was started, in microseconds.
  var startedAt = Clock.monotonicMicroseconds()

  /// How often the server was started again; nil if that is not asked for. (Read out of `limit` on the
  /// way to the last record it makes the optimizer of Swift 6.3.1 fail.)
  private(set) var count: Int64?

  init(_ rule: Profile.Restart?) {
    limit = rule.map(RestartLimit.init)
    count = rule == nil ? nil : 0
  }

  /// Whether there is no server, and one is to come.
  var isPaused: Bool { pause != nil }
  /// `1 of 5 in 600 s`.
  var text: String { limit?.text ?? "" }

  /// When something is due.
  var deadline: Int64? {
    guard let pause else { return resumeBy }
    return relayBy ?? (pause.isNoted && !pause.isHolding ? pause.until : nil)
  }

  /// See ``RestartLimit/wait(at:)``.
  mutating func wait(at now: Int64) -> Int64? {
    guard let wait = limit?.wait(at: now) else { return nil }
    count = limit?.count
    return wait
  }
}

/// A server that fails while the client is there is followed by another one.
///
/// In order: the relay reads what the old server left and closes its pipes; its cell is taken down, and
/// its end recorded; the wait; the relay is still while a cell is sealed, read back and recorded as the
/// first one was; the relay gets the new pipes.
extension Monitor {
  /// How long (µs) the relay may take for what it does without waiting for anybody.
  private static let relayGrace: Int64 = 5_000_000

  /// How long to wait before the server is started again after this end; nil if it is not.
  mutating func wait(after word: Int32, at now: Int64) -> Int64? {
    guard ExitStatus(statusWord: word) != .exited(0), reason == nil, facts.sent.isEmpty,
      !relayIsGone
    else { return nil }
    return restarts.wait(at: now)
  }

  /// The server has failed, and another one follows.
  mutating func pause(for wait: Int64, patience: Int64, at now: Int64) throws(SessionError) {
    restarts.resumeBy = nil
    restarts.pause = Restarts.Pause(since: now, until: now + wait, wait: wait)
    let word = statusWord ?? 0
    let how =
      switch ExitStatus(statusWord: word) {
      case .exited(let code): "ended with status \(code)"
      case .signalled(let number): "was ended by signal \(number)"
      }
    Diagnostics.error(
      "the server \(how): it is started again in \(wait / 1000) ms (\(restarts.text))")
    conversation.expect(.drained)
    restarts.relayBy = now + patience + Self.relayGrace
    try relay.tell(ControlMessage(.serverEnded, [Int64(word), patience, 1]))
  }

  /// The relay is through with the old server.
  mutating func hearDrained(_ sequence: Int64, isTorn: Bool) throws(SessionError) {
    restarts.relayBy = nil
    restarts.pause?.sequence = sequence
    restarts.pause?.isTorn = isTorn
  }

  /// Takes the steps of a restart that are due.
  mutating func actOnRestart(at now: Int64) throws(SessionError) {
    if let time = restarts.resumeBy, now >= time {
      restarts.resumeBy = nil
      return try restartFailed(4)
    }
    guard let pause = restarts.pause else { return }
    if let time = restarts.relayBy, now >= time {
      restarts.relayBy = nil
      return try giveUpRelay()
    }
    if !pause.isNoted, cellIsGone, let sequence = pause.sequence {
      return try noteEnd(sequence, isTorn: pause.isTorn)
    }
    if pause.isNoted, !pause.isHolding, now >= pause.until {
      restarts.pause?.isHolding = true
      restarts.relayBy = now + Self.relayGrace
      conversation.expect(.held)
      try relay.tell(ControlMessage(.hold))
    }
  }

  /// Takes down what is left of the old server's cell, and records its end.
  private mutating func noteEnd(_ sequence: Int64, isTorn: Bool) throws(SessionError) {
    restarts.pause?.isNoted = true
    do throws(SessionError) {
      let denials = cell.allDenials
      let events = try cell.finish()
      try cell.removeSpace()
      try maker.free()
      let now = Clock.monotonicMicroseconds()
      let next = try trail.recordServerEnd(
        status: statusWord.map { ExitStatus(statusWord: $0) }, usage: usage, denials: denials,
        events: events, facts: facts, duration: (restarts.pause?.since ?? now) - restarts.startedAt,
        restart: restarts.count ?? 0, wait: restarts.pause?.wait ?? 0, sequence: sequence,
        isTorn: isTorn)
      try relay.tell(ControlMessage(.noted, [next]))
    } catch { try giveUp(error) }
  }

  /// Seals a new cell, now that the relay is still.
  mutating func restart(_ sequence: Int64, isTorn: Bool) throws(SessionError) {
    restarts.relayBy = nil
    // The relay was asked before somebody ended the session, or something did.
    guard restarts.isPaused, reason == nil else { return }
    // The number after our record, once there is one.
    var recorded: Int64 = 0
    do throws(SessionError) {
      let pipes = try ServerPipes.make()
      var cell = try maker.remake(pipes, relay: relay, relayFacts, signals: signals.rawValue)
      let checks = maker.checks
      let fault = StartDemand.fault(checks, trail)
      do throws(SessionError) {
        recorded = try trail.recordServerRestart(
          restart: restarts.count ?? 0, plan: cell.plan, checks: checks,
          lookedTwice: fault == nil && cell.endedEarly == nil, watch: cell.watch,
          sequence: sequence, isTorn: isTorn)
        if let fault { throw fault }
        try relay.tell(ControlMessage(.server, [recorded]), passing: pipes.relayEnds)
      } catch {
        do { try cell.abandon(sparing: [relay.process] + maker.watches.map(\.process)) } catch {
          Diagnostics.error(error.message)
        }
        throw error
      }
      try pipes.close()
      try begin(cell)
    } catch { try giveUp(error, sequence: recorded) }
    // Signals of children were read away while the cell was made.
    try collect()
  }

  /// The session goes on with this cell.
  private mutating func begin(_ cell: consuming CellProcess) throws(SessionError) {
    let endedEarly = cell.endedEarly
    self.cell = cell
    restarts.generation += 1
    cellIsGone = false
    statusWord = nil
    usage = nil
    terminateAt = nil
    killAt = nil
    facts.sent = []
    conversation.serverFollows()
    restarts.pause = nil
    let now = Clock.monotonicMicroseconds()
    restarts.startedAt = now
    restarts.resumeBy = now + maker.patience
    if let endedEarly { try serverEnded(endedEarly) }
  }

  /// The new server has been told what it had to be.
  mutating func restarted(lost numbers: [Int64]) {
    restarts.resumeBy = nil
    guard numbers[0] > 0 || numbers[1] > 0 else { return }
    Diagnostics.error(
      "the server was started again: \(numbers[0]) subscriptions and \(numbers[1]) tasks are lost")
  }

  /// The new server does not go on where the last one was.
  mutating func restartFailed(_ why: Int64) throws(SessionError) {
    restarts.resumeBy = nil
    let text =
      switch why {
      case 1: "it refuses the handshake"
      case 2: "it speaks another version of the protocol than the client was told"
      case 3: "the handshake could not be written to the audit log"
      default: "it does not answer the handshake"
      }
    Diagnostics.error("the server was started again, and the session ends: \(text)")
    restarts.failed = true
    let now = Clock.monotonicMicroseconds()
    try end("restart-failed", terminateAt: now, by: now + 1_500_000)
  }

  /// No server follows after all, because somebody asked for the end.
  mutating func giveUpRestart() throws(SessionError) {
    restarts.resumeBy = nil
    restarts.relayBy = nil
    guard restarts.isPaused else { return }
    restarts.pause = nil
    try tellServerEnded(statusWord ?? 0)
  }

  /// No server follows, because none could be made.
  private mutating func giveUp(
    _ error: SessionError, sequence: Int64 = 0
  ) throws(SessionError) {
    if let signal = error.signal {
      try endBySignal(signal)
    } else {
      Diagnostics.error(error.message, hint: error.hint)
      restarts.failed = true
      reason = reason ?? "restart-failed"
      restarts.pause = nil
      try tellServerEnded(
        statusWord ?? 0, sequence: sequence, isTorn: sequence == 0 && trail.endsInHalfALine())
    }
  }
}
