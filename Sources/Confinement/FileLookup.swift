public import Linux

/// What plans and discoveries may ask about files; a value of the tests can stand in for the host.
public protocol FileLookup {
  /// lstat(2): the file itself, links not followed; nil when nothing is there.
  func status(_ path: String) throws(Errno) -> FileStatus?
  /// The text of a symbolic link.
  func target(ofLink path: String) throws(Errno) -> String
  /// Up to `maximum` bytes of a regular file from `offset` on; anything else is an error.
  func read(_ path: String, at offset: Int64, maximum: Int) throws(Errno) -> [UInt8]
  /// The names in a directory.
  func list(_ path: String) throws(Errno) -> [String]
}

/// The files of the machine that we run on.
public struct HostFiles: FileLookup {
  /// Looks at the host with the caller's rights.
  public init() {}

  /// See ``FileLookup``.
  public func status(_ path: String) throws(Errno) -> FileStatus? {
    do { return try Files.status(path, followLinks: false) } catch .noSuchFile {
      return nil
    } catch .notDirectory {
      return nil
    }
  }

  /// See ``FileLookup``.
  public func target(ofLink path: String) throws(Errno) -> String { try Files.linkTarget(path) }

  /// See ``FileLookup``.
  public func read(_ path: String, at offset: Int64, maximum: Int) throws(Errno) -> [UInt8] {
    // What a path leads to may be chosen by others: opening a pipe waits, and opening a device may
    // already do something. Looked at before and after, because the name may change in between.
    guard try Files.status(path).kind == .regular else { throw .invalidArgument }
    let file = try Files.open(path, [.readOnly, .nonblocking, .noTerminal])
    guard try Files.status(of: file.rawValue).kind == .regular else { throw .invalidArgument }
    return try Descriptor.read(file.rawValue, at: offset, maximum: maximum)
  }

  /// See ``FileLookup``.
  public func list(_ path: String) throws(Errno) -> [String] { try Files.list(path) }
}

/// A symbolic link that was met on the way to a file.
public struct PathLink: Hashable, Sendable {
  /// Where the link is; no component before the last is a link.
  public var path: String
  /// What it says, unchanged.
  public var target: String

  /// Makes a link.
  public init(path: String, target: String) {
    self.path = path
    self.target = target
  }
}

/// A path with every symbolic link on its way resolved.
public struct ResolvedPath: Hashable, Sendable {
  /// The path without links, `.` and `..`.
  public var real: String
  /// What is there.
  public var status: FileStatus
  /// The links that led there, in the order in which they were met.
  public var links: [PathLink]
}

/// Why a path could not be resolved.
public enum PathError: Error, Hashable, Sendable {
  /// Nothing is at this place, which the way led through.
  case missing(String)
  /// The kernel refused to look at this place.
  case failed(String, Errno)
  /// More than 40 links, as in the kernel's own limit (path_resolution(7)).
  case tooManyLinks(String)
  /// Not an absolute path.
  case relative(String)
}

/// Follows a path component by component, as the kernel would, and keeps the links it met.
public struct PathResolver<Lookup: FileLookup> {
  let files: Lookup

  /// A resolver over `files`.
  public init(_ files: Lookup) { self.files = files }

  /// Resolves an absolute path; with `followLast` false a link as last component stays.
  public func resolve(
    _ path: String, followLast: Bool = true
  ) throws(PathError) -> ResolvedPath {
    guard path.utf8.first == UInt8(ascii: "/") else { throw .relative(path) }
    var waiting = components(of: path)
    waiting.reverse()
    var done: [String] = []
    var links: [PathLink] = []
    var last = try status(at: "/")
    while let component = waiting.popLast() {
      if component.utf8.elementsEqual("..".utf8) {
        _ = done.popLast()
        last = try status(at: PathResolver.join(done))
        continue
      }
      let here = PathResolver.join(done + [component])
      let status = try status(at: here)
      if status.kind == .symbolicLink, followLast || !waiting.isEmpty {
        if links.count == 40 { throw .tooManyLinks(path) }
        let target: String
        do { target = try files.target(ofLink: here) } catch { throw .failed(here, error) }
        links.append(PathLink(path: here, target: target))
        if target.utf8.first == UInt8(ascii: "/") { done = [] }
        waiting.append(contentsOf: components(of: target).reversed())
        if done.isEmpty { last = try self.status(at: "/") }
        continue
      }
      done.append(component)
      last = status
    }
    return ResolvedPath(real: PathResolver.join(done), status: last, links: links)
  }

  private func status(at path: String) throws(PathError) -> FileStatus {
    do {
      guard let status = try files.status(path) else { throw PathError.missing(path) }
      return status
    } catch let error as Errno {
      throw .failed(path, error)
    } catch let error as PathError {
      throw error
    } catch {
      throw .failed(path, .inputOutput)
    }
  }

  private func components(of path: String) -> [String] {
    path.utf8.split(separator: UInt8(ascii: "/")).compactMap { part in
      part.elementsEqual(".".utf8) ? nil : String(Substring(part))
    }
  }

  static func join(_ components: [String]) -> String { "/" + components.joined(separator: "/") }
}
