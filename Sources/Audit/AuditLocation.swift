public import Linux

/// Where a profile's audit files are.
///
/// One file a session: `DIRECTORY/YYYYMMDDTHHMMSSZ-SESSION.jsonl`, mode 0600, in a directory of the
/// profile's own, mode 0700, outside of everything that a cell can see.
public struct AuditLocation: Equatable, Sendable {
  /// The directory that is expected to be there, or is made like any other: the state directory of
  /// the user, or `/var/log`.
  public let base: String
  /// The directories below it, which are ours alone.
  public let components: [String]

  /// Where the files of a profile are.
  ///
  /// - Parameters:
  ///   - profile: the profile's name, which is a file name too.
  ///   - isRoot: whether the caller is root, whose records are kept with the system's.
  ///   - stateHome: `XDG_STATE_HOME`; ignored if it is not an absolute path, as the XDG Base
  ///     Directory Specification asks.
  ///   - home: `HOME`.
  /// - Throws: ``AuditOpenError`` if there is no such place.
  public init(
    profile: String, isRoot: Bool, stateHome: String?, home: String?
  ) throws(AuditOpenError) {
    guard AuditLocation.isFileName(profile) else {
      throw AuditOpenError(.name, profile)
    }
    if isRoot {
      base = "/var/log"
      components = ["anchorhold", profile]
      return
    }
    components = ["anchorhold", "audit", profile]
    if let stateHome, stateHome.utf8.first == UInt8(ascii: "/") {
      base = stateHome
    } else if let home, home.utf8.first == UInt8(ascii: "/") {
      base = home + "/.local/state"
    } else {
      throw AuditOpenError(.noHome, "HOME")
    }
  }

  /// The directory that holds the records of every profile: no cell may see it.
  public var guarded: String { ([base] + components.dropLast()).joined(separator: "/") }

  /// The profile's own directory.
  public var directory: String { ([base] + components).joined(separator: "/") }

  /// Whether a name of ours can stand in a path: it begins with a letter or digit and has nothing
  /// but letters, digits, `.`, `_` and `-`.
  static func isFileName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard let first = bytes.first, bytes.count <= 128 else { return false }
    let isPlain = { (byte: UInt8) in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: false
      }
    }
    let marks = Array("._-".utf8)
    return isPlain(first) && bytes.allSatisfy { isPlain($0) || marks.contains($0) }
  }
}

/// Why an audit file could not be opened.
public struct AuditOpenError: Error, Equatable, Sendable {
  /// What went wrong.
  public enum Problem: Equatable, Sendable {
    /// The name cannot stand in a path.
    case name
    /// There is no home directory to keep records in.
    case noHome
    /// A directory could not be made.
    case makeDirectory(Errno)
    /// A directory could not be looked at.
    case openDirectory(Errno)
    /// A directory belongs to someone else.
    case owner
    /// A directory can be written by others.
    case writable
    /// The file could not be made.
    case create(Errno)
  }

  /// What went wrong.
  public var problem: Problem
  /// On what: a path or name.
  public var subject: String

  init(_ problem: Problem, _ subject: String) {
    self.problem = problem
    self.subject = subject
  }

  /// The error as a sentence of a diagnostic: what, on what, why.
  public var message: String {
    switch problem {
    case .name: "cannot keep an audit file under the name \"\(subject)\": not a file name"
    case .noHome: "cannot find a place for the audit file: HOME is not an absolute path"
    case .makeDirectory(let errno): "cannot make the audit directory \"\(subject)\": \(errno)"
    case .openDirectory(let errno): "cannot open the audit directory \"\(subject)\": \(errno)"
    case .owner: "cannot use the audit directory \"\(subject)\": it belongs to another user"
    case .writable: "cannot use the audit directory \"\(subject)\": others can write to it"
    case .create(let errno): "cannot make the audit file \"\(subject)\": \(errno)"
    }
  }
}

extension AuditLocation {
  /// Makes the directories that are missing and a new file for a session.
  ///
  /// The directories of our own must belong to the caller and be closed to the writing of others;
  /// none of them may be a symbolic link.
  ///
  /// - Parameters:
  ///   - session: the session's id, a file name.
  ///   - time: when the session began.
  /// - Returns: the open file (write only, append only, close-on-exec) and its path.
  public func open(
    session: String, at time: Timestamp
  ) throws(AuditOpenError) -> OpenAuditFile {
    guard AuditLocation.isFileName(session) else { throw AuditOpenError(.name, session) }
    let name = String(validating: time.basic, as: UTF8.self) ?? "00000000T000000Z"
    try makeBase()
    var path = base
    var directory = try openDirectory(path, in: -100, name: path, isOurs: false)
    for component in components {
      path += "/" + component
      try make(path)
      let next = try openDirectory(path, in: directory.rawValue, name: component, isOurs: true)
      directory = next
    }
    let file = "\(name)-\(session).jsonl"
    do throws(Errno) {
      let descriptor = try Files.open(
        file, [.writeOnly, .append, .create, .exclusive, .noFollow], mode: 0o600,
        in: directory.rawValue)
      return OpenAuditFile(descriptor: descriptor, path: path + "/" + file)
    } catch {
      throw AuditOpenError(.create(error), path + "/" + file)
    }
  }

  /// The directories above ours, each made closed to others if it is missing.
  private func makeBase() throws(AuditOpenError) {
    var path = ""
    for component in base.utf8.split(separator: 0x2F) {
      path += "/\(Substring(component))"
      // Those that are there stay as they are, also where we could not make them.
      if isThere(path) { continue }
      try make(path)
    }
  }

  private func isThere(_ path: String) -> Bool {
    do throws(Errno) {
      return try Files.status(path).kind == .directory
    } catch {
      return false
    }
  }

  private func make(_ path: String) throws(AuditOpenError) {
    do throws(Errno) {
      try Files.makeDirectory(path, mode: 0o700)
    } catch .fileExists {
      return
    } catch {
      throw AuditOpenError(.makeDirectory(error), path)
    }
  }

  private func openDirectory(
    _ path: String, in parent: Int32, name: String, isOurs: Bool
  ) throws(AuditOpenError) -> FileDescriptor {
    let directory = try openDirectory(path, in: parent, name: name, following: !isOurs)
    guard isOurs else { return directory }
    let status: FileStatus
    do throws(Errno) {
      status = try Files.status(of: directory.rawValue)
    } catch {
      throw AuditOpenError(.openDirectory(error), path)
    }
    if status.user != Process.user { throw AuditOpenError(.owner, path) }
    if status.mode & 0o022 != 0 { throw AuditOpenError(.writable, path) }
    return directory
  }

  private func openDirectory(
    _ path: String, in parent: Int32, name: String, following: Bool
  ) throws(AuditOpenError) -> FileDescriptor {
    do throws(Errno) {
      let flags: OpenFlags = following ? [.path, .directory] : [.path, .directory, .noFollow]
      return try Files.open(name, flags, in: parent)
    } catch {
      throw AuditOpenError(.openDirectory(error), path)
    }
  }
}

/// A new audit file.
public struct OpenAuditFile: ~Copyable, Sendable {
  /// The open file: write only, append only, close-on-exec.
  public var descriptor: FileDescriptor
  /// Where it is.
  public var path: String

  /// Gives up the descriptor to be owned elsewhere.
  public consuming func takeDescriptor() -> FileDescriptor { descriptor }
}
