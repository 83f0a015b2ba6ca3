/// `under`: a string that is a path inside a directory, as far as its text shows.
///
/// The text is cleaned as paths are: empty and `.` components do not count, `..` takes one back.
/// What programs read in different ways is refused: control characters, a backslash, a space at
/// either end, `~` at the beginning, an address with a scheme.
///
/// *Limits.* Symbolic links are not followed, so a path that is inside by its text can lead out by
/// a link; what the server really sees is decided by the cell's file system.
struct PathRule: Sendable {
  private let directory: [ArraySlice<UInt8>]
  /// Where relative paths begin, nil if that is not known.
  private let base: [ArraySlice<UInt8>]?

  /// - Parameter workdir: the server's working directory, nil if it is a private one.
  init(directory: String, workdir: String?) {
    self.directory = Self.components(Array(directory.utf8)[...])
    base = workdir.map { Self.components(Array($0.utf8)[...]) }
  }

  /// What is wrong with a path, nil if it is inside.
  func fault(_ path: [UInt8]) -> StaticString? {
    guard let first = path.first, let last = path.last else { return "is empty" }
    guard path.count <= 4_095 else { return "is too long for a path" }
    guard !path.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      return "has a control character"
    }
    guard first != 0x20, last != 0x20 else { return "begins or ends with a space" }
    guard !path.contains(UInt8(ascii: "\\")) else { return "has a backslash" }
    guard first != UInt8(ascii: "~") else { return "begins with ~" }
    guard !Self.hasScheme(path) else { return "is an address and not a path" }
    var way: [ArraySlice<UInt8>] = []
    if first != UInt8(ascii: "/") {
      guard let base else { return "is relative, and the profile names no working directory" }
      way = base
    }
    for component in Self.components(path[...]) {
      if component.elementsEqual("..".utf8) {
        _ = way.popLast()
      } else {
        way.append(component)
      }
    }
    let isInside =
      way.count >= directory.count
      && zip(way, directory).allSatisfy { $0.elementsEqual($1) }
    return isInside ? nil : "is outside"
  }

  /// `file:/…`, `https://…`: some servers take such for a path.
  private static func hasScheme(_ path: [UInt8]) -> Bool {
    guard let colon = path.firstIndex(of: UInt8(ascii: ":")), colon > 0, colon + 1 < path.count,
      path[colon + 1] == UInt8(ascii: "/")
    else { return false }
    return path[..<colon].allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
  }

  /// The components that count.
  private static func components(_ path: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    path.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
  }
}
