/// Why a schema cannot be used: what is wrong, and where in the schema.
public struct SchemaFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kinds of fault.
  public enum Kind: String, Sendable, CaseIterable {
    /// A keyword has a value that its draft does not allow.
    case malformed
    /// `$schema` names a draft or vocabulary that is not understood.
    case dialect
    /// A reference leads out of the document.
    case remote
    /// A reference leads to nothing.
    case unresolved
    /// References apply a schema to the same value without end.
    case endless
    /// A pattern is not understood or costs too much.
    case pattern
    /// The schema is larger than the limits allow.
    case tooLarge = "too-large"
  }

  /// What is wrong.
  public var kind: Kind
  /// Where in the schema, as a JSON pointer; its characters are all visible.
  public var pointer: String
  /// What is wrong, for a person, without the place.
  public var text: String

  /// A fault at a place of a schema.
  public init(kind: Kind, pointer: String, text: String) {
    self.kind = kind
    self.pointer = pointer
    self.text = text
  }

  /// The place and the text.
  public var description: String { pointer.isEmpty ? text : "\(pointer): \(text)" }
}
