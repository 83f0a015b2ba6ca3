public import Linux

/// What a plan must know of the machine and of the caller, apart from files.
public struct HostFacts: Sendable {
  /// The caller's effective ids and supplementary groups.
  public var user: UInt32, group: UInt32, supplementaryGroups: [UInt32]
  /// The kernel's Landlock ABI, 1 or more.
  public var landlockABI: Int
  /// The ceilings that a limit cannot be set above.
  public var hardLimits: [ResourceLimit]
  /// Variables that a cell takes over from the caller: time zone and language.
  public var timeZone: String?, language: String?
  /// What is mounted where on the host, as the caller sees it.
  public var mounts: [Mount]
  /// The control groups that a session's own may be made in.
  public var controlGroups: ControlGroupFacts

  /// Makes facts, for tests.
  public init(
    user: UInt32, group: UInt32, supplementaryGroups: [UInt32] = [], landlockABI: Int,
    hardLimits: [ResourceLimit] = [], timeZone: String? = nil,
    language: String? = nil, mounts: [Mount] = [],
    controlGroups: ControlGroupFacts = ControlGroupFacts()
  ) {
    self.user = user
    self.group = group
    self.supplementaryGroups = supplementaryGroups
    self.landlockABI = landlockABI
    self.hardLimits = hardLimits
    self.timeZone = timeZone
    self.language = language
    self.mounts = mounts
    self.controlGroups = controlGroups
  }

  /// The facts of this machine and process; `controlGroup` is the place that the command line names
  /// for control groups. Throws what the kernel answers; a kernel without
  /// Landlock is an error, because the plan needs it.
  public static func current(controlGroup: String? = nil) throws(Errno) -> HostFacts {
    var ceilings: [ResourceLimit] = []
    for resource in Plan.limitedResources {
      ceilings.append(try ResourceLimit.current(resource))
    }
    let mounts = try ProcessState(Process.identifier).mounts()
    return HostFacts(
      user: Process.user, group: Process.group,
      supplementaryGroups: try Process.supplementaryGroups(),
      landlockABI: try SelfConfinement.landlockABI(), hardLimits: ceilings,
      timeZone: Process.environment("TZ"), language: Process.environment("LANG"),
      mounts: mounts,
      controlGroups: ControlGroupFacts.current(
        mounts: mounts, user: Process.user, explicit: controlGroup))
  }
}
