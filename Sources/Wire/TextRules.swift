/// What is done to the strings that a server sends.
public struct TextRules: Sendable, Equatable {
  /// What becomes of characters that a reader would not see.
  public enum Hidden: Sendable {
    /// They are written out, as in `\u{200b}`.
    case escape
    /// They are left out, control sequences of terminals as a whole; other breaks of a line than
    /// LF become one.
    case remove
    /// They stay.
    case allow
  }

  /// What becomes of characters that a reader would not see.
  public var hidden: Hidden
  /// The longest string, in bytes of its canonical form; a longer one is cut and says so.
  public var longest: Int
  /// The longest message that may come of it, in bytes.
  public var most: Int

  /// Rules; a string can be cut to 256 bytes at least.
  public init(hidden: Hidden = .escape, longest: Int = .max, most: Int = .max) {
    self.hidden = hidden
    self.longest = max(longest, 256)
    self.most = most
  }

  /// Whether a message with these notes needs no second look.
  @inline(__always)
  public func isPlain(_ notes: TextNotes) -> Bool {
    (!notes.mayBeUnseen || hidden == .allow) && notes.longest - 2 <= longest
  }
}

/// What was done to the strings of a message.
public struct TextCounts: Sendable, Equatable {
  /// Characters that were written out or left out; a control sequence that was left out is one.
  public var hidden = 0
  /// Strings that were cut.
  public var cut = 0
  /// Whether the message would be longer than it may be.
  public var isTooLong = false

  /// Nothing.
  public init() {}

  /// Whether nothing was done.
  public var isEmpty: Bool { hidden == 0 && cut == 0 }
}
