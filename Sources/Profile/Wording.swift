extension String {
  /// Whether both are the same bytes; `==` calls canonically equivalent strings equal.
  func isSame(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension Unicode.Scalar {
  /// Whether it is a control, or changes what a reader sees without being seen itself; the latter as
  /// in `Wire`'s `isUnseen`.
  var isHidden: Bool {
    switch value {
    case 0...0x1F, 0x7F...0x9F, 0xAD, 0x34F, 0x61C, 0x115F...0x1160, 0x17B4...0x17B5,
      0x180B...0x180F, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0x3164, 0xFDD0...0xFDEF,
      0xFE00...0xFE0F, 0xFEFF, 0xFFA0, 0xFFF0...0xFFFB, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A,
      0xE0000...0xE0FFF:
      true
    default: value & 0xFFFE == 0xFFFE
    }
  }

  /// How a message writes it: as it is, or as `\u{…}` when it is hidden.
  var visible: String {
    isHidden ? "\\u{\(String(value, radix: 16))}" : String(Character(self))
  }
}

/// Text as a message shows it: in quotes, controls and hidden characters as escapes, and cut after
/// `limit` characters.
public func quoted(_ text: String, limit: Int = 60) -> String {
  var result = "\""
  var count = 0
  for scalar in text.unicodeScalars {
    count += 1
    if count > limit { return result + "…\"" }
    result += scalar == "\"" || scalar == "\\" ? "\\" + String(Character(scalar)) : scalar.visible
  }
  return result + "\""
}

/// A path as a message shows it: like other text, and never cut, because one copies it.
public func quotedPath(_ path: String) -> String { quoted(path, limit: .max) }

/// A path as one word of a shell's command line; one with hidden characters, which nobody should
/// paste unseen, as a message shows it.
public func shellQuoted(_ path: String) -> String {
  if path.unicodeScalars.contains(where: \.isHidden) { return quotedPath(path) }
  let isPlain = path.utf8.allSatisfy { byte in
    switch byte {
    case 0x2B...0x3A, 0x40...0x5A, 0x5F, 0x61...0x7A: true  // + , - . / digits : @ letters _
    default: false
    }
  }
  if isPlain, !path.isEmpty { return path }
  return "'"
    + path.utf8.split(separator: 0x27, omittingEmptySubsequences: false)
    .map { String(Substring($0)) }.joined(separator: "'\\''") + "'"
}

/// A name as a message shows it: without quotes, made visible, and not too long.
public func shown(_ text: String) -> String {
  let quotedText = quoted(text)
  return text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
    && text.utf8.count <= 60 && !text.isEmpty ? text : quotedText
}

/// Text as a line of a report shows it: controls and hidden characters as escapes.
public func madeVisible(_ text: String) -> String {
  text.unicodeScalars.map(\.visible).joined()
}

/// `a`, `a or b`, `a, b or c`.
public func alternatives(_ names: [String]) -> String {
  guard let last = names.last, names.count > 1 else { return names.first ?? "" }
  return names.dropLast().joined(separator: ", ") + " or " + last
}
