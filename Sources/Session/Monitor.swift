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
  private enum Grace {
    static let afterClose: Int64 = 1_500_000
    static let afterTerminate: Int64 = 700_000
    static let afterOurSignal: Int64 = 250_000
    static let killAfterOurSignal: Int64 = 600_000
    static let allAfterClose: Int64 = 2_400_000
    static let allAfterOurSignal: Int64 = 800_000
    static let drain: Int64 = 150_000
    static let initEnds: Int64 = 2_000_000
    static let farewell: Int64 = 100_000
    static let drainUnasked: Int64 = 5_000_000
  }

  private var cell: CellProcess
  private let relay: RelayProcess
  private let trail: AuditTrail
  private let signals: FileDescriptor

  private var reason: String?
  private var terminateAt: Int64?
  private var killAt: Int64?
  private var drainUntil: Int64?
  /// When all has to be over, because somebody asked for the end.
  private var endBy: Int64?
  private var statusWord: Int32?
  private var usage: ResourceUsage?
  /// What the relay counted; nil if it did not come to say goodbye.
  private var counters: Counters?
  private var cellIsGone = false
  private var relayIsGone = false
  private var relayFinished: Bool { counters != nil }

  init(
    cell: consuming CellProcess, relay: consuming RelayProcess, trail: consuming AuditTrail,
    signals: consuming FileDescriptor
  ) {
    statusWord = cell.endedEarly
    self.cell = cell
    self.relay = relay
    self.trail = trail
    self.signals = signals
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
      if cellIsGone { entries[2].descriptor = -1 }
      entries[3].descriptor = cell.denialDescriptor
      let timeout = nextTimeout()
      _ = try doing("wait") { () throws(Errno) in
        try Poll.wait(&entries, timeoutMilliseconds: timeout)
      }
      if !entries[1].result.isEmpty, !relayIsGone { try hearRelay() }
      if !entries[2].result.isEmpty, !cellIsGone { try hearCell() }
      if !entries[0].result.isEmpty { try handleSignals() }
      // After everything else, and one at a time: a flood of them delays nothing but itself.
      try hearDenial(entries[3].result)
      try act(at: Clock.monotonicMicroseconds())
    }
    return try finish()
  }

  private func nextTimeout() -> Int32 {
    let deadlines = [terminateAt, killAt, drainUntil, relayIsGone ? nil : cell.denialDeadline]
      .compactMap(\.self)
    guard let next = deadlines.min() else { return -1 }
    let left = next - Clock.monotonicMicroseconds()
    return left <= 0 ? 0 : Int32(clamping: left / 1000 + 1)
  }

  private mutating func act(at now: Int64) throws(SessionError) {
    if let time = cell.denialDeadline, now >= time, !relayIsGone { try tellDenials() }
    if let time = terminateAt, now >= time {
      terminateAt = nil
      try cell.signal(Signal.terminate)
      killAt = min(killAt ?? .max, now + Grace.afterTerminate)
    }
    if let time = killAt, now >= time {
      try cell.kill()
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
    guard let message = try relay.next() else {
      // It has ended, or pretends to: only a process that is gone is not waited for in vain.
      try endRelay()
      try collectRelay(waiting: true)
      return
    }
    switch message.kind {
    case .clientClosed:
      try end("client-closed", terminateAt: now + Grace.afterClose, by: now + Grace.allAfterClose)
    case .clientGone:
      try end("client-gone", terminateAt: now + Grace.afterClose, by: now + Grace.allAfterClose)
    // A server without stdout has nothing more to say.
    case .serverClosed: terminateAt = min(terminateAt ?? .max, now + Grace.afterClose)
    case .finished:
      counters = Counters(message.numbers)
    case .failed:
      Diagnostics.error(
        "the relay cannot go on: \(Errno(rawValue: Int32(truncatingIfNeeded: message.numbers[0])))")
      try end("relay-failed", terminateAt: now, by: now + Grace.allAfterOurSignal)
    case .ready, .open, .serverEnded, .stop, .denied:
      throw SessionError("the relay said something that only the monitor may say")
    }
  }

  /// Begins the end that somebody asked for, or makes haste if it has begun.
  private mutating func end(
    _ reason: String, terminateAt time: Int64, by limit: Int64
  ) throws(SessionError) {
    self.reason = self.reason ?? reason
    endBy = min(endBy ?? .max, limit)
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
    try cell.answerDenial(events) { (entry) throws(SessionError) in
      try relay.tellAtOnce(ControlMessage.denials([entry][...]))
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
    let report: CellReport
    do { report = try cell.report() } catch {
      try cell.kill()
      try collectCell(waiting: true)
      return
    }
    guard case .ended(let word) = report else {
      throw SessionError("the cell gave an account that nobody asked for")
    }
    try serverEnded(word)
  }

  private mutating func serverEnded(_ word: Int32) throws(SessionError) {
    statusWord = word
    reason = reason ?? "server-ended"
    terminateAt = nil
    killAt = nil
    let now = Clock.monotonicMicroseconds()
    let patience = patienceLeft(at: now)
    drainUntil = now + patience + Grace.farewell
    if !relayIsGone { try tellDenials() }
    try relay.tell(ControlMessage(.serverEnded, [Int64(word), patience]))
  }

  private mutating func handleSignals() throws(SessionError) {
    while true {
      let number: Int32
      do { number = try Signal.next(from: signals.rawValue) } catch .wouldBlock { return } catch {
        throw SessionError("read a signal", error)
      }
      if number == Signal.child {
        try collectCell(waiting: false)
        try collectRelay(waiting: false)
        // What lost its parent and came to us; all of it does as process 1.
        if cell.endsByInit || Process.identifier == 1 {
          Process.reapChildren(except: cell.children + [relay.process])
        }
        continue
      }
      let now = Clock.monotonicMicroseconds()
      endingSignal = endingSignal ?? number
      try end(
        "signal", terminateAt: now + Grace.afterOurSignal, by: now + Grace.allAfterOurSignal)
      guard statusWord == nil else { continue }
      killAt = min(killAt ?? .max, now + Grace.killAfterOurSignal)
      if !relayIsGone { try relay.tell(ControlMessage(.stop)) }
    }
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
    try cell.endOrphans(sparing: [relay.process])
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
    do { return try cell.report() } catch { return nil }
  }

  private mutating func collectRelay(waiting: Bool) throws(SessionError) {
    guard !relayIsGone else { return }
    let ended = try doing("wait for the relay") { () throws(Errno) in
      try Process.wait(relay.process, nonblocking: !waiting)
    }
    guard let ended else { return }
    // What it said last may still wait to be heard.
    while !relayFinished, let message = try relay.next() {
      if message.kind == .finished { counters = Counters(message.numbers) }
    }
    relayIsGone = true
    drainUntil = nil
    if !relayFinished, !relayWasKilled {
      Diagnostics.error("the relay ended unexpectedly (\(ExitStatus(statusWord: ended.status)))")
      relayFailed = true
    }
    if !cellIsGone {
      reason = reason ?? "relay-failed"
      try cell.kill()
    }
  }

  private var endingSignal: Int32?
  private var relayWasKilled = false
  private var relayFailed = false

  private mutating func killRelay() throws(SessionError) {
    relayWasKilled = true
    try endRelay()
  }

  private func endRelay() throws(SessionError) {
    do { try Process.signal(child: relay.process, Signal.kill) } catch .noSuchProcess {
      return
    } catch { throw SessionError("end the relay", error) }
  }

  private mutating func finish() throws(SessionError) -> Int32 {
    let status = statusWord.map { ExitStatus(statusWord: $0) }
    try trail.recordEnd(
      reason: reason ?? "server-ended", status: status, usage: usage, counters: counters,
      denials: cell.allDenials)
    try cell.removeSpace()
    if relayFailed { return 125 }
    // A server that takes the end of its stdin for a reason to exit with 0 does not make an end by
    // signal a success.
    if let endingSignal, status == .exited(0) { return 128 + endingSignal }
    return status?.shellStatus ?? 125
  }
}
