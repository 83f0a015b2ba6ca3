internal import Linux

/// Compares the mounts and the layout of a cell with its plan.
struct MountComparison {
  let plan: Plan

  private static let flags = ["ro", "nosuid", "nodev", "noexec"]

  func checks(_ mounts: [Mount], process: Int32) throws(Errno) -> [SealCheck] {
    var checks = [
      comparison("/", type: "tmpfs", attributes: [.readOnly, .noSetID, .noDevices], mounts)
    ]
    var planned: Set<[UInt8]> = [Array("/".utf8)]
    for action in plan.blueprint.actions {
      switch action {
      case .bind(let path, _, _, let attributes):
        planned.insert(Array(path.utf8))
        checks.append(comparison(path, type: nil, attributes: attributes, mounts))
      case .temporary(let path, _, _, let attributes):
        planned.insert(Array(path.utf8))
        checks.append(comparison(path, type: "tmpfs", attributes: attributes, mounts))
      case .proc(let path, let attributes):
        planned.insert(Array(path.utf8))
        checks.append(comparison(path, type: "proc", attributes: attributes, mounts))
        checks.append(hidden(path, mounts))
      case .directory, .file, .link: continue
      }
    }
    checks.append(others(mounts, planned: planned))
    checks.append(roots(mounts))
    let tags = Set(mounts.flatMap(\.tags)).sorted()
    checks.append(
      SealCheck("mounts.propagation", expected: "private", observed: describe(tags, or: "private")))
    checks.append(try layout(process))
    return checks
  }

  /// The mount that is on top at `path` has these restrictions and is of this type.
  private func comparison(
    _ path: String, type: String?, attributes: MountAttributes, _ mounts: [Mount]
  ) -> SealCheck {
    let expected = ([type] + attributes.names.map(Optional.some)).compactMap(\.self)
    guard let mount = mounts.last(where: { Paths.equal($0.path, path) }) else {
      return SealCheck("mount \(path)", expected: text(expected), observed: "not mounted")
    }
    // A grant may lie on a file system that is itself more restricted; more is not less.
    let shown = attributes.names.filter { mount.options.contains($0) }
    return SealCheck(
      "mount \(path)", expected: text(expected),
      observed: text(
        ([type == nil ? nil : mount.type] + shown.map(Optional.some)).compactMap(\.self))
    )
  }

  private func hidden(_ path: String, _ mounts: [Mount]) -> SealCheck {
    let wanted = ["hidepid=ptraceable", "subset=pid"]
    let options = mounts.last { Paths.equal($0.path, path) }?.superOptions ?? []
    return SealCheck(
      "mount \(path) options", expected: text(wanted),
      observed: text(wanted.filter { options.contains($0) }))
  }

  /// What else is mounted must lie below a grant and be restricted at least as much; and no
  /// grant may hold a file system that is the kernel's interface and no files.
  private func others(_ mounts: [Mount], planned: Set<[UInt8]>) -> SealCheck {
    var strange: [String] = []
    for mount in mounts {
      if planned.contains(Array(mount.path.utf8)) {
        let isGrant =
          plan.grants.contains { Paths.equal($0.path, mount.path) }
          && !plan.hidden.contains { Paths.equal($0, mount.path) }
        if isGrant, HostMounts.isInterface(mount.type), !isDanger(mount) {
          strange.append(mount.path)
        }
        continue
      }
      if HostMounts.isInterface(mount.type), !isDanger(mount) {
        strange.append(mount.path)
        continue
      }
      let grant = plan.grants.last { Paths.isWithin(mount.path, $0.path) }
      if let grant, grant.attributes.names.allSatisfy({ mount.options.contains($0) }) { continue }
      strange.append(mount.path)
    }
    return SealCheck("mounts.others", expected: "none", observed: describe(strange, or: "none"))
  }

  /// Whether it is there because the profile grants a part of /sys as dangerous.
  private func isDanger(_ mount: Mount) -> Bool {
    plan.dangers.contains {
      Dangers.expects(mount, in: $0.path) && Paths.isWithin(mount.path, $0.path)
    }
  }

  /// Just one mount at "/": the old root is gone, not merely covered.
  private func roots(_ mounts: [Mount]) -> SealCheck {
    SealCheck(
      "mounts.root", expected: "1",
      observed: "\(mounts.filter { Paths.equal($0.path, "/") }.count)")
  }

  /// The cell's own directories, files and links are there, and what is bound is the very file of
  /// the plan, seen through `/proc/PID/root`.
  private func layout(_ process: Int32) throws(Errno) -> SealCheck {
    var wrong: [String] = []
    let root = "/proc/\(process)/root"
    for (index, action) in plan.blueprint.actions.enumerated() {
      switch action {
      case .directory(let path, _):
        if try kind(root + path) != .directory { wrong.append(path) }
      case .file(let path, _, let content):
        guard try kind(root + path) != nil else {
          wrong.append(path)
          continue
        }
        if content.isEmpty { continue }
        if try Files.contents(root + path) != content { wrong.append(path) }
      case .link(let path, let target):
        do {
          if !Paths.equal(try Files.linkTarget(root + path), target) { wrong.append(path) }
        } catch .noSuchFile {
          wrong.append(path)
        }
      case .bind(let path, _, let planned, _):
        if isMountedOver(path, after: index) { continue }
        let there = try status(root + path)
        if there?.device != planned.device || there?.inode != planned.inode { wrong.append(path) }
      case .temporary(let path, _, let mode, _):
        if isMountedOver(path, after: index) { continue }
        let there = try status(root + path)
        if there?.kind != .directory || (there?.mode ?? 0) & 0o7777 != mode { wrong.append(path) }
      case .proc: continue
      }
    }
    return SealCheck("layout", expected: "as planned", observed: describe(wrong, or: "as planned"))
  }

  /// Whether a later mount covers this place: what is hidden comes last.
  private func isMountedOver(_ path: String, after index: Int) -> Bool {
    plan.blueprint.actions[(index + 1)...].contains { action in
      switch action {
      case .bind, .temporary, .proc: Paths.isWithin(path, action.path)
      case .directory, .file, .link: false
      }
    }
  }

  private func status(_ path: String) throws(Errno) -> FileStatus? {
    do { return try Files.status(path, followLinks: false) } catch .noSuchFile {
      return nil
    } catch .notDirectory {
      return nil
    }
  }

  private func kind(_ path: String) throws(Errno) -> FileKind? { try status(path)?.kind }

  private func text(_ words: [String]) -> String { words.joined(separator: " ") }

  private func describe(_ words: [String], or nothing: String) -> String {
    words.isEmpty ? nothing : text(words)
  }
}
