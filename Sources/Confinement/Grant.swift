public import Linux

/// A path of the host that the cell sees.
public struct Grant: Hashable, Sendable {
  /// What may be done with it.
  public enum Access: String, Hashable, Sendable {
    case read, write
  }

  /// What it is in the plan for.
  public enum Role: String, Hashable, Sendable {
    /// The profile grants it, or the runtime needs it.
    case granted
    /// It is read-only in a tree that is granted for writing.
    case protected
    /// A directory on the way to something protected, writable as the tree around it: a mount of
    /// its own cannot be moved away.
    case holding
  }

  /// The real path, the same on the host and in the cell.
  public var path: String
  /// What the host had there when the plan was made.
  public var status: FileStatus
  /// What may be done with it.
  public var access: Access
  /// Whether files in it may be executed or mapped as code.
  public var executable: Bool
  /// Why: a line of the profile or what a runtime needs it for.
  public var reason: String
  /// What it is in the plan for.
  public var role = Role.granted

  /// What its mount forbids.
  public var attributes: MountAttributes {
    var attributes: MountAttributes = [.noSetID, .noDevices]
    if access == .read { attributes.insert(.readOnly) }
    if !executable { attributes.insert(.noExecution) }
    return attributes
  }

  /// Its Landlock rights, before those that the kernel does not know are taken off.
  var landlock: LandlockAccess {
    var access: LandlockAccess = [.readFile, .readDirectory]
    if executable { access.insert(.execute) }
    if self.access == .write { access.formUnion(Grant.writing) }
    return status.kind == .directory ? access : access.intersection(.file)
  }

  /// Creating and changing files, directories, links and fifos; no devices, no sockets.
  static let writing: LandlockAccess = [
    .writeFile, .truncate, .removeFile, .removeDirectory, .makeDirectory, .makeRegular,
    .makeFifo, .makeLink, .refer,
  ]
}
