import CLinux
import Foundation
import Linux
import Testing

@testable import Confinement

@Suite("doctor")
struct DoctorTests {
  static let mustWork = ProcessInfo.processInfo.environment["ANCHORHOLD_MUST_WORK"] == "1"

  @Test("each control is tried, and says what it did")
  func examine() {
    let findings = Doctor.examine()
    #expect(findings.count == Doctor.controls.count + 1)
    for finding in findings {
      #expect(!finding.detail.isEmpty)
      #expect(finding.works || !finding.isRequired || !Self.mustWork, "\(finding)")
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
    none.maximumNamespaces = "0"
    #expect(
      none.mend(CL_TRIAL_MOUNT, unshare) == "sudo sysctl -w user.max_user_namespaces=15000")

    // Ubuntu: the namespace is made, and the mount in it refused.
    var ubuntu = DoctorSurroundings()
    ubuntu.appArmorRestricts = "1"
    ubuntu.program = "/opt/anchorhold"
    let profile = ubuntu.mend(CL_TRIAL_MOUNT, mount) ?? ""
    #expect(profile.contains("profile anchorhold /opt/anchorhold"))
    #expect(profile.contains("apparmor_parser -r"))

    var container = DoctorSurroundings()
    container.isFiltered = true
    #expect(
      container.mend(CL_TRIAL_USER_NAMESPACE, unshare)?.contains("seccomp=unconfined") == true)
    let covered = Self.failed(CL_TRIAL_STEP_CREATE_MOUNT, 1)
    #expect(container.mend(CL_TRIAL_PROC, covered)?.contains("systempaths=unconfined") == true)

    var off = DoctorSurroundings()
    off.securityModules = "capability,yama"
    #expect(
      off.mend(CL_TRIAL_LANDLOCK, Self.failed(CL_TRIAL_STEP_LOAD, 95))
        == "boot with lsm=landlock,capability,yama on the kernel command line")
    #expect(DoctorSurroundings().mend(CL_TRIAL_USER_NAMESPACE, unshare) == nil)
  }
}
