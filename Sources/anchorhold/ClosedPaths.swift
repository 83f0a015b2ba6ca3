internal import Confinement
internal import Linux
internal import Profile

/// What of a plan's grants the user of one of root's cells may not use: permission bits as the kernel
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

  /// What to do about a path that the server's user cannot write.
  static func waysOut(
    _ grant: Grant, _ path: String, _ plan: Plan, of profile: Profile
  ) -> String {
    let owner = "write user: {owner_of: \(quotedPath(path))} in the profile"
    let chown = "chown -R \(plan.blueprint.outsideUser) \(shellQuoted(path)), or "
    guard Plan.takesOwner(of: grant.status, for: profile.name) else {
      return chown + "give it to an account that is not root and \(owner)"
    }
    return chown + owner
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
