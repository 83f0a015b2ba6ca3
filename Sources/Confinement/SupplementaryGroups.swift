public import Linux
internal import Profile

/// What becomes of the caller's supplementary groups in a cell.
///
/// *Limits.* For root's cells there are none: they are dropped before anything else. Names are those
/// of `/etc/group`.
public struct SupplementaryGroups: Hashable, Sendable {
  /// A group that the caller is in, apart from the one of its own files.
  public struct Group: Hashable, Sendable {
    /// Its number.
    public var number: UInt32
    /// Its name; nil if it has none.
    public var name: String?

    /// For a person, for example "docker (999)".
    public var text: String { name.map { "\($0) (\(number))" } ?? "\(number)" }
  }

  /// What happens to them.
  public enum Fate: Hashable, Sendable {
    /// There is nothing to drop, or the caller is root.
    case none
    /// They are dropped; this program makes that possible.
    case dropped(GroupMapper)
    /// They stay in the cell, because of this.
    case kept(because: String)
  }

  /// Those of an ordinary caller, by number.
  public var held: [Group] = []
  /// What happens to them.
  public var fate = Fate.none
  /// Whether a cell that keeps them may be made.
  public var mustBeDropped = false
  /// What makes dropping them possible; nil if nothing is missing, or as the profile wants it.
  public var mend: String?

  /// No groups, as in root's cells.
  public init() {}

  /// Those that the server has.
  public var remaining: [Group] { if case .kept = fate { held } else { [] } }

  /// Those that the server has, as a sentence; nil if there are none.
  public var note: String? {
    guard case .kept(let reason) = fate, !held.isEmpty else { return nil }
    return "the server keeps the caller's supplementary groups \(list): \(reason)"
  }

  /// All of them for a person.
  public var list: String { held.map(\.text).joined(separator: ", ") }

  /// Follows from the profile's `user.groups`, the caller and what is installed.
  static func of<Lookup: FileLookup>(
    _ profile: Profile, host: HostFacts, files: Lookup,
    _ collector: inout GrantCollector<Lookup>
  ) -> SupplementaryGroups {
    var groups = SupplementaryGroups()
    // The group of the caller's own files is the server's too, with or without its being listed.
    let numbers = Set(host.supplementaryGroups).subtracting([host.group]).sorted()
    guard host.user != 0, !numbers.isEmpty else { return groups }
    let accounts = Accounts(files)
    groups.held = numbers.map { Group(number: $0, name: accounts.group($0)) }
    let rule = profile.groups.value
    if rule == .keep {
      groups.fate = .kept(because: "the profile's user.groups says so")
      return groups
    }
    groups.mustBeDropped = rule == .drop
    do throws(GroupMapper.Missing) {
      guard profile.isolation == .full else {
        throw GroupMapper.Missing(
          why: "without a user namespace only root can drop them",
          mend: "start anchorhold without them, as a container's runtime can")
      }
      groups.fate = .dropped(
        try GroupMapper.find(user: host.user, group: host.group, files: files))
    } catch {
      groups.fate = .kept(because: error.why)
      groups.mend = error.mend
      guard groups.mustBeDropped else { return groups }
      collector.refuse(
        PlanError.Fault(
          kind: .notHere,
          message: "cannot drop the caller's supplementary groups \(groups.list): \(error.why)",
          hint: error.mend, line: profile.groups.line, column: profile.groups.column))
    }
    return groups
  }

  /// Which group alone lets the server read a file, by the bits of its mode; nil if another way does
  /// or none.
  public func only(_ status: FileStatus, user: UInt32, group: UInt32) -> Group? {
    guard status.user != user, status.group != group else { return nil }
    let needed: UInt32 = status.kind == .directory ? 0o5 : 0o4
    guard status.mode & needed != needed, status.mode >> 3 & needed == needed else { return nil }
    return held.first { $0.number == status.group }
  }
}

extension Plan {
  /// Takes back that the groups are dropped, because what should make it possible did not.
  mutating func keepGroups(because reason: String, mend: String?) {
    groups.fate = .kept(because: reason)
    groups.mend = mend
    blueprint.mapper = nil
    if let note = groups.note { notes.append(note) }
  }
}
