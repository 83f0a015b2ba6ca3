/// URI references as RFC 3986 resolves them; nothing is fetched, they are names only.
struct Address: Hashable {
  private static let colon = UInt8(ascii: ":")
  private static let slash = UInt8(ascii: "/")
  private static let question = UInt8(ascii: "?")
  private static let hash = UInt8(ascii: "#")

  /// Without its colon, nil if it has none.
  private var scheme: [UInt8]?
  /// Without its slashes, nil if it has none.
  private var authority: [UInt8]?
  private var path: [UInt8] = []
  private var query: [UInt8]?

  /// Its length in bytes.
  var length: Int {
    (scheme?.count ?? 0) + (authority?.count ?? 0) + path.count + (query?.count ?? 0)
  }

  /// The address of a document that has none.
  init() {}

  /// The address without its fragment.
  init(_ text: some Sequence<UInt8>) {
    var rest = Array(text)[...]
    if let at = rest.firstIndex(of: Self.hash) { rest = rest[..<at] }
    if let at = rest.firstIndex(of: Self.colon), Self.isScheme(rest[..<at]) {
      scheme = rest[..<at].map { $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0 }
      rest = rest[(at + 1)...]
    }
    if let at = rest.firstIndex(of: Self.question) {
      query = Array(rest[(at + 1)...])
      rest = rest[..<at]
    }
    if rest.starts(with: [Self.slash, Self.slash]) {
      rest = rest.dropFirst(2)
      let end = rest.firstIndex(of: Self.slash) ?? rest.endIndex
      authority = Array(rest[..<end])
      rest = rest[end...]
    }
    path = Array(rest)
  }

  private static func isScheme(_ text: ArraySlice<UInt8>) -> Bool {
    guard let first = text.first, isLetter(first) else { return false }
    return text.allSatisfy {
      isLetter($0) || ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "+")
        || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a }

  /// What a reference means from here (RFC 3986, section 5.2.2).
  func resolve(_ reference: Address) -> Address {
    var target = reference
    guard reference.scheme == nil else {
      target.path = Self.withoutDots(reference.path)
      return target
    }
    target.scheme = scheme
    guard reference.authority == nil else {
      target.path = Self.withoutDots(reference.path)
      return target
    }
    target.authority = authority
    if reference.path.isEmpty {
      target.path = path
      target.query = reference.query ?? query
    } else if reference.path.first == Self.slash {
      target.path = Self.withoutDots(reference.path)
    } else {
      var merged: [UInt8] = []
      if authority != nil, path.isEmpty {
        merged.append(Self.slash)
      } else if let at = path.lastIndex(of: Self.slash) {
        merged += path[...at]
      }
      target.path = Self.withoutDots(merged + reference.path)
    }
    return target
  }

  private static func withoutDots(_ path: [UInt8]) -> [UInt8] {
    guard path.contains(UInt8(ascii: ".")) else { return path }
    let dot = [UInt8(ascii: ".")][...]
    let parts = path.split(separator: slash, omittingEmptySubsequences: false)
    var kept: [ArraySlice<UInt8>] = []
    let isRooted = path.first == slash
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      if part == dot {
        if isLast { kept.append([]) }
      } else if part == dot + dot {
        if kept.count > (isRooted ? 1 : 0) { kept.removeLast() }
        if isLast { kept.append([]) }
      } else {
        kept.append(part)
      }
    }
    return Array(kept.joined(separator: [slash]))
  }

  /// The fragment of a reference without its `#` and its percent-encoding, empty if it has none; nil
  /// if the encoding is broken.
  static func fragment(_ text: [UInt8]) -> [UInt8]? {
    guard let at = text.firstIndex(of: hash) else { return [] }
    var fragment: [UInt8] = []
    var index = at + 1
    while index < text.count {
      if text[index] == UInt8(ascii: "%") {
        guard index + 2 < text.count, let high = digit(text[index + 1]),
          let low = digit(text[index + 2])
        else { return nil }
        fragment.append(high << 4 | low)
        index += 3
      } else {
        fragment.append(text[index])
        index += 1
      }
    }
    return fragment
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}
