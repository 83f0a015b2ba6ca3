internal import Confinement
internal import Linux

/// What is tried in the cell of one plan, and what is not because the plan allows it.
struct VerificationChecks {
  private(set) var checks: [ProbeCheck] = []
  private(set) var allowed: [(name: String, reason: String)] = []
  var notes: [String] = []
  let plan: Plan
  private let rules: SeccompRules

  /// What is not tried on paths that a grant encloses, because reading is what it allows.
  private static let reading: Set<String> = [
    "read-byte", "open-directory", "stat", "open-path", "watch", "exec",
  ]
  private static let writing: Set<String> = ["may-write", "open-write"]

  /// Attempts of several steps, by the call that decides them.
  private static let deciding = [
    "set-uid-file": "fchmod-set-uid", "set-gid-file": "fchmod-set-uid",
    "created-set-uid": "openat-set-uid", "make-device": "mknod",
    "pair-dgram": "socketpair-unix-dgram", "peek:1": "process_vm_readv",
    "poke:1": "process_vm_writev", "seize:1": "ptrace-traceme",
  ]

  /// The checks for `plan` and its filter; `paths` of our own must not be reached.
  init(
    plan: Plan, rules: SeccompRules, scratch: borrowing ProbeScratch, host: HostFacts,
    paths: [(name: String, path: String)]
  ) {
    self.plan = plan
    self.rules = rules
    for check in Probe.checks {
      var check = check
      check.attempt = VerificationChecks.fill(check.attempt, scratch)
      check.control = VerificationChecks.fill(check.control, scratch)
      add(check)
    }
    for (name, path) in paths { addPath(name, path) }
    if plan.blueprint.container != nil { addContainer() }
    addGrants()
    addLimits()
    addSpaces(scratch: scratch.path)
    addHardening()
    addRest()
  }

  private static func fill(_ attempt: String, _ scratch: borrowing ProbeScratch) -> String {
    var filled = ""
    var rest = Substring(attempt)
    while let at = rest.firstIndex(of: "@") {
      filled += rest[..<at]
      rest = rest[at...]
      for (mark, text) in [
        ("@abstract", scratch.abstract), ("@port", "\(scratch.port)"), ("@", scratch.path),
      ] where rest.hasPrefix(mark) {
        filled += text
        rest = rest.dropFirst(mark.count)
        break
      }
    }
    return filled + rest
  }

  mutating func add(_ check: ProbeCheck) {
    if let reason = allowance(check.attempt) {
      allowed.append(("\(check.group): \(check.name)", reason))
    } else if let check = levelled(check) {
      checks.append(check)
    }
  }

  /// Why the plan allows what an attempt tries; nil if it does not.
  private func allowance(_ attempt: String) -> String? {
    if let call = Probe.call(of: VerificationChecks.deciding[attempt] ?? attempt) {
      let verdict = rules.returnValue(
        for: SeccompCall(number: call.number, arguments: call.arguments))
      return verdict == SeccompAction.allow.returnValue
        ? "the system-call filter lets it through" : nil
    }
    let words = attempt.split(separator: ":", maxSplits: 1)
    guard words.count == 2, let verb = words.first.map(String.init) else { return nil }
    let reads = VerificationChecks.reading.contains(verb)
    guard reads || VerificationChecks.writing.contains(verb),
      let grant = plan.grant(of: String(words[1])), reads || grant.access == .write
    else { return nil }
    return "\(grant.path) is granted (\(grant.reason))"
  }

  private mutating func addPath(_ name: String, _ path: String) {
    let status: FileStatus
    // What is not there cannot be reached, and has no control.
    do { status = try Files.status(path) } catch { return }
    let look = status.kind == .directory ? "open-directory" : "read-byte"
    for verb in ["stat", look, "open-path", "may-write"] {
      var check = ProbeCheck("host files", "\(name)-\(verb)", "\(verb):\(path)")
      if let reason = allowance(check.attempt) {
        allowed.append(("\(check.group): \(check.name)", reason))
        continue
      }
      if plan.blueprint.container == nil {
        // The cell may have something of its own there: its /tmp, or what is above a grant.
        check.attempt = "host:\(status.device):\(status.inode):\(check.attempt)"
        check.control = check.attempt
      }
      add(check)
    }
  }

  /// The most grants that are looked at one by one.
  private static let mostGrants = 64

  private mutating func addGrants() {
    if plan.grants.count > VerificationChecks.mostGrants {
      notes.append(
        "only the first \(VerificationChecks.mostGrants) of \(plan.grants.count) grants are "
          + "looked at one by one; the read-back has them all")
    }
    func mount(_ name: String, _ verb: String, _ path: String, control: String? = nil) {
      checks.append(
        ProbeCheck(
          "grants", "\(name) \(path)", "\(verb):\(path)", control: "\(verb):\(control ?? path)"))
    }
    for grant in plan.grants.prefix(VerificationChecks.mostGrants) {
      // A protected link leads elsewhere, and the read-back has it.
      guard grant.status.kind == .regular || grant.status.kind == .directory else { continue }
      if grant.access == .read {
        mount("read-only", "writable-mount", grant.path)
        add(ProbeCheck("grants", "not writable \(grant.path)", "may-write:\(grant.path)"))
      }
      mount("no set-id bits", "set-id-mount", grant.path)
      mount("no devices", "device-mount", grant.path)
      if !grant.executable { mount("no execution", "exec-mount", grant.path) }
    }
    for path in plan.hidden {
      for verb in ["read-byte", "open-directory"] {
        checks.append(ProbeCheck("grants", "hidden \(path) \(verb)", "\(verb):\(path)"))
      }
    }
    if plan.blueprint.container != nil {
      // No mounts of the cell's own are looked at: it has none.
      return mount("read-only", "writable-mount", "/")
    }
    for path in ["/tmp", Plan.home, "/dev/shm"] {
      mount("no execution", "exec-mount", path, control: "/")
      mount("no set-id bits", "set-id-mount", path, control: "/")
      mount("no devices", "device-mount", path, control: "/")
    }
    mount("read-only", "writable-mount", "/", control: "/tmp")
    mount("read-only", "writable-mount", "/proc", control: "/proc")
    mount("read-only", "writable-mount", Plan.probePath, control: "/tmp")
    mount("no set-id bits", "set-id-mount", Plan.probePath, control: "/")
  }

  /// Above these an attempt to use a limit up would be a load of its own.
  private static let mostOpenFiles: UInt64 = 65_536, mostProcesses: UInt64 = 512

  /// The control group's own files are the host's; nothing of them is in the cell.
  private mutating func addControlGroup() {
    guard let group = plan.controlGroup else { return }
    checks.append(ProbeCheck("limits", "its control group is the top", "group-path"))
    for (name, verb) in [("seen", "stat"), ("entered", "open-write"), ("changed", "may-write")] {
      checks.append(
        ProbeCheck(
          "limits", "the control group around it is not \(name)",
          "\(verb):\(group.parent)/cgroup.procs"))
    }
  }

  private mutating func addLimits() {
    addControlGroup()
    for limit in plan.blueprint.limits {
      let name = String(limit.resource.rowName.lowercased().map { $0 == " " ? "-" : $0 })
      let number = limit.resource.rawValue
      checks.append(
        ProbeCheck(
          "limits", "\(name) is as planned", "limit-differs:\(number):\(limit.soft):\(limit.hard)"))
      guard limit.hard < UInt64(Int64.max) - (1 << 21) else { continue }
      checks.append(
        ProbeCheck(
          "limits", "\(name) is not raised",
          "limit-set:\(number):\(limit.hard + 1):\(limit.hard + 1)"))
      switch limit.resource {
      case .data:
        checks.append(
          ProbeCheck("limits", "\(name) stops", "map:\(limit.soft + (1 << 20))"))
      case .fileSize:
        checks.append(ProbeCheck("limits", "\(name) stops", "sparse:\(limit.soft)"))
      case .openFiles where limit.soft < VerificationChecks.mostOpenFiles:
        checks.append(ProbeCheck("limits", "\(name) stops", "open-files:\(limit.soft + 1)"))
      case .processes where limit.soft < VerificationChecks.mostProcesses:
        checks.append(ProbeCheck("limits", "\(name) stops", "processes:\(limit.soft + 1)"))
      default: continue
      }
    }
  }

  /// More files than this would be a load of their own.
  private static let mostFiles: UInt64 = 4096

  /// That private temporary space has the planned size and stops there. A file is given its room
  /// and not filled, which the kernel refuses at once where there is too little.
  private mutating func addSpaces(scratch: String) {
    let files = plan.blueprint.temporaryInodes
    let largest = plan.blueprint.limits.first { $0.resource == .fileSize }?.soft ?? .max
    for case .temporary(let path, let size, _, _) in plan.blueprint.actions
    where !plan.hidden.contains(where: { $0.utf8.elementsEqual(path.utf8) }) {
      checks.append(
        ProbeCheck(
          "limits", "\(path) holds no more than planned", "room-beyond:\(path):\(size):\(files)",
          control: "room-beyond:\(scratch):\(size):\(files)"))
      // The files that it takes must be fewer than there may be, or want of those would stop it.
      guard largest > 0, size / largest < min(files / 2, Probe.mostReserved) else {
        notes.append(
          "that \(path) stops is not tried: limits.file_size is too small for it to be filled")
        continue
      }
      checks.append(
        ProbeCheck(
          "limits", "\(path) stops", "reserve:\(path):\(size + 4096)",
          control: "reserve:\(scratch):4096"))
    }
    if files <= VerificationChecks.mostFiles, plan.blueprint.container == nil {
      checks.append(
        ProbeCheck(
          "limits", "files of /dev/shm stop", "inodes:/dev/shm:\(files)",
          control: "inodes:\(scratch):16"))
    }
  }

  /// The protections that the profile asks for.
  private mutating func addHardening() {
    if plan.blueprint.deniesWriteExecute {
      for way in ["at-once", "in-turn"] {
        checks.append(
          ProbeCheck("settings", "written and executed \(way)", "write-execute:\(way)"))
      }
    }
    if plan.blueprint.mitigatesSpeculation {
      for field in ["Speculation_Store_Bypass", "SpeculationIndirectBranch"] {
        checks.append(ProbeCheck("settings", field, "speculation:\(field)"))
      }
    }
  }

  private mutating func addRest() {
    let blueprint = plan.blueprint
    let names = blueprint.environment.map { String($0.prefix { $0 != "=" }) }
    checks.append(
      ProbeCheck(
        "environment", "nothing beyond the plan",
        "environment-beyond:,\(names.joined(separator: ",")),"))
    // What the profile sets is planned, and so is what the cell sets of these.
    for family in LoaderVariables.families {
      let list = family.names.joined(separator: ",")
      let names = "\(list)!\(names.joined(separator: ","))"
      checks.append(
        ProbeCheck(
          "environment", "nothing for \(family.reader)", "variables:\(names)",
          control: "variables-planted:\(names)"))
    }
    checks.append(
      ProbeCheck(
        "identity", "the planned ids",
        "other-ids:\(blueprint.insideUser):\(blueprint.insideGroup)"))
    if plan.remainingGroups.isEmpty {
      checks.append(ProbeCheck("identity", "no supplementary groups", "groups"))
    }
    if let note = plan.groups.note {
      notes.append(plan.groups.mend.map { "\(note); to drop them: \($0)" } ?? note)
    }
    if let name = hostName(), !name.utf8.elementsEqual(blueprint.hostName.utf8) {
      checks.append(ProbeCheck("host name", "not the host's", "host-name:\(name)"))
    }
    for kind in ["user", "mnt", "pid", "ipc", "uts", "cgroup", "net", "time"] {
      guard let identity = namespace(kind) else { continue }
      checks.append(
        ProbeCheck("namespaces", "not the caller's \(kind)", "namespace:\(identity)"))
    }
    addClocks()
    // Small numbers may be the probe's own in a cell with numbers of its own.
    if Process.identifier > 5_000 || blueprint.container != nil {
      checks.append(
        ProbeCheck("processes", "the caller cannot be named", "kill:\(Process.identifier)"))
    }
  }

  /// How far a clock may be from the host's to pass for it, in seconds.
  private static let clockWindow: Int64 = 60

  /// The cell's clocks begin at a day: on a machine that was started a day ago the difference
  /// between the two cannot be told.
  private mutating func addClocks() {
    for (name, clock, now) in [
      ("the machine's monotonic clock", "monotonic", Clock.monotonicMicroseconds()),
      ("the machine's boot clock", "boot", Clock.bootMicroseconds()),
      ("the machine's uptime", "uptime", Clock.bootMicroseconds()),
    ] {
      let (host, cell) = (now / 1_000_000, CellFacts.clockBegin / 1_000_000_000)
      guard abs(host - cell) > 2 * VerificationChecks.clockWindow else {
        notes.append("\(name) is not looked at: it happens to show what the cell's begins with")
        continue
      }
      checks.append(
        ProbeCheck("time", name, "clock:\(clock):\(host):\(VerificationChecks.clockWindow)"))
    }
  }

  private func namespace(_ kind: String) -> String? {
    // Without it there is one check less.
    do { return try ProcessState(Process.identifier).namespace(kind) } catch { return nil }
  }

  private func hostName() -> String? {
    let bytes: [UInt8]
    // Without it there is one check less.
    do { bytes = try Files.contents("/proc/sys/kernel/hostname") } catch { return nil }
    return String(validating: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
  }
}
