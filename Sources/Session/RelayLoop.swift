internal import Linux
internal import Policy
internal import Wire

/// The relay's one loop: waits, reads, decides, records, writes.
///
/// A side is not read from while more than `bound` bytes wait that came from it, so each direction
/// is bounded by what its reader takes, and neither waits for the other.
struct RelayLoop: ~Copyable {
  /// Bytes that may wait in a queue before the side that feeds it is no longer read.
  static let bound = 256 << 10
  /// Bytes that are read from the server at once; its pipe holds as many (see `Session`).
  static let serverChunk = 256 << 10
  /// How long (µs) we wait for the monitor to say how the server ended, once it closed a stream.
  static let serverGrace: Int64 = 500_000
  /// How long (µs) the server has to take what the client sent before it left.
  static let inputGrace: Int64 = 500_000

  /// The way to a server that was started again.
  private static let newServerEntry = 6
  /// The control socket comes last, because poll(2) looks in this order: what the monitor says before
  /// it lets the server go on is seen whenever anything is that the server said after.
  private static let controlEntry = 7

  let control: Int32
  private let facts: RelayFacts
  let client: RelaySource
  var server: RelaySource
  var clientFramer: LineFramer
  var serverFramer: LineFramer
  var decoder: Decoder
  var document = Document()
  var window: Window
  var recorder: RelayRecorder
  var errors: RelayErrors
  var denials: RelayDenials
  var changes: RelayChanges
  /// What asks the server for what it offers, in place of a client.
  var inspector: Inspector?
  var toClient: RelayQueue
  var toServer: RelayQueue
  /// What a server that was started again is told first, while what the client sends waits.
  var toNewServer = RelayQueue(-1, .nonblocking)
  /// Whether another server may follow: then messages of the monitor may carry descriptors.
  let mayRestart: Bool
  var counters = Counters()
  /// What the lines of this read send, in order, until their records are written.
  var staged: [Staged] = []
  /// Where what is staged begins in both queues.
  var marks = (client: 0, server: 0)
  var state = State()
  private var entries = [PollEntry](
    repeating: PollEntry(descriptor: -1, events: .input), count: 8)
  /// Storage has grown beyond what small messages need.
  var needsShrink = false

  #if CL_BACKDOOR
    let backdoor: Backdoor
  #endif

  /// Where lines come from.
  struct RelaySource: Sendable {
    var descriptor: Int32
    var transfer: Transfer
  }

  /// What has happened so far.
  struct State {
    var isOpen = false
    var clientEnded = false
    /// The client closed its end while it was not read from.
    var clientHungUp = false
    var clientGone = false
    var serverClosed = false
    var serverEnded = false
    var toldClientClosed = false
    var toldClientGone = false
    var toldServerClosed = false
    /// The wait status word that the monitor gave.
    var ending: Int64 = 0
    /// How long (µs) the client has to take the last answers, as the monitor gave it.
    var patience: Int64 = 0
    /// What the client waited for has been answered.
    var isAnswered = false
    var inputDeadline: Int64?
    var serverDeadline: Int64?
    /// The server ended and another one is to follow, and until when its last bytes are read.
    var isPaused = false
    var drainDeadline: Int64?
    /// Nothing is done until the monitor says so, because it writes records.
    var isHeld = false
    /// What a new server is told first is not over, and it may have answered.
    var isResuming = false, mayAdvance = false
    var outputDeadline: Int64?
  }

  init(_ configuration: RelayConfiguration, _ pins: PinSettings? = nil) {
    control = configuration.control
    facts = configuration.facts
    client = RelaySource(
      descriptor: configuration.clientInput, transfer: configuration.clientInputTransfer)
    server = RelaySource(descriptor: configuration.serverOutput, transfer: .nonblocking)
    clientFramer = LineFramer(maxSize: configuration.limits.maxSize)
    serverFramer = LineFramer(maxSize: configuration.limits.maxSize, chunk: Self.serverChunk)
    decoder = Decoder(limits: configuration.limits)
    window = Window(
      rules: configuration.rules, identifierSeed: configuration.identifierSeed,
      questionSeed: configuration.questionSeed, pins: pins)
    changes = RelayChanges(configuration)
    recorder = RelayRecorder(configuration)
    errors = RelayErrors(configuration)
    denials = RelayDenials(diagnosis: configuration.diagnosis)
    toClient = RelayQueue(configuration.clientOutput, configuration.clientOutputTransfer)
    toServer = RelayQueue(configuration.serverInput, .nonblocking)
    mayRestart = configuration.mayRestart
    if let task = configuration.inspection, let pins {
      inspector = Inspector(
        task, pinned: pins.book, output: configuration.clientOutput)
      // What a client would be sent goes nowhere.
      toClient = RelayQueue(-1, configuration.clientOutputTransfer)
    }
    #if CL_BACKDOOR
      backdoor = Backdoor(
        control: configuration.control, audit: configuration.audit,
        error: configuration.errorOutput, client: configuration.clientOutput)
    #endif
  }

  /// Runs the session to its end.
  mutating func run() throws(Errno) {
    try tell(.ready, facts.numbers)
    while true {
      setInterest()
      // Records may wait for company only as long as there is something to do.
      var count = 0
      if recorder.isPending {
        // Who was just answered may have the next call ready by the time it had its turn.
        Poll.yield()
        count = try Poll.wait(&entries, timeoutMilliseconds: 0)
      }
      if count == 0 {
        if recorder.isPending { _ = recorder.commit(at: Clock.monotonicMicroseconds()) }
        count = try Poll.wait(&entries, timeoutMilliseconds: timeout())
      }
      if count == 0 { idle() }
      if !entries[Self.controlEntry].result.isEmpty, try !hear() { return }
      // The server first: the records of its answers are then written with those of new calls.
      // Who has just been asked to be still reads nothing more: the next record is the monitor's.
      if !state.isHeld { read() }
      if !entries[4].result.isEmpty { flushClient() }
      if !entries[5].result.isEmpty { flushServer() }
      if !entries[Self.newServerEntry].result.isEmpty { try flushNewServer() }
      if !entries[0].result.isEmpty { errors.flush() }
      if !state.isHeld {
        if inspector != nil { try inspect() } else if window.hasPins { try keepPins() }
        expire()
      }
      try advance()
      if isFinished { return try finish() }
    }
  }

  /// Reads from whoever has something to say.
  private mutating func read() {
    if !entries[2].result.isEmpty { readServer() }
    if !entries[1].result.isEmpty {
      if entries[1].events.isEmpty { hangUp() } else { readClient() }
    }
    if !entries[3].result.isEmpty { readErrors() }
  }

  /// A side whose queue is full, or that has ended, is not waited for at all: a hang-up on it
  /// would else wake us without end.
  private mutating func setInterest() {
    if state.isHeld {
      for index in entries.indices { entries[index].descriptor = -1 }
      entries[Self.controlEntry].descriptor = control
      return
    }
    let readsClient =
      state.isOpen && inspector == nil && !state.clientEnded && toServer.count < Self.bound
      && state.drainDeadline == nil && toClient.answers < Self.bound
    let readsServer =
      (state.isOpen || state.serverEnded) && !state.serverClosed && toClient.count < Self.bound
      && toServer.answers < Self.bound
    entries[Self.controlEntry].descriptor = control
    // A client that is not read from may still leave; without events that is all that poll tells.
    let watchesClient =
      state.isOpen && inspector == nil && !state.clientEnded && !state.clientHungUp
    entries[1].descriptor = readsClient || watchesClient ? client.descriptor : -1
    entries[1].events = readsClient ? .input : []
    entries[2].descriptor = readsServer ? server.descriptor : -1
    // What the server says while it is looked at waits, so that the start is the first record.
    entries[3].descriptor = state.isOpen || state.serverEnded ? errors.inputDescriptor : -1
    entries[4].descriptor = toClient.count > 0 ? toClient.descriptor : -1
    entries[5].descriptor = toServer.count > 0 ? toServer.descriptor : -1
    entries[Self.newServerEntry].descriptor = toNewServer.count > 0 ? toNewServer.descriptor : -1
    entries[Self.newServerEntry].events = .output
    entries[0].descriptor = errors.outputDescriptor
    entries[4].events = .output
    entries[5].events = .output
    entries[0].events = .output
  }

  /// Milliseconds to wait at most; for ever if there is nothing to do later.
  private func timeout() -> Int32 {
    if state.isHeld { return -1 }
    let deadline = min(
      min(
        state.inputDeadline ?? .max, state.serverDeadline ?? .max, state.drainDeadline ?? .max),
      min(
        min(state.outputDeadline ?? .max, window.deadline ?? .max), inspector?.wakes ?? .max))
    let slow = recorder.hasCounts || errors.hasHidden || needsShrink
    guard deadline < .max else { return slow ? 1000 : -1 }
    let left = max(deadline - Clock.monotonicMicroseconds(), 0)
    return Int32(truncatingIfNeeded: min(left / 1000 + 1, slow ? 1000 : 60_000))
  }

  /// Nothing happened for a while: tell what was held back, give memory back.
  private mutating func idle() {
    let now = Clock.monotonicMicroseconds()
    errors.tellHidden(at: now)
    errors.flush()
    _ = recorder.commit(at: now)
    guard needsShrink else { return }
    needsShrink = false
    recorder.shrink()
    clientFramer.shrink()
    serverFramer.shrink()
    decoder.shrink()
    document.shrink()
    toClient.shrink()
    toServer.shrink()
  }

  /// Reads once from the client and handles the lines that are complete.
  private mutating func readClient() {
    let (descriptor, transfer) = (client.descriptor, client.transfer)
    var count = 0
    do {
      count = try clientFramer.read { (span) throws(Errno) in
        _ = try Descriptor.read(descriptor, into: &span, transfer: transfer)
      }
    } catch .wouldBlock {
      return
    } catch {
      count = 0
    }
    let now = Clock.monotonicMicroseconds()
    while let item = clientFramer.next() { handle(item, from: .client, at: now) }
    if count == 0 {
      state.clientEnded = true
      state.inputDeadline = state.inputDeadline ?? now + Self.inputGrace
      if clientFramer.pending > 0, !clientFramer.isDiscarding {
        refuse(WireError(.truncated), from: .client, size: clientFramer.pending, at: now)
      }
    }
    settle(at: now)
  }

  /// Reads once from the server and handles the lines that are complete.
  private mutating func readServer() {
    let descriptor = server.descriptor
    var count = 0
    do {
      count = try serverFramer.read { (span) throws(Errno) in
        _ = try Descriptor.read(descriptor, into: &span)
      }
    } catch .wouldBlock {
      return
    } catch {
      count = 0
    }
    let now = Clock.monotonicMicroseconds()
    while let item = serverFramer.next() { handle(item, from: .server, at: now) }
    if count == 0 {
      state.serverClosed = true
      if serverFramer.pending > 0, !serverFramer.isDiscarding {
        refuse(WireError(.truncated), from: .server, size: serverFramer.pending, at: now)
      }
    }
    settle(at: now, mayRecordAfter: true)
  }

  /// The client left while what it sent last waits for room: the server gets the time to take it
  /// that it has after any end of the client's input.
  private mutating func hangUp() {
    state.clientHungUp = true
    state.inputDeadline = Clock.monotonicMicroseconds() + Self.inputGrace
  }

  private mutating func readErrors() {
    let now = Clock.monotonicMicroseconds()
    errors.read(recorder: &recorder, at: now)
    _ = recorder.commit(at: now)
    errors.flush()
  }

  /// Notes that storage has grown beyond what small messages need.
  mutating func noteSize(_ size: Int) {
    if size > 64 << 10 { needsShrink = true }
  }
}
