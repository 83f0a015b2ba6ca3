internal import CLinux
internal import Linux

/// Whether this machine lets us enforce one control: tried, not guessed from a version.
public struct DoctorFinding: Sendable, Hashable {
  /// The control, as messages and JSON name it: stable, lower case, words with hyphens.
  public var name: String
  /// What it is for, in half a sentence.
  public var purpose: String
  /// Whether isolation `full` is impossible without it.
  public var isRequired: Bool
  /// Whether the trial succeeded.
  public var works: Bool
  /// What was found: a version or place if it works, otherwise the step that failed and why.
  public var detail: String
  /// The command or change that mends it; nil if it works or nothing is known.
  public var mend: String?
}

/// Tries every control of a cell on this machine, each in a child process of its own.
///
/// *Limits*: a trial shows that the kernel lets this user do it now. It does not show that a later
/// start will find memory or processes for it.
public enum Doctor {
  /// Makes all trials, about 20 short-lived processes.
  ///
  /// Call it only while the process is single-threaded: the children go on in plain C.
  public static func examine() -> [DoctorFinding] {
    let surroundings = DoctorSurroundings(HostFiles())
    return controls.map { finding($0, surroundings) } + [controlGroups(HostFiles())]
  }

  /// Whether `findings` allow isolation `full`.
  public static func allowsFull(_ findings: [DoctorFinding]) -> Bool {
    findings.allSatisfy { $0.works || !$0.isRequired }
  }

  /// A control and how it is tried.
  struct Control {
    let trial: cl_trial
    let name: String
    let purpose: String
  }

  static let controls: [Control] = [
    Control(
      trial: CL_TRIAL_USER_NAMESPACE, name: "user-namespace",
      purpose: "the cell owns what it is made of, and nothing outside"),
    Control(
      trial: CL_TRIAL_ID_MAP, name: "id-map", purpose: "the server is never uid 0 of the host"),
    Control(
      trial: CL_TRIAL_MOUNT_NAMESPACE, name: "mount-namespace", purpose: "a file system of its own"),
    Control(
      trial: CL_TRIAL_PID_NAMESPACE, name: "pid-namespace",
      purpose: "no process of the host in sight, and none left behind"),
    Control(
      trial: CL_TRIAL_IPC_NAMESPACE, name: "ipc-namespace",
      purpose: "no shared memory or queue of the host"),
    Control(
      trial: CL_TRIAL_UTS_NAMESPACE, name: "uts-namespace", purpose: "a host name of its own"),
    Control(
      trial: CL_TRIAL_CGROUP_NAMESPACE, name: "cgroup-namespace",
      purpose: "no sight of the host's control groups"),
    Control(
      trial: CL_TRIAL_NETWORK_NAMESPACE, name: "network-namespace",
      purpose: "no network of the host"),
    Control(
      trial: CL_TRIAL_TIME_NAMESPACE, name: "time-namespace",
      purpose: "clocks that begin with the cell"),
    Control(
      trial: CL_TRIAL_LOOPBACK, name: "loopback", purpose: "a loopback interface of its own"),
    Control(
      trial: CL_TRIAL_MOUNT, name: "mount-in-namespace", purpose: "an empty root to start from"),
    Control(
      trial: CL_TRIAL_BIND, name: "read-only-bind",
      purpose: "what is granted, read-only to the last mount below it"),
    Control(
      trial: CL_TRIAL_PIVOT, name: "pivot-root", purpose: "the host's root is gone, not covered"),
    Control(
      trial: CL_TRIAL_PROC, name: "proc-mount",
      purpose: "a /proc of its own, with processes only (hidepid, subset=pid)"),
    Control(
      trial: CL_TRIAL_CAPABILITIES, name: "capabilities", purpose: "all sets empty for good"),
    Control(
      trial: CL_TRIAL_NO_NEW_PRIVILEGES, name: "no-new-privileges",
      purpose: "no program gives rights back"),
    Control(
      trial: CL_TRIAL_SECCOMP, name: "seccomp", purpose: "a filter of system calls"),
    Control(
      trial: CL_TRIAL_LANDLOCK, name: "landlock", purpose: "a second wall behind the mounts"),
    Control(trial: CL_TRIAL_LIMITS, name: "resource-limits", purpose: "limits of each process"),
    Control(
      trial: CL_TRIAL_RESOLVE, name: "openat2", purpose: "paths opened without following a trick"),
    Control(
      trial: CL_TRIAL_CLOSE_RANGE, name: "close-range", purpose: "no descriptor comes along"),
    Control(
      trial: CL_TRIAL_PIDFD, name: "pidfd", purpose: "processes are signalled without a mix-up"),
  ]

  private static func finding(
    _ control: Control, _ surroundings: DoctorSurroundings
  ) -> DoctorFinding {
    let result = cl_trial_run(control.trial, Plan.firstOutsideIdentifier)
    let works = result.step == CL_TRIAL_STEP_NONE.rawValue
    return DoctorFinding(
      name: control.name, purpose: control.purpose, isRequired: true, works: works,
      detail: works ? achieved(control, result) : failure(result),
      mend: works ? nil : surroundings.mend(control.trial, result))
  }

  private static func achieved(_ control: Control, _ result: cl_trial_result) -> String {
    switch control.trial {
    case CL_TRIAL_LANDLOCK: "version \(result.value) of its interface"
    case CL_TRIAL_USER_NAMESPACE: Process.user == 0 ? "as root" : "as an ordinary user"
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
    default: "use it"
    }
  }

  /// Control groups are looked at, not tried: no control of this version needs them.
  static func controlGroups(_ files: some FileLookup) -> DoctorFinding {
    var finding = DoctorFinding(
      name: "control-groups", purpose: "limits of a whole cell (not used by this version)",
      isRequired: false, works: false, detail: "not mounted", mend: nil)
    let text = DoctorSurroundings.text("/proc/self/cgroup", files)
    guard !text.isEmpty else { return finding }
    let unified = text.split(separator: "\n").first { $0.utf8.starts(with: "0::".utf8) }
    let controllers = DoctorSurroundings.text("/sys/fs/cgroup/cgroup.controllers", files)
    if unified == nil {
      finding.detail = "version 1 only"
    } else if controllers.isEmpty {
      finding.detail = "version 1 and 2 side by side, no controller in version 2"
    } else {
      finding.works = true
      finding.detail = "version 2, controllers \(controllers)"
    }
    return finding
  }
}
