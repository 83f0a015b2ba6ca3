internal import Confinement
internal import Linux
internal import Profile

/// Makes the cells of one session: the first one, and one for each time that the server is started again.
final class CellMaker {
  private let request: SessionRequest
  private let host: HostFacts
  private let auditBase: String
  private var held: HeldPlan
  /// The session's pins, if the profile has any.
  var pinning: Pinning?
  /// What ``remake(_:relay:_:signals:)`` compared.
  private(set) var checks: [SealCheck] = []

  /// Makes the plan of `request` and has its places kept.
  init(_ request: SessionRequest, host: HostFacts, auditBase: String) throws(SessionError) {
    self.request = request
    self.host = host
    self.auditBase = auditBase
    held = try HeldPlan.make(request, host: host, auditBase: auditBase)
  }

  /// The plan of the cell that is there, or is about to be.
  var plan: Plan { held.plan }
  /// When a server that fails is started again; nil for never.
  var rule: Profile.Restart? { request.inspects ? nil : request.profile.server.restart }
  /// How long (µs) a server that was started again may take to answer the handshake.
  var patience: Int64 { Int64(clamping: request.profile.messages.ownTimeout) * 1_000_000 }
  /// What is in force of the keeper of protected names' places.
  var heldChecks: [SealCheck] { held.checks }
  /// That keeper, if there is one.
  var watches: [Keeper.Watch] { held.watches }

  /// The end of a cell: its places are free, or other sessions' alone.
  func free() throws(SessionError) { try held.free() }

  /// Makes the plan anew for another cell: the files of the host are looked up again, as a new session
  /// would, and must come to the same grants.
  func renew() throws(SessionError) {
    let before = plan
    try held.free()
    held = try HeldPlan.make(request, host: host, auditBase: auditBase)
    let now = plan
    guard CellMaker.sees(before) == CellMaker.sees(now) else {
      throw SessionError(
        "the server cannot be started again: what the profile grants on this machine is not what it "
          + "was when the session began", hint: "anchorhold check shows what is granted now")
    }
    try pinning?.judgeAgain()
  }

  /// What a cell of this plan would see.
  private static func sees(_ plan: Plan) -> Set<[String]> {
    Set(
      plan.grants.map { [$0.path, $0.access.rawValue, "\($0.executable)"] }
        + plan.hidden.map { [$0, "hidden"] }
        + plan.remainingGroups.map { ["\($0)", "group"] }
        + [
          [plan.blueprint.executable, "executable"],
          ["\(plan.blueprint.outsideUser)", "user"], ["\(plan.blueprint.outsideGroup)", "group"],
        ])
  }

  /// Starts to build a cell around these pipes; `signals` as of ``CellProcess/start``.
  func start(
    _ pipes: borrowing ServerPipes, signals: Int32 = -1
  ) throws(SessionError) -> CellProcess {
    var plan = plan
    plan.notes += pinning?.notes ?? []
    return try CellProcess.start(
      plan, input: pipes.input.read.rawValue, output: pipes.output.write.rawValue,
      error: pipes.error.write.rawValue, skip: request.skip, signals: signals)
  }

  /// Brings a cell to the point where its server waits for the word.
  func build(_ cell: inout CellProcess) throws(SessionError) {
    try cell.build(try Session.filter(request.profile, plan))
    try held.keep(until: cell.initProcess)
  }

  /// What the kernel says of the relay, beside what it said itself; see ``RelayProcess/seal``.
  func checks(
    of relay: borrowing RelayProcess, _ facts: RelayFacts, again: Bool = false
  ) throws(SessionError) -> [SealCheck] {
    let plan = plan
    return try doing(
      "read the relay's state back", hint: SessionError.ofMachine
    ) { () throws(Errno) in
      try relay.seal(
        facts, privileged: plan.blueprint.privileged, setsBounding: plan.relaySetsBounding,
        sees: plan.seesRelay, again: again)
    }
  }

  /// Not before the cell and the relay are there, which would inherit it, and before the server is: an
  /// ordinary user's server has the same user as we.
  func becomeNonDumpable() throws(SessionError) -> [SealCheck] {
    if request.skip != .monitorDumpable {
      try doing("become non-dumpable") { () throws(Errno) in
        try SelfConfinement.setDumpable(false)
      }
    }
    return [
      SealCheck(
        "monitor.dumpable", expected: "no",
        observed: try doing("read our own state back") { () throws(Errno) in
          try SelfConfinement.isDumpable() ? "yes" : "no"
        })
    ]
  }

  /// Makes another cell after the last one has ended, up to a server that was executed and looked at
  /// twice; with what was compared in ``checks``; whether all of
  /// that holds is for the caller to see.
  ///
  /// Throws when it cannot be made; nothing of it is left then.
  func remake(
    _ pipes: borrowing ServerPipes, relay: borrowing RelayProcess, _ facts: RelayFacts,
    signals: Int32
  ) throws(SessionError) -> CellProcess {
    // As for the first cell, until its server is about to be executed: an ordinary user's keeper and
    // stage look into their own entries of /proc. No server of ours is there that could look into ours.
    try doing("become dumpable") { () throws(Errno) in try SelfConfinement.setDumpable(true) }
    try renew()
    var cell = try start(pipes, signals: signals)
    do throws(SessionError) {
      try build(&cell)
      var others = try checks(of: relay, facts, again: true) + heldChecks
      others += try becomeNonDumpable()
      // A server of a cell that is not as planned is not executed.
      if StartDemand.holds(cell.checks + others) { try cell.execute() }
      checks = cell.checks + others
      return cell
    } catch {
      do { try cell.abandon(sparing: [relay.process] + watches.map(\.process)) } catch {
        Diagnostics.error(error.message)
      }
      throw error
    }
  }
}

/// Ends a session if a check does not hold, after writing down which.
struct StartDemand {
  let request: SessionRequest

  func demand(
    _ checks: [SealCheck], _ trail: borrowing AuditTrail, _ cell: borrowing CellProcess
  ) throws(SessionError) {
    guard let error = StartDemand.fault(checks, trail) else { return }
    try trail.recordStart(
      request, plan: cell.plan, checks: checks, lookedTwice: false, watch: cell.watch)
    throw error
  }

  /// Whether every check holds.
  static func holds(_ checks: [SealCheck]) -> Bool {
    #if CL_BACKDOOR
      if !Backdoor.leftOut.isEmpty { return true }
    #endif
    return checks.allSatisfy(\.holds)
  }

  /// What is wrong, if a check does not hold.
  static func fault(
    _ checks: [SealCheck], _ trail: borrowing AuditTrail
  ) -> SessionError? {
    let broken = checks.filter { !$0.holds }
    guard let first = broken.first, !holds(checks) else { return nil }
    let others = broken.count > 1 ? " (and \(broken.count - 1) more)" : ""
    return SessionError(
      "the cell is not as planned: \(first.name) should be \"\(first.expected)\" and is "
        + "\"\(first.observed)\"\(others)",
      hint: "the audit file \"\(trail.path)\" has the whole comparison")
  }
}
