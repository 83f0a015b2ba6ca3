internal import Linux

/// Follows paths component by component, as the kernel would, and remembers each step: a discovery
/// asks about the same few directories some hundred times, at every start of a server.
final class PathMemory<Lookup: FileLookup> {
  private let files: Lookup
  private var known: [PathKey: ResolvedPath?] = [:]

  init(_ files: Lookup) { self.files = files }

  /// What is at an absolute path, and the links on the way; nil if nothing is.
  func resolve(_ path: String, depth: Int) throws(RuntimeError) -> ResolvedPath? {
    // Deeper than any path of 4,096 bytes over 40 links that the kernel would follow (path_resolution(7)).
    guard depth < 1000 else { throw .failed(path: path, why: "too many symbolic links") }
    let key = PathKey(path)
    if let result = known[key] { return result }
    let result = try find(path, depth)
    known[key] = .some(result)
    return result
  }

  private func find(_ path: String, _ depth: Int) throws(RuntimeError) -> ResolvedPath? {
    let bytes = path.utf8
    let slash = UInt8(ascii: "/")
    var end = bytes.endIndex
    while end > bytes.startIndex, bytes[bytes.index(before: end)] == slash {
      end = bytes.index(before: end)
    }
    if end == bytes.startIndex { return try at("/", []) }
    guard let last = bytes[..<end].lastIndex(of: slash) else { return nil }
    let name = String(path[bytes.index(after: last)..<end])
    let above = last == bytes.startIndex ? "/" : String(path[..<last])
    guard let parent = try resolve(above, depth: depth + 1) else { return nil }
    guard parent.status.kind == .directory else { return nil }
    if Paths.equal(name, ".") { return parent }
    if Paths.equal(name, "..") { return try at(Paths.parent(parent.real), parent.links) }
    guard let here = try at(Paths.join(parent.real, name), parent.links) else { return nil }
    guard here.status.kind == .symbolicLink else { return here }
    let target: String
    do { target = try files.target(ofLink: here.real) } catch {
      throw .failed(path: here.real, why: "\(error)")
    }
    let link = PathLink(path: here.real, target: target)
    let goal = Paths.absolute(target, from: parent.real)
    guard var found = try resolve(goal, depth: depth + 25) else { return nil }
    // As the kernel does (path_resolution(7)): links that lead through links double at each step.
    guard parent.links.count + found.links.count < 40 else {
      throw .failed(path: here.real, why: "too many symbolic links")
    }
    found.links = parent.links + [link] + found.links
    return found
  }

  private func at(_ path: String, _ links: [PathLink]) throws(RuntimeError) -> ResolvedPath? {
    do {
      guard let status = try files.status(path) else { return nil }
      return ResolvedPath(real: path, status: status, links: links)
    } catch { throw .failed(path: path, why: "\(error)") }
  }
}

/// A path as a key: by its bytes, where Swift's strings compare by canonical equivalence.
struct PathKey: Hashable {
  private let path: String
  private let digest: UInt64

  init(_ path: String) {
    self.path = path
    // FNV-1a: a few nanoseconds, where the standard hash of a string normalises it first.
    var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in path.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
    self.digest = digest
  }

  static func == (left: Self, right: Self) -> Bool {
    left.digest == right.digest && Paths.equal(left.path, right.path)
  }

  func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
