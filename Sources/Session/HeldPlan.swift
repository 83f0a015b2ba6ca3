internal import Confinement
internal import Linux
internal import Profile

/// A plan, and the empty directories that keep the places of protected names which are not there:
/// for as long as a session lasts, and as long as the last one of several that share a tree.
///
/// A ``Keeper`` makes and removes them. What tells them from other empty directories, for sessions
/// that come later, is their mode; what keeps one that a session uses from being removed by another
/// is a lock (flock(2)) on it.
struct HeldPlan: ~Copyable {
  let plan: Plan
  /// What is in force of the keeper's confinement; empty when there is none.
  let checks: [SealCheck]
  private var keeper: Keeper?

  /// What keeps the places, if there are any.
  var watches: [Keeper.Watch] {
    switch keeper {
    case .some(let keeper): [keeper.watch]
    case .none: []
    }
  }

  /// Makes the plan of `request`, keeps the places that it asks for and those of its protected names
  /// that another session keeps already, and makes it again with them.
  static func make(
    _ request: SessionRequest, host: HostFacts, auditBase: String
  ) throws(SessionError) -> HeldPlan {
    let first = try Session.makePlan(request, host: host, auditBase: auditBase)
    let paths = first.places + shared(first)
    if paths.isEmpty { return HeldPlan(plan: first, checks: [], keeper: nil) }
    let keeper = try keep(paths, privileged: first.blueprint.privileged, skip: request.skip)
    let second: Result<Plan, SessionError>
    do { second = .success(try Session.makePlan(request, host: host, auditBase: auditBase)) } catch
    {
      second = .failure(error)
    }
    guard case .success(var plan) = second, plan.places.isEmpty else {
      try free(keeper)
      _ = try second.get()
      throw SessionError("cannot keep the places of protected names: somebody removed one")
    }
    plan.notes.append(
      "nothing was there, so an empty directory keeps the place while the session lasts: "
        + paths.joined(separator: ", "))
    return HeldPlan(plan: plan, checks: try keeper.checks("places_keeper"), keeper: keeper)
  }

  private static func keep(
    _ paths: [String], privileged: Bool, skip: CellStep?
  ) throws(SessionError) -> Keeper {
    guard paths.count <= Keeper.most else {
      throw SessionError(
        "cannot keep the places of \(paths.count) protected names: \(Keeper.most) is the most",
        hint: hint)
    }
    // Of places in one directory the descriptor is one as well: there may be more places than files
    // that may be open. By bytes: Unicode calls different names equal.
    var parents: [[UInt8]: Int32] = [:]
    let keeper: Result<Keeper, SessionError>
    do throws(SessionError) {
      var things: [Kept] = []
      for path in paths { things.append(try place(path, privileged: privileged, &parents)) }
      keeper = .success(try start(things, at: paths, skip))
    } catch { keeper = .failure(error) }
    for parent in parents.values {
      try doing("close a directory") { () throws(Errno) in try Descriptor.close(parent) }
    }
    return try keeper.get()
  }

  /// What is to be made at `path`.
  private static func place(
    _ path: String, privileged: Bool, _ parents: inout [[UInt8]: Int32]
  ) throws(SessionError) -> Kept {
    // By bytes: a combining mark after a slash would make one character of both.
    let start = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
    let above = String(path[..<start])
    let name = String(path[path.utf8.index(after: start)...])
    let parent: Int32
    if let known = parents[Array(above.utf8)] {
      parent = known
    } else {
      parent = try doing("open \"\(above)\"") { () throws(Errno) in
        try Files.openExactly(above).release()
      }
      parents[Array(above.utf8)] = parent
    }
    let status = try doing("look at \"\(above)\"") { () throws(Errno) in
      try Files.status(of: parent)
    }
    return Kept(
      .place, parent: parent, name: name, mode: Plan.placeMode(in: status.mode),
      owner: privileged ? Kept.Owner(user: status.user, group: status.group) : nil)
  }

  private static func start(
    _ things: [Kept], at paths: [String], _ skip: CellStep?
  ) throws(SessionError) -> Keeper {
    let settings = try KeeperSettings.confining(skip)
    do throws(Errno) { return try Keeper.start(things, settings) } catch {
      if error == .interrupted, let signal = Signal.pendingEnd {
        throw SessionError(interruptedBy: signal)
      }
      let more = paths.count > 1 ? " or of one of \(paths.count - 1) more" : ""
      let action = "keep the place of \"\(paths[0])\"\(more)"
      if error == .wouldBlock {
        throw SessionError(
          "cannot \(action): somebody else holds a lock on the directory that is there",
          hint: "lslocks names the process; with no session there, rmdir frees the name")
      }
      throw SessionError(action, error, hint: hint)
    }
  }

  private static let hint =
    "let the caller write to the tree, or write protect_missing: note, which leaves the names open"

  /// Protected directories that another session keeps.
  private static func shared(_ plan: Plan) -> [String] {
    var result: [String] = []
    for path in plan.protectedPlaces {
      // One that may not be listed is another user's, who may take it away: it cannot be kept, and
      // that is said.
      do throws(Errno) { if try Files.list(path).isEmpty { result.append(path) } } catch {
        if error == .permissionDenied { result.append(path) }
      }
    }
    return result
  }

  private init(plan: Plan, checks: [SealCheck], keeper: consuming Keeper?) {
    self.plan = plan
    self.checks = checks
    self.keeper = keeper
  }

  /// Has the places kept until the cell of `process`, its init, has ended, however we end.
  func keep(until process: Int32?) throws(SessionError) {
    guard let process else { return }
    switch keeper {
    case .some(let keeper):
      try doing("keep the places of protected names until the cell ends") { () throws(Errno) in
        try keeper.await(process: process)
      }
    case .none: return
    }
  }

  /// The end of the cell: waits until the places are free, or other sessions' alone.
  mutating func free() throws(SessionError) {
    guard let keeper = keeper.take() else { return }
    try HeldPlan.free(keeper)
  }

  private static func free(_ keeper: consuming Keeper) throws(SessionError) {
    do { try keeper.finish() } catch {
      throw SessionError("free the places of protected names", error)
    }
  }
}
