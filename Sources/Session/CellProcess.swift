internal import Confinement
internal import Linux

/// The cell as the monitor sees it: from the first fork to a server that was looked at twice.
struct CellProcess: ~Copyable {
  private var cell: Cell
  /// The plan, with what building the cell decided.
  private(set) var plan: Plan
  private let pipes: [UInt64]
  /// What removes the private space of a cell that has it outside.
  private var space: SpaceKeeper
  /// Init's process id: a child of ours; nil until it reported.
  private(set) var initProcess: Int32?
  /// The server's process, by a descriptor that cannot come to mean another one.
  private var server: FileDescriptor?
  /// The control group that all of it is in; nil when the plan has none, or it has ended.
  private var group: SessionGroup?
  /// What the two looks found.
  private(set) var checks: [SealCheck] = []
  /// The status word of a server that ended while we were looking.
  private(set) var endedEarly: Int32?
  /// Whether refused system calls are seen, once the cell is built.
  private(set) var watch = CellFilter.Watch.off("there is no cell")
  /// Answers them. Whoever waits for anything of the cell after its filter was handed over waits for
  /// them as well: their callers stand still, and with them what is waited for.
  private var denials: DenialWatch?
  /// Where signals are read that end the making of a cell in the middle of a session; -1 before.
  private let signals: Int32
  private var stageIsGone = false

  /// The descriptor to wait on for reports.
  var reportDescriptor: Int32 { cell.reportDescriptor }

  /// Starts to build the cell of `plan` around three pipe ends. A signal that `signals` reports ends
  /// the making of it: see ``SessionError/signal``.
  static func start(
    _ plan: Plan, input: Int32, output: Int32, error: Int32, skip: CellStep?, signals: Int32 = -1
  ) throws(SessionError) -> CellProcess {
    var sources: [Int32] = []
    for case .bind(_, let source, let status, _) in plan.blueprint.actions {
      sources.append(try open(source, expecting: status))
    }
    var plan = plan
    let space = try SpaceKeeper.start(&plan, skip: skip)
    for rule in plan.blueprint.landlockRules {
      if let status = rule.status { sources.append(try open(rule.path, expecting: status)) }
    }
    var pipes: [UInt64] = []
    for end in [input, output, error] {
      pipes.append(
        try doing("look at a pipe") { () throws(Errno) in
          try Files.status(of: end).inode
        })
    }
    var group: SessionGroup?
    if let planned = plan.controlGroup {
      group = .some(try SessionGroup.make(planned, skip: skip))
    }
    let directory = group?.descriptor
    let cell = try doing("start the cell", hint: SessionError.ofMachine) { () throws(Errno) in
      try Cell.start(
        plan.blueprint, sources: sources, input: input, output: output, error: error,
        group: directory, skip: skip)
    }
    for source in sources {
      try doing("close a path") { () throws(Errno) in try Descriptor.close(source) }
    }
    return CellProcess(
      cell: cell, group: group, plan: plan, pipes: pipes, space: space, signals: signals)
  }

  private init(
    cell: consuming Cell, group: consuming SessionGroup?, plan: Plan, pipes: [UInt64],
    space: consuming SpaceKeeper, signals: Int32
  ) {
    self.signals = signals
    self.space = space
    self.cell = cell
    self.group = group
    self.plan = plan
    self.pipes = pipes
  }

  /// Opens a granted path without following links, and makes sure that it is what was planned.
  private static func open(
    _ path: String, expecting status: FileStatus
  ) throws(SessionError) -> Int32 {
    let file = try doing("open \"\(path)\"") { () throws(Errno) in
      try Files.openExactly(path)
    }
    let now = try doing("look at \"\(path)\"") { () throws(Errno) in
      try Files.status(of: file.rawValue)
    }
    if now.device != status.device || now.inode != status.inode {
      throw SessionError("cannot grant \"\(path)\": it was replaced while the plan was made")
    }
    return file.release()
  }

  /// Hands the filter to the cell, where init waits for it; `again`: to whoever got no listener.
  private func provide(_ filter: CellFilter, again: Bool = false) throws(SessionError) {
    try doing("hand over the system-call filter") { () throws(Errno) in
      // A cell that failed takes nothing any more; its report says why.
      do throws(Errno) {
        if let program = filter.server {
          try cell.provideServerFilter(program.instructions, waits: again)
          if again { return }
        }
        try cell.provideFilter(filter.program.instructions, listens: filter.watch == .on)
      } catch .brokenPipe { return }
    }
  }

  /// Brings the cell from its first fork to the point where the server waits for the word, and
  /// takes the first look.
  mutating func build(_ filter: CellFilter) throws(SessionError) {
    var filter = filter
    try provide(filter)
    var facts: CellFacts?
    var serverProcess: Int32 = 0
    while facts == nil {
      switch try awaitReport() {
      case .listens(let descriptor):
        denials = .some(
          DenialWatch(SyscallListener(owning: descriptor), rules: filter.rules))
      case .cannotListen(let error):
        try filter.withoutListener(error)
        try provide(filter, again: true)
      case .failed(let step, let error, let subject):
        throw CellProcess.failure(step, error, subject)
      case .groupsAwaited: try mapGroups()
      case .initStarted(let process):
        initProcess = process
        _ = try doing("wait for the stage") { () throws(Errno) in
          try Process.wait(cell.stage, nonblocking: false)
        }
        stageIsGone = true
      case .serverWaits(let process, let found):
        serverProcess = process
        facts = found
      case .ended:
        throw SessionError(
          "the cell ended before the server was started", hint: SessionError.ofMachine)
      }
    }
    try doing("give memory back") { () throws(Errno) in try cell.forgetFilter() }
    guard let initProcess, let facts else { throw SessionError("the cell gave no account") }
    server = .some(
      try doing("hold the server's process") { () throws(Errno) in
        try Process.descriptor(of: serverProcess)
      })
    seal = Seal(plan: plan, server: serverProcess, initProcess: initProcess, pipes: pipes)
    checks = try doing("read the seal back", hint: SessionError.ofMachine) { () throws(Errno) in
      try seal?.firstLook(facts) ?? []
    }
    checks += try doing("read the control group back") { () throws(Errno) in
      try group?.checks([("init", initProcess), ("server", serverProcess)]) ?? []
    }
    checks += try space.checks()
    checks += try group?.keeperChecks() ?? []
    watch = filter.watch
  }

  /// Has the groups of the stage mapped, or lets it keep them where the profile allows that.
  private mutating func mapGroups() throws(SessionError) {
    guard case .dropped(let mapper) = plan.groups.fate else {
      throw SessionError("the cell asked for what nobody planned")
    }
    let fault = mapper.map(
      cell.stage, inside: plan.blueprint.insideGroup, outside: plan.blueprint.outsideGroup)
    if let fault, let (message, hint) = plan.groupsStay(fault) {
      throw SessionError(message, hint: hint)
    }
    try doing("answer the cell") { () throws(Errno) in
      // A stage that ended is heard of in its report.
      do throws(Errno) { try cell.answerGroups(mapped: fault == nil) } catch .brokenPipe { return }
    }
  }

  private var seal: Seal?

  /// Gives the word, waits until the server is executed, and takes the second look.
  mutating func execute() throws(SessionError) {
    try doing("give the word") { () throws(Errno) in try cell.giveWord() }
    var waiting = true
    while waiting {
      var entries = [
        PollEntry(descriptor: cell.executed.rawValue, events: .input),
        PollEntry(descriptor: cell.reportDescriptor, events: .input),
        PollEntry(descriptor: denialDescriptor, events: .input),
        PollEntry(descriptor: signals, events: .input),
      ]
      _ = try doing("wait for the server to start") { () throws(Errno) in
        try Poll.wait(&entries, timeoutMilliseconds: -1)
      }
      if !entries[3].result.isEmpty { try heedSignals() }
      try answerDenial(entries[2].result)
      if entries[1].result.contains(.input) {
        switch try report() {
        case .failed(let step, let error, let subject):
          throw CellProcess.failure(step, error, subject)
        case .ended(let word):
          endedEarly = word
          return
        default: throw SessionError("the cell gave an account that nobody asked for")
        }
      }
      waiting = entries[0].result.isEmpty
    }
    let found = try doing("read the seal back", hint: SessionError.ofMachine) {
      () throws(Errno) in try seal?.secondLook()
    }
    guard let found, let place = try groupOfServer() else { return try awaitEarlyEnd() }
    checks += found + place
  }

  /// The second look at the control group; nil when the server is gone.
  private func groupOfServer() throws(SessionError) -> [SealCheck]? {
    guard let process = seal?.server else { return [] }
    do { return try group?.located([("executed", process)]) ?? [] } catch .noSuchFile {
      return nil
    } catch .noSuchProcess {
      return nil
    } catch { throw SessionError("read the control group back", error) }
  }

  /// The end of the control group, once init was waited for; what was counted in it, nil if there
  /// was none.
  mutating func finish() throws(SessionError) -> ControlGroupEvents? {
    guard let group = group.take() else { return nil }
    let path = group.path
    let events: ControlGroupEvents
    do { events = try group.events() } catch {
      throw SessionError("read the control group \"\(path)\"", error)
    }
    do { try group.finish() } catch {
      throw SessionError("remove the control group \"\(path)\"", error)
    }
    return events
  }

  /// How long the end of a process that gave up its memory may take, in microseconds.
  private static let patienceForEnd: Int64 = 5_000_000

  /// Waits for the end of a server that showed nothing to the second look.
  private mutating func awaitEarlyEnd() throws(SessionError) {
    guard case .ended(let word)? = try awaitReport(within: CellProcess.patienceForEnd) else {
      throw SessionError("the server hides from the read-back: its first thread ended")
    }
    endedEarly = word
  }

  /// Sends a signal to the server; one that has ended is not an error.
  func signal(_ number: Int32) throws(SessionError) {
    guard server != nil else { return }
    do { try signalServer(number) } catch .noSuchProcess { return } catch {
      throw SessionError("signal the server", error)
    }
  }

  private func signalServer(_ number: Int32) throws(Errno) {
    switch server {
    case .some(let descriptor): try Process.signal(descriptor: descriptor.rawValue, number)
    case .none: return
    }
  }

  /// Init has been waited for: its number may come to mean another process.
  mutating func forgetInit() { initProcess = nil }

  /// Whether init has to end the others before it may end itself.
  var endsByInit: Bool { plan.blueprint.container != nil }

  /// Ends everything in the cell at once. At isolation level container init does that, and the second
  /// time, should it hang, we do.
  mutating func kill() throws(SessionError) {
    guard let initProcess else { return }
    if endsByInit, !isAsked {
      isAsked = true
      cell.endLife()
      return
    }
    // Init's end is the end of its namespace; this is the same once more, from outside of it.
    do { try group?.kill() } catch { throw SessionError("end the control group", error) }
    do { try Process.signal(child: initProcess, Signal.kill) } catch .noSuchProcess {
      return
    } catch { throw SessionError("end the cell", error) }
  }

  /// The next report of the cell's own processes; `.brokenPipe` when they are gone.
  func nextReport() throws(Errno) -> CellReport { try cell.nextReport() }

  private var isAsked = false

  /// Ends what an init that was killed left behind; it came to us. Nothing at level full, where the
  /// kernel has ended it.
  func endOrphans(sparing others: [Int32]) throws(SessionError) {
    guard endsByInit else { return }
    let keep = others + keepers.map(\.process)
    let until = Clock.monotonicMicroseconds() + CellProcess.patienceForOrphans
    try doing("end what the server left behind") { () throws(Errno) in
      while try Process.killChildren(except: keep) > 0 {
        Process.reapChildren(except: keep)
        if Clock.monotonicMicroseconds() > until { throw .notPermitted }
        var nobody: [PollEntry] = []
        _ = try Poll.wait(&nobody, timeoutMilliseconds: 1)
      }
    }
  }

  /// How long that may take, in microseconds.
  private static let patienceForOrphans: Int64 = 5_000_000

  /// Reads the signals that have come; children are looked after by whoever had this cell made.
  private func heedSignals() throws(SessionError) {
    while true {
      let number: Int32
      do { number = try Signal.next(from: signals) } catch .wouldBlock { return } catch {
        throw SessionError("read a signal", error)
      }
      guard number == Signal.child else { throw SessionError(interruptedBy: number) }
    }
  }

  /// Ends a cell that could not be made, and waits until nothing of it is left.
  mutating func abandon(sparing others: [Int32]) throws(SessionError) {
    cell.endLife()
    if !stageIsGone {
      do { try Process.signal(child: cell.stage, Signal.kill) } catch { _ = error }
    }
    // The end of the reports comes with the end of its last process.
    let until = Clock.monotonicMicroseconds() + CellProcess.patienceForEnd
    while Clock.monotonicMicroseconds() < until {
      try kill()
      if endsByInit { try kill() }
      var entries = [
        PollEntry(descriptor: cell.reportDescriptor, events: .input),
        PollEntry(descriptor: denialDescriptor, events: .input),
      ]
      _ = try doing("wait for the cell") { () throws(Errno) in
        try Poll.wait(&entries, timeoutMilliseconds: 100)
      }
      try answerDenial(entries[1].result)
      guard !entries[0].result.isEmpty else { continue }
      do {
        switch try cell.nextReport() {
        case .initStarted(let process): initProcess = process
        case .listens(let descriptor): try Descriptor.close(descriptor)
        default: break
        }
      } catch .brokenPipe { break } catch { continue }
    }
    let keep = others + keepers.map(\.process)
    for process in [initProcess, stageIsGone ? nil : cell.stage].compactMap(\.self) {
      do { _ = try Process.wait(process, nonblocking: false) } catch { _ = error }
    }
    initProcess = nil
    try endOrphans(sparing: others)
    Process.reapChildren(except: keep)
    _ = try finish()
    try removeSpace()
  }

  /// Waits until the private space is gone.
  mutating func removeSpace() throws(SessionError) {
    try space.finish()
  }

  /// The processes of this cell that are children of ours and that others must not wait for.
  var children: [Int32] {
    (stageIsGone ? [] : [cell.stage]) + keepers.map(\.process)
      + (initProcess.map { [$0] } ?? [])
  }

  /// What removes this cell's things outside of it.
  var keepers: [Keeper.Watch] {
    switch group {
    case .some(let group): space.watches + [group.watch]
    case .none: space.watches
    }
  }

  /// Waits for the next report, and answers refused calls meanwhile.
  mutating func awaitReport() throws(SessionError) -> CellReport {
    while true {
      if let report = try awaitReport(within: 60_000_000) { return report }
    }
  }

  /// Waits at most so many microseconds for the next report; nil if there was none.
  mutating func awaitReport(within patience: Int64) throws(SessionError) -> CellReport? {
    let deadline = Clock.monotonicMicroseconds() + patience
    while true {
      let left = deadline - Clock.monotonicMicroseconds()
      guard left > 0 else { return nil }
      var entries = [
        PollEntry(descriptor: cell.reportDescriptor, events: .input),
        PollEntry(descriptor: denialDescriptor, events: .input),
        PollEntry(descriptor: signals, events: .input),
      ]
      _ = try doing("wait for the cell") { () throws(Errno) in
        try Poll.wait(&entries, timeoutMilliseconds: Int32(clamping: left / 1000 + 1))
      }
      if !entries[2].result.isEmpty { try heedSignals() }
      if !entries[0].result.isEmpty { return try report() }
      try answerDenial(entries[1].result)
    }
  }

  /// The descriptor to wait on for refused calls; -1 without.
  var denialDescriptor: Int32 {
    switch denials {
    case .some(let watch): watch.descriptor
    case .none: -1
    }
  }

  /// Answers one refused call after a wait that found `events`; `tell` as of `DenialWatch.answer`.
  mutating func answerDenial(
    _ events: PollEvents,
    tell: (DenialCounts.Entry) throws(SessionError) -> Bool = { _ throws(SessionError) in false }
  ) throws(SessionError) {
    try denials?.answer(events, tell: tell)
  }

  /// When refusals that wait to be told should be (µs), and what waits.
  var denialDeadline: Int64? { denialCounts?.deadline }
  /// See ``denialDeadline``.
  mutating func takeDenials() -> [DenialCounts.Entry] { denials?.take() ?? [] }
  /// Puts back what could not be told.
  mutating func keepDenials(_ entries: some Sequence<DenialCounts.Entry>, at now: Int64) {
    denials?.keep(entries, at: now)
  }
  /// Everything that was refused; nil when it was not seen.
  var allDenials: [DenialCounts.Entry]? { denialCounts?.all }

  private var denialCounts: DenialCounts? {
    switch denials {
    case .some(let watch): watch.counts
    case .none: nil
    }
  }

  /// The next report of the cell's own processes.
  func report() throws(SessionError) -> CellReport {
    do { return try cell.nextReport() } catch .brokenPipe {
      throw SessionError("the cell ended without an account", hint: SessionError.ofMachine)
    } catch { throw SessionError("hear the cell", error) }
  }
}
