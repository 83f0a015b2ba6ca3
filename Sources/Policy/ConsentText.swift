internal import Wire

/// The question whether a call may be made, as `elicitation/create` puts it (MCP, Elicitation).
///
/// The call is shown in full: what is too long to be shown is not asked about. Each argument keeps
/// to the lines that are its own, because no string is shown with a line break in it, and what a
/// reader would not see is written out, as `\u{200b}`.
struct ConsentText {
  /// The `params` of the question, as a JSON object; nil when it would be longer than
  /// `Bounds.question`.
  ///
  /// - Parameter profile: the name of the profile, plain ASCII.
  static func params(
    profile: String, tool: [UInt8], _ arguments: Value?, of document: Document
  ) -> [UInt8]? {
    var text = ConsentText()
    text.append("May this call be made? The profile \(profile) has you asked.\n\ntool: ")
    text.append(content: tool.indices, of: tool)
    text.append("\narguments: ")
    if let arguments {
      text.append(arguments, of: document, indent: 0)
    } else {
      text.append("none")
    }
    guard text.bytes.count <= Bounds.question else { return nil }
    var writer = ByteWriter()
    writer.append(#"{"message":"#)
    writer.appendString(text.bytes)
    writer.append(
      #","requestedSchema":{"type":"object","properties":{"allow":{"type":"string","#)
    writer.append(#""title":"Allow","description":"once: this call alone; "#)
    writer.append(#"session: every call of this tool in this session, with any arguments","#)
    writer.append(#""enum":["once","session"]}},"required":["allow"]}}"#)
    return writer.bytes
  }

  private var bytes: [UInt8] = []

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// Appends a value over as many lines as it has members and elements.
  private mutating func append(_ value: Value, of document: Document, indent: Int) {
    // What is too long already is only walked on to be told so.
    guard bytes.count <= Bounds.question else { return }
    switch value.kind {
    case .object where value.range.count > 2:
      append("{")
      var isFirst = true
      for (key, member) in document.members(of: value) {
        begin(&isFirst, indent + 2)
        append("\"")
        append(content: key, of: document.bytes)
        append("\": ")
        append(member, of: document, indent: indent + 2)
      }
      end("}", indent)
    case .array where value.range.count > 2:
      append("[")
      var isFirst = true
      for element in document.elements(of: value) {
        begin(&isFirst, indent + 2)
        append(element, of: document, indent: indent + 2)
      }
      end("]", indent)
    case .string:
      append("\"")
      append(content: document.content(value), of: document.bytes)
      append("\"")
    default: bytes.append(contentsOf: document.bytes[value.range])
    }
  }

  private mutating func begin(_ isFirst: inout Bool, _ indent: Int) {
    append(isFirst ? "\n" : ",\n")
    isFirst = false
    append(String(repeating: " ", count: indent))
  }

  private mutating func end(_ bracket: String, _ indent: Int) {
    append("\n" + String(repeating: " ", count: indent) + bracket)
  }

  /// Appends canonical string content as it is written in JSON, what is not seen written out.
  private mutating func append(content range: Range<Int>, of source: [UInt8]) {
    var decoder = UTF8()
    var iterator = source[range].makeIterator()
    while bytes.count <= Bounds.question {
      guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return }
      if scalar.value == 0x7F || scalar.isUnseen {
        append("\\u{" + String(scalar.value, radix: 16) + "}")
      } else {
        bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      }
    }
  }
}
