/// Who wrote a line.
public enum Side: Sendable {
  /// The MCP client, which is our caller.
  case client
  /// The MCP server inside the cell.
  case server
}

/// What one message may cost.
public struct WireLimits: Sendable {
  /// The longest line that is decoded, in bytes without its LF.
  public var maxSize: Int
  /// How deep arrays and objects may nest; the message itself is level 1.
  public var maxDepth: Int

  /// Limits of 4 MiB and 64 levels unless told otherwise.
  ///
  /// Sizes are clamped to 64…1 GiB and depths to 4…1024.
  public init(maxSize: Int = 4 << 20, maxDepth: Int = 64) {
    self.maxSize = min(max(maxSize, 64), 1 << 30)
    self.maxDepth = min(max(maxDepth, 4), 1024)
  }
}

/// The id of a request: two ids are the same request only if type and value are equal.
///
/// Not an enumeration, because ids are copied often and a copy of this is one test of a pointer.
public struct RequestID: Hashable, Sendable {
  /// The integer, 0 for a string.
  public let number: Int64
  /// The canonical content of a string id, the bytes between its quotes; nil for an integer.
  public let content: [UInt8]?

  @inlinable @inline(__always)
  init(number: Int64, content: [UInt8]?) {
    self.number = number
    self.content = content
  }

  /// An integer within ±(2^53−1) that was written as an integer.
  @inlinable @inline(__always)
  public static func integer(_ number: Int64) -> RequestID {
    RequestID(number: number, content: nil)
  }

  /// The canonical content of a string id, the bytes between its quotes.
  public static func string(_ content: [UInt8]) -> RequestID {
    RequestID(number: 0, content: content)
  }

  /// Whether both are the same id.
  @inlinable @inline(__always)
  public static func == (one: RequestID, other: RequestID) -> Bool {
    guard let content = one.content else {
      return one.number == other.number && other.content == nil
    }
    return other.content.map { $0 == content } ?? false
  }

  /// Feeds the type and the value to a hash.
  public func hash(into hasher: inout Hasher) {
    if let content { hasher.combine(content) } else { hasher.combine(number) }
  }
}

/// What a message is in JSON-RPC 2.0.
public enum MessageKind: Sendable {
  /// `method` and `id`.
  case request
  /// `method` without `id`.
  case notification
  /// A response with `result`.
  case result
  /// A response with `error`.
  case error
}
