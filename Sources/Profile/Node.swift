/// One node of the profile's text: what was written, and where.
struct Node {
  enum Content {
    case scalar(Scalar)
    case sequence([Node])
    case mapping([Entry])
    /// Already reported; looking closer would only repeat it.
    case refused
  }

  var content: Content
  var position: Position

  var entries: [Entry] {
    if case .mapping(let entries) = content { entries } else { [] }
  }

  var elements: [Node] {
    if case .sequence(let elements) = content { elements } else { [] }
  }

  var scalar: Scalar? {
    if case .scalar(let scalar) = content { scalar } else { nil }
  }

  /// The value below some keys, when every one of them is there.
  subscript(_ keys: String...) -> Node? {
    var node = self
    for key in keys {
      guard let entry = node.entries.first(where: { $0.key.isSame(key) }) else { return nil }
      node = entry.value
    }
    return node
  }
}

/// One key of a mapping with its value.
struct Entry {
  var key: String
  var keyPosition: Position
  var value: Node
}

/// A scalar, resolved by us and not by libyaml.
///
/// The rules are a strict part of YAML 1.2's core schema: only `true` and `false` are booleans,
/// only decimal digits are integers, and what is quoted is text, whatever it looks like.
struct Scalar {
  enum Kind: Equatable {
    case text
    case boolean
    case integer
    case null
    /// A plain scalar that other readers of YAML take for a number.
    case number
  }

  var text: String
  var isPlain: Bool

  var kind: Kind {
    guard isPlain else { return .text }
    switch text {
    case "true", "false": return .boolean
    case "", "~", "null", "Null", "NULL": return .null
    default: return Self.isInteger(text) ? .integer : Self.looksNumeric(text) ? .number : .text
    }
  }

  private static func isInteger(_ text: String) -> Bool {
    let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
    guard let first = digits.first, digits.allSatisfy({ (48...57).contains($0) }) else {
      return false
    }
    return first != 48 || digits.count == 1
  }

  /// `1.5`, `1e3`, `.inf`, `0x1f`, `0o17`, `+1`, `010`, `1_000`: told apart from words such as
  /// `10m` or `64MiB`, so that each is quoted or written as what it means.
  private static func looksNumeric(_ text: String) -> Bool {
    let unsigned = text.drop { $0 == "-" || $0 == "+" }
    switch unsigned {
    case ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN": return true
    default: break
    }
    let bytes = Array(unsigned.utf8)
    guard let first = bytes.first, (48...57).contains(first) || first == 46 && bytes.count > 1
    else { return false }
    if bytes.count > 2, first == 48, bytes[1] == 0x78 || bytes[1] == 0x6F {
      return bytes.dropFirst(2).allSatisfy(isHexadecimal)
    }
    let isDecimal = bytes.allSatisfy { (48...57).contains($0) || $0 == 46 || $0 == 95 }
    if isDecimal { return bytes.count { $0 == 46 } <= 1 && bytes.contains { $0 > 46 } }
    return isExponential(bytes)
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...102).contains(byte | 0x20)
  }

  private static func isExponential(_ bytes: [UInt8]) -> Bool {
    guard let index = bytes.firstIndex(where: { $0 | 0x20 == 0x65 }) else { return false }
    let mantissa = bytes[..<index]
    let exponent = bytes[(index + 1)...].drop { $0 == 43 || $0 == 45 }
    return mantissa.allSatisfy { (48...57).contains($0) || $0 == 46 }
      && !exponent.isEmpty && exponent.allSatisfy { (48...57).contains($0) }
  }
}
