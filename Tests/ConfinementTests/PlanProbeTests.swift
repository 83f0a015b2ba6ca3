import Linux
import Profile
import Testing

@testable import Confinement

@Suite("The cell of verify is the cell of run with one file more")
struct PlanProbeTests {
  private let status = FileStatus(
    device: 7, inode: 8, size: 9, mode: 0o100755, user: 0, group: 0)

  @Test("nothing but the probe is added, and it can only be read and executed")
  func oneFileMore() throws {
    let plan = try PlanTests().plan(read: ["/srv/data"], write: ["/srv/link"])
    let probed = plan.running(probe: "/opt/anchorhold", status: status)
    let known = plan.blueprint.actions.count
    #expect(probed.blueprint.actions.prefix(known).elementsEqual(plan.blueprint.actions))
    #expect(
      Array(probed.blueprint.actions.dropFirst(known)) == [
        .file(path: Plan.probePath, mode: 0o444, content: []),
        .bind(
          path: Plan.probePath, source: "/opt/anchorhold", status: status,
          attributes: [.readOnly, .noSetID, .noDevices]),
      ])
    #expect(probed.blueprint.landlockRules.dropLast().elementsEqual(plan.blueprint.landlockRules))
    #expect(probed.blueprint.landlockRules.last?.access == [.readFile, .execute])
    #expect(probed.blueprint.landlockRules.last?.path == Plan.probePath)
  }

  @Test("rights, limits, ids, variables and directory are those of the plan")
  func theRestIsTheSame() throws {
    let plan = try PlanTests().plan()
    var probed = plan.running(probe: "/opt/anchorhold", status: status)
    #expect(probed.blueprint.executable == Plan.probePath)
    #expect(probed.blueprint.arguments == ["anchorhold-probe"])
    probed.blueprint.actions = plan.blueprint.actions
    probed.blueprint.landlockRules = plan.blueprint.landlockRules
    probed.blueprint.executable = plan.blueprint.executable
    probed.blueprint.arguments = plan.blueprint.arguments
    #expect("\(probed)" == "\(plan)")
  }
}
