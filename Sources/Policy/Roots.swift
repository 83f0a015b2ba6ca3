internal import Wire

/// Roots: the client's answer names directories, of which the server hears of those that it sees.
///
/// In the cell a granted path has the name that it has outside, so that nothing is translated.
extension Window {
  /// A result of `roots/list` with the roots that the server sees, and how many were taken out; nil
  /// if it is none.
  func rootsKept(of result: Value, in document: Document) -> (bytes: [UInt8], removed: Int)? {
    guard let roots = document.member(Key.roots, of: result), roots.kind == .array else {
      return nil
    }
    var removed = 0
    var output = Array(document.bytes[result.range.lowerBound..<roots.range.lowerBound])
    output.append(UInt8(ascii: "["))
    let start = output.count
    for root in document.elements(of: roots) {
      guard let uri = document.member(Key.uri, of: root), uri.kind == .string,
        !KnownKeys.entry.areLookAlikes(in: root, of: document),
        let path = Self.path(ofFile: document.utf8(uri)), isVisible(path)
      else {
        removed += 1
        continue
      }
      if output.count > start { output.append(UInt8(ascii: ",")) }
      output.append(contentsOf: document.bytes[root.range])
    }
    output.append(UInt8(ascii: "]"))
    output.append(contentsOf: document.bytes[roots.range.upperBound..<result.range.upperBound])
    return (output, removed)
  }

  /// Whether a path is one that the profile grants, or below one.
  private func isVisible(_ path: [UInt8]) -> Bool {
    rules.permissions.visible.contains { granted in
      path.starts(with: granted)
        && (path.count == granted.count || path[granted.count] == UInt8(ascii: "/"))
    }
  }

  /// The path that a `file` URI (RFC 8089) of this host names, without a `/` at its end; nil for any
  /// other URI, and for one that climbs, holds a NUL or percent signs that stand for nothing.
  static func path(ofFile uri: [UInt8]) -> [UInt8]? {
    let prefixes = ["file:///", "file://localhost/"].map { Array($0.utf8) }
    guard let prefix = prefixes.first(where: { uri.starts(with: $0) }) else { return nil }
    var path: [UInt8] = []
    var at = prefix.count - 1
    while at < uri.count {
      var byte = uri[at]
      at += 1
      if byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") { return nil }
      if byte == UInt8(ascii: "%") {
        guard at + 1 < uri.count, let high = Hexadecimal.digit(uri[at]),
          let low = Hexadecimal.digit(uri[at + 1])
        else { return nil }
        byte = high << 4 | low
        at += 2
      }
      if byte == 0 { return nil }
      path.append(byte)
    }
    for part in path.split(separator: UInt8(ascii: "/")) {
      if part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) { return nil }
    }
    while path.count > 1, path.last == UInt8(ascii: "/") { path.removeLast() }
    return path
  }
}
