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
}
