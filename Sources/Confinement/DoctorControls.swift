internal import CLinux
internal import Profile

extension Doctor {
  /// A control and how it is tried.
  struct Control {
    let trial: cl_trial
    let name: String
    let purpose: String
    /// The levels that are impossible without it.
    var levels: [Isolation] = [.full]
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
      purpose: "no program gives rights back",
      levels: [.full, .container]),
    Control(
      trial: CL_TRIAL_SECCOMP, name: "seccomp", purpose: "a filter of system calls",
      levels: [.full, .container]),
    Control(
      trial: CL_TRIAL_LANDLOCK, name: "landlock", purpose: "a second wall behind the mounts",
      levels: [.full, .container]),
    Control(
      trial: CL_TRIAL_LIMITS, name: "resource-limits", purpose: "limits of each process",
      levels: [.full, .container]),
    Control(
      trial: CL_TRIAL_RESOLVE, name: "openat2", purpose: "paths opened without following a trick",
      levels: [.full, .container]),
    Control(
      trial: CL_TRIAL_CLOSE_RANGE, name: "close-range", purpose: "no descriptor comes along",
      levels: [.full, .container]),
    Control(
      trial: CL_TRIAL_PIDFD, name: "pidfd", purpose: "processes are signalled without a mix-up",
      levels: [.full, .container]),
    Control(
      trial: CL_TRIAL_READ_BACK, name: "read-back",
      purpose: "what is in force is seen from outside before the server runs"),
    Control(
      trial: CL_TRIAL_OWN_USER, name: "own-user",
      purpose: "root's servers are not root", levels: [.container]),
    Control(
      trial: CL_TRIAL_CHILDREN, name: "children-listed",
      purpose: "what a server leaves behind is found without a pid namespace",
      levels: [.container]),
    Control(
      trial: CL_TRIAL_BOUNDING, name: "bounding-set",
      purpose: "no capability can come back, also without a user namespace", levels: []),
    Control(
      trial: CL_TRIAL_NOTIFICATION, name: "seccomp-notification",
      purpose: "refused system calls are seen and counted", levels: []),
  ]
}
