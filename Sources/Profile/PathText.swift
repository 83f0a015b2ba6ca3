/// Paths as text: what a profile and the command line may say, decided without looking at files.
public enum PathText {
  /// The longest path that the kernel takes, without its NUL.
  static let bound = 4095

  /// What is wrong with a path of a profile, and what to write; nil when nothing is.
  static func fault(_ path: String) -> (message: String, hint: String?)? {
    guard path.utf8.first == UInt8(ascii: "/") else {
      let hint =
        path.hasPrefix("~")
        ? "write the home directory out, or take it from a variable of type directory"
        : "write a path that starts with /, or take it from a variable of type directory"
      return ("\(quoted(path)) is not an absolute path", hint)
    }
    guard path.utf8.count <= bound else {
      return ("the path is longer than \(bound) bytes", nil)
    }
    if path.utf8.count == 1 { return nil }
    for component in components(path) {
      switch component {
      case "":
        return (
          "\(quotedPath(path)) holds an empty component",
          "write one / between two names and none at the end"
        )
      case ".", "..":
        return ("\(quotedPath(path)) has \(component) as a component", "write the path without it")
      default: continue
      }
    }
    return nil
  }

  /// Makes the path of a `--set` absolute and plain, or says why that cannot be done.
  ///
  /// `..` is followed only at the front of a relative path, where the working directory is known
  /// to be a real path; elsewhere it could lead through a symbolic link to another place.
  public static func resolve(
    _ path: String, from workingDirectory: String
  ) -> (path: String?, fault: String) {
    guard !path.isEmpty else { return (nil, "the path is empty") }
    let isAbsolute = path.utf8.first == UInt8(ascii: "/")
    var parts = isAbsolute ? [] : components(workingDirectory).filter { !$0.isEmpty }
    var isAtFront = !isAbsolute
    for component in components(isAbsolute ? path : "/" + path) {
      switch component {
      case "", ".": continue
      case "..":
        guard isAtFront else {
          return (nil, "\(quotedPath(path)) has .. after a name")
        }
        _ = parts.popLast()
      default:
        isAtFront = false
        parts.append(component)
      }
    }
    let result = "/" + parts.joined(separator: "/")
    guard result.utf8.count <= bound else { return (nil, "the path is longer than \(bound) bytes") }
    return (result, "")
  }

  /// Whether `path` is `directory` or lies below it; both plain absolute paths.
  static func covers(_ directory: String, _ path: String) -> Bool {
    let outer = Array(directory.utf8)
    let inner = Array(path.utf8)
    guard inner.starts(with: outer) else { return false }
    return outer.count == 1 || inner.count == outer.count
      || inner[outer.count] == UInt8(ascii: "/")
  }

  /// What stands between the slashes of an absolute path; split by bytes, because a combining
  /// mark after a slash would make one `Character` of both.
  private static func components(_ path: String) -> [Substring] {
    path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { Substring($0) }
  }
}
