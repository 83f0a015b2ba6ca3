internal import Confinement
internal import Linux
internal import Profile

/// Proves a profile's cell: the cell of `run`, with the probe in it instead of the server.
///
/// *Limits.* No relay is started, so nothing is shown of it. What the probe shows holds for this
/// kernel, this caller and this moment.
public enum Verification {
  /// How long everything together may take unless the caller says otherwise, in seconds.
  public static let patience: Int64 = 9
  /// How long the process that stays behind lives in the cell and outside, in milliseconds.
  private static let stayInside = 4_000, stayOutside = 300

  /// How long a cell whose probe was asked to end may take, in microseconds.
  private static let patienceForEnd: Int64 = 10_000_000

  /// Seals the cell of `request`, tries everything in it and outside, and compares.
  ///
  /// `patience` is how long everything together may take, in seconds. Call only while
  /// single-threaded. Throws ``SessionError`` when it could not be done.
  public static func run(
    _ request: SessionRequest, patience: Int64 = patience
  ) throws(SessionError) -> VerificationReport {
    if request.skip != nil, !Cell.canSkipSteps {
      throw SessionError("this build cannot skip a step of sealing")
    }
    try Session.closeInherited()
    // Nothing of ours may get a standard stream's number.
    try ClientStreams().close()
    try doing("reset signals") { () throws(Errno) in try Signal.resetAll() }
    Signal.ignoreBrokenPipe()
    let signals = try doing("take over signals") { () throws(Errno) in
      try Signal.descriptor(for: [
        Signal.terminate, Signal.interrupt, Signal.hangUp, Signal.quit,
      ])
    }
    let host = try doing(
      "learn what this machine offers", hint: SessionError.ofMachine
    ) { () throws(Errno) in
      try HostFacts.current(
        for: request.profile.isolation, controlGroup: request.controlGroup)
    }
    let location = try AuditTrail.location(profile: request.profile.name, user: host.user)
    var held: HeldPlan
    do { held = try HeldPlan.make(request, host: host, auditBase: location.guarded) } catch {
      throw error.signal == nil ? error : SessionError("interrupted by a signal", status: 2)
    }
    let result: Result<VerificationReport, SessionError>
    do {
      result = .success(
        try prove(
          request, held, host, audit: location.guarded, signals: signals.rawValue,
          patience: patience))
    } catch {
      result = .failure(
        error.signal == nil ? error : SessionError("interrupted by a signal", status: 2))
    }
    try held.free()
    return try result.get()
  }

  private static func prove(
    _ request: SessionRequest, _ held: borrowing HeldPlan, _ host: HostFacts, audit: String,
    signals: Int32, patience: Int64
  ) throws(SessionError) -> VerificationReport {
    var planned = held.plan
    if let (message, hint) = planned.tryGroups() { throw SessionError(message, hint: hint) }
    let filter = try Session.filter(request.profile, planned)
    if planned.blueprint.container != nil {
      try doing("adopt orphans") { () throws(Errno) in try Process.adoptOrphans() }
    }
    let plan = try withProbe(planned)

    let settings = try KeeperSettings.confining(request.skip)
    let scratch = try doing("make a private directory below /tmp") { () throws(Errno) in
      try ProbeScratch(in: ContainerFacts.places, settings)
    }
    let result: Result<VerificationReport, SessionError>
    do {
      let checks = VerificationChecks(
        plan: planned, rules: filter.rules, scratch: scratch,
        host: host,
        paths: ownPaths(request, audit))
      result = .success(
        try Verifier(
          request: request, plan: plan, filter: filter, scratch: scratch.path,
          keeper: scratch.keeperProcess,
          keeperChecks: held.checks + (try scratchChecks(scratch)), checks: checks,
          exchange: ProbeExchange(
            deadline: Clock.monotonicMicroseconds() + patience * 1_000_000, signals: signals,
            // On a machine that is slower, so is each attempt.
            secondsEach: patience > Verification.patience
              ? 2 * patience / Verification.patience : nil)
        ).run())
    } catch { result = .failure(error) }
    let place = scratch.path
    do { try scratch.remove() } catch { throw SessionError("remove \"\(place)\"", error) }
    return try result.get()
  }

  private static func scratchChecks(
    _ scratch: borrowing ProbeScratch
  ) throws(SessionError) -> [SealCheck] {
    let comparison = KeeperComparison(
      "scratch_keeper", process: scratch.keeperProcess, facts: scratch.keeperFacts)
    return try doing("read a keeper's state back", hint: SessionError.ofMachine) {
      () throws(Errno) in try comparison.checks()
    }
  }

  /// The plan with this executable as the one file more.
  private static func withProbe(_ plan: Plan) throws(SessionError) -> Plan {
    let executable = try doing("find this program", hint: "mount /proc") { () throws(Errno) in
      try Files.linkTarget("/proc/self/exe")
    }
    let status = try doing("look at \"\(executable)\"") { () throws(Errno) in
      try Files.status(executable, followLinks: false)
    }
    return plan.running(probe: executable, status: status)
  }

  /// What belongs to the caller and to us, and must not be in the cell.
  private static func ownPaths(
    _ request: SessionRequest, _ audit: String
  ) -> [(name: String, path: String)] {
    var paths = [("audit-files", audit)]
    if let path = request.profilePath { paths.append(("profile", path)) }
    if let home = Process.environment("HOME"), home.utf8.first == UInt8(ascii: "/"),
      home.utf8.count > 1
    {
      paths.append(("home", home))
      paths.append(("home-ssh", home + "/.ssh"))
    }
    return paths
  }

  /// One verification under way.
  struct Verifier {
    let request: SessionRequest
    let plan: Plan
    let filter: CellFilter
    let scratch: String
    /// What removes the scratch directory, a child of ours as well.
    let keeper: Int32
    /// What is in force of the confinement of keepers that are not the cell's.
    let keeperChecks: [SealCheck]
    let checks: VerificationChecks
    let exchange: ProbeExchange

    func run() throws(SessionError) -> VerificationReport {
      let list = checks.checks
      // What stays behind outside comes last: its answers' pipe is then open for its whole life.
      let outside = try control(
        list.map(\.control) + ["stay:\(Verification.stayOutside)"], apart: false)
      let stopped = list.indices.filter { !outside.answers[$0].outcome.isOpen }
      let apart = try control(stopped.map { list[$0].control }, apart: true)
      let inside = try cell(plan, list.map(\.attempt) + ["stay:\(Verification.stayInside)"])
      let answers: [ProbeAnswer]
      do { answers = try inside.answers.get() } catch {
        // What the read-back found is so whatever became of the probe, and may be why.
        guard inside.seal.contains(where: { !$0.holds }) else { throw error }
        return report(
          [], inside.seal, allowed: [], ["nothing but the read-back is shown: \(error.message)"])
      }
      if answers.contains(where: { $0.outcome == .unknown && $0.error == "EAGAIN" }) {
        throw SessionError(
          "the probe could not start the processes that it needs",
          hint: "limits.processes is too low for it, or the caller's own limit is used up",
          status: 2)
      }

      var second: [Int: ProbeAnswer] = [:]
      for (index, answer) in zip(stopped, apart.answers) { second[index] = answer }
      var results: [VerificationCheck] = []
      for (index, check) in list.enumerated() {
        results.append(
          VerificationCheck(
            check, inside: answers[index], outside: outside.answers[index],
            apart: second[index], isPromised: checks.promises(check)))
      }
      results += try together()
      results.append(
        persistence(
          started: answers[list.count].outcome == .done, gone: !inside.outlived,
          control: outside.outlived))
      return report(results, inside.seal, allowed: checks.allowed, checks.notes)
    }

    private func report(
      _ results: [VerificationCheck], _ seal: [SealCheck],
      allowed: [(name: String, reason: String)], _ notes: [String]
    ) -> VerificationReport {
      VerificationReport(
        profile: request.profile.name, isolation: request.profile.isolation.rawValue,
        checks: results, seal: keeperChecks + seal, allowed: allowed,
        notes: [
          "the cell has one file more than in a session: "
            + (plan.blueprint.container == nil ? Plan.probePath : plan.blueprint.executable)
            + ", this program, read-only"
        ] + notes)
    }

    private func persistence(started: Bool, gone: Bool, control: Bool) -> VerificationCheck {
      let state = !started ? "it was not started" : gone ? "gone with the cell" : "it outlived it"
      return VerificationCheck(
        group: "persistence", name: "a process that left its session and parent",
        held: started && gone && control, control: control ? .done : .absent, detail: state,
        isAbsent: !control && started && gone, isPromised: true)
    }

    /// Makes attempts outside of the cell, in a child; none when its namespaces cannot be had.
    func control(
      _ attempts: [String], apart: Bool
    ) throws(SessionError) -> (answers: [ProbeAnswer], outlived: Bool) {
      if attempts.isEmpty { return ([], false) }
      let requests = try doing("make a pipe") { () throws(Errno) in try Descriptor.pipe() }
      let answers = try doing("make a pipe") { () throws(Errno) in try Descriptor.pipe() }
      let theirs = [requests.read.release(), answers.write.release()]
      let writing = requests.write
      let reading = answers.read
      let child = try doing("start the controls") { () throws(Errno) in try Process.fork() }
      if child == 0 {
        do { try SelfConfinement.closeAll(except: [0, 1, 2] + theirs) } catch { Process.exit(1) }
        Probe.runControl(input: theirs[0], output: theirs[1], scratch: scratch, apart: apart)
      }
      for end in theirs {
        try doing("close a pipe") { () throws(Errno) in try Descriptor.close(end) }
      }
      let result: Result<[ProbeAnswer], SessionError>
      do {
        try doing("set up a pipe") { () throws(Errno) in
          try Descriptor.setNonblocking(writing.rawValue)
        }
        result = .success(
          try exchange.ask(attempts, input: writing, output: reading.rawValue))
      } catch {
        result = .failure(error)
        do { try Process.signal(child: child, Signal.kill) } catch { _ = error }
      }
      let ended = try doing("wait for the controls") { () throws(Errno) in
        try Process.wait(child, nonblocking: false)
      }
      // A machine that lets nobody make namespaces has fewer controls; the report shows which.
      if apart, let ended, case .exited(2) = ExitStatus(statusWord: ended.status) {
        return ([], false)
      }
      let given = try result.get()
      if apart { return (given, false) }
      let outlived = try !exchange.ends(reading.rawValue, within: 100)
      _ = try exchange.ends(reading.rawValue, within: 2_000)
      return (given, outlived)
    }

    /// The answers of a probe, if it did not fail; whether a process of it outlived the cell; the
    /// read-back.
    typealias Attempted = (
      answers: Result<[ProbeAnswer], SessionError>, outlived: Bool, seal: [SealCheck]
    )

    /// Makes the attempts in the cell.
    func cell(_ plan: Plan, _ attempts: [String]) throws(SessionError) -> Attempted {
      var events: ControlGroupEvents?
      return try cell(plan, attempts, events: &events)
    }

    /// The same, with what the cell's control group counted, also when the probe did not end well.
    func cell(
      _ plan: Plan, _ attempts: [String], events: inout ControlGroupEvents?
    ) throws(SessionError) -> Attempted {
      let input = try doing("make a pipe") { () throws(Errno) in try Descriptor.pipe() }
      let output = try doing("make a pipe") { () throws(Errno) in try Descriptor.pipe() }
      let error = try doing("make a pipe") { () throws(Errno) in try Descriptor.pipe() }
      let theirs = [input.read.release(), output.write.release(), error.write.release()]
      let writing = input.write
      try doing("set up a pipe") { () throws(Errno) in
        try Descriptor.setNonblocking(writing.rawValue)
      }
      var cell = try CellProcess.start(
        plan, input: theirs[0], output: theirs[1], error: theirs[2], skip: request.skip,
        signals: exchange.signals)
      for end in theirs {
        try doing("close a pipe") { () throws(Errno) in try Descriptor.close(end) }
      }
      try cell.build(filter)
      // A session would end here if the cell were not as planned. Nothing but the probe runs in
      // this one, and what it finds says more.
      try cell.execute()
      let result: Result<[ProbeAnswer], SessionError>
      do {
        result = .success(
          try exchange.ask(
            attempts, input: writing, output: output.read.rawValue, besides: cell.denialDescriptor
          ) { (events) throws(SessionError) in try cell.answerDenial(events) })
      } catch {
        try cell.kill()
        result = .failure(error)
      }
      let report: CellReport?
      do {
        report = try cell.awaitReport(within: Verification.patienceForEnd)
      } catch { report = nil }
      // One that does not end by itself is made to.
      if report == nil {
        try cell.kill()
        if cell.endsByInit { try cell.kill() }
      }
      if let process = cell.initProcess {
        _ = try doing("wait for the cell") { () throws(Errno) in
          try Process.wait(process, nonblocking: false)
        }
        cell.forgetInit()
      }
      events = try cell.finish()
      try cell.endOrphans(sparing: [keeper])
      try cell.removeSpace()
      guard case .success = result else { return (result, false, cell.checks) }
      guard case .ended(let word) = report, case .exited(0) = ExitStatus(statusWord: word) else {
        let failure = SessionError("the probe failed: it did not end well", status: 2)
        return (.failure(failure), false, cell.checks)
      }
      let outlived = try !exchange.ends(output.read.rawValue, within: 1_000)
      return (result, outlived, cell.checks)
    }
  }
}
