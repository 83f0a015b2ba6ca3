internal import CLinux
internal import Linux
internal import Profile

/// What a cell uses where it is there, and what older kernels lack.
extension Doctor {
  /// What each version of Landlock's interface brought; a kernel without it lacks it.
  private static let landlockVersions: [(version: Int, brings: String)] = [
    (2, "files can be moved between granted directories"),
    (3, "truncating is refused where writing is"), (4, "TCP ports are bound to rules"),
    (5, "requests to device drivers are bound to rules"),
    (6, "abstract sockets and signals outside of the cell are refused"),
  ]

  /// What the kernel's Landlock lacks. Only truncating matters to a level: where mounts are the first
  /// wall it is refused by them.
  static func oldLandlock(_ abi: Int) -> DoctorFinding {
    let missing = landlockVersions.filter { $0.version > abi }
    let hasTruncate = abi >= 3
    return DoctorFinding(
      name: "landlock-version", purpose: "the second wall as the kernel of today has it",
      levels: hasTruncate ? [] : [.container], works: missing.isEmpty,
      detail: missing.isEmpty
        ? "version \(abi)"
        : "version \(abi), so not that "
          + missing.map { "\($0.brings) (\($0.version))" }.joined(separator: ", nor that "),
      mend: missing.isEmpty
        ? nil : "use Linux \(hasTruncate ? "6.12" : "6.2") or later\(hasTruncate ? " for all" : "")"
    )
  }

  /// Dropping the caller's supplementary groups, by a trial of the very thing.
  static func groupMapping(_ files: some FileLookup) -> DoctorFinding {
    var finding = DoctorFinding(
      name: "group-mapping", purpose: "the caller's supplementary groups stay outside", levels: [],
      works: true, detail: "root's never come along", mend: nil)
    guard Process.user != 0 else { return finding }
    let groups: [UInt32]
    do { groups = try Process.supplementaryGroups().filter { $0 != Process.group } } catch {
      finding.works = false
      finding.detail = "cannot learn the caller's groups: \(error)"
      return finding
    }
    if groups.isEmpty {
      finding.detail = "the caller has none"
      return finding
    }
    let accounts = Accounts(files)
    let names = groups.sorted().map {
      SupplementaryGroups.Group(number: $0, name: accounts.group($0)).text
    }.joined(separator: ", ")
    do throws(GroupMapper.Missing) {
      let mapper = try GroupMapper.find(user: Process.user, group: Process.group, files: files)
      guard let fault = mapper.trial(group: Process.group) else {
        finding.detail = "\(names) can be dropped, by \(mapper.program)"
        return finding
      }
      finding.detail = "\(names) stay: \(fault)"
      finding.mend = "see newgidmap(1) for what it wants of a caller"
    } catch {
      finding.detail = "\(names) stay: \(error.why)"
      finding.mend = error.mend
    }
    finding.works = false
    return finding
  }

  /// Whether a profile's usual limits fit under those that the caller cannot raise.
  static func hardLimits() -> DoctorFinding {
    let usual = Profile.Limits()
    let wanted: [(ResourceLimit.Resource, UInt64, String)] = [
      (.openFiles, usual.openFiles, "limits.open_files"),
      (.processes, usual.processes + 1, "limits.processes"),
      (.fileSize, usual.fileSize, "limits.file_size"), (.data, usual.memory, "limits.memory"),
      (.coreSize, Plan.coreSize, "core files"),
    ]
    var short: [String] = []
    for (resource, value, name) in wanted {
      do {
        let hard = try ResourceLimit.current(resource).hard
        if hard < value { short.append("\(name) is \(hard) and not \(value)") }
      } catch { short.append("\(name): \(error)") }
    }
    return DoctorFinding(
      name: "hard-limits", purpose: "a profile's usual limits fit under the caller's", levels: [],
      works: short.isEmpty, detail: short.isEmpty ? "works" : short.joined(separator: ", "),
      mend: short.isEmpty
        ? nil
        : "raise the caller's hard limits (prlimit(1), limits.conf(5), podman run --ulimit), or "
          + "write lower ones in the profile")
  }

  /// A place in which a session would make its control group, as a session chooses it.
  ///
  /// - Parameters:
  ///   - hasFirst: whether version 1 is mounted.
  ///   - attempt: makes one there; says what stood in the way, nil if nothing did.
  static func controlGroups(
    _ facts: ControlGroupFacts, hasFirst: Bool, hasSystemd: Bool,
    attempt: (ControlGroupPlan) -> String? = Doctor.tryControlGroup
  ) -> DoctorFinding {
    var finding = DoctorFinding(
      name: "control-groups", purpose: "limits of a whole cell", levels: [],
      works: false, detail: "not mounted", mend: nil)
    let unified = "boot with systemd.unified_cgroup_hierarchy=1 on the kernel command line"
    if facts.view.mount == nil {
      guard hasFirst else { return finding }
      finding.detail = "version 1 only"
      finding.mend = unified
      return finding
    }
    do throws(ControlGroupPlan.Reason) {
      let plan = try ControlGroupPlan.decide(Profile.Limits(), facts)
      if let fault = attempt(plan) { throw ControlGroupPlan.Reason(fault) }
      finding.works = true
      finding.detail = "version 2, in \(plan.parent)"
    } catch {
      finding.detail = "version 2, but \(error.text)"
      let hasMemory = facts.candidates.contains { candidate in
        candidate.state.controllers.contains { Paths.equal($0, "memory") }
      }
      if hasFirst, !hasMemory {
        finding.detail = "version 1 and 2 side by side, no memory controller in version 2"
        finding.mend = unified
      } else if hasSystemd {
        finding.mend =
          Process.user == 0
          ? "systemd-run --scope -p Delegate=yes anchorhold run …"
          : "systemd-run --user --scope -p Delegate=yes anchorhold run …"
      }
    }
    return finding
  }

  /// Makes a control group, limits it, moves a process into it and removes it.
  private static func tryControlGroup(_ plan: ControlGroupPlan) -> String? {
    let settings: KeeperSettings
    do { settings = KeeperSettings(filter: try SeccompProgram.keeper().instructions) } catch {
      return "cannot prepare the keeper's system-call filter: \(error)"
    }
    do {
      let parent = try Files.open(plan.parent, [.readOnly, .directory])
      let name = try Kept.unforeseeableName(ControlGroupPlan.prefix)
      let keeper = try Keeper.start(
        [Kept(.controlGroup, parent: parent.rawValue, name: name, mode: 0o755)], settings)
      let fault = use(plan, keeper.directories[0])
      try keeper.finish()
      return fault
    } catch { return "cannot make a group in \(plan.parent): \(error)" }
  }

  private static func use(_ plan: ControlGroupPlan, _ group: Int32) -> String? {
    // Controllers that a session would switch on first stay as they are: that would last.
    for setting in plan.enable.isEmpty ? plan.settings : [] {
      do { try ControlGroupFile.write(setting.value, to: setting.name, in: group) } catch {
        return "cannot set \(setting.name) in \(plan.parent): \(error)"
      }
    }
    do {
      let child = try Process.fork()
      if child == 0 {
        do { try ControlGroupFile.write("0", to: "cgroup.procs", in: group) } catch {
          Process.exit(error.rawValue)
        }
        Process.exit(0)
      }
      let ended = try Process.wait(child, nonblocking: false)
      switch ended.map({ ExitStatus(statusWord: $0.status) }) {
      case .exited(0): return nil
      case .exited(let error):
        return "cannot enter a group in \(plan.parent): \(Errno(rawValue: error))"
      default: return "cannot enter a group in \(plan.parent)"
      }
    } catch { return "cannot start a process: \(error)" }
  }
}
