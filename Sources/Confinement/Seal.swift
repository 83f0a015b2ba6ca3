public import Linux

/// One comparison of what the plan asks for with what the kernel shows.
public struct SealCheck: Hashable, Sendable {
  /// What was looked at, a stable name.
  public var name: String
  /// What the plan asks for and what the kernel shows.
  public var expected: String, observed: String
  /// Whether they agree.
  public var holds: Bool { expected.utf8.elementsEqual(observed.utf8) }

  /// Makes a comparison.
  public init(_ name: String, expected: String, observed: String) {
    self.name = name
    self.expected = expected
    self.observed = observed
  }
}

/// The read-back of a cell: what is in force, from the kernel's own state (promise P1).
///
/// The first look is at the server's process while it waits for the word, the second after exec
/// and before the first client byte is forwarded.
///
/// *Limits.* The content of a seccomp filter cannot be read back without privilege; that it was
/// checked before and that exactly one is loaded is what is shown. Landlock has no place in
/// `/proc`; a canary, a directory that only Landlock closes, shows that it holds.
public struct Seal: Sendable {
  /// What the cell should be.
  public let plan: Plan
  /// The server's process and the cell's init, as the monitor's pid namespace numbers them.
  public let server: Int32, initProcess: Int32
  /// The inodes of the server's three pipes, in the order of the descriptors 0, 1, 2.
  public let pipes: [UInt64]

  private let us = ProcessState(Process.identifier)

  /// A read-back of the cell of `server` and `initProcess`.
  public init(plan: Plan, server: Int32, initProcess: Int32, pipes: [UInt64]) {
    self.plan = plan
    self.server = server
    self.initProcess = initProcess
    self.pipes = pipes
  }

  private static let spaces = ["user", "mnt", "pid", "ipc", "uts", "cgroup", "net", "time"]

  /// The look while the server's process waits.
  /// Throws what the kernel answers when something cannot be read, which is a failure too.
  public func firstLook(_ facts: CellFacts) throws(Errno) -> [SealCheck] {
    let state = ProcessState(server)
    let status = try state.status()
    let ours = try us.status()
    let filters = Int(ours["Seccomp_filters"] ?? "0") ?? 0
    let isContainer = plan.blueprint.container != nil
    var checks = identity(status, of: "server", reals: plan.blueprint.outsideUser)
    checks += [
      SealCheck("server.seccomp", expected: "2", observed: status["Seccomp"] ?? "?"),
      SealCheck(
        "server.seccomp_filters", expected: "\(filters + 1)",
        observed: status["Seccomp_filters"] ?? "?"),
      SealCheck("server.umask", expected: "0077", observed: status["Umask"] ?? "?"),
      SealCheck("server.signals_blocked", expected: none16, observed: status["SigBlk"] ?? "?"),
      SealCheck("server.signals_ignored", expected: none16, observed: status["SigIgn"] ?? "?"),
      SealCheck(
        "server.securebits", expected: "\(plan.securebits)",
        observed: "\(facts.securebits)"),
      SealCheck(
        "server.parent_death_signal", expected: "\(Signal.kill)",
        observed: "\(facts.serverDeathSignal)"),
      SealCheck(
        "init.parent_death_signal",
        expected: "\(isContainer ? Signal.terminate : Signal.kill)",
        observed: "\(facts.initDeathSignal)"),
      SealCheck(
        "landlock.canary", expected: "opens before, Permission denied after",
        observed: canary(facts)),
    ]
    checks += HardeningComparison(plan: plan).checks(facts)
    checks += try seeing { () throws(Errno) in try descriptors(state) }
    checks += try limits(state)
    let session = try state.session()
    checks += [
      SealCheck(
        "server.session", expected: "its own, no terminal",
        observed: session.session == server && session.terminal == 0
          ? "its own, no terminal" : "session \(session.session), terminal \(session.terminal)"),
      SealCheck(
        "server.working_directory", expected: try expectedDirectory(),
        observed: try seeing { () throws(Errno) in try state.link("cwd") }),
    ]
    checks += isContainer ? try container(facts) : try own(state, status, facts)
    let initStatus = try ProcessState(initProcess).status()
    checks += identity(
      initStatus, of: "init",
      reals: plan.blueprint.container?.initUser ?? plan.blueprint.outsideUser)
    checks += [
      SealCheck("init.seccomp", expected: "2", observed: initStatus["Seccomp"] ?? "?"),
      SealCheck(
        "init.seccomp_filters", expected: "\(filters + 1)",
        observed: initStatus["Seccomp_filters"] ?? "?"),
      SealCheck(
        "init.dumpable", expected: "no",
        observed: try ProcessState(initProcess).owner() == 0 ? "no" : "yes"),
    ]
    return checks
  }

  /// What a cell has of its own at level full: namespaces and mounts.
  private func own(
    _ state: ProcessState, _ status: ProcessStatus, _ facts: CellFacts
  ) throws(Errno) -> [SealCheck] {
    var checks = [
      SealCheck(
        "server.pid_in_cell", expected: "\(server) 2",
        observed: innermost(status["NSpid"], server)),
      SealCheck("cell.host_name", expected: plan.blueprint.hostName, observed: facts.hostName),
      SealCheck("cell.clocks", expected: "began with the cell", observed: clocks(facts)),
    ]
    checks += try namespaces(state, of: "server")
    checks += try maps(state)
    checks += [
      SealCheck("network.interfaces", expected: "lo", observed: try interfaces(state)),
      SealCheck("network.loopback", expected: "up", observed: try loopback(state)),
    ]
    let mounts = try state.mounts()
    checks += try MountComparison(plan: plan).checks(mounts, process: server)
    return checks + TemporaryComparison(plan: plan).checks(mounts)
  }

  /// What takes their place at level container.
  private func container(_ facts: CellFacts) throws(Errno) -> [SealCheck] {
    let refused = plan.containerFilter?.refusesSignals ?? false
    let scoped = plan.blueprint.container?.scopesSignals ?? false
    let reach = "reach it"
    var checks = [
      SealCheck("init.adopts_orphans", expected: "1", observed: "\(facts.subreaper)"),
      SealCheck("init.lists_children", expected: "yes", observed: said(facts.children, "yes")),
      SealCheck(
        "server.signal_scope", expected: scoped ? "\(Errno.notPermitted)" : reach,
        observed: said(facts.scope, reach)),
      // The filter, which lets number 0 pass, holds the others; it is read back by itself.
      SealCheck(
        "server.signals_to_init", expected: refused ? reach : "\(Errno.notPermitted)",
        observed: said(facts.reachesInit, reach)),
    ]
    if let space = plan.blueprint.container?.space {
      let wanted = "directory \(plan.blueprint.outsideUser) 0700"
      let status = try Files.status(space.path, followLinks: false)
      let mode = String(status.mode & 0o7777, radix: 8)
      checks.append(
        SealCheck(
          "temporary_space", expected: wanted,
          observed: "\(status.kind) \(status.user) 0\(mode)"))
    }
    return checks
  }

  private func said(_ error: Int32, _ word: String) -> String {
    error == 0 ? word : "\(Errno(rawValue: error))"
  }

  /// Looks at what only the server's own user may see of it: root of a container may lack the
  /// right to look at others.
  private func seeing<Value>(_ body: () throws(Errno) -> Value) throws(Errno) -> Value {
    let blueprint = plan.blueprint
    guard blueprint.container != nil, blueprint.privileged else { return try body() }
    return try Process.looking(
      asUser: blueprint.outsideUser, group: blueprint.outsideGroup, body)
  }

  /// The look after exec. Returns nil when the server is ending or has ended: a process without
  /// memory shows nothing. So does one whose first thread ended while others run, which the caller
  /// has to tell apart.
  ///
  /// Descriptors are not looked at again, because after exec they prove nothing more. The first look
  /// showed that exec leaves just our three pipes open, and exec opens none. Whatever a server shows
  /// later it opened itself, through the cell's own mounts, or made itself (pipes, socket pairs,
  /// files in memory); it has no socket over which another process could send it one, and may not
  /// copy one out of another process. A pipe of its own cannot be told from a foreign one by its
  /// number, and `exec 2>/dev/null` in a wrapper is nobody's fault.
  public func secondLook() throws(Errno) -> [SealCheck]? {
    let state = ProcessState(server)
    do {
      let status = try state.status()
      if isEnding(status) { return nil }
      let filters = Int(try us.status()["Seccomp_filters"] ?? "0") ?? 0
      var checks = identity(status, of: "executed", reals: plan.blueprint.outsideUser)
      checks += [
        SealCheck("executed.seccomp", expected: "2", observed: status["Seccomp"] ?? "?"),
        SealCheck(
          "executed.seccomp_filters", expected: "\(filters + 1)",
          observed: status["Seccomp_filters"] ?? "?"),
      ]
      checks += HardeningComparison(plan: plan).checks(executed: status)
      if plan.blueprint.container == nil { checks += try namespaces(state, of: "executed") }
      return checks
    } catch {
      // Between two reads the server may have ended; then, and only then, is there nothing to see.
      if isGone() { return nil }
      throw error
    }
  }

  private func isGone() -> Bool {
    do { return isEnding(try ProcessState(server).status()) } catch {
      return error == .noSuchFile || error == .noSuchProcess
    }
  }

  /// A process gives up its memory at once when it ends and is a zombie only later; in between its
  /// files in `/proc` belong to root, and their owner may not read them (fs/proc/base.c,
  /// task_dump_owner).
  private func isEnding(_ status: ProcessStatus) -> Bool { status["VmPeak"] == nil }

  private let none16 = "0000000000000000"

  /// Ids and rights; `reals` is the real and the saved user id.
  private func identity(
    _ status: ProcessStatus, of who: String, reals: UInt32
  ) -> [SealCheck] {
    let user = plan.blueprint.outsideUser
    let group = plan.blueprint.outsideGroup
    let groups = plan.remainingGroups.map(String.init).joined(separator: " ")
    var checks = [
      SealCheck(
        "\(who).uid", expected: "\(reals) \(user) \(reals) \(user)",
        observed: status["Uid"] ?? "?"),
      SealCheck(
        "\(who).gid", expected: "\(group) \(group) \(group) \(group)",
        observed: status["Gid"] ?? "?"),
      SealCheck("\(who).groups", expected: groups, observed: status["Groups"] ?? "?"),
      SealCheck("\(who).no_new_privs", expected: "1", observed: status["NoNewPrivs"] ?? "?"),
    ]
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
      checks.append(
        SealCheck(
          "\(who).\(set)", expected: set == "CapBnd" ? plan.bounding : none16,
          observed: status[set] ?? "?"))
    }
    return checks
  }

  private func innermost(_ spaces: String?, _ process: Int32) -> String {
    let words = (spaces ?? "").utf8.split(separator: 0x20)
    guard let last = words.last, words.count > 1 else { return spaces ?? "?" }
    return "\(process) \(String(Substring(last)))"
  }

  private func clocks(_ facts: CellFacts) -> String {
    facts.clocksBeganWithCell
      ? "began with the cell" : "monotonic \(facts.monotonic) ns, boot \(facts.boot) ns"
  }

  private func canary(_ facts: CellFacts) -> String {
    let before =
      facts.canaryBefore == 0
      ? "opens before" : "\(Errno(rawValue: facts.canaryBefore)) before"
    let after =
      facts.canaryAfter == 0 ? "opens after" : "\(Errno(rawValue: facts.canaryAfter)) after"
    return "\(before), \(after)"
  }

  /// Every namespace must differ from the monitor's own; and be the same as init's, which only root
  /// may look at, because init is not dumpable.
  private func namespaces(_ state: ProcessState, of who: String) throws(Errno) -> [SealCheck] {
    var checks: [SealCheck] = []
    for kind in Seal.spaces {
      if plan.blueprint.privileged {
        checks.append(
          SealCheck(
            "\(who).namespace.\(kind).of_init",
            expected: try ProcessState(initProcess).namespace(kind),
            observed: try state.namespace(kind)))
      }
      let theirs = try state.namespace(kind)
      let mine = try us.namespace(kind)
      checks.append(
        SealCheck(
          "\(who).namespace.\(kind)", expected: "own",
          observed: theirs.utf8.elementsEqual(mine.utf8) ? "the caller's" : "own"))
    }
    return checks
  }

  private func maps(_ state: ProcessState) throws(Errno) -> [SealCheck] {
    let blueprint = plan.blueprint
    return [
      SealCheck(
        "cell.uid_map", expected: "\(blueprint.insideUser) \(blueprint.outsideUser) 1",
        observed: squeezed(try state.text("uid_map"))),
      SealCheck(
        "cell.gid_map", expected: "\(blueprint.insideGroup) \(blueprint.outsideGroup) 1",
        observed: squeezed(try state.text("gid_map"))),
      SealCheck(
        "cell.setgroups", expected: "deny", observed: squeezed(try state.text("setgroups"))),
    ]
  }

  private func squeezed(_ text: String) -> String {
    text.utf8.split { $0 == 0x20 || $0 == 0x0A }.map { String(Substring($0)) }
      .joined(separator: " ")
  }

  /// 0, 1 and 2 are the server's pipes; everything else is closed by exec.
  private func descriptors(_ state: ProcessState) throws(Errno) -> [SealCheck] {
    var checks: [SealCheck] = []
    for (number, inode) in pipes.enumerated() {
      checks.append(
        SealCheck(
          "server.descriptor_\(number)", expected: "pipe:[\(inode)]",
          observed: try state.link("fd/\(number)")))
    }
    var surviving: [String] = []
    for descriptor in try state.descriptors() where try !state.isCloseOnExec(descriptor) {
      surviving.append("\(descriptor)")
    }
    checks.append(
      SealCheck(
        "server.descriptors_kept_by_exec", expected: "0 1 2",
        observed: surviving.joined(separator: " ")))
    return checks
  }

  private func limits(_ state: ProcessState) throws(Errno) -> [SealCheck] {
    let wanted = plan.blueprint.limits
    let observed = try state.limits(wanted.map(\.resource))
    var checks: [SealCheck] = []
    for (limit, seen) in zip(wanted, observed) {
      checks.append(
        SealCheck(
          "limit.\(limit.resource.rowName)", expected: "\(text(limit.soft)) \(text(limit.hard))",
          observed: "\(text(seen.soft)) \(text(seen.hard))"))
    }
    return checks
  }

  private func text(_ limit: UInt64) -> String {
    limit == ResourceLimit.unlimited ? "unlimited" : "\(limit)"
  }

  /// The working directory may be a link in the cell; the kernel shows where it leads.
  private func expectedDirectory() throws(Errno) -> String {
    let path = plan.blueprint.workingDirectory
    if plan.blueprint.actions.contains(where: { Paths.equal($0.path, path) }) { return path }
    do { return try PathResolver(HostFiles()).resolve(path).real } catch { return path }
  }

  /// The names of all interfaces but those that nothing can be sent through; see ``NetworkView``.
  private func interfaces(_ state: ProcessState) throws(Errno) -> String {
    var view = NetworkView(devices: try state.bytes("net/dev"))
    if view.names.count > 1 {
      view.routes = try state.bytes("net/route")
      view.trie = try state.bytes("net/fib_trie")
      view.addresses6 = try optional(state, "net/if_inet6")
      view.routes6 = try optional(state, "net/ipv6_route")
    }
    return view.reachable.joined(separator: " ")
  }

  /// A file that a kernel without IPv6 does not have.
  private func optional(_ state: ProcessState, _ name: String) throws(Errno) -> [UInt8] {
    do { return try state.bytes(name) } catch .noSuchFile { return [] }
  }

  /// An interface that is up has its address in the routing trie.
  private func loopback(_ state: ProcessState) throws(Errno) -> String {
    let view = NetworkView(devices: [], trie: try state.bytes("net/fib_trie"))
    return view.localAddresses.contains { $0.utf8.elementsEqual("127.0.0.1".utf8) } ? "up" : "down"
  }
}
