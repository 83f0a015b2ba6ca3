extension Profile {
  /// The section `user`: who the server runs as on the host.
  public enum User: Sendable, Equatable {
    /// A user of the profile's own when root starts the server, otherwise the caller.
    case standard
    /// The owner and the group of an absolute path, as they are when the server is started.
    case owner(of: Located<String>)
    /// These numbers, neither of them 0.
    case numbers(user: Located<UInt32>, group: Located<UInt32>)
  }

  /// What becomes of the supplementary groups of a caller that is not root; those of root never
  /// reach a server.
  public enum Groups: String, Sendable, CaseIterable {
    /// They are dropped where the machine lets us, and stay otherwise, which is said.
    case dropIfPossible = "drop_if_possible"
    /// They are dropped, or the session does not start.
    case drop
    /// They stay.
    case keep
  }
}
