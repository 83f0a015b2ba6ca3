internal import Confinement
internal import Linux

/// The empty directories that keep the places of protected names which are not there: for as long
/// as a session lasts, and as long as the last one of several that share a tree.
///
/// A ``Keeper`` makes and removes them. What tells them from other empty directories, for sessions
/// that come later, is their mode; what keeps one that a session uses from being removed by another
/// is a lock (flock(2)) on it.
struct HeldPlaces: ~Copyable {
  private let keeper: Keeper
  /// The places, real paths.
  let paths: [String]

  /// Keeps the places that `plan` asks for, and those of its protected directories that are kept by
  /// another session already; nil if there are none. A plan with places must be made anew then.
  static func keep(for plan: Plan) throws(SessionError) -> HeldPlaces? {
    let paths = try plan.places + shared(plan)
    guard paths.count <= Keeper.most else {
      throw SessionError(
        "cannot keep the places of \(paths.count) protected names: \(Keeper.most) is the most",
        hint: hint)
    }
    if paths.isEmpty { return nil }
    var parents: [FileDescriptor] = []
    var things: [Kept] = []
    for path in paths {
      let above = Paths.parent(path)
      let parent = try doing("open \"\(above)\"") { () throws(Errno) in
        try Files.openExactly(above)
      }
      let status = try doing("look at \"\(above)\"") { () throws(Errno) in
        try Files.status(of: parent.rawValue)
      }
      things.append(
        Kept(
          .place, parent: parent.rawValue, name: Paths.name(path), mode: mode,
          owner: plan.blueprint.privileged
            ? Kept.Owner(user: status.user, group: status.group) : nil))
      parents.append(parent)
    }
    do { return HeldPlaces(keeper: try Keeper.start(things), paths: paths) } catch {
      let path = paths[0]
      throw SessionError("cannot keep the place of \"\(path)\": \(error)", hint: hint)
    }
  }

  private static let hint =
    "let the caller write to the tree, or write protect_missing: note, which leaves the name open"

  /// A mode that nobody gives a directory by hand: sticky, and writable for its owner alone.
  private static let mode: UInt32 = 0o1755

  private static func shared(_ plan: Plan) throws(SessionError) -> [String] {
    var result: [String] = []
    for grant in plan.grants
    where grant.role == .protected && grant.status.mode == 0o040000 | mode {
      do { if try Files.list(grant.path).isEmpty { result.append(grant.path) } } catch {
        // What cannot be listed is none of these.
        continue
      }
    }
    return result
  }

  private init(keeper: consuming Keeper, paths: [String]) {
    self.keeper = keeper
    self.paths = paths
  }

  /// The end of the session: waits until the places are free, or other sessions' alone.
  consuming func free() throws(Errno) { try keeper.finish() }
}
