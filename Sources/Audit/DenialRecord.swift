public import Wire

/// What a record says of a system call that the cell's filter refused.
public struct DenialRecord: Sendable {
  /// The calls of tools that a record names; the others are counted.
  public static let mostCalls = 8

  /// The system call's name, and its number if it is within the filter's table.
  public var call: String, number: Int?
  /// The name of the error that the server got.
  public var errno: String
  /// What a profile would have to say for the call to be let through, nil if nothing helps.
  public var allow: String?
  /// Why it is refused.
  public var why: String
  /// The calls of tools that were in flight, oldest first: id and tool, as canonical content.
  public var during: [(id: RequestID, tool: [UInt8])]

  /// A record with all its fields.
  public init(
    call: String, number: Int?, errno: String, allow: String?, why: String,
    during: [(id: RequestID, tool: [UInt8])]
  ) {
    self.call = call
    self.number = number
    self.errno = errno
    self.allow = allow
    self.why = why
    self.during = during
  }
}
