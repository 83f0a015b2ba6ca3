internal import Confinement
internal import Linux

/// What `verify` tries at isolation level container, and which of its attempts that level makes no
/// promise about: they are made all the same, and reported as what they are.
extension VerificationChecks {
  /// Attempts that a mount or a namespace of the cell's own would stop, and nothing else does.
  private static let unpromised: Set<String> = [
    // What a file is, and that it is there.
    "stat", "lstat", "open-path", "chdir",
    "writable-mount", "set-id-mount", "device-mount", "exec-mount", "not-proc",
    "namespace", "host-name", "clock",
  ]

  /// Attempts that need a file of the probe's own.
  private static let preparing: Set<String> = [
    "link-read", "link-swap", "rename-in", "rename-out", "hard-link", "set-uid-file",
    "set-gid-file",
    "created-set-uid", "make-device", "run-script",
  ]

  /// Whether the level of the plan promises that `check` holds.
  func promises(_ check: ProbeCheck) -> Bool {
    guard let container = plan.blueprint.container else { return true }
    let verb = String(check.attempt.prefix { $0 != ":" })
    if VerificationChecks.unpromised.contains(verb) { return false }
    if !container.setsSecurebits {
      return check.attempt != "capabilities:bounding" && verb != "open-securebits"
    }
    return true
  }

  /// The attempt as it means the same at the plan's level; nil if it cannot be made in this cell.
  mutating func levelled(_ check: ProbeCheck) -> ProbeCheck? {
    guard let container = plan.blueprint.container else { return check }
    var check = check
    let verb = String(check.attempt.prefix { $0 != ":" })
    if container.space == nil, VerificationChecks.preparing.contains(verb) {
      notes.append(
        "\(check.group): \(check.name) is not tried: it needs a file of its own, and there is no "
          + "temporary space")
      return nil
    }
    if verb == "has-terminal" {
      notes.append(
        "\(check.group): \(check.name) is left to the read-back: the probe cannot open "
          + "/proc/self/stat")
      return nil
    }
    if verb == "may-write" {
      let path = check.attempt.dropFirst(verb.count)
      // Outside it is asked and not tried: in a file system of layers, as a container's root is, a
      // file that is opened for writing is copied into the upper one, and is another file then.
      check.attempt = "write-in\(path)"
    }
    // Init is process 1 only in a pid namespace of its own.
    for prefix in ["kill-9:", "peek:", "poke:", "seize:"] where check.attempt == prefix + "1" {
      check.attempt = prefix + "init"
    }
    if check.attempt.hasPrefix("process-file:1:") {
      check.attempt = "process-file:init:" + check.attempt.dropFirst("process-file:1:".count)
    }
    return check
  }

  /// Files of `/proc` whose reading does nothing to the machine.
  private static let readable = [
    "version", "cmdline", "cpuinfo", "meminfo", "modules", "mounts", "interrupts",
    "partitions", "kallsyms", "uptime", "loadavg", "stat", "net/dev", "sys/kernel/hostname",
    "self/status", "self/environ", "self/maps", "self/mountinfo",
  ]

  /// What there is no need to try where the cell has its own `/proc`, `/dev` and processes.
  mutating func addContainer() {
    for name in VerificationChecks.readable {
      add(ProbeCheck("proc", "read-\(name)", "read-byte:/proc/\(name)"))
    }
    add(ProbeCheck("proc", "list-proc", "open-directory:/proc"))
    add(ProbeCheck("proc", "list-own-descriptors", "open-directory:/proc/self/fd"))
    add(ProbeCheck("devices", "list-dev", "open-directory:/dev"))
    add(ProbeCheck("devices", "open-ptmx", "open-write:/dev/ptmx"))
    let caller = Process.identifier
    for name in ["environ", "maps", "mem", "root", "cwd", "exe", "fd/0", "ns/net"] {
      add(ProbeCheck("proc", "caller-\(name)", "process-file:\(caller):\(name)"))
    }
    for what in ["limit", "priority", "affinity", "io-priority"] {
      add(ProbeCheck("processes", "\(what)-of-caller", "other-\(what):\(caller)"))
      add(
        ProbeCheck(
          "processes", "\(what)-of-init", "other-\(what):init", control: "other-\(what):own"))
    }
    for prefix in ["peek", "poke", "seize"] {
      add(
        ProbeCheck(
          "processes", "\(prefix)-caller", "\(prefix):\(caller)", control: "\(prefix):own"))
    }
  }
}
