internal import Confinement
internal import Linux

/// The relay as the monitor sees it: a child that gave everything up (promise P7).
struct RelayProcess: ~Copyable {
  /// The child's process id.
  let process: Int32
  private let control: FileDescriptor
  /// What it keeps open, ascending.
  private let descriptors: [Int32]
  /// What it may use.
  private let limits: [ResourceLimit]

  /// The descriptor to wait on for control messages.
  var controlDescriptor: Int32 { control.rawValue }

  /// Forks the relay and confines it. `configuration` makes its set-up from the control socket's
  /// number; `skip` is honoured in the test build only. Call only while single-threaded.
  static func start(
    privileged: Bool, setsBounding: Bool, skip: CellStep?, mayRestart: Bool,
    configuration: (_ control: Int32) -> RelayConfiguration
  ) throws(SessionError) -> RelayProcess {
    let pair = try doing("make a control socket") { () throws(Errno) in
      try Descriptor.socketPair()
    }
    let program: SeccompProgram
    do {
      program = try mayRestart ? .relay(receivingOn: pair.theirs.rawValue) : .relay()
    } catch {
      throw SessionError("cannot prepare the relay's system-call filter: \(error)")
    }
    let monitor = Process.identifier
    let theirs = pair.theirs.release()
    var settings = configuration(theirs)
    let limits = try doing("limit the relay") { () throws(Errno) in try settings.limitsOfProcess() }
    let child = try doing("start the relay", hint: SessionError.ofMachine) { () throws(Errno) in
      try Process.fork()
    }
    if child == 0 {
      do {
        settings.facts = try confine(
          settings.descriptors, limits: limits, privileged: privileged, setsBounding: setsBounding,
          monitor: monitor, program: program, skip: Cell.canSkipSteps ? skip : nil)
      } catch {
        report(error, to: settings.errorOutput)
        Process.exit(125)
      }
      Relay.run(settings)
    }
    let relay = RelayProcess(
      process: child, control: pair.ours, descriptors: settings.descriptors, limits: limits)
    // Only now: the child had to inherit it.
    try doing("close a socket") { () throws(Errno) in try Descriptor.close(theirs) }
    return relay
  }

  private init(
    process: Int32, control: consuming FileDescriptor, descriptors: [Int32],
    limits: [ResourceLimit]
  ) {
    self.process = process
    self.control = control
    self.descriptors = descriptors
    self.limits = limits
  }

  /// Gives up every right that the relay does not need, in the child, and says what of that only
  /// the child can see.
  private static func confine(
    _ descriptors: [Int32], limits: [ResourceLimit], privileged: Bool, setsBounding: Bool,
    monitor: Int32,
    program: SeccompProgram, skip: CellStep?
  ) throws(Errno) -> RelayFacts {
    var facts = RelayFacts()
    func leavesOut(_ step: CellStep) -> Bool {
      #if CL_BACKDOOR
        if Backdoor.leftOut.contains(where: { $0.utf8.elementsEqual(step.name.utf8) }) {
          return true
        }
      #endif
      return skip == step
    }
    // A terminal signals all of us; how the session then ends is for the monitor to say.
    try Signal.block(only: Monitor.signals)
    try SelfConfinement.setName("anchor-relay")
    if !leavesOut(.relayDescriptors) { try SelfConfinement.closeAll(except: descriptors) }
    // Before Landlock closes /proc; nothing stays open that is opened from here on.
    let open = try openDescriptors()
    facts.openDescriptors = Int64(open.count)
    facts.ownDescriptors = Int64(Set(open).intersection(descriptors).count)
    if !leavesOut(.relayEnvironment) { SelfConfinement.forgetEnvironment() }
    let remains = SelfConfinement.remains()
    facts.environmentBytes = Int64(remains.environment)
    facts.sharedMappings = Int64(remains.sharedMappings)
    // The bounding set and the ids before the capabilities, because both changes need some.
    if setsBounding, !leavesOut(.relayBounding) { try SelfConfinement.emptyBoundingSet() }
    if privileged {
      if !leavesOut(.relayIDs) {
        try SelfConfinement.become(user: Plan.relayIdentifier, group: Plan.relayIdentifier)
      }
    }
    if !leavesOut(.relayLimits) {
      for limit in limits { try SelfConfinement.limit(limit.resource, limit.hard) }
    }
    if !leavesOut(.relayCapabilities) { try SelfConfinement.dropCapabilities() }
    if !leavesOut(.relayNoNewPrivileges) { try SelfConfinement.noNewPrivileges() }
    facts.canaryBefore = canary()
    if !leavesOut(.relayLandlock) { try SelfConfinement.denyAllByLandlock() }
    facts.canaryAfter = canary()
    if !leavesOut(.relayDumpable) { try SelfConfinement.setDumpable(false) }
    // After the ids, which clear it; the parent is checked because it may have ended before.
    if !leavesOut(.relayParentDeath) { try SelfConfinement.dieWithParent(Signal.kill) }
    if Process.parentIdentifier != monitor { Process.exit(125) }
    facts.deathSignal = Int64(try SelfConfinement.parentDeathSignal())
    if !leavesOut(.relayFilter) { try SelfConfinement.loadFilter(program.instructions) }
    return facts
  }

  /// What is open in this process; the descriptor that the listing itself needs is gone again.
  private static func openDescriptors() throws(Errno) -> [Int32] {
    let listed = try ProcessState(Process.identifier).descriptors()
    var open: [Int32] = []
    for descriptor in listed {
      do { _ = try Files.status(of: descriptor) } catch .badDescriptor { continue }
      open.append(descriptor)
    }
    return open
  }

  /// The error number of opening a file that every process may read, its own status, 0 when it
  /// opens: after Landlock nothing does.
  private static func canary() -> Int64 {
    do { _ = try ProcessState(Process.identifier).status() } catch { return Int64(error.rawValue) }
    return 0
  }

  private static func report(_ error: Errno, to output: Int32) {
    let text = "anchorhold: error: cannot confine the relay: \(error)\n"
    do { try Descriptor.writeAll(output, [UInt8](text.utf8)) } catch {
      Process.exit(125)
    }
  }

  /// What the kernel says of the relay, once it said that it is ready, and what it said itself:
  /// Landlock, a death signal and an ordinary user's descriptors do not show from outside.
  ///
  /// `sees`: whether we may look at the descriptors of another user's process; `again`: once the
  /// server's pipes are closed, of which those of the next one may have other numbers.
  func seal(
    _ facts: RelayFacts, privileged: Bool, setsBounding: Bool, sees: Bool, again: Bool = false
  ) throws(Errno) -> [SealCheck] {
    let state = ProcessState(process)
    let status = try state.status()
    let ours = try ProcessState(Process.identifier).status()
    let none = "0000000000000000"
    let filters = (Int(ours["Seccomp_filters"] ?? "0") ?? 0) + 1
    var checks = [
      SealCheck("relay.no_new_privs", expected: "1", observed: status["NoNewPrivs"] ?? "?"),
      SealCheck("relay.seccomp", expected: "2", observed: status["Seccomp"] ?? "?"),
      SealCheck(
        "relay.seccomp_filters", expected: "\(filters)",
        observed: status["Seccomp_filters"] ?? "?"),
      SealCheck(
        "relay.dumpable", expected: "no", observed: try state.owner() == 0 ? "no" : "yes"),
    ]
    // The bounding set of an ordinary user cannot be emptied; no_new_privs makes it moot.
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] + (setsBounding ? ["CapBnd"] : []) {
      checks.append(SealCheck("relay.\(set)", expected: none, observed: status[set] ?? "?"))
    }
    checks += [
      SealCheck(
        "relay.landlock", expected: "opens before, Permission denied after",
        observed: "\(text(facts.canaryBefore)) before, \(text(facts.canaryAfter)) after"),
      SealCheck(
        "relay.parent_death_signal", expected: "\(Signal.kill)", observed: "\(facts.deathSignal)"),
      SealCheck(
        "relay.descriptors", expected: "\(descriptors.count) of \(descriptors.count)",
        observed: "\(facts.ownDescriptors) of \(facts.openDescriptors)"),
      SealCheck(
        "relay.caller_environment", expected: "0 bytes",
        observed: "\(facts.environmentBytes) bytes"),
      SealCheck(
        "relay.shared_memory", expected: "0 mappings", observed: "\(facts.sharedMappings) mappings"),
    ]
    for (limit, seen) in zip(limits, try state.limits(limits.map(\.resource))) {
      checks.append(
        SealCheck(
          "relay.limit.\(limit.resource.rowName)", expected: "\(limit.soft) \(limit.hard)",
          observed: "\(seen.soft) \(seen.hard)"))
    }
    if privileged, sees, again {
      checks.append(
        SealCheck(
          "relay.descriptor_count", expected: "\(descriptors.count - 3)",
          observed: "\(try state.descriptors().count)"))
    } else if privileged, sees {
      let numbers = try state.descriptors().map(String.init)
      checks.append(
        SealCheck(
          "relay.descriptor_numbers",
          expected: descriptors.map(String.init).joined(separator: " "),
          observed: numbers.joined(separator: " ")))
    }
    if privileged {
      let user = "\(Plan.relayIdentifier)"
      let four = [user, user, user, user].joined(separator: " ")
      checks.append(SealCheck("relay.uid", expected: four, observed: status["Uid"] ?? "?"))
      checks.append(SealCheck("relay.gid", expected: four, observed: status["Gid"] ?? "?"))
      checks.append(SealCheck("relay.groups", expected: "", observed: status["Groups"] ?? "?"))
    }
    return checks
  }

  private func text(_ canary: Int64) -> String {
    canary == 0 ? "opens" : "\(Errno(rawValue: Int32(truncatingIfNeeded: canary)))"
  }

  /// Says something to the relay; one that is gone, or that does not take what it is told, is found
  /// by waiting for it. We never wait for it here.
  func tell(_ message: ControlMessage) throws(SessionError) {
    do { try message.send(to: control.rawValue, waiting: false) } catch .brokenPipe,
      .connectionReset, .wouldBlock
    {
      return
    } catch {
      throw SessionError("speak to the relay", error)
    }
  }

  /// Says something to the relay, and gives it these descriptors.
  func tell(_ message: ControlMessage, passing descriptors: [Int32]) throws(SessionError) {
    do {
      try Descriptor.send(control.rawValue, message.bytes, passing: descriptors)
    } catch .brokenPipe, .connectionReset { return } catch {
      throw SessionError("give the relay the pipes of a new server", error)
    }
  }

  /// Says something to the relay that can wait, if it has read most of what it was told before;
  /// whether it has. One that is gone has.
  func tellAtOnce(_ message: ControlMessage) throws(SessionError) -> Bool {
    do { return try message.sendIfRead(to: control.rawValue) } catch .brokenPipe, .connectionReset {
      return true
    } catch { throw SessionError("speak to the relay", error) }
  }

  /// The relay's next message, if it has come; nil when the relay closed the socket. Throws
  /// `.wouldBlock` when there is none yet and `.badMessage` for what is none.
  func next() throws(Errno) -> ControlMessage? {
    try ControlMessage.receive(from: control.rawValue)
  }

  /// Waits for the relay's first message; nil when the relay ended before it.
  func first() throws(SessionError) -> ControlMessage? {
    var entries = [PollEntry(descriptor: control.rawValue, events: .input)]
    return try doing("hear the relay") { () throws(Errno) in
      while try Poll.wait(&entries, timeoutMilliseconds: -1) == 0 { continue }
      return try next()
    }
  }
}
