internal import Confinement
internal import Linux

/// Makes the private space of a cell of isolation level container, and has it removed at the end.
struct SpaceKeeper: ~Copyable {
  private var keeper: Keeper?
  private let path: String

  /// It, if there is one.
  var watches: [Keeper.Watch] {
    switch keeper {
    case .some(let keeper): [keeper.watch]
    case .none: []
    }
  }

  /// Makes what `plan` has for this, and adds the rule of it to the plan.
  static func start(_ plan: inout Plan, skip: CellStep?) throws(SessionError) -> SpaceKeeper {
    guard let space = plan.blueprint.container?.space else {
      return SpaceKeeper(keeper: nil, path: "")
    }
    let blueprint = plan.blueprint
    let settings = try KeeperSettings.confining(skip)
    let keeper = try doing("make \"\(space.path)\"") { () throws(Errno) in
      let parent = try Files.open(space.parent, [.path, .directory, .noFollow])
      let owner = Kept.Owner(user: blueprint.outsideUser, group: blueprint.outsideGroup)
      return try Keeper.start(
        [
          Kept(
            .directory, parent: parent.rawValue, name: space.name,
            owner: blueprint.privileged ? owner : nil)
        ], settings)
    }
    let status = try doing("look at \"\(space.path)\"") { () throws(Errno) in
      try Files.status(of: keeper.directories[0])
    }
    plan.makeSpace(status)
    return SpaceKeeper(keeper: keeper, path: space.path)
  }

  private init(keeper: consuming Keeper?, path: String) {
    self.keeper = keeper
    self.path = path
  }

  /// What is in force of its process's confinement.
  func checks() throws(SessionError) -> [SealCheck] {
    switch keeper {
    case .some(let keeper): try keeper.checks("space_keeper")
    case .none: []
    }
  }

  /// Waits until it is removed.
  mutating func finish() throws(SessionError) {
    guard let keeper = keeper.take() else { return }
    do { try keeper.finish() } catch { throw SessionError("remove \"\(path)\"", error) }
  }
}
