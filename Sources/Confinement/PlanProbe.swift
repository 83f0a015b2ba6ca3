public import Linux

extension Plan {
  /// Where the probe is in the cell that `verify` makes.
  public static let probePath = "/.anchorhold-probe"

  /// The same cell with the probe instead of the server: one more file, this executable, bound
  /// read-only and without set-id bits or devices, and nothing else.
  ///
  /// - Parameters:
  ///   - executable: the real path of this executable on the host.
  ///   - status: what is there.
  public func running(probe executable: String, status: FileStatus) -> Plan {
    var plan = self
    if blueprint.container != nil {
      plan.blueprint.landlockRules.append(
        CellBlueprint.LandlockRule(
          path: executable, access: [.readFile, .execute], status: status))
      plan.blueprint.executable = executable
      plan.blueprint.arguments = [Probe.name, Probe.here]
      plan.blueprint.workingDirectory = blueprint.container?.space?.path ?? "/"
      return plan
    }
    plan.blueprint.actions.append(.file(path: Plan.probePath, mode: 0o444, content: []))
    plan.blueprint.actions.append(
      .bind(
        path: Plan.probePath, source: executable, status: status,
        attributes: [.readOnly, .noSetID, .noDevices]))
    plan.blueprint.landlockRules.append(
      CellBlueprint.LandlockRule(path: Plan.probePath, access: [.readFile, .execute]))
    plan.blueprint.executable = Plan.probePath
    plan.blueprint.arguments = [Probe.name]
    return plan
  }

  /// Adds the rule of the private space of isolation level container, now that it is there.
  public mutating func makeSpace(_ status: FileStatus) {
    guard let space = blueprint.container?.space else { return }
    blueprint.landlockRules.append(
      ContainerLayout.rule(of: space.path, status, abi: blueprint.landlockABI))
  }

  /// The grant that encloses what `path` leads to on the host, if one does.
  public func grant(of path: String) -> Grant? {
    var real = path
    // What cannot be resolved is compared by its name.
    do { real = try PathResolver(HostFiles()).resolve(path).real } catch { real = path }
    return grants.last { Paths.isWithin(real, $0.path) }
  }
}
