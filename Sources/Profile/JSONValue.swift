/// A value to be written as JSON, its keys in their order.
public indirect enum JSONValue: Sendable {
  /// An object.
  case object([(key: String, value: JSONValue)])
  /// An array.
  case array([JSONValue])
  /// A string.
  case string(String)
  /// An integer.
  case integer(Int64)
  /// A boolean.
  case boolean(Bool)
  /// Nothing.
  case null

  /// The value over several lines, indented by two spaces, with a line feed at the end.
  public var text: String {
    var result = ""
    write(to: &result, indentation: "")
    return result + "\n"
  }

  private func write(to result: inout String, indentation: String) {
    let inner = indentation + "  "
    switch self {
    case .object(let members) where members.isEmpty: result += "{}"
    case .array(let elements) where elements.isEmpty: result += "[]"
    case .object(let members):
      result += "{\n"
      for (index, member) in members.enumerated() {
        result += inner
        Self.write(member.key, to: &result)
        result += ": "
        member.value.write(to: &result, indentation: inner)
        result += index + 1 < members.count ? ",\n" : "\n"
      }
      result += indentation + "}"
    case .array(let elements):
      result += "[\n"
      for (index, element) in elements.enumerated() {
        result += inner
        element.write(to: &result, indentation: inner)
        result += index + 1 < elements.count ? ",\n" : "\n"
      }
      result += indentation + "]"
    case .string(let text): Self.write(text, to: &result)
    case .integer(let value): result += String(value)
    case .boolean(let value): result += value ? "true" : "false"
    case .null: result += "null"
    }
  }

  private static func write(_ text: String, to result: inout String) {
    result += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case _ where scalar.isHidden:
        for unit in String(Character(scalar)).utf16 {
          let digits = String(unit, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: result.unicodeScalars.append(scalar)
      }
    }
    result += "\""
  }
}
