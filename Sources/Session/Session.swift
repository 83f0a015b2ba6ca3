internal import Audit
internal import Confinement
internal import Linux
internal import Policy
internal import Profile
internal import Wire

/// The life of one session, as `anchorhold run` lives it.
public enum Session {
  /// Seals the server of `request` into its cell and stands between it and the client on our
  /// standard streams until one of them ends. Returns the exit status of `run`.
  ///
  /// Call only while single-threaded. Throws ``SessionError`` when nothing of the server ran or
  /// the seal did not hold.
  public static func run(_ request: SessionRequest) throws(SessionError) -> Int32 {
    try begin(request).status
  }

  /// Seals the server of `request` into its cell as ``run(_:)`` does, asks it what it offers, and writes
  /// that to standard output.
  ///
  /// Returns how much is not as pinned. Throws ``SessionError`` when that could not be found out.
  public static func inspect(
    _ request: SessionRequest, _ tools: ToolsRequest
  ) throws(SessionError) -> Int {
    var request = request
    request.tools = tools
    let numbers = try begin(request).inspection ?? []
    guard let first = numbers.first, let end = InspectionEnd(rawValue: first) else {
      throw SessionError("the server ended before it gave its tools")
    }
    if let error = end.error { throw error }
    return Int(clamping: numbers[1])
  }

  /// How a session ended: the exit status of `run`, and what the relay found out for `tools`.
  private typealias Ending = (status: Int32, inspection: [Int64]?)

  private static func begin(_ request: SessionRequest) throws(SessionError) -> Ending {
    if request.skip != nil, !Cell.canSkipSteps {
      throw SessionError("this build cannot skip a step of sealing")
    }
    try closeInherited()
    // Before anything else is opened, so that nothing of ours gets a standard stream's number.
    let streams = try ClientStreams()
    // Until the monitor begins, a signal ends us as it ends any program: at once, wherever a start
    // hangs, and everything that we started dies with us. Only children are waited for later.
    try doing("reset signals") { () throws(Errno) in
      try Signal.resetAll()
      try Signal.block(only: [Signal.child])
    }
    // The kernel spares process 1, as in a container whose entry point we are, every signal that it
    // does not take.
    if Process.identifier == 1 {
      try doing("take signals") { () throws(Errno) in
        try Signal.end(on: Monitor.signals.filter { $0 != Signal.child })
      }
    }
    Signal.ignoreBrokenPipe()
    let host = try doing(
      "learn what this machine offers", hint: SessionError.ofMachine
    ) { () throws(Errno) in
      try HostFacts.current(
        for: request.profile.isolation, controlGroup: request.controlGroup)
    }
    let location = try AuditTrail.location(profile: request.profile.name, user: host.user)
    let maker = try CellMaker(request, host: host, auditBase: location.guarded)
    let result: Result<Ending, SessionError>
    do { result = .success(try live(request, maker, location, streams)) } catch {
      result = .failure(error)
    }
    do { try maker.free() } catch { Diagnostics.error(error.message) }
    return try result.get()
  }

  /// Closes what the caller left open beside the three streams: each of our processes closes what it
  /// does not need, but the monitor would keep somebody's pipe from coming to its end.
  static func closeInherited() throws(SessionError) {
    try doing("close what the caller left open") { () throws(Errno) in
      try SelfConfinement.closeAll(except: [0, 1, 2])
    }
  }

  /// The session of a plan, from the first fork of its cell on.
  private static func live(
    _ request: SessionRequest, _ maker: CellMaker, _ location: AuditLocation,
    _ streams: consuming ClientStreams
  ) throws(SessionError) -> Ending {
    let pinning = try Pinning.open(request, executable: maker.plan.blueprint.executable)
    maker.pinning = pinning
    let pipes = try ServerPipes.make()
    let cell = try maker.start(pipes)
    // While the cell builds its namespaces and mounts, the rest is made: the record, the relay and
    // the filter. If one of them cannot be, the cell ends with us before anything ran in it.
    let trail = try AuditTrail.open(location)
    let (path, session, started) = (trail.path, trail.session, trail.started)
    do {
      return try live(request, maker, cell, pipes, trail, streams)
    } catch {
      AuditTrail.noteFailure(error, path: path, session: session, since: started)
      throw error
    }
  }

  /// The session of a cell that is being built, and of a record that is empty.
  private static func live(
    _ request: SessionRequest, _ maker: CellMaker, _ cell: consuming CellProcess,
    _ pipes: consuming ServerPipes, _ trail: consuming AuditTrail,
    _ streams: consuming ClientStreams
  ) throws(SessionError) -> Ending {
    let plan = maker.plan
    let pinning = maker.pinning
    let privileged = plan.blueprint.privileged
    let seed = try doing("draw random bytes") { () throws(Errno) in
      try Process.randomBytes(48)
    }
    if plan.blueprint.container != nil {
      // Should init be killed, what is below it comes to us.
      try doing("adopt orphans") { () throws(Errno) in try Process.adoptOrphans() }
    }
    let pins = pinning?.settings ?? RelayPins.none(request)
    let relay = try RelayProcess.start(
      privileged: privileged, setsBounding: plan.relaySetsBounding, skip: request.skip,
      mayRestart: maker.rule != nil
    ) { control in
      RelayConfiguration(
        clientInput: streams.input.descriptor, clientInputTransfer: streams.input.transfer,
        clientOutput: streams.output.descriptor, clientOutputTransfer: streams.output.transfer,
        serverInput: pipes.input.write.rawValue, serverOutput: pipes.output.read.rawValue,
        serverError: pipes.error.read.rawValue, errorOutput: streams.error.descriptor,
        errorOutputTransfer: streams.error.transfer, control: control, audit: trail.descriptor,
        session: trail.session, firstSequence: 1,
        arguments: request.profile.audit.arguments.detail, profileName: request.profile.name,
        rules: Rules(profile: request.judgedProfile, comparesTools: pins != nil),
        limits: WireLimits(request.profile.messages),
        identifierSeed: Array(seed.prefix(32)), questionSeed: Array(seed.suffix(16)),
        diagnosis: request.diagnose ? request.place : nil, mayRestart: maker.rule != nil,
        pins: pins, toolsCommand: request.toolsCommand,
        inspection: request.tools.map { RelayInspection($0, request, pinning) })
    }
    // The relay and the cell have their own copies; ours would hide the end of a stream.
    try streams.close()
    try pipes.close()

    try maker.build(&cell)
    if request.diagnose, case .off(let why) = cell.watch {
      Diagnostics.hint("system calls that are refused cannot be shown here: \(why)")
    }
    let first = try relay.first()
    if let first, first.kind == .badPins { throw try Pinning.damaged(request, first.numbers[0]) }
    guard let ready = first, ready.kind == .ready else {
      throw SessionError("the relay ended before it was ready", hint: SessionError.ofMachine)
    }
    let relayChecks = try maker.checks(of: relay, RelayFacts(ready.numbers))
    let start = StartDemand(request: request)
    try start.demand(relayChecks, trail, cell)
    try start.demand(maker.heldChecks, trail, cell)
    try start.demand(cell.checks, trail, cell)
    let ourChecks = try maker.becomeNonDumpable()
    try start.demand(ourChecks, trail, cell)
    try cell.execute()
    try start.demand(cell.checks, trail, cell)
    // A session whose start is on record has its end there, too.
    let signals = try doing("take over signals") { () throws(Errno) in
      try Signal.descriptor(for: Monitor.signals)
    }
    // A client that reads nothing must not keep us from ending what there is; one that is about to read
    // shall see why.
    ErrorStream.wait(noLongerThan: 100_000)
    try trail.recordStart(
      request, plan: cell.plan,
      checks: cell.checks + relayChecks + maker.heldChecks + ourChecks,
      lookedTwice: cell.endedEarly == nil, watch: cell.watch)
    try relay.tell(ControlMessage(.open))
    var monitor = Monitor(
      cell: cell, relay: relay, maker: maker, relayFacts: RelayFacts(ready.numbers), trail: trail,
      signals: signals, pinning: pinning, inspects: request.inspects)
    // What made the session is not needed while it lasts.
    Process.giveBackMemory()
    let status = try monitor.run()
    if request.inspects, monitor.pinsFailed {
      throw SessionError("nothing was approved")
    }
    return (status, monitor.inspection)
  }

  /// The plan of a session, and of what proves it.
  static func makePlan(
    _ request: SessionRequest, host: HostFacts, auditBase: String
  ) throws(SessionError) -> Plan {
    let files = HostFiles()
    let runtime: RuntimeDiscovery
    do {
      runtime = try RuntimeDiscovery.discover(RuntimeRequest(request.profile), files: files)
    } catch {
      let (line, column) = error.place(in: request.profile)
      let label = request.profilePath ?? "\(request.profile.name) (shipped)"
      throw SessionError(
        madeVisible(line > 0 ? "\(label):\(line):\(column): \(error)" : "\(error)"),
        hint: error.hint(in: request.profile, isShipped: request.profilePath == nil),
        status: error.exitStatus)
    }
    let guarded =
      [auditBase] + (request.profilePath.map { [$0] } ?? []) + (try PinPlace.guarded(request))
    do {
      return try Plan(
        profile: request.profile, runtime: runtime, host: host, guarded: guarded,
        unwritable: ProfileLookup(
          configHome: Process.environment("XDG_CONFIG_HOME"), home: Process.environment("HOME")
        ).directories, files: files)
    } catch {
      throw SessionError(
        error, in: request.profilePath ?? "\(request.profile.name) (shipped)")
    }
  }

  /// The system-call filter of a session, and of what proves it.
  static func filter(_ profile: Profile, _ plan: Plan) throws(SessionError) -> CellFilter {
    let mode = try doing("look for filters of our own") { () throws(Errno) in
      try ProcessState(Process.identifier).status()["Seccomp"]
    }
    return try CellFilter(
      adding: try SyscallNames.resolve(profile.syscalls.add), container: plan.containerFilter,
      isLate: plan.blueprint.container?.lateFilter ?? false, isFiltered: mode != "0")
  }
}

extension SessionError {
  /// `profile` is what messages call the profile.
  init(_ error: PlanError, in profile: String) {
    let fault = error.faults[0]
    let place = fault.line > 0 ? "\(profile):\(fault.line):\(fault.column): " : ""
    let more = error.faults.count - 1
    let others = more > 0 ? " (and \(more) more, which anchorhold check shows)" : ""
    self.init(place + fault.message + others, hint: fault.hint)
  }
}

extension Profile.Audit.Arguments {
  var detail: ArgumentDetail {
    switch self {
    case .none: .none
    case .shape: .shape
    case .full: .full
    }
  }
}
