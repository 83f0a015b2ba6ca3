/// A pattern of names: `*` stands for any characters, also none, `?` for exactly one.
///
/// It is matched by characters and not by bytes, so that no part of it can match a part of an
/// escape or of a character.
struct Glob: Sendable {
  private enum Part: Sendable {
    case any
    case one
    /// One character, as canonical string content.
    case literal([UInt8])
  }

  private let parts: [Part]

  init(_ text: String) {
    var parts: [Part] = []
    for scalar in text.unicodeScalars {
      switch scalar {
      case "*": if case .any? = parts.last {} else { parts.append(.any) }
      case "?": parts.append(.one)
      default: parts.append(.literal(canonicalContent(of: Array(String(scalar).utf8))))
      }
    }
    self.parts = parts
  }

  /// Whether it matches canonical string content.
  func matches(_ range: Range<Int>, in bytes: [UInt8]) -> Bool {
    var at = range.lowerBound
    var part = 0
    /// Where the last `*` is and how far it has gone; an earlier one never has to go further.
    var star: (part: Int, at: Int)?
    while at < range.upperBound {
      let next = at + Self.length(bytes, at, range.upperBound)
      if part < parts.count {
        switch parts[part] {
        case .any:
          part += 1
          star = (part, at)
          continue
        case .one:
          part += 1
          at = next
          continue
        case .literal(let text):
          if bytes[at..<next].elementsEqual(text) {
            part += 1
            at = next
            continue
          }
        }
      }
      guard let last = star else { return false }
      let further = last.at + Self.length(bytes, last.at, range.upperBound)
      star = (last.part, further)
      part = last.part
      at = further
    }
    return parts[part...].allSatisfy { if case .any = $0 { true } else { false } }
  }

  /// The bytes of the character of canonical content that begins at `at`.
  private static func length(_ bytes: [UInt8], _ at: Int, _ end: Int) -> Int {
    let byte = bytes[at]
    let length: Int
    if byte == UInt8(ascii: "\\") {
      length = at + 1 < end && bytes[at + 1] == UInt8(ascii: "u") ? 6 : 2
    } else {
      length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    }
    return min(length, end - at)
  }
}
