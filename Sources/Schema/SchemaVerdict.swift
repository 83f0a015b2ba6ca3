/// What a check found.
public enum SchemaVerdict: Sendable, Equatable {
  /// The value is valid.
  case valid
  /// The value is not valid; one reason of perhaps several.
  case invalid(SchemaViolation)
  /// The steps, the depth or the size of a number did not suffice to tell: to be refused.
  case exhausted
}

/// One reason why a value is not valid.
public struct SchemaViolation: Sendable, Equatable {
  /// Where in the value, as a JSON pointer, empty for the value itself; characters that a reader
  /// would not see are written as escapes, and long pointers are cut.
  public var pointer: String
  /// The keyword that refused; `closed` for a key that the schema does not name.
  public var keyword: String
  /// What was expected, for a person, without the place.
  public var text: String

  /// The place and the text.
  public var description: String { pointer.isEmpty ? text : "\(pointer) \(text)" }
}
