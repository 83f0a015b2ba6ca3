import Wire

/// Makes text of untrusted bytes that a person can see and that says nothing else than it shows.
enum Wording {
  /// The longest name that is shown, in characters, and the most of a pointer.
  private static let longest = 64
  private static let mostSteps = 16

  /// A name between quotes, cut where it is long.
  static func quoted(_ name: some Sequence<UInt8>) -> String { "\"\(visible(name))\"" }

  /// A name, cut where it is long.
  static func visible(_ name: some Sequence<UInt8>) -> String {
    var text = ""
    var count = 0
    var codec = UTF8()
    var iterator = name.makeIterator()
    while case .scalarValue(let scalar) = codec.decode(&iterator) {
      count += 1
      if count > longest { return text + "…" }
      append(scalar, to: &text)
    }
    return text
  }

  private static func append(_ scalar: Unicode.Scalar, to text: inout String) {
    switch scalar {
    case "\"", "\\":
      text.unicodeScalars.append("\\")
      text.unicodeScalars.append(scalar)
    default:
      if scalar.value < 0x20 || scalar.value == 0x7f || scalar.isUnseen {
        text += "\\u{" + String(scalar.value, radix: 16) + "}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }

  /// A JSON pointer from its steps.
  static func pointer(_ steps: [[UInt8]]) -> String {
    var text = ""
    for (index, step) in steps.enumerated() {
      if index == mostSteps { return text + "/…" }
      text += "/"
      var escaped: [UInt8] = []
      for byte in step {
        switch byte {
        case UInt8(ascii: "~"): escaped += [byte, UInt8(ascii: "0")]
        case UInt8(ascii: "/"): escaped += [UInt8(ascii: "~"), UInt8(ascii: "1")]
        default: escaped.append(byte)
        }
      }
      text += visible(escaped)
    }
    return text
  }
}
