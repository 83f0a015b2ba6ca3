internal import CLinux
internal import Linux
public import Profile

/// Whether this machine lets us enforce one control: tried, not guessed from a version.
public struct DoctorFinding: Sendable, Hashable {
  /// The control, as messages and JSON name it: stable, lower case, words with hyphens.
  public var name: String
  /// What it is for, in half a sentence.
  public var purpose: String
  /// The levels that are impossible without it; none if it is an addition.
  public var levels: [Isolation]
  /// Whether the trial succeeded.
  public var works: Bool
  /// Whether there was a trial: false where no process could be started for it.
  public var wasTried = true
  /// What was found: a version or place if it works, otherwise the step that failed and why.
  public var detail: String
  /// The command or change that mends it; nil if it works or nothing is known.
  public var mend: String?

  /// Whether isolation `full` is impossible without it.
  public var isRequired: Bool { levels.contains(.full) }
}

/// What was found, and where.
public struct DoctorReport: Sendable {
  /// Every control, tried once.
  public var findings: [DoctorFinding]
  /// The caller's user id, and the kernel's release; empty if it does not say.
  public var user: UInt32, kernel: String
  /// The container runtime around us, as far as it left a hint; nil if there is none.
  public var runtime: String?
  /// Whether this process's root directory was changed.
  public var isChangedRoot: Bool
  /// Whether a filter of system calls is around us, and which calls of ours it refuses.
  public var isFiltered: Bool, refusedCalls: [String]

  /// The names of what is missing for a level.
  public func missing(for level: Isolation) -> [String] {
    findings.filter { !$0.works && $0.levels.contains(level) }.map(\.name)
  }

  /// Whether everything could be tried, so that what is missing is missing.
  public var isComplete: Bool { findings.allSatisfy(\.wasTried) }

  /// Whether a level can be held here.
  public func holds(_ level: Isolation) -> Bool { missing(for: level).isEmpty }

  /// What mends something, each with what it mends, in the order of the findings.
  public var mends: [(mend: String, findings: [DoctorFinding])] {
    var mends: [(mend: String, findings: [DoctorFinding])] = []
    for finding in findings {
      guard let mend = finding.mend else { continue }
      if let place = mends.firstIndex(where: { $0.mend.utf8.elementsEqual(mend.utf8) }) {
        mends[place].findings.append(finding)
      } else {
        mends.append((mend, [finding]))
      }
    }
    return mends
  }
}

/// Tries every control of a cell on this machine, each in a child process of its own.
///
/// *Limits*: a trial shows that the kernel lets this user do it now. It does not show that a later
/// start will find memory or processes for it.
public enum Doctor {
  /// Makes all trials, about 30 short-lived processes.
  ///
  /// Call it only while the process is single-threaded: the children go on in plain C.
  public static func examine() -> DoctorReport {
    let files = HostFiles()
    let surroundings = DoctorSurroundings(files)
    let trials = controls.map { ($0, cl_trial_run($0.trial, Plan.firstOutsideIdentifier)) }
    var findings = trials.map { finding($0, $1, surroundings) }
    let abi = trials.first { $0.0.trial == CL_TRIAL_LANDLOCK }.map { Int($0.1.value) } ?? 0
    if abi > 0 { findings.append(oldLandlock(abi)) }
    let mounts = DoctorPlace.mounts(files)
    findings += [
      groupMapping(files), hardLimits(),
      controlGroups(
        ControlGroupFacts.current(mounts: mounts, user: Process.user, explicit: nil),
        hasFirst: mounts.contains { Paths.equal($0.type, "cgroup") },
        hasSystemd: surroundings.place.hasSystemd),
    ]
    return DoctorReport(
      findings: findings, user: Process.user, kernel: kernel(),
      runtime: surroundings.place.runtime?.rawValue,
      isChangedRoot: surroundings.place.isChangedRoot, isFiltered: surroundings.isFiltered,
      refusedCalls: surroundings.refusedCalls)
  }

  private static func kernel() -> String {
    do { return try Process.kernelRelease() } catch { return "" }
  }

  private static func finding(
    _ control: Control, _ result: cl_trial_result, _ surroundings: DoctorSurroundings
  ) -> DoctorFinding {
    let works = result.step == CL_TRIAL_STEP_NONE.rawValue
    return DoctorFinding(
      name: control.name, purpose: control.purpose, levels: control.levels,
      works: works,
      wasTried: result.step != CL_TRIAL_STEP_FORK.rawValue,
      detail: works ? achieved(control, result) : failure(result),
      mend: works ? nil : surroundings.mend(control.trial, result))
  }

  private static func achieved(_ control: Control, _ result: cl_trial_result) -> String {
    switch control.trial {
    case CL_TRIAL_LANDLOCK: "version \(result.value) of its interface"
    case CL_TRIAL_USER_NAMESPACE: Process.user == 0 ? "as root" : "as an ordinary user"
    case CL_TRIAL_OWN_USER where Process.user != 0: "the caller is not root"
    default: "works"
    }
  }

  private static func failure(_ result: cl_trial_result) -> String {
    if result.step == CL_TRIAL_STEP_WITHOUT_EFFECT.rawValue {
      return "the kernel accepted it without effect"
    }
    return "cannot \(step(result.step)): \(Errno(rawValue: result.error))"
  }

  private static func step(_ step: Int32) -> String {
    switch cl_trial_step(rawValue: UInt32(bitPattern: step)) {
    case CL_TRIAL_STEP_FORK: "start a process"
    case CL_TRIAL_STEP_CHANGE_USER: "change to an ordinary user"
    case CL_TRIAL_STEP_UNSHARE: "make the namespace"
    case CL_TRIAL_STEP_DENY_GROUPS: "deny supplementary groups in it"
    case CL_TRIAL_STEP_MAP_USER: "map the user id"
    case CL_TRIAL_STEP_MAP_GROUP: "map the group id"
    case CL_TRIAL_STEP_CHILD: "get an answer from a process in it"
    case CL_TRIAL_STEP_PROPAGATION: "make its mounts private"
    case CL_TRIAL_STEP_OPEN_FILE_SYSTEM: "open the file system type (fsopen)"
    case CL_TRIAL_STEP_CONFIGURE: "configure the mount (fsconfig)"
    case CL_TRIAL_STEP_CREATE_MOUNT: "create the mount (fsmount)"
    case CL_TRIAL_STEP_ATTACH: "attach the mount (move_mount)"
    case CL_TRIAL_STEP_OPEN_TREE: "copy a mount (open_tree)"
    case CL_TRIAL_STEP_RESTRICT_TREE: "restrict a mount and those below it (mount_setattr)"
    case CL_TRIAL_STEP_PIVOT: "change the root directory (pivot_root)"
    case CL_TRIAL_STEP_DETACH: "detach the old root (umount2)"
    case CL_TRIAL_STEP_SOCKET: "make a socket in it"
    case CL_TRIAL_STEP_INTERFACE: "bring the interface up"
    case CL_TRIAL_STEP_LOAD: "load it"
    case CL_TRIAL_STEP_ENFORCE: "enforce it"
    case CL_TRIAL_STEP_OPEN: "read it in /proc"
    case CL_TRIAL_STEP_NOTIFY: "get a notification and answer it"
    default: "use it"
    }
  }
}
