internal import Linux

/// What encloses this process: a container's runtime, another root directory.
///
/// *Limits.* These are hints for a person, from files and names that a runtime leaves behind. What can
/// be held is never concluded from them.
struct DoctorPlace: Sendable, Hashable {
  /// Who runs a container.
  enum Runtime: String, Sendable, CaseIterable {
    case podman, docker, kubernetes, lxc
    case nspawn = "systemd-nspawn"
    case unknown = "a runtime that leaves no name"
  }

  /// The runtime around us; nil if nothing hints at one.
  var runtime: Runtime?
  /// Whether `/` is a directory inside of a mount, as chroot(8) leaves it. A root that is a mount of
  /// its own is not told from the real one.
  var isChangedRoot = false
  /// Whether processes of others are hidden in `/proc`.
  var hidesProcesses = false
  /// Whether systemd runs the machine.
  var hasSystemd = false

  init() {}

  /// Looks around.
  init(_ files: some FileLookup, environment: (String) -> String?) {
    func isThere(_ path: String) -> Bool {
      do { return try files.status(path) != nil } catch { return false }
    }
    let groups = DoctorSurroundings.text("/proc/self/cgroup", files)
    func inGroup(_ word: String) -> Bool {
      groups.utf8.split(separator: 0x0A).contains { $0.holds(word.utf8) }
    }
    let name = environment("container")
    if environment("KUBERNETES_SERVICE_HOST") != nil || inGroup("kubepods")
      || isThere("/var/run/secrets/kubernetes.io")
    {
      runtime = .kubernetes
    } else if isThere("/run/.containerenv") || name == "podman" || inGroup("libpod") {
      runtime = .podman
    } else if isThere("/.dockerenv") || name == "docker" || inGroup("/docker") {
      runtime = .docker
    } else if name == "lxc" || inGroup("/lxc") {
      runtime = .lxc
    } else if name == "systemd-nspawn" {
      runtime = .nspawn
    } else if name != nil {
      runtime = .unknown
    }
    hasSystemd = isThere("/run/systemd/system")
    let mounts = DoctorPlace.mounts(files)
    isChangedRoot = !mounts.isEmpty && !mounts.contains { Paths.equal($0.path, "/") }
    hidesProcesses =
      mounts.last { Paths.equal($0.path, "/proc") }.map { proc in
        proc.superOptions.contains { option in
          option.utf8.starts(with: "hidepid=".utf8) && option != "hidepid=0"
            && option != "hidepid=off"
        }
      } ?? false
  }

  /// What is mounted; empty if that cannot be read.
  static func mounts(_ files: some FileLookup) -> [Mount] {
    var text: [UInt8] = []
    do {
      while text.count < 8 << 20 {
        let part = try files.read("/proc/self/mountinfo", at: Int64(text.count), maximum: 1 << 16)
        if part.isEmpty { break }
        text += part
      }
    } catch { return [] }
    return text.split(separator: 0x0A).compactMap { Mount(mountinfo: $0) }
  }

  /// How a container is started without its filter of system calls.
  var withoutFilter: String {
    switch runtime {
    case .kubernetes: "set securityContext.seccompProfile.type: Unconfined for the container"
    case .podman: "podman run --security-opt seccomp=unconfined"
    case .docker:
      "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
    case .lxc, .nspawn, .unknown, nil:
      "start it without its system call filter (--security-opt seccomp=unconfined), or run "
        + "anchorhold outside of it"
    }
  }

  /// How a container is started with all of `/proc`.
  var withAllOfProc: String {
    switch runtime {
    case .kubernetes: "set securityContext.procMount: Unmasked for the container"
    case .podman: "podman run --security-opt unmask=ALL"
    case .docker: "docker run --security-opt systempaths=unconfined"
    case .lxc, .nspawn, .unknown, nil:
      "unmount what covers parts of /proc (--security-opt unmask=ALL or systempaths=unconfined)"
    }
  }

  /// How a container is started as another user than root, or with the rights to become one.
  var asAnotherUser: String {
    switch runtime {
    case .kubernetes:
      "set securityContext.runAsUser: 1000, or capabilities.add: [SETUID, SETGID]"
    case .podman, .docker:
      "\(runtime?.rawValue ?? "") run --user 1000, or --cap-add SETUID --cap-add SETGID"
    case .lxc, .nspawn, .unknown, nil:
      "run anchorhold as another user than root, or as one that may become another"
    }
  }
}
