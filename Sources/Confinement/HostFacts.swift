public import Linux
public import Profile

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

  /// What only isolation level container asks for; nil when it was not looked at.
  public var container: ContainerFacts?

  /// Makes facts, for tests.
  public init(
    user: UInt32, group: UInt32, supplementaryGroups: [UInt32] = [], landlockABI: Int,
    hardLimits: [ResourceLimit] = [], timeZone: String? = nil,
    language: String? = nil, mounts: [Mount] = [],
    controlGroups: ControlGroupFacts = ControlGroupFacts(), container: ContainerFacts? = nil
  ) {
    self.container = container
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
  public static func current(
    for isolation: Isolation, controlGroup: String? = nil
  ) throws(Errno) -> HostFacts {
    var ceilings: [ResourceLimit] = []
    for resource in Plan.limitedResources {
      ceilings.append(try ResourceLimit.current(resource))
    }
    let mounts = try ProcessState(Process.identifier).mounts()
    return HostFacts(
      user: Process.user, group: Process.group,
      supplementaryGroups: try Process.supplementaryGroups(),
      landlockABI: try landlockABI(), hardLimits: ceilings,
      timeZone: Process.environment("TZ"), language: Process.environment("LANG"),
      mounts: mounts,
      controlGroups: ControlGroupFacts.current(
        mounts: mounts, user: Process.user, explicit: controlGroup),
      container: isolation == .container ? try .current() : nil)
  }

  /// The kernel's, or the older one that a test wants to see used; only a build made for tests asks.
  private static func landlockABI() throws(Errno) -> Int {
    let version = try SelfConfinement.landlockABI()
    #if CL_BACKDOOR
      if let wanted = Process.environment("ANCHORHOLD_LANDLOCK_ABI").flatMap({ Int($0) }) {
        return min(version, wanted)
      }
    #endif
    return version
  }
}
