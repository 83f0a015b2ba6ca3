internal import Confinement
internal import Linux

/// Supervises a session from the moment the relay opens the window until nothing of it is left.
struct Monitor: ~Copyable {
  /// The signals that end a session, and the one that reports children.
  static let signals = [
    Signal.terminate, Signal.interrupt, Signal.hangUp, Signal.quit, Signal.child,
  ]

  /// How long the steps of an end may take, in microseconds. After the client closed: together
  /// less than 3 s, of which the relay may have used 0.5 s before we hear of it; after a signal to
  /// us: less than 1 s.
  enum Grace {
    static let afterClose: Int64 = 1_500_000
    static let afterTerminate: Int64 = 700_000
    static let afterOurSignal: Int64 = 250_000
    static let killAfterOurSignal: Int64 = 600_000
    static let allAfterClose: Int64 = 2_400_000
    static let allAfterOurSignal: Int64 = 800_000
    /// Init ends at once when it has told how the server ended.
    static let endOfInit: Int64 = 500_000
    static let drain: Int64 = 150_000
    static let initEnds: Int64 = 2_000_000
    static let farewell: Int64 = 100_000
    static let drainUnasked: Int64 = 5_000_000
  }

  var cell: CellProcess
  let relay: RelayProcess
  /// Makes the cells, and has the places kept that are not a cell's own.
  let maker: CellMaker
  /// What the relay said of itself.
  let relayFacts: RelayFacts
  let trail: AuditTrail
  let signals: FileDescriptor
  /// The session's pins, if the profile has any.
  let pinning: Pinning?

  var reason: String?
  var conversation = RelayConversation()
  /// What we did about the server and found of the relay, for the record.
  var facts = EndFacts()
  var terminateAt: Int64?
  var killAt: Int64?
  private var drainUntil: Int64?
  /// When all has to be over, because somebody asked for the end.
  private(set) var endBy: Int64?
  var statusWord: Int32?
  var usage: ResourceUsage?
  /// Whether and when the server is started again; see `MonitorRestart.swift`.
  var restarts: Restarts
  /// What the relay counted; nil if it did not come to say goodbye.
  private var counters: Counters?
  var cellIsGone = false
  private(set) var relayIsGone = false
  private var relayFinished: Bool { counters != nil }

  init(
    cell: consuming CellProcess, relay: consuming RelayProcess, maker: CellMaker,
    relayFacts: RelayFacts, trail: consuming AuditTrail, signals: consuming FileDescriptor,
    pinning: Pinning?, inspects: Bool
  ) {
    conversation.inspects = inspects
    statusWord = cell.endedEarly
    self.cell = cell
    self.relay = relay
    self.maker = maker
    self.relayFacts = relayFacts
    restarts = Restarts(maker.rule)
    self.trail = trail
    self.signals = signals
    self.pinning = pinning
  }

  /// Runs to the end of the session; returns the exit status of `run`.
  mutating func run() throws(SessionError) -> Int32 {
    if let statusWord { try serverEnded(statusWord) }
    var entries = [
      PollEntry(descriptor: signals.rawValue, events: .input),
      PollEntry(descriptor: relay.controlDescriptor, events: .input),
      PollEntry(descriptor: cell.reportDescriptor, events: .input),
      PollEntry(descriptor: -1, events: .input),
    ]
    while !(cellIsGone && relayIsGone) {
      if relayIsGone { entries[1].descriptor = -1 }
      entries[2].descriptor = cellIsGone ? -1 : cell.reportDescriptor
      entries[3].descriptor = cell.denialDescriptor
      let timeout = nextTimeout()
      _ = try doing("wait") { () throws(Errno) in
        try Poll.wait(&entries, timeoutMilliseconds: timeout)
      }
      let server = restarts.generation
      if !entries[1].result.isEmpty, !relayIsGone { try hearRelay() }
      if !entries[2].result.isEmpty, !cellIsGone { try hearCell() }
      if !entries[0].result.isEmpty { try handleSignals() }
      // After everything else, and one at a time: a flood of them delays nothing but itself.
      // What was found of an old server's listener says nothing of the new one's.
      if server == restarts.generation { try hearDenial(entries[3].result) }
      try act(at: Clock.monotonicMicroseconds())
      try readPins()
    }
    try finishPins()
    return try finish()
  }

  private func nextTimeout() -> Int32 {
    if pinning?.isReading == true { return 0 }
    let deadlines = [
      terminateAt, killAt, drainUntil, relayIsGone ? nil : restarts.deadline,
      relayIsGone || restarts.isPaused ? nil : cell.denialDeadline,
    ].compactMap(\.self)
    guard let next = deadlines.min() else { return -1 }
    let left = next - Clock.monotonicMicroseconds()
    return left <= 0 ? 0 : Int32(clamping: left / 1000 + 1)
  }

  private mutating func act(at now: Int64) throws(SessionError) {
    if let time = cell.denialDeadline, now >= time, !relayIsGone, !restarts.isPaused {
      try tellDenials()
    }
    if !relayIsGone { try actOnRestart(at: now) }
    if let time = terminateAt, now >= time {
      terminateAt = nil
      try cell.signal(Signal.terminate)
      if statusWord == nil { facts.sent.append(Signal.terminate) }
      killAt = min(killAt ?? .max, now + Grace.afterTerminate)
    }
    if let time = killAt, now >= time {
      try killCell()
      // An init that has to end the others first is ended by us if it does not come to that.
      killAt = cell.endsByInit && !cellIsGone ? now + Grace.initEnds : nil
    }
    if let time = drainUntil, now >= time {
      drainUntil = nil
      if !relayIsGone { try killRelay() }
    }
  }

  private mutating func hearRelay() throws(SessionError) {
    let now = Clock.monotonicMicroseconds()
    let received: ControlMessage?
    do { received = try relay.next() } catch .wouldBlock { return } catch {
      return try breakRelay("a message that is none")
    }
    guard let message = received else {
      // It has ended, or pretends to: only a process that is gone is not waited for in vain.
      try endRelay()
      try collectRelay(waiting: true)
      return
    }
    guard conversation.admits(message) else {
      return try breakRelay("something that is not for it to say now")
    }
    switch message.kind {
    case .clientClosed:
      try end("client-closed", terminateAt: now + Grace.afterClose, by: now + Grace.allAfterClose)
    case .clientGone:
      try end("client-gone", terminateAt: now + Grace.afterClose, by: now + Grace.allAfterClose)
    // A server without stdout has nothing more to say.
    case .serverClosed:
      if statusWord == nil { terminateAt = min(terminateAt ?? .max, now + Grace.afterClose) }
    case .drained: try hearDrained(message.numbers[0], isTorn: message.numbers[1] != 0)
    case .held: try restart(message.numbers[0], isTorn: message.numbers[1] != 0)
    case .resumed: restarted(lost: message.numbers)
    case .handshakeRefused: try restartFailed(message.numbers[0])
    case .finished: counters = Counters(message.numbers)
    case .failed:
      Diagnostics.error(
        "the relay cannot go on: \(Errno(rawValue: Int32(truncatingIfNeeded: message.numbers[0])))")
      try end("relay-failed", terminateAt: now, by: now + Grace.allAfterOurSignal)
    case .pinned: try keepPins(message.numbers)
    case .inspected: inspection = message.numbers
    case .ready, .badPins, .open, .serverEnded, .stop, .denied, .noted, .hold, .server: break
    }
  }

  /// Ends a relay that said what it may not say, and with it the session. What it told before is
  /// not believed either.
  mutating func breakRelay(_ what: String) throws(SessionError) {
    Diagnostics.error("the relay sent \(what): it and the session are ended")
    reason = "relay-failed"
    counters = nil
    facts.relayBroke = true
    relayFailed = true
    try killRelay()
    try collectRelay(waiting: true)
  }

  /// Ends a relay that does not do its part in starting the server again, and with it the session.
  mutating func giveUpRelay() throws(SessionError) {
    Diagnostics.error("the relay does not let the server be started again: the session is ended")
    reason = "relay-failed"
    relayFailed = true
    try killRelay()
  }

  /// Begins the end that somebody asked for, or makes haste if it has begun.
  mutating func end(
    _ reason: String, terminateAt time: Int64, by limit: Int64
  ) throws(SessionError) {
    self.reason = self.reason ?? reason
    endBy = min(endBy ?? .max, limit)
    try giveUpRestart()
    guard statusWord != nil else {
      terminateAt = min(terminateAt ?? .max, time)
      return
    }
    let patience = patienceLeft(at: Clock.monotonicMicroseconds())
    let until = Clock.monotonicMicroseconds() + patience + Grace.farewell
    guard let drainUntil, until < drainUntil, !relayIsGone else { return }
    self.drainUntil = until
    try relay.tell(ControlMessage(.stop, [patience]))
  }

  /// How long (µs) the client may take for what it was still sent. One that asked for the end may
  /// not keep us; one whose server left may take its time.
  private func patienceLeft(at now: Int64) -> Int64 {
    guard let endBy else { return Grace.drainUnasked }
    return max(endBy - now - Grace.farewell, Grace.drain)
  }

  /// Answers one refused system call; the relay hears of it first, if it is to be told at once.
  private mutating func hearDenial(_ events: PollEvents) throws(SessionError) {
    guard !events.isEmpty else { return }
    let isPaused = restarts.isPaused
    try cell.answerDenial(events) { (entry) throws(SessionError) in
      if isPaused { return false }
      return try relay.tellAtOnce(ControlMessage.denials([entry][...]))
    }
  }

  /// Tells the relay of what was only counted; what it cannot take now waits for another second.
  private mutating func tellDenials() throws(SessionError) {
    var waiting = cell.takeDenials()[...]
    while !waiting.isEmpty {
      let some = waiting.prefix(ControlMessage.denialsAtOnce)
      guard try relay.tellAtOnce(ControlMessage.denials(some)) else { break }
      waiting = waiting.dropFirst(some.count)
    }
    cell.keepDenials(waiting, at: Clock.monotonicMicroseconds())
  }

  private mutating func hearCell() throws(SessionError) {
    // The end of the reports comes with the end of init, which its own wait finds.
    let report: CellReport?
    do { report = try cell.nextReport() } catch .brokenPipe {
      // Init closes it by ending, after all the others: who does so otherwise is made to.
      try cell.kill()
      if cell.endsByInit { try cell.kill() }
      try collectCell(waiting: true)
      return
    } catch { report = nil }
    // A listener is asked for once, before the look; a second one is nothing that we keep.
    if case .listens(let descriptor)? = report {
      try doing("close a descriptor") { () throws(Errno) in try Descriptor.close(descriptor) }
    }
    // Init says one thing more after the look, and says it once.
    guard case .ended(let word)? = report, statusWord == nil else { return try breakCell() }
    try serverEnded(word)
  }

  /// Ends a cell whose init said what it may not say.
  private mutating func breakCell() throws(SessionError) {
    Diagnostics.error(
      "the cell's init sent an account that nobody asked for: the session is ended")
    reason = "cell-failed"
    cellFailed = true
    try giveUpRestart()
    try killCell()
    // An init that does not keep to its part is not trusted with the end of the others either.
    if cell.endsByInit { try cell.kill() }
    try collectCell(waiting: true)
  }

  mutating func killCell() throws(SessionError) {
    if statusWord == nil { facts.sent.append(Signal.kill) }
    try cell.kill()
  }

  mutating func serverEnded(_ word: Int32) throws(SessionError) {
    statusWord = word
    terminateAt = nil
    let now = Clock.monotonicMicroseconds()
    // Whatever is left of the cell ends with init, which ends by itself, or else by us.
    killAt = cellIsGone ? nil : now + Grace.endOfInit
    if !relayIsGone { try tellDenials() }
    if let wait = wait(after: word, at: now) {
      return try pause(for: wait, patience: patienceLeft(at: now), at: now)
    }
    try tellServerEnded(word)
  }

  /// The server has ended, and no other one follows; `sequence`: of the next record, if we wrote some;
  /// `isTorn`: whether we wrote a part of one.
  mutating func tellServerEnded(
    _ word: Int32, sequence: Int64 = 0, isTorn: Bool = false
  ) throws(SessionError) {
    reason = reason ?? "server-ended"
    let now = Clock.monotonicMicroseconds()
    let patience = patienceLeft(at: now)
    drainUntil = now + patience + Grace.farewell
    conversation.toldServerEnded = true
    try relay.tell(
      ControlMessage(.serverEnded, [Int64(word), patience, 0, sequence, isTorn ? 1 : 0]))
  }

  mutating func handleSignals() throws(SessionError) {
    while true {
      let number: Int32
      do { number = try Signal.next(from: signals.rawValue) } catch .wouldBlock { return } catch {
        throw SessionError("read a signal", error)
      }
      if number == Signal.child { try collect() } else { try endBySignal(number) }
    }
  }

  /// Looks after every child.
  mutating func collect() throws(SessionError) {
    try collectCell(waiting: false)
    try collectRelay(waiting: false)
    // What lost its parent and came to us; all of it does as process 1.
    if cell.endsByInit || Process.identifier == 1 {
      Process.reapChildren(
        except: cell.children + [relay.process] + maker.watches.map(\.process))
    }
    try lookAfterKeepers()
  }

  /// Begins the end that a signal asks for.
  mutating func endBySignal(_ number: Int32) throws(SessionError) {
    let now = Clock.monotonicMicroseconds()
    endingSignal = endingSignal ?? number
    if statusWord != nil, restarts.isPaused { endedWithoutServer = true }
    try end("signal", terminateAt: now + Grace.afterOurSignal, by: now + Grace.allAfterOurSignal)
    guard statusWord == nil else { return }
    killAt = min(killAt ?? .max, now + Grace.killAfterOurSignal)
    if !relayIsGone { try relay.tell(ControlMessage(.stop)) }
  }

  /// Ends a session one of whose keepers was ended: others may take what it kept from them, and if we
  /// were killed as well nobody would remove anything.
  private mutating func lookAfterKeepers() throws(SessionError) {
    guard statusWord == nil, !keeperFailed else { return }
    let isOneGone = try doing("look after the keepers") { () throws(Errno) in
      try Keeper.Watch.anyEnded(cell.keepers + maker.watches)
    }
    guard isOneGone else { return }
    Diagnostics.error("the keeper of what is outside of the cell was ended: so is the session")
    reason = reason ?? "keeper-failed"
    keeperFailed = true
    killAt = Clock.monotonicMicroseconds()
  }

  private mutating func collectCell(waiting: Bool) throws(SessionError) {
    guard !cellIsGone, let process = cell.initProcess else { return }
    let ended = try doing("wait for the cell") { () throws(Errno) in
      try Process.wait(process, nonblocking: !waiting)
    }
    guard let ended else { return }
    cellIsGone = true
    cell.forgetInit()
    killAt = nil
    // The end is recorded whatever is left; what is left is said.
    do {
      try cell.endOrphans(sparing: [relay.process] + maker.watches.map(\.process))
    } catch { Diagnostics.error(error.message) }
    usage = ended.usage
    if statusWord == nil {
      // Init sends its report before it ends, so look once more before believing that it could not.
      var entries = [PollEntry(descriptor: cell.reportDescriptor, events: .input)]
      let ready = try doing("wait for the cell") { () throws(Errno) in
        try Poll.wait(&entries, timeoutMilliseconds: 0)
      }
      // The end of the reports looks like a report to poll: then init was killed before it sent one.
      if ready > 0, entries[0].result.contains(.input), case .ended(let word)? = lastReport() {
        try serverEnded(word)
      } else {
        try serverEnded(ended.status)
      }
    }
  }

  private func lastReport() -> CellReport? {
    do { return try cell.nextReport() } catch { return nil }
  }

  private mutating func collectRelay(waiting: Bool) throws(SessionError) {
    guard !relayIsGone else { return }
    let ended = try doing("wait for the relay") { () throws(Errno) in
      try Process.wait(relay.process, nonblocking: !waiting)
    }
    guard let ended else { return }
    hearLastWords()
    relayIsGone = true
    drainUntil = nil
    facts.relayStatus = ExitStatus(statusWord: ended.status)
    if !relayFinished, !facts.relayWasKilled {
      Diagnostics.error("the relay \(EndFacts.text(ExitStatus(statusWord: ended.status)))")
      relayFailed = true
      reason = "relay-failed"
    }
    if !cellIsGone {
      reason = reason ?? "relay-failed"
      // Also when init does not do its part.
      killAt = Clock.monotonicMicroseconds()
    }
  }

  /// What the relay said last may still wait to be heard. Nobody else has its end of the socket, and
  /// if somebody had, we would not wait for them.
  private mutating func hearLastWords() {
    while !relayFinished, !facts.relayBroke {
      let received: ControlMessage?
      do { received = try relay.next() } catch { return }
      guard let message = received, conversation.admits(message) else { return }
      switch message.kind {
      case .finished: counters = Counters(message.numbers)
      case .inspected: inspection = message.numbers
      case .pinned:
        // What the client was shown is pinned, also when the session was over a moment later.
        do { try keepPins(message.numbers) } catch { Diagnostics.error(error.message) }
      default: break
      }
    }
  }

  private var endingSignal: Int32?
  /// A signal ended the session while no server was there.
  private var endedWithoutServer = false
  private var relayFailed = false
  private var cellFailed = false
  private var keeperFailed = false
  var pinsFailed = false
  /// What the relay found out for `tools`.
  private(set) var inspection: [Int64]?

  private mutating func killRelay() throws(SessionError) {
    facts.relayWasKilled = true
    try endRelay()
  }

  private func endRelay() throws(SessionError) {
    do { try Process.signal(child: relay.process, Signal.kill) } catch .noSuchProcess {
      return
    } catch { throw SessionError("end the relay", error) }
  }

  private mutating func finish() throws(SessionError) -> Int32 {
    let status = statusWord.map { ExitStatus(statusWord: $0) }
    let events: ControlGroupEvents?
    // The end is recorded whatever becomes of the group.
    do { events = try cell.finish() } catch {
      Diagnostics.error(error.message)
      events = nil
    }
    if let events, events.memoryKills > 0, status == .signalled(Signal.kill) {
      if reason == "server-ended" { reason = "memory-limit" }
      Diagnostics.error("the server used more memory than limits.memory, and the kernel ended it")
    }
    try trail.recordEnd(
      reason: reason ?? "server-ended", status: status, usage: usage, counters: counters,
      denials: cell.allDenials, events: events, facts: facts,
      restarts: restarts.count)
    do { try cell.removeSpace() } catch { Diagnostics.error(error.message) }
    if let limit = EndFacts.limit(status), endingSignal == nil {
      Diagnostics.error("the server was ended at limits.\(limit)")
    }
    if relayFailed || cellFailed || keeperFailed || pinsFailed || restarts.failed { return 125 }
    // A server that takes the end of its stdin for a reason to exit with 0 does not make an end by
    // signal a success.
    if let endingSignal, endedWithoutServer || status == .exited(0) { return 128 + endingSignal }
    return status?.shellStatus ?? 125
  }
}
