import CLinux
import Foundation
import Linux
import Testing

@testable import Confinement

@Suite("doctor")
struct DoctorTests {

  @Test("each control is tried, and says what it did")
  func examine() {
    let report = Doctor.examine()
    let findings = report.findings
    #expect(findings.count == Doctor.controls.count + 4)
    #expect(Set(findings.map(\.name)).count == findings.count)
    #expect(report.holds(.full) == report.missing(for: .full).isEmpty)
    for finding in findings {
      #expect(!finding.detail.isEmpty)
      #expect(finding.works || !finding.isRequired || !mustWork, "\(finding)")
    }
    // Kernels without these are older than what this package is built on.
    for name in ["no-new-privileges", "seccomp", "close-range", "pidfd"] {
      #expect(findings.first { $0.name == name }?.works == true, "\(name)")
    }
  }

  @Test("trials leave nothing behind")
  func nothingLeft() throws {
    let before = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
    let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    _ = cl_trial_run(CL_TRIAL_BIND, 0x7000_0000)
    _ = cl_trial_run(CL_TRIAL_PIVOT, 0x7000_0000)
    #expect(try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) == before)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count <= descriptors + 4)
  }

  static func failed(_ step: cl_trial_step, _ error: Int32) -> cl_trial_result {
    cl_trial_result(step: Int32(bitPattern: step.rawValue), error: error, value: 0)
  }

  @Test("a failure is explained by the setting that caused it")
  func mends() {
    let unshare = Self.failed(CL_TRIAL_STEP_UNSHARE, 1)
    let mount = Self.failed(CL_TRIAL_STEP_PROPAGATION, 13)
    var debian = DoctorSurroundings()
    debian.unprivilegedClone = "0"
    #expect(
      debian.mend(CL_TRIAL_USER_NAMESPACE, unshare)
        == "sudo sysctl -w kernel.unprivileged_userns_clone=1")

    var none = DoctorSurroundings()
    none.closedKinds = ["user"]
    #expect(
      none.mend(CL_TRIAL_MOUNT, unshare) == "sudo sysctl -w user.max_user_namespaces=15000")

    // Ubuntu: the namespace is made, and the mount in it refused.
    var ubuntu = DoctorSurroundings()
    ubuntu.appArmorRestricts = "1"
    ubuntu.program = "/opt/anchorhold"
    let profile = ubuntu.mend(CL_TRIAL_MOUNT, mount) ?? ""
    #expect(profile.contains("profile anchorhold \"/opt/anchorhold\""))
    #expect(profile.contains("apparmor_parser -r"))

    var container = DoctorSurroundings()
    container.isFiltered = true
    #expect(
      container.mend(CL_TRIAL_USER_NAMESPACE, unshare)?.contains("seccomp=unconfined") == true)
    let covered = Self.failed(CL_TRIAL_STEP_CREATE_MOUNT, 1)
    #expect(container.mend(CL_TRIAL_PROC, covered)?.contains("systempaths=unconfined") == true)
    container.place.runtime = .podman
    #expect(
      container.mend(CL_TRIAL_PROC, covered) == "podman run --security-opt unmask=ALL")
    container.place.runtime = .kubernetes
    #expect(
      container.mend(CL_TRIAL_USER_NAMESPACE, unshare)
        == "set securityContext.seccompProfile.type: Unconfined for the container")

    // A filter is believed to be the cause only where it refused what the kernel would not have.
    var refusing = DoctorSurroundings()
    refusing.appArmorRestricts = "1"
    refusing.refused = CL_REFUSED_MOUNT.rawValue
    #expect(refusing.mend(CL_TRIAL_MOUNT, mount)?.contains("seccomp=unconfined") == true)

    var root = DoctorSurroundings()
    root.place.isChangedRoot = true
    #expect(
      root.mend(CL_TRIAL_USER_NAMESPACE, unshare)?.hasPrefix("leave the chroot") == true)
    #expect(root.mend(CL_TRIAL_MOUNT, mount) == nil)

    var hidden = DoctorSurroundings()
    hidden.place.hidesProcesses = true
    let unread = Self.failed(CL_TRIAL_STEP_OPEN, 2)
    #expect(
      hidden.mend(CL_TRIAL_READ_BACK, unread) == "sudo mount -o remount,hidepid=off /proc")

    var off = DoctorSurroundings()
    off.securityModules = "capability,yama"
    #expect(
      off.mend(CL_TRIAL_LANDLOCK, Self.failed(CL_TRIAL_STEP_LOAD, 95))
        == "boot with lsm=landlock,capability,yama on the kernel command line")
    #expect(DoctorSurroundings().mend(CL_TRIAL_USER_NAMESPACE, unshare) == nil)
  }

  @Test("an older Landlock is an addition less, and too old for level container below version 3")
  func oldLandlock() {
    #expect(Doctor.oldLandlock(7).works)
    #expect(Doctor.oldLandlock(6).works)
    let old = Doctor.oldLandlock(2)
    #expect(!old.works)
    #expect(old.levels == [.container])
    #expect(old.mend == "use Linux 6.2 or later")
    #expect(old.detail.hasPrefix("version 2, so not that truncating"))
    let some = Doctor.oldLandlock(3)
    #expect(some.levels.isEmpty)
    #expect(some.detail.contains("TCP ports"))
    #expect(!some.detail.contains("truncating"))
  }

  private static let mounts = """
    20 1 8:1 / / rw - ext4 /dev/sda rw
    21 20 0:5 / /proc rw - proc proc rw
    """

  private static func text(_ text: String) -> FakeFiles.Entry {
    .file([UInt8](text.utf8), mode: 0o444)
  }

  @Test(
    "what a container's runtime leaves behind is what it is told by",
    arguments: [
      ([:], [:], nil), ([:], ["container": "lxc"], DoctorPlace.Runtime.lxc),
      (["/.dockerenv": ""], [:], .docker), (["/run/.containerenv": ""], [:], .podman),
      (["/proc/self/cgroup": "0::/kubepods/pod1/abc\n"], ["container": "podman"], .kubernetes),
      (["/proc/self/cgroup": "1:cpu:/docker/abc\n"], [:], .docker),
      (["/proc/self/cgroup": "0::/user.slice\n"], [:], nil),
      ([:], ["container": "systemd-nspawn"], .nspawn), ([:], ["container": "other"], .unknown),
    ] as [([String: String], [String: String], DoctorPlace.Runtime?)])
  func runtimes(
    _ files: [String: String], _ environment: [String: String], _ runtime: DoctorPlace.Runtime?
  ) {
    let place = DoctorPlace(FakeFiles(files.mapValues(Self.text))) { environment[$0] }
    #expect(place.runtime == runtime)
  }

  @Test("a root that is no mount is a changed one, and hidden processes are seen")
  func places() {
    func place(_ mounts: String) -> DoctorPlace {
      DoctorPlace(FakeFiles(["/proc/self/mountinfo": Self.text(mounts)])) { _ in nil }
    }
    #expect(!place(Self.mounts).isChangedRoot)
    #expect(place("21 20 0:5 / /proc rw - proc proc rw\n").isChangedRoot)
    #expect(!place(Self.mounts).hidesProcesses)
    #expect(place(Self.mounts + ",hidepid=invisible\n").hidesProcesses)
    #expect(!place(Self.mounts + ",hidepid=off\n").hidesProcesses)
  }

  @Test("which control groups there are, and what would give the caller some")
  func controlGroups() {
    func finding(
      mount: String? = "/cg", own: String? = "/user", _ states: [ControlGroupState] = [],
      first: Bool = false, systemd: Bool = false, fault: String? = nil
    ) -> DoctorFinding {
      Doctor.controlGroups(
        ControlGroupFacts(
          view: ControlGroupView(mount: mount, own: own),
          candidates: states.map { ControlGroupFacts.Candidate($0, .callers) }),
        hasFirst: first, hasSystemd: systemd, attempt: { _ in fault })
    }
    #expect(finding(mount: nil).detail == "not mounted")
    let boot = "boot with systemd.unified_cgroup_hierarchy=1 on the kernel command line"
    let old = finding(mount: nil, first: true)
    #expect((old.detail, old.mend) == ("version 1 only", boot))
    let bare = ControlGroupState(path: "/cg", controllers: ["hugetlb"], enabled: [])
    let both = finding([bare], first: true)
    #expect(
      (both.detail, both.mend) == (
        "version 1 and 2 side by side, no memory controller in version 2", boot
      ))
    let handed = ["memory", "pids"]
    // A group that the caller is in has controllers, and gives none to groups in it: no session
    // could use it, so neither does this.
    let own = ControlGroupState(path: "/cg/user", controllers: handed, enabled: [])
    let closed = finding([own], systemd: true)
    #expect(!closed.works)
    #expect(closed.detail.hasSuffix("/cg/user does not give the memory controller to groups in it"))
    #expect(closed.mend?.contains("Delegate=yes") == true)
    let above = ControlGroupState(path: "/cg", controllers: handed, enabled: handed)
    let open = finding([own, above])
    #expect((open.works, open.detail) == (true, "version 2, in /cg"))
    let refused = finding([above], systemd: true, fault: "cannot enter a group in /cg: why")
    #expect(
      (refused.works, refused.detail) == (
        false, "version 2, but cannot enter a group in /cg: why"
      ))
    #expect(
      finding([]).detail == "version 2, but there is no control group that this caller may use")
  }
}
