internal import Audit
internal import Confinement
internal import Linux
internal import Profile
internal import Session

/// What `check` has to say about one profile.
struct CheckReport {
  /// The name that messages use.
  var label: String
  /// 0 good, 1 findings, 2 could not be read.
  var status: Int32
  var diagnostics: [Diagnostic]
  var profile: Profile?
  /// What the preset found; nil without a command, or when a look failed, which is a finding.
  var runtime: RuntimeDiscovery?

  /// What the cell would see here; nil when a variable is not set or the machine cannot say.
  var plan: Plan?

  /// Reads and checks a profile.
  static func make(
    _ name: String, settings: [ProfileLoader.Setting], isolation: Isolation?
  ) -> CheckReport {
    do throws(ProfileSource.Failure) {
      let source = try ProfileSource.find(name)
      let loader = ProfileLoader(
        file: source.label, settings: settings,
        workingDirectory: try ProfileSource.workingDirectory(), requiresSettings: false)
      return check(source, loader, isolation)
    } catch {
      switch error {
      case .unreadable(let message, let hint): return failure(name, 2, message, hint)
      case .untrusted(let message, let hint): return failure(name, 1, message, hint)
      }
    }
  }

  private static func failure(
    _ name: String, _ status: Int32, _ message: String, _ hint: String?
  ) -> CheckReport {
    CheckReport(
      label: name, status: status,
      diagnostics: [Diagnostic(file: name, message: message, hint: hint)])
  }

  private static func check(
    _ source: ProfileSource, _ loader: ProfileLoader, _ isolation: Isolation?
  ) -> CheckReport {
    var (profile, diagnostics) = loader.load(source.text)
    if let isolation { profile?.isolation = isolation }
    var report = CheckReport(
      label: source.label, status: profile == nil ? 1 : 0, diagnostics: diagnostics,
      profile: profile)
    guard let profile else { return report }
    if let path = source.path, let grant = ProfileTrust.writeGrant(over: path, in: profile) {
      report.status = 1
      report.diagnostics.append(
        Diagnostic(
          file: source.label, line: grant.line, column: grant.column,
          message: "the server could write its own profile",
          hint: "keep the profile outside of \(quotedPath(grant.path))"))
    }
    let calls =
      SystemCallFindings.of(profile, in: source.label)
      + VariableFindings.of(profile, in: source.label)
    if !calls.isEmpty { report.status = 1 }
    report.diagnostics += calls
    report.discover(profile, source)
    return report
  }

  /// Looks for what the preset needs, and works out what the cell would see.
  ///
  /// That a server or a path is not here is a warning, because the profile may be meant for
  /// another machine; `run` refuses it. What no machine takes is an error.
  private mutating func discover(_ profile: Profile, _ source: ProfileSource) {
    // With a variable left open the paths are not those of any session.
    let isOpen = diagnostics.contains(where: \.leavesOpen)
    if !profile.server.command.isEmpty {
      do throws(RuntimeError) {
        runtime = try RuntimeDiscovery.discover(RuntimeRequest(profile), files: HostFiles())
      } catch {
        let (line, column) = error.place(in: profile)
        warn(
          line, column, "\(error), so it cannot run here",
          error.hint(in: profile, isShipped: source.path == nil))
      }
    }
    var guarded = source.path.map { [$0] } ?? []
    do throws(AuditOpenError) {
      guarded.append(
        try AuditLocation(
          profile: profile.name, isRoot: Process.user == 0,
          stateHome: Process.environment("XDG_STATE_HOME"), home: Process.environment("HOME")
        ).guarded)
    } catch { warn(0, 0, error.message, "set HOME or XDG_STATE_HOME") }
    do throws(Errno) {
      makePlan(profile, guarded, try HostFacts.current(for: profile.isolation), isOpen: isOpen)
    } catch {
      warn(0, 0, "cannot learn what this machine offers: \(error)", "anchorhold doctor says more")
    }
  }

  private mutating func makePlan(
    _ profile: Profile, _ guarded: [String], _ host: HostFacts, isOpen: Bool
  ) {
    do throws(PlanError) {
      var plan = try Plan(
        profile: profile, runtime: runtime ?? RuntimeDiscovery(), host: host, guarded: guarded,
        unwritable: ProfileLookup(
          configHome: Process.environment("XDG_CONFIG_HOME"), home: Process.environment("HOME")
        ).directories, files: HostFiles())
      guard !isOpen else { return }
      if let (message, hint) = plan.tryGroups() {
        warn(
          profile.groups.line, profile.groups.column, "\(message), so it cannot run here", hint)
      }
      warnOfOwners(profile, plan)
      for grant in plan.needlessDangers {
        warn(
          grant.line, grant.column, "\(quotedPath(grant.path)) is called dangerous and is not",
          "write the path alone")
      }
      warnOfGroups(profile, plan)
      if runtime != nil { self.plan = plan }
    } catch {
      for fault in error.faults { add(fault, isOpen: isOpen) }
    }
  }

  private mutating func add(_ fault: PlanError.Fault, isOpen: Bool) {
    // One finding for one place of the profile.
    if fault.line > 0,
      diagnostics.contains(where: { $0.line == fault.line && $0.column == fault.column })
    {
      return
    }
    switch fault.kind {
    case .notHere:
      if isOpen { return }
      return warn(fault.line, fault.column, "\(fault.message), so it cannot run here", fault.hint)
    // What the command brings might hold it, and is not known.
    case .outside where runtime == nil: return
    case .outside, .never: break
    }
    status = 1
    diagnostics.append(
      Diagnostic(
        file: label, line: fault.line, column: fault.column, message: fault.message,
        hint: fault.hint))
  }

  /// Root's cells run under a user that is not root, for whom the permissions of files count.
  private mutating func warnOfOwners(_ profile: Profile, _ plan: Plan) {
    guard plan.blueprint.privileged else { return }
    warnOfTheWay(plan)
    let command = profile.server.command.first
    for grant in plan.grants where grant.role == .granted {
      guard let missing = ClosedPaths.missing(grant, for: plan.blueprint, runtime?.executable)
      else { continue }
      let entry = (profile.filesystem.write + profile.filesystem.read).first {
        ClosedPaths.leads($0.path, to: grant.path)
      }
      let path = entry?.path ?? grant.path
      let because = entry == nil ? " (\(grant.reason))" : ""
      warn(
        entry?.line ?? command?.line ?? 0, entry?.column ?? command?.column ?? 0,
        "as root the server runs as user \(plan.blueprint.outsideUser), who cannot \(missing) "
          + quotedPath(path) + because,
        grant.access == .write
          ? ClosedPaths.waysOut(grant, path, plan, of: profile)
          : "chmod -R o+rX \(shellQuoted(path)), or chown it to \(plan.blueprint.outsideUser)")
    }
  }

  /// Without mounts the server goes by the machine's own directories, which may be closed to it.
  private mutating func warnOfTheWay(_ plan: Plan) {
    guard plan.blueprint.container != nil else { return }
    var said: Set<[UInt8]> = []
    for grant in plan.grants where grant.role == .granted {
      let user = plan.blueprint.outsideUser
      guard
        let closed = Passage.firstClosed(
          to: grant.path, user: user, group: plan.blueprint.outsideGroup, files: HostFiles()),
        said.insert(Array(closed.utf8)).inserted
      else { continue }
      warn(
        0, 0,
        "as root the server runs as user \(user), who cannot enter \(quotedPath(closed)) on the "
          + "way to \(quotedPath(grant.path))",
        "chmod o+x \(shellQuoted(closed)), or write isolation: full, where the way is the cell's own"
      )
    }
  }

  /// A caller's files may be open to the server by one of the caller's groups alone.
  private mutating func warnOfGroups(_ profile: Profile, _ plan: Plan) {
    let stays = !plan.groups.remaining.isEmpty
    for grant in plan.grants where grant.role == .granted {
      guard
        let group = plan.groups.only(
          grant.status, user: plan.blueprint.outsideUser, group: plan.blueprint.outsideGroup)
      else { continue }
      let entry = (profile.filesystem.write + profile.filesystem.read).first {
        ClosedPaths.leads($0.path, to: grant.path)
      }
      let path = quotedPath(entry?.path ?? grant.path)
      let ways = "chmod -R o+rX \(shellQuoted(grant.path)), or chown it"
      warn(
        entry?.line ?? 0, entry?.column ?? 0,
        stays
          ? "only the group \(group.text), which the server keeps here, lets it read \(path)"
          : "only the group \(group.text) may read \(path), and the server does not keep it",
        stays
          ? "where groups are dropped it is closed: \(ways)" : "user: {groups: keep}, or \(ways)")
    }
  }

  private mutating func warn(_ line: Int, _ column: Int, _ message: String, _ hint: String?) {
    diagnostics.append(
      Diagnostic(
        severity: .warning, file: label, line: line, column: line == 0 ? 0 : column,
        message: Self.withOpen(profile?.openVariables ?? [], message), hint: hint))
  }
}
