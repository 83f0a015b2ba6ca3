internal import Profile

/// One limit of a session, and what holds it.
public struct LimitHolder: Sendable, Hashable {
  /// The profile's key, for example "memory".
  public var name: String
  /// Its value, as a profile would write it.
  public var value: String
  /// What it counts for and what holds it, for a person.
  public var holder: String

  static func all(
    _ limits: Profile.Limits, _ group: ControlGroupPlan?
  ) -> [LimitHolder] {
    let together = "all processes together, temporary space included (control group)"
    var holders = [
      LimitHolder(
        name: "memory", value: limits.memoryText,
        holder: group == nil ? "data of each process (RLIMIT_DATA)" : together),
      LimitHolder(
        name: "processes", value: "\(limits.processes)",
        holder: group == nil
          ? "processes and threads of the cell (RLIMIT_NPROC)"
          : "processes and threads of the cell (control group, RLIMIT_NPROC)"),
    ]
    if let cpu = limits.cpuText {
      holders.append(
        LimitHolder(name: "cpu", value: cpu, holder: "all processes together (control group)"))
    }
    return holders
  }
}
