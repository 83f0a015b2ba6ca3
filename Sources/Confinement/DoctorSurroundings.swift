internal import CLinux
internal import Linux
internal import Profile

/// What of this machine explains why a trial failed: settings, and a sandbox around us.
struct DoctorSurroundings: Sendable {
  /// `kernel.unprivileged_userns_clone` (Debian); empty where the kernel has no such setting.
  var unprivilegedClone = ""
  /// The kinds of namespace of which there may be none (`user.max_*_namespaces`), by the words there.
  var closedKinds: [String] = []
  /// `kernel.apparmor_restrict_unprivileged_userns` (Ubuntu).
  var appArmorRestricts = ""
  /// Whether this process is under a system call filter already, as in a container.
  var isFiltered = false
  /// The calls that such a filter refuses (`enum cl_refused`), from a trial.
  var refused: UInt32 = 0
  /// Whether this process runs as root.
  var isRoot = false
  /// The security modules that are on; empty if that cannot be read.
  var securityModules = ""
  /// This program's own path, for an AppArmor profile.
  var program = "/usr/local/bin/anchorhold"
  /// What encloses us.
  var place = DoctorPlace()

  /// Surroundings that are known, for tests.
  init() {}

  /// Reads the surroundings of this process.
  init(_ files: some FileLookup) {
    unprivilegedClone = Self.text("/proc/sys/kernel/unprivileged_userns_clone", files)
    closedKinds = Self.kinds.filter {
      Self.text("/proc/sys/user/max_\($0)_namespaces", files).utf8.elementsEqual("0".utf8)
    }
    appArmorRestricts = Self.text(
      "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", files)
    isFiltered = Self.text("/proc/self/status", files).split(separator: "\n")
      .contains { $0.utf8.starts(with: "Seccomp:\t2".utf8) }
    isRoot = Process.user == 0
    securityModules = Self.text("/sys/kernel/security/lsm", files)
    place = DoctorPlace(files) { Process.environment($0) }
    do { program = try files.target(ofLink: "/proc/self/exe") } catch {
      // The usual place then: the text is an explanation, and nothing depends on it.
    }
    let trial = cl_trial_run(CL_TRIAL_REFUSED, Plan.firstOutsideIdentifier)
    switch cl_trial_step(rawValue: UInt32(bitPattern: trial.step)) {
    case CL_TRIAL_STEP_NONE: refused = UInt32(truncatingIfNeeded: trial.value)
    case CL_TRIAL_STEP_FORK: break
    // A filter that ends who makes such a call refuses it as well.
    default: refused = ~0
    }
  }

  private static let kinds = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"]

  /// A small file without its last line feed; empty if it cannot be read.
  static func text(_ path: String, _ files: some FileLookup) -> String {
    do {
      let bytes = try files.read(path, at: 0, maximum: 4096)
      let end = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
      return String(validating: end, as: UTF8.self) ?? ""
    } catch { return "" }
  }

  private func refuses(_ call: cl_refused) -> Bool { refused & call.rawValue != 0 }

  /// The names of the calls that a filter refuses.
  var refusedCalls: [String] {
    let names = [
      (CL_REFUSED_UNSHARE, "unshare"), (CL_REFUSED_MOUNT, "open_tree"),
      (CL_REFUSED_LANDLOCK, "landlock_create_ruleset"), (CL_REFUSED_SECCOMP, "seccomp"),
    ]
    return names.filter { refuses($0.0) }.map(\.1)
  }

  /// What mends a failed trial; nil if nothing is known.
  func mend(_ trial: cl_trial, _ result: cl_trial_result) -> String? {
    switch trial {
    case CL_TRIAL_LANDLOCK: landlock(result)
    case CL_TRIAL_SECCOMP, CL_TRIAL_NO_NEW_PRIVILEGES:
      isFiltered ? place.withoutFilter : "use a kernel with CONFIG_SECCOMP_FILTER"
    case CL_TRIAL_NOTIFICATION:
      // EBUSY: one is there already, and a process has at most one.
      result.error == 16 || isFiltered
        ? place.withoutFilter : "use Linux 5.0 or later with CONFIG_SECCOMP_FILTER"
    case CL_TRIAL_RESOLVE, CL_TRIAL_CLOSE_RANGE, CL_TRIAL_PIDFD:
      result.error == Errno.notImplemented.rawValue && isFiltered
        ? place.withoutFilter : "use Linux 5.12 or later"
    case CL_TRIAL_LIMITS, CL_TRIAL_BOUNDING: nil
    case CL_TRIAL_OWN_USER: place.asAnotherUser
    case CL_TRIAL_CHILDREN:
      "mount this pid namespace's own /proc, on a kernel with CONFIG_PROC_CHILDREN"
    case CL_TRIAL_READ_BACK:
      result.step == CL_TRIAL_STEP_OPEN.rawValue ? readBack : namespaces(result)
    case CL_TRIAL_PROC: proc(result) ?? namespaces(result)
    default: namespaces(result)
    }
  }

  private var readBack: String {
    if isRoot {
      return "give the container CAP_SYS_PTRACE (--cap-add SYS_PTRACE), or run as a user"
    }
    return place.hidesProcesses
      ? "sudo mount -o remount,hidepid=off /proc" : "mount this pid namespace's own /proc"
  }

  private func landlock(_ result: cl_trial_result) -> String {
    // EOPNOTSUPP: built in, but not switched on at start.
    if result.error == 95 {
      let modules = securityModules.isEmpty ? "" : ",\(securityModules)"
      return "boot with lsm=landlock\(modules) on the kernel command line"
    }
    if refuses(CL_REFUSED_LANDLOCK) || isFiltered && result.error != Errno.notImplemented.rawValue {
      return place.withoutFilter
    }
    return (isFiltered ? "\(place.withoutFilter); if that is not it, " : "")
      + "use Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK"
  }

  private func proc(_ result: cl_trial_result) -> String? {
    if result.step == CL_TRIAL_STEP_CREATE_MOUNT.rawValue
      || result.step == CL_TRIAL_STEP_CONFIGURE.rawValue
    {
      if result.error == Errno.notPermitted.rawValue { return place.withAllOfProc }
      if result.error == Errno.invalidArgument.rawValue { return "use Linux 5.8 or later" }
    }
    return nil
  }

  private func namespaces(_ result: cl_trial_result) -> String? {
    if !closedKinds.isEmpty {
      return "sudo sysctl -w"
        + closedKinds.map { " user.max_\($0)_namespaces=15000" }.joined()
    }
    if unprivilegedClone == "0", !isRoot {
      return "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    }
    let isUnshare = result.step == CL_TRIAL_STEP_UNSHARE.rawValue
    if isUnshare ? refuses(CL_REFUSED_UNSHARE) : refuses(CL_REFUSED_MOUNT) {
      return place.withoutFilter
    }
    if place.isChangedRoot, isUnshare, result.error == Errno.notPermitted.rawValue {
      return "leave the chroot: the kernel makes no user namespace in one (pivot_root, or "
        + "bwrap --bind DIRECTORY /, gives a root that it takes)"
    }
    if appArmorRestricts == "1", !isRoot || !isUnshare { return appArmor }
    if isFiltered { return place.withoutFilter }
    if result.step == CL_TRIAL_STEP_CHANGE_USER.rawValue {
      return "run anchorhold as an ordinary user here: this root may become nobody else, as in a "
        + "user namespace or without CAP_SETUID and CAP_SETGID"
    }
    // EUSERS, ENOSPC: the limit of namespaces is reached; EINVAL, ENOSYS: not built in.
    switch result.error {
    case 28, 87: return "sudo sysctl -w user.max_user_namespaces=15000"
    case 22, 38: return "use Linux 5.12 or later with CONFIG_USER_NS"
    default: return nil
    }
  }

  /// The profile of `examples/apparmor`, for where this program is.
  private var appArmor: String {
    "printf %b "
      + shellQuoted(
        "abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile anchorhold \"\(program)\" "
          + "flags=(unconfined) {\\n  userns,\\n}\\n") + " | sudo tee /etc/apparmor.d/anchorhold "
      + "&& sudo apparmor_parser -r /etc/apparmor.d/anchorhold"
  }
}
