/// Why no plan could be made: everything that stands in the way, in the order of the profile.
public struct PlanError: Error, Hashable, Sendable {
  /// One reason, with its place in the profile.
  public struct Fault: Hashable, Sendable {
    /// Whether another machine, or another command, would make a difference.
    public enum Kind: Hashable, Sendable {
      /// Something is not on this machine, or the caller may not look at it.
      case notHere
      /// Nothing that is granted holds it; what another command brings may.
      case outside
      /// No machine takes it, or not for this caller.
      case never
    }

    /// Whether another machine, or another command, would make a difference.
    public var kind: Kind
    /// What cannot be done, on what, and why: lower case, no full stop.
    public var message: String
    /// What to write or do instead, if anything.
    public var hint: String?
    /// The place in the profile; 0 for what is built in or was found.
    public var line: Int, column: Int
  }

  /// At least one.
  public var faults: [Fault]

  /// Sorts by place; what has none comes last.
  init(_ faults: [Fault]) {
    self.faults = faults.enumerated().sorted { left, right in
      let (one, other) = (left.element, right.element)
      if (one.line == 0) != (other.line == 0) { return other.line == 0 }
      return (one.line, one.column, left.offset) < (other.line, other.column, right.offset)
    }.map(\.element)
  }
}
