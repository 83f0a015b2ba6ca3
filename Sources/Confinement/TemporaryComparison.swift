internal import Linux

/// Compares how much each tmpfs of a cell may hold with its plan.
struct TemporaryComparison {
  let plan: Plan

  func checks(_ mounts: [Mount]) -> [SealCheck] {
    var checks = [
      comparison("/", size: plan.blueprint.rootSize, files: plan.blueprint.rootInodes, mounts)
    ]
    for case .temporary(let path, let size, _, _) in plan.blueprint.actions {
      checks.append(
        comparison(path, size: size, files: plan.blueprint.temporaryInodes, mounts))
    }
    return checks
  }

  /// The kernel shows the size in KiB.
  private func comparison(
    _ path: String, size: UInt64, files: UInt64, _ mounts: [Mount]
  ) -> SealCheck {
    let wanted = ["size=\(size >> 10)k", "nr_inodes=\(files)"]
    let options = mounts.last { Paths.equal($0.path, path) }?.superOptions ?? []
    let shown = options.filter {
      $0.utf8.starts(with: "size=".utf8) || $0.utf8.starts(with: "nr_inodes=".utf8)
    }
    return SealCheck(
      "mount \(path) capacity", expected: wanted.joined(separator: " "),
      observed: shown.joined(separator: " "))
  }
}
