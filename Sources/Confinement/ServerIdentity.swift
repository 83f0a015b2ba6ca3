public import Linux
internal import Profile

/// The user and group of the host that a server runs as, and why.
///
/// *Limits.* Whether an account of these numbers exists is not looked at; the kernel needs none.
struct ServerIdentity {
  var user: UInt32, group: UInt32
  /// For a person who reads the plan.
  var reason: String

  static let verb = "run as the owner of"

  /// Follows from the profile's `user` and the caller; what is refused becomes a fault of
  /// `collector`, and then nothing runs.
  static func of<Lookup: FileLookup>(
    _ profile: Profile, host: HostFacts, files: Lookup,
    _ collector: inout GrantCollector<Lookup>
  ) -> ServerIdentity {
    let own = Plan.outsideIdentifier(for: profile.name)
    let standard =
      host.user == 0
      ? ServerIdentity(user: own, group: own, reason: "of this profile alone")
      : ServerIdentity(user: host.user, group: host.group, reason: "the caller")
    switch profile.user {
    case .standard: return standard
    case .numbers(let user, let group):
      for (number, kind) in [(user, Kind.user), (group, Kind.group)] {
        guard let (why, hint) = refusal(number.value, kind, own: own, host) else { continue }
        collector.refuse(
          PlanError.Fault(
            kind: .never, message: "cannot run as \(kind.rawValue) \(number.value): \(why)",
            hint: hint, line: number.line, column: number.column))
      }
      return ServerIdentity(user: user.value, group: group.value, reason: reason("user", user.line))
    case .owner(let path):
      guard let found = collector.resolve(owner: path) else { return standard }
      let (user, group) = (found.status.user, found.status.group)
      let refused =
        refusalOfOwner(user, group, own: own, host)
        ?? (host.user == 0 ? untrusted(found, files: files) : nil)
      if let (why, hint) = refused {
        collector.refuse(
          .never, verb, path.value, why, hint,
          Profile.PathGrant(path.value, line: path.line, column: path.column))
      }
      return ServerIdentity(
        user: user, group: group, reason: reason("owner of \(quotedPath(path.value))", path.line))
    }
  }

  private static func reason(_ what: String, _ line: Int) -> String {
    line > 0 ? "\(what), line \(line)" : what
  }

  private enum Kind: String { case user, group }

  /// Why root, or an ordinary user, cannot start a server under a number; nil if it can.
  private static func refusal(
    _ number: UInt32, _ kind: Kind, own: UInt32, _ host: HostFacts
  ) -> (why: String, hint: String)? {
    guard host.user == 0 else {
      // The kernel lets an ordinary user map nobody else.
      let caller = kind == .user ? host.user : host.group
      guard number != caller else { return nil }
      return (
        "only root starts a server as another \(kind.rawValue), and the caller's is \(caller)",
        "leave user out: the server runs as its caller"
      )
    }
    let first = Plan.firstOutsideIdentifier
    switch number {
    case 0:
      return ("that is root", "a server never runs as root; name a \(kind.rawValue) that is not")
    case Plan.relayIdentifier:
      return ("the relay runs as that one", "name another \(kind.rawValue)")
    case Plan.initIdentifier:
      return ("the init of other cells runs as that one", "name another \(kind.rawValue)")
    case first..<Plan.relayIdentifier where number != own:
      return (
        "the numbers from \(first) on are kept for profiles that name no user, and this one's is "
          + "\(own)", "name another \(kind.rawValue), or leave user out"
      )
    default: return nil
    }
  }

  /// What files show whose owner has no number here (user_namespaces(7)).
  private static let overflow: UInt32 = 65534

  fileprivate static func refusalOfOwner(
    _ user: UInt32, _ group: UInt32, own: UInt32, _ host: HostFacts
  ) -> (why: String, hint: String)? {
    let instead = "or write user: {uid: N, group: N}"
    for (number, kind) in [(user, Kind.user), (group, Kind.group)] {
      let verb = kind == .user ? "belongs to user" : "has the group"
      if number == 0, host.user == 0 {
        return (
          "it \(verb) 0, which is root, and a server never runs as root",
          "give it to an account that is not root, \(instead)"
        )
      }
      if let (why, hint) = refusal(number, kind, own: own, host) {
        let command = kind == .user ? "chown" : "chgrp"
        let mend = "\(command) it to one that the server may run as, \(instead)"
        return ("it \(verb) \(number): \(why)", host.user == 0 ? mend : hint)
      }
      if number == overflow, host.user == 0 {
        return ("it \(verb) \(number), which stands for one that has no number here", instead)
      }
    }
    return nil
  }

  /// Who else could have put another path there, and so chosen the user; nil if nobody.
  ///
  /// Root and the owner may: the one may do anything, the other runs only what is its own. The same
  /// rule holds for the way to a profile (``ProfileTrust``), with the same limits.
  private static func untrusted(
    _ found: ResolvedPath, files: some FileLookup
  ) -> (why: String, hint: String)? {
    let hint = "or write user: {uid: N, group: N}"
    let links = found.links.map(\.path)
    let directories = ([found.real] + links).flatMap { ["/"] + Paths.ancestors(of: $0) }
    for (path, isLink) in links.map({ ($0, true) }) + directories.map({ ($0, false) }) {
      let status: FileStatus?
      do { status = try files.status(path) } catch {
        return ("cannot look at \(path): \(error)", hint)
      }
      guard let status else { return ("nothing is at \(path)", hint) }
      if status.user != 0, status.user != found.status.user {
        return (
          "\(quotedPath(path)) on the way belongs to user \(status.user), who could put another "
            + "owner's there", "name a path that only root and its owner can replace, \(hint)"
        )
      }
      // In a sticky directory others can add files, but not replace this one.
      if !isLink, status.mode & 0o022 != 0, status.mode & 0o1000 == 0 {
        return (
          "others can write \(quotedPath(path)) on the way, and put another owner's there",
          "chmod go-w \(shellQuoted(path)), \(hint)"
        )
      }
    }
    return nil
  }
}

extension Plan {
  /// Whether root could start the server of a profile as the owner of what has this status, as far
  /// as the owner goes.
  public static func takesOwner(of status: FileStatus, for name: String) -> Bool {
    let root = HostFacts(user: 0, group: 0, landlockABI: 1)
    return ServerIdentity.refusalOfOwner(
      status.user, status.group, own: outsideIdentifier(for: name), root) == nil
  }
}
