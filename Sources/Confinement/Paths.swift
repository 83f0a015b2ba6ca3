/// Paths as text, compared as bytes, without a look at any file.
enum Paths {
  private static let slash = UInt8(ascii: "/")

  /// Whether `path` is `ancestor` or below it.
  static func isWithin(_ path: String, _ ancestor: String) -> Bool {
    let path = Array(path.utf8)
    let ancestor = Array(ancestor.utf8)
    if ancestor.count == 1 { return true }
    guard path.starts(with: ancestor) else { return false }
    return path.count == ancestor.count || path[ancestor.count] == UInt8(ascii: "/")
  }

  /// The directories above `path`, the highest first, without "/".
  static func ancestors(of path: String) -> [String] {
    var result: [String] = []
    let bytes = Array(path.utf8)
    for index in bytes.indices.dropFirst() where bytes[index] == UInt8(ascii: "/") {
      if let ancestor = String(validating: bytes[..<index], as: UTF8.self) {
        result.append(ancestor)
      }
    }
    return result
  }

  static func equal(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8)
  }

  /// Whether `path` lies strictly below `directory`; both without links and `..`.
  static func isBelow(_ path: String, _ directory: String) -> Bool {
    if equal(directory, "/") { return path.utf8.count > 1 }
    let prefix = directory.utf8
    return path.utf8.starts(with: prefix) && path.utf8.dropFirst(prefix.count).first == slash
  }

  /// The names in a path.
  static func components(_ path: String) -> [String] {
    path.utf8.split(separator: slash).map { String(Substring($0)) }
  }

  /// The directory part; `/` for the root itself.
  static func parent(_ path: String) -> String {
    let parts = components(path).dropLast()
    return "/" + parts.joined(separator: "/")
  }

  /// The last name in a path; empty for the root.
  static func name(_ path: String) -> String { components(path).last ?? "" }

  /// `name` in `directory`.
  static func join(_ directory: String, _ name: String) -> String {
    directory.utf8.last == slash ? directory + name : directory + "/" + name
  }

  /// `path` itself if it is absolute, otherwise below `directory`.
  static func absolute(_ path: String, from directory: String) -> String {
    path.utf8.first == slash ? path : join(directory, path)
  }
}
