/// What a mount forbids (mount_setattr(2)).
public struct MountAttributes: OptionSet, Hashable, Sendable {
  /// The kernel's bits.
  public let rawValue: UInt64
  /// Wraps the kernel's bits.
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// No writing. The corresponding C constant is `MOUNT_ATTR_RDONLY`.
  public static let readOnly = MountAttributes(rawValue: 1)
  /// Set-id bits do nothing. The corresponding C constant is `MOUNT_ATTR_NOSUID`.
  public static let noSetID = MountAttributes(rawValue: 2)
  /// Device files do not open. The corresponding C constant is `MOUNT_ATTR_NODEV`.
  public static let noDevices = MountAttributes(rawValue: 4)
  /// Nothing is executed. The corresponding C constant is `MOUNT_ATTR_NOEXEC`.
  public static let noExecution = MountAttributes(rawValue: 8)

  /// The options as `/proc/PID/mountinfo` spells them.
  public var names: [String] {
    var names: [String] = []
    if contains(.readOnly) { names.append("ro") }
    if contains(.noSetID) { names.append("nosuid") }
    if contains(.noDevices) { names.append("nodev") }
    if contains(.noExecution) { names.append("noexec") }
    return names
  }
}
