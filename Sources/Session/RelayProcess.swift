internal import Confinement
internal import Linux

/// The relay as the monitor sees it: a child that gave everything up (promise P7).
struct RelayProcess: ~Copyable {
  /// The child's process id.
  let process: Int32
  private let control: FileDescriptor

  /// The descriptor to wait on for control messages.
  var controlDescriptor: Int32 { control.rawValue }

  /// Forks the relay and confines it. `configuration` makes its set-up from the control socket's
  /// number. Call only while single-threaded.
  static func start(
    privileged: Bool, configuration: (_ control: Int32) -> RelayConfiguration
  ) throws(SessionError) -> RelayProcess {
    let program: SeccompProgram
    do { program = try .relay() } catch {
      throw SessionError("cannot prepare the relay's system-call filter: \(error)")
    }
    let pair = try doing("make a control socket") { () throws(Errno) in
      try Descriptor.socketPair()
    }
    let monitor = Process.identifier
    let theirs = pair.theirs.release()
    let settings = configuration(theirs)
    let child = try doing("start the relay") { () throws(Errno) in try Process.fork() }
    if child == 0 {
      do {
        try confine(settings, privileged: privileged, monitor: monitor, program: program)
      } catch {
        report(error)
        Process.exit(125)
      }
      Relay.run(settings)
    }
    let relay = RelayProcess(process: child, control: pair.ours)
    // Only now: the child had to inherit it.
    try doing("close a socket") { () throws(Errno) in try Descriptor.close(theirs) }
    return relay
  }

  private init(process: Int32, control: consuming FileDescriptor) {
    self.process = process
    self.control = control
  }

  /// Gives up every right that the relay does not need, in the child.
  private static func confine(
    _ settings: RelayConfiguration, privileged: Bool, monitor: Int32, program: SeccompProgram
  ) throws(Errno) {
    // A terminal signals all of us; how the session then ends is for the monitor to say.
    try Signal.block(only: Monitor.signals)
    try SelfConfinement.setName("anchor-relay")
    try SelfConfinement.closeAll(except: [
      settings.clientInput, settings.clientOutput, settings.serverInput, settings.serverOutput,
      settings.serverError, settings.errorOutput, settings.control, settings.audit,
    ])
    // The bounding set and the ids before the capabilities, because both changes need some.
    if privileged {
      try SelfConfinement.emptyBoundingSet()
      try SelfConfinement.become(user: Plan.relayIdentifier, group: Plan.relayIdentifier)
    }
    try SelfConfinement.dropCapabilities()
    try SelfConfinement.noNewPrivileges()
    try SelfConfinement.denyAllByLandlock()
    try SelfConfinement.setDumpable(false)
    // After the ids, which clear it; the parent is checked because it may have ended before.
    try SelfConfinement.dieWithParent(Signal.kill)
    if Process.parentIdentifier != monitor { Process.exit(125) }
    try SelfConfinement.loadFilter(program.instructions)
  }

  private static func report(_ error: Errno) {
    let text = "anchorhold: error: cannot confine the relay: \(error)\n"
    do { try Descriptor.writeAll(StandardStream.error, [UInt8](text.utf8)) } catch {
      Process.exit(125)
    }
  }

  /// What the kernel says of the relay, once it said that it is ready.
  func seal(privileged: Bool) throws(Errno) -> [SealCheck] {
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
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] + (privileged ? ["CapBnd"] : []) {
      checks.append(SealCheck("relay.\(set)", expected: none, observed: status[set] ?? "?"))
    }
    if privileged {
      let user = "\(Plan.relayIdentifier)"
      let four = [user, user, user, user].joined(separator: " ")
      checks.append(SealCheck("relay.uid", expected: four, observed: status["Uid"] ?? "?"))
      checks.append(SealCheck("relay.groups", expected: "", observed: status["Groups"] ?? "?"))
    }
    return checks
  }

  /// Says something to the relay; a relay that is gone is found by waiting for it.
  func tell(_ message: ControlMessage) throws(SessionError) {
    do { try message.send(to: control.rawValue) } catch .brokenPipe { return } catch {
      throw SessionError("speak to the relay", error)
    }
  }

  /// The relay's next message; nil when it closed the socket.
  func next() throws(SessionError) -> ControlMessage? {
    try doing("hear the relay") { () throws(Errno) in
      try ControlMessage.receive(from: control.rawValue)
    }
  }
}
