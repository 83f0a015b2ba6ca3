/// A value of a session record: what the session start and end say beyond the common fields.
///
/// The caller builds it from what it knows (the seal, resource use, counters); the encoder bounds
/// and escapes it like everything else.
public indirect enum Detail: Equatable, Sendable {
  /// A text of any origin.
  case text(String)
  /// A text whose bytes are not known to be UTF-8, such as a path.
  case bytes([UInt8])
  /// An integer.
  case integer(Int64)
  /// A truth value.
  case boolean(Bool)
  /// Nothing known.
  case null
  /// Values in order.
  case list([Detail])
  /// Named values in order; names are ours and must differ.
  case object([Member])

  /// A named value.
  public struct Member: Equatable, Sendable {
    /// The name, kebab or snake case, from this program's own vocabulary.
    public var name: String
    /// The value.
    public var value: Detail

    /// A named value.
    public init(_ name: String, _ value: Detail) {
      self.name = name
      self.value = value
    }
  }

  /// The digest or other bytes as lower-case hexadecimal text.
  public static func hexadecimal(_ bytes: [UInt8]) -> Detail {
    var digits: [UInt8] = []
    digits.appendHex(bytes)
    return .bytes(digits)
  }
}

extension [UInt8] {
  /// Appends a detail as JSON.
  mutating func appendDetail(_ detail: Detail) {
    switch detail {
    case .text(let text): appendQuoted(text, limit: RecordLimits.detail)
    case .bytes(let bytes): appendQuoted(bytes.span, as: .raw, limit: RecordLimits.detail)
    case .integer(let number): appendDecimal(number)
    case .boolean(let flag): appendASCII(flag ? "true" : "false")
    case .null: appendASCII("null")
    case .list(let values):
      append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { append(UInt8(ascii: ",")) }
        appendDetail(value)
      }
      append(UInt8(ascii: "]"))
    case .object(let members):
      append(UInt8(ascii: "{"))
      appendMembers(members)
      append(UInt8(ascii: "}"))
    }
  }

  /// Appends named values without the braces around them.
  mutating func appendMembers(_ members: [Detail.Member]) {
    for (index, member) in members.enumerated() {
      if index > 0 { append(UInt8(ascii: ",")) }
      appendQuoted(member.name, limit: RecordLimits.name)
      append(UInt8(ascii: ":"))
      appendDetail(member.value)
    }
  }

  /// Appends a quoted text.
  mutating func appendQuoted(_ text: Span<UInt8>, as source: TextSource, limit: Int) {
    append(UInt8(ascii: "\""))
    appendEscaped(text, as: source, limit: limit)
    append(UInt8(ascii: "\""))
  }

  /// Appends a quoted text of ours.
  mutating func appendQuoted(_ text: String, limit: Int) {
    appendQuoted([UInt8](text.utf8).span, as: .raw, limit: limit)
  }

  /// Appends the bytes of a text that needs no escape: a name of ours.
  mutating func appendASCII(_ text: StaticString) {
    appendText(text)
  }

  /// Appends the bytes of a text that needs no escape: a name of ours.
  mutating func appendName(_ text: String) {
    append(contentsOf: text.utf8)
  }
}

/// How much of an untrusted text a record holds, in bytes of the text before escaping.
enum RecordLimits {
  /// Method names, tool names, string ids.
  static let name = 128
  /// Keys in the shape of arguments.
  static let key = 64
  /// Keys that the shape of arguments names; the rest is counted.
  static let keys = 32
  /// One line of the server's stderr.
  static let line = 2_048
  /// A text of the session records.
  static let detail = 4_096
}
