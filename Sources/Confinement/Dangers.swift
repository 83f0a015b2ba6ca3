internal import Linux
internal import Profile

/// A grant that could open more than its path says, and that the profile wants nevertheless.
public struct Danger: Hashable, Sendable {
  /// The real path.
  public var path: String
  /// What may be done with it.
  public var access: Grant.Access
  /// What is dangerous about it.
  public var why: String
  /// Why it is wanted, in the profile's words.
  public var reason: String
  /// The line of the profile, 0 when built in.
  public var line: Int
}

/// What a grant could open by accident, so that it must be said twice.
enum Dangers {
  /// What is dangerous about a path that could be granted; nil if nothing is known to be.
  static func why(
    _ path: String, _ access: Grant.Access, files: some FileLookup
  ) -> String? {
    if isBelow(path, "/sys") {
      return "it shows the kernel's own interfaces"
    }
    if ["/run", "/var/run"].contains(where: { isBelow(path, $0) }) {
      return "the host keeps its sockets and its running state there"
    }
    if access == .write, let cache = PackageCaches.reached(by: path, files: files) {
      return "\(cache) holds packages, and what one server puts there another one runs"
    }
    return nil
  }

  /// Whether a mount of an interface belongs to a place that was granted as dangerous: /sys is one
  /// as a whole, and /run is a file system in memory.
  static func expects(_ mount: Mount, in path: String) -> Bool {
    if isBelow(path, "/sys") { return true }
    return isBelow(path, "/run") && !HostMounts.isInterface(mount.type)
  }

  static func isBelow(_ path: String, _ place: String) -> Bool { Paths.isWithin(path, place) }
}

/// Directories in which package managers keep what they run or install later, below a home
/// directory. The docs have the list with its sources.
enum PackageCaches {
  static let places = [
    ".npm", ".yarn", ".bun", ".cargo", ".rustup", ".m2", ".gradle", ".gem", ".bundle", ".nuget",
    ".dotnet", ".composer", ".pyenv", ".nvm", "go/pkg/mod",
    ".cache/npm", ".cache/yarn", ".cache/pnpm", ".cache/node", ".cache/node-gyp", ".cache/deno",
    ".cache/pip", ".cache/uv", ".cache/pipx", ".cache/pypoetry", ".cache/pdm", ".cache/hatch",
    ".cache/go-build", ".cache/composer", ".cache/ms-playwright",
    ".local/share/pnpm", ".local/share/uv", ".local/share/pipx", ".local/share/virtualenv",
    ".local/share/gem", ".local/pipx", ".local/bin", ".local/lib",
  ].map { $0.utf8.split(separator: UInt8(ascii: "/")).map { [UInt8]($0) } }

  /// Directories that hold such places and little else: dangerous also while these are not there.
  private static let around = [".cache", ".local", ".local/share"]
    .map { $0.utf8.split(separator: UInt8(ascii: "/")).map { [UInt8]($0) } }

  /// The cache that a writable grant of `path` would share; nil if none is known.
  static func reached(by path: String, files: some FileLookup) -> String? {
    let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { [UInt8]($0) }
    for place in places + around
    where parts.holds(place)
      && (!around.contains(place) || parts.suffix(place.count).elementsEqual(place))
    {
      return path
    }
    for place in places {
      // Of ".cache/uv" what is missing at the end of the path.
      for known in 0..<place.count where parts.suffix(known).elementsEqual(place.prefix(known)) {
        let rest = place.dropFirst(known).compactMap { String(validating: $0, as: UTF8.self) }
        let full = Paths.join(path, rest.joined(separator: "/"))
        // What cannot be looked at is not there for this caller.
        do { if try files.status(full) != nil { return full } } catch { continue }
      }
    }
    return nil
  }
}
