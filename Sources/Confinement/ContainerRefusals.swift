internal import Linux
internal import Profile

/// What isolation level container refuses, because it could not hold it.
extension ContainerLayout {
  /// The machine and the caller.
  static func refuseSurroundings<Lookup: FileLookup>(
    _ host: HostFacts, _ facts: ContainerFacts, _ identity: ServerIdentity,
    _ collector: inout GrantCollector<Lookup>
  ) {
    func refuse(_ message: String, _ hint: String) {
      collector.refuse(
        PlanError.Fault(kind: .notHere, message: message, hint: hint, line: 0, column: 0))
    }
    if host.landlockABI < oldestLandlock {
      refuse(
        "isolation container needs Landlock version \(oldestLandlock) and this kernel has "
          + "\(host.landlockABI), which lets a server empty files that it may not write",
        "use Linux 6.2 or later, or isolation full, which has mounts as well")
    }
    if !facts.listsChildren {
      refuse(
        "isolation container needs /proc/self/task/*/children to end what a server leaves behind, "
          + "and it cannot be read here",
        "mount this pid namespace's own /proc, on a kernel with CONFIG_PROC_CHILDREN")
    }
    guard host.user == 0 else { return }
    guard facts.has(.setUser), facts.has(.setGroup) else {
      return refuse(
        "a server never runs as root, and this root cannot become another user: it has no "
          + "CAP_SETUID or no CAP_SETGID",
        "start the container with another user (--user 1000), or with --cap-add SETUID "
          + "--cap-add SETGID")
    }
    let ours = [identity.user, Plan.relayIdentifier, Plan.initIdentifier]
    if let user = ours.first(where: { !facts.knows(user: $0, group: identity.group) }) {
      refuse(
        "user \(user) is no user here: the user namespace of this container does not map it",
        "start the container with another user than root (--user 1000)")
    }
  }

  /// Says of what is granted for reading that it can be executed where that is so, because what is
  /// granted around it can.
  static func addExecution(to grants: inout [Grant]) {
    for index in grants.indices where grants[index].access == .read && !grants[index].executable {
      let path = grants[index].path
      guard let around = executable(around: path, in: grants[..<index]) else { continue }
      grants[index].executable = true
      grants[index].reason += "; in \(around.path), which can be executed"
    }
  }

  /// What is executable and encloses `path`, or is it; of several the nearest.
  private static func executable(around path: String, in grants: ArraySlice<Grant>) -> Grant? {
    grants.last { $0.executable && Paths.isWithin(path, $0.path) }
  }

  /// What the server could write and then execute.
  private static func refuseWritten<Lookup: FileLookup>(
    _ profile: Profile, _ grants: [Grant], space: String?,
    _ collector: inout GrantCollector<Lookup>
  ) {
    let why = "at isolation container what is written there could be executed as well"
    for (index, grant) in grants.enumerated() where grant.access == .write {
      guard let around = executable(around: grant.path, in: grants[..<index]) else { continue }
      collector.refuse(
        .never, "grant", grant.path, "\(why), because \(around.path) can be (\(around.reason))",
        "write isolation: full, or have the server write elsewhere than in its program's directory",
        profile.filesystem.write.first { Paths.equal($0.path, grant.path) }
          ?? profile.filesystem.write.first)
    }
    if let space, let around = executable(around: space, in: grants[...]) {
      collector.refuse(
        .never, "grant", around.path,
        "the private temporary space of the cell lies in it, and \(why) (\(around.reason))",
        "write isolation: full, or have the program in a directory of its own", nil)
    }
  }

  /// What would need a mount over a part of what is granted.
  static func refuseGrants<Lookup: FileLookup>(
    _ profile: Profile, _ grants: [Grant], space: String?,
    _ collector: inout GrantCollector<Lookup>
  ) {
    refuseWritten(profile, grants, space: space, &collector)
    let why = "at isolation container nothing can be taken away from what is granted around it"
    for entry in profile.filesystem.hide {
      collector.refuse(
        .never, "hide", entry.path, why,
        "write isolation: full, or grant less and leave the line out", entry)
    }
    for entry in profile.filesystem.protect {
      collector.refuse(
        .never, "protect", entry.path, why,
        "write isolation: full, or grant less for writing and leave the line out", entry)
    }
    if let first = collector.places.first {
      let more = collector.places.count - 1
      let entry = profile.filesystem.write.first { Paths.isWithin(first, $0.path) }
      collector.refuse(
        .never, "protect", first,
        "nothing is there\(more > 0 ? ", nor at \(more) other protected names" : ""), and \(why)",
        "write isolation: full, or protect_missing: note, which leaves the names to the server, or "
          + "protect_defaults: false", entry ?? profile.filesystem.write.first)
    }
    for (index, grant) in grants.enumerated() where grant.access == .read {
      guard
        let around = grants[..<index].last(where: {
          $0.access == .write && $0.role == .granted && Paths.isWithin(grant.path, $0.path)
        })
      else { continue }
      // Each has been said of its own line.
      if profile.filesystem.protect.contains(where: { Paths.equal($0.path, grant.path) }) {
        continue
      }
      let entries = profile.filesystem.write + profile.filesystem.read
      let place =
        entries.first { Paths.equal($0.path, grant.path) }
        ?? entries.first { Paths.equal($0.path, around.path) }
      collector.refuse(
        .never, grant.role == .protected ? "protect" : "keep read-only", grant.path,
        "\(why), and \(around.path) can be written",
        grant.role == .protected
          ? "write isolation: full, or protect_defaults: false if the host may trust what the "
            + "server leaves there"
          : "write isolation: full, or grant less for writing", place)
    }
  }
}
