internal import CLinux
internal import Linux

/// What of this machine explains why a trial failed: settings, and a sandbox around us.
struct DoctorSurroundings: Sendable {
  /// `kernel.unprivileged_userns_clone` (Debian); empty where the kernel has no such setting.
  var unprivilegedClone = ""
  /// `user.max_user_namespaces`.
  var maximumNamespaces = ""
  /// `kernel.apparmor_restrict_unprivileged_userns` (Ubuntu).
  var appArmorRestricts = ""
  /// Whether this process is under a system call filter already, as in a container.
  var isFiltered = false
  /// Whether this process runs as root.
  var isRoot = false
  /// The security modules that are on; empty if that cannot be read.
  var securityModules = ""
  /// This program's own path, for an AppArmor profile.
  var program = "/usr/local/bin/anchorhold"

  /// Surroundings that are known, for tests.
  init() {}

  /// Reads the surroundings of this process.
  init(_ files: some FileLookup) {
    unprivilegedClone = Self.text("/proc/sys/kernel/unprivileged_userns_clone", files)
    maximumNamespaces = Self.text("/proc/sys/user/max_user_namespaces", files)
    appArmorRestricts = Self.text(
      "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", files)
    isFiltered = Self.text("/proc/self/status", files).split(separator: "\n")
      .contains { $0.utf8.starts(with: "Seccomp:\t2".utf8) }
    isRoot = Process.user == 0
    securityModules = Self.text("/sys/kernel/security/lsm", files)
    do { program = try files.target(ofLink: "/proc/self/exe") } catch {
      // The usual place then: the text is an explanation, and nothing depends on it.
    }
  }

  /// A small file without its last line feed; empty if it cannot be read.
  static func text(_ path: String, _ files: some FileLookup) -> String {
    do {
      let bytes = try files.read(path, at: 0, maximum: 4096)
      let end = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
      return String(validating: end, as: UTF8.self) ?? ""
    } catch { return "" }
  }

  /// What mends a failed trial; nil if nothing is known.
  func mend(_ trial: cl_trial, _ result: cl_trial_result) -> String? {
    switch trial {
    case CL_TRIAL_LANDLOCK: landlock(result)
    case CL_TRIAL_SECCOMP, CL_TRIAL_NO_NEW_PRIVILEGES:
      isFiltered ? container : "use a kernel with CONFIG_SECCOMP_FILTER"
    case CL_TRIAL_RESOLVE, CL_TRIAL_CLOSE_RANGE, CL_TRIAL_PIDFD:
      result.error == Errno.notImplemented.rawValue && isFiltered
        ? container : "use Linux 5.12 or later"
    case CL_TRIAL_LIMITS: nil
    case CL_TRIAL_PROC: proc(result) ?? namespaces(result)
    default: namespaces(result)
    }
  }

  private func landlock(_ result: cl_trial_result) -> String {
    // EOPNOTSUPP: built in, but not switched on at start.
    if result.error == 95 {
      let modules = securityModules.isEmpty ? "" : ",\(securityModules)"
      return "boot with lsm=landlock\(modules) on the kernel command line"
    }
    return isFiltered ? container : "use Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK"
  }

  private func proc(_ result: cl_trial_result) -> String? {
    if result.step == CL_TRIAL_STEP_CREATE_MOUNT.rawValue
      || result.step == CL_TRIAL_STEP_CONFIGURE.rawValue
    {
      if result.error == Errno.notPermitted.rawValue {
        return "parts of /proc are covered here, as containers do: run the container with "
          + "--security-opt systempaths=unconfined"
      }
      if result.error == Errno.invalidArgument.rawValue { return "use Linux 5.8 or later" }
    }
    return nil
  }

  private func namespaces(_ result: cl_trial_result) -> String? {
    if maximumNamespaces == "0" { return "sudo sysctl -w user.max_user_namespaces=15000" }
    if unprivilegedClone == "0" { return "sudo sysctl -w kernel.unprivileged_userns_clone=1" }
    if appArmorRestricts == "1", !isRoot || result.step != CL_TRIAL_STEP_UNSHARE.rawValue {
      return "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile anchorhold \(program) "
        + "flags=(unconfined) {\\n  userns,\\n}\\n' | sudo tee /etc/apparmor.d/anchorhold "
        + "&& sudo apparmor_parser -r /etc/apparmor.d/anchorhold"
    }
    if isFiltered { return container }
    if result.step == CL_TRIAL_STEP_CHANGE_USER.rawValue {
      return "root of a user namespace is not root: run anchorhold as an ordinary user here"
    }
    // EUSERS, ENOSPC: the limit of namespaces is reached; EINVAL, ENOSYS: not built in.
    switch result.error {
    case 28, 87: return "sudo sysctl -w user.max_user_namespaces=15000"
    case 22, 38: return "use Linux 5.12 or later with CONFIG_USER_NS"
    default: return nil
    }
  }

  private var container: String {
    "this process is under a system call filter, as in a container: run the container with "
      + "--security-opt seccomp=unconfined, or run anchorhold outside it"
  }
}
