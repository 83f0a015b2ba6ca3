internal import Linux

/// Paths of our own that no cell may reach: the profile and the audit log.
struct GuardedPaths {
  /// What must be neither readable nor writable, as it is written and as it is resolved.
  private var places: [String]
  /// Links on the way to those; whoever can replace one chooses the profile or the log.
  private var links: [String] = []

  init(_ paths: [String], resolver: PathResolver<some FileLookup>) {
    places = paths
    for path in paths {
      // What is not there yet is made later, below what is there now.
      var above = path
      var missing: [String] = []
      while true {
        do {
          let found = try resolver.resolve(above)
          places.append(missing.reversed().reduce(found.real) { Paths.join($0, $1) })
          links += found.links.map(\.path)
          break
        } catch {
          guard let name = Paths.components(above).last else { break }
          missing.append(name)
          above = Paths.parent(above)
        }
      }
    }
  }

  /// All of them that a grant of `path` for writing would let the server change, and all links on the
  /// way to them.
  func all(reachedBy path: String) -> [String] {
    places.filter { Paths.isWithin($0, path) || Paths.isWithin(path, $0) }
      + links.filter { Paths.isWithin($0, path) }
  }

  /// What of them a grant of `path` would let the server reach; nil if nothing.
  func reached(by path: String, _ access: Grant.Access) -> String? {
    let place = places.first { Paths.isWithin($0, path) || Paths.isWithin(path, $0) }
    // Reading a link gives nothing away.
    return place ?? (access == .write ? links.first { Paths.isWithin($0, path) } : nil)
  }
}
