internal import Confinement
internal import Linux

/// What of a plan's grants the user of root's cells may not use: permission bits as the kernel
/// reads them for a process without capabilities and further groups (path_resolution(7)).
///
/// *Limits.* Only the granted file or directory itself is looked at, not what lies below it, and
/// no access control list.
enum ClosedPaths {
  /// What cannot be done with `grant`, as a verb; nil if everything that is granted can.
  ///
  /// - Parameter program: what is executed, which must have a bit for that.
  static func missing(
    _ grant: Grant, for blueprint: CellBlueprint, _ program: String?
  ) -> String? {
    let status = grant.status
    let held =
      status.user == blueprint.outsideUser
      ? status.mode >> 6
      : status.group == blueprint.outsideGroup ? status.mode >> 3 : status.mode
    let isProgram = program.map { leads($0, to: grant.path) } ?? false
    if held & 0o4 == 0 { return "read" }
    if status.kind == .directory, held & 0o1 == 0 { return "enter" }
    if grant.access == .write, held & 0o2 == 0 { return "write" }
    if isProgram, held & 0o1 == 0 { return "execute" }
    return nil
  }

  /// Whether a path that may hold links is `real`.
  static func leads(_ path: String, to real: String) -> Bool {
    do {
      return try PathResolver(HostFiles()).resolve(path).real.utf8.elementsEqual(real.utf8)
    } catch {
      return false
    }
  }
}
