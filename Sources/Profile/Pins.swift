extension Profile {
  /// The key `pins`: what becomes of what a server says of itself, and of its program, when it is no
  /// longer what it was when the profile was first used.
  public enum Pins: String, Sendable, CaseIterable {
    /// It is held back until somebody approves it.
    case strict
    /// It is let through and recorded.
    case warn
    /// Nothing is remembered and nothing compared.
    case off
  }
}
