internal import Profile
internal import Wire

/// Resources that are allowed, by URI.
///
/// A rule is a URI that is meant exactly, `PREFIX/**` for what is below one by whole segments, or
/// `SCHEME:**`. URIs are compared byte for byte: what two URIs mean is the server's affair, so one
/// that holds `.` or `..` as a segment, plain or with percent signs, or a control character, is below
/// nothing.
struct ResourceRules: Sendable {
  private struct Rule: Sendable {
    /// The URI, or what stands before `**`, as canonical string content.
    var text: [UInt8]
    var isPrefix: Bool
    var line: Int
  }

  private let everything: Int?
  private let rules: [Rule]

  init(_ allowed: Profile.Names) {
    switch allowed {
    case .everything(let line):
      everything = line
      rules = []
    case .names(let names):
      everything = nil
      rules = names.map { name in
        let isPrefix = name.value.utf8.suffix(2).elementsEqual("**".utf8)
        let text = isPrefix ? Array(name.value.utf8.dropLast(2)) : Array(name.value.utf8)
        return Rule(text: canonicalContent(of: text), isPrefix: isPrefix, line: name.line)
      }
    }
  }

  /// Whether no resource is allowed.
  var isEmpty: Bool { everything == nil && rules.isEmpty }

  /// The line that allows a URI, by the canonical content of its string; nil if none does.
  func line(of range: Range<Int>, in bytes: [UInt8]) -> Int? {
    guard range.count <= Bounds.uri else { return nil }
    if let everything { return everything }
    let uri = bytes[range]
    let exact = rules.first { !$0.isPrefix && $0.text.elementsEqual(uri) }
    if let exact { return exact.line }
    let prefix = rules.first {
      $0.isPrefix && $0.text.count < uri.count && uri.starts(with: $0.text)
    }
    guard let prefix, !Self.climbs(uri.dropFirst(prefix.text.count)) else { return nil }
    return prefix.line
  }

  /// The line that allows something a template can become, nil if none does.
  func line(ofTemplate range: Range<Int>, in bytes: [UInt8]) -> Int? {
    guard range.count <= Bounds.uri else { return nil }
    if let everything { return everything }
    let template = bytes[range]
    let literal = template.prefix { $0 != UInt8(ascii: "{") }
    let rule = rules.first { rule in
      rule.isPrefix && literal.starts(with: rule.text)
        && !Self.climbs(literal.dropFirst(rule.text.count))
        || rule.text.starts(with: literal) && literal.count < template.count
        || !rule.isPrefix && rule.text.elementsEqual(template)
    }
    return rule?.line
  }

  /// Whether what follows a prefix has a segment that a server may take for "up" or "here": `.` or
  /// `..`, plain or with percent signs.
  ///
  /// A segment ends wherever some reader ends one. Whether a `?` begins a query depends on when the
  /// percent signs are undone, so what follows it is looked at like a path. Spaces at the ends of an
  /// address are taken off by some, and controls inside it as well (WHATWG URL).
  private static func climbs(_ rest: ArraySlice<UInt8>) -> Bool {
    var dots = 0
    var isOther = false
    for byte in plain(rest) {
      switch byte {
      case 0..<0x20, 0x7F: return true
      case 0x20: break
      case UInt8(ascii: "."): dots += 1
      case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "#"),
        UInt8(ascii: ";"):
        if !isOther, dots == 1 || dots == 2 { return true }
        dots = 0
        isOther = false
      default: isOther = true
      }
    }
    return !isOther && (dots == 1 || dots == 2)
  }

  /// The bytes that canonical string content stands for once every percent sign is undone that can be:
  /// a server may undo them more than once.
  private static func plain(_ content: ArraySlice<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(content.count)
    var at = content.startIndex
    while at < content.endIndex {
      var byte = content[at]
      at += 1
      if byte == UInt8(ascii: "\\"), at < content.endIndex {
        let escaped = content[at]
        at += 1
        // Of every other escape than these two it is enough to know that it is a control.
        byte = escaped == UInt8(ascii: "\"") || escaped == byte ? escaped : 0
      }
      output.append(byte)
      while output.count >= 3, output[output.count - 3] == UInt8(ascii: "%"),
        let high = Hexadecimal.digit(output[output.count - 2]),
        let low = Hexadecimal.digit(output[output.count - 1])
      {
        output.removeLast(3)
        output.append(high << 4 | low)
      }
    }
    return output
  }
}

/// Hexadecimal digits, as URIs write bytes.
enum Hexadecimal {
  /// The value of a digit, nil if it is none.
  static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46, 0x61...0x66: (byte | 0x20) - 0x57
    default: nil
    }
  }
}
