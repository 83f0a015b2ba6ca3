internal import Confinement
internal import Linux
internal import Profile

/// A profile as it was found: its text, and where it came from.
struct ProfileSource {
  /// What messages call it: the path, or `git (shipped)`.
  var label: String
  /// The file's real path; nil when it is inside the program.
  var path: String?
  var text: [UInt8]

  /// Why a profile could not be had.
  enum Failure: Error {
    /// It is nowhere, or cannot be read.
    case unreadable(message: String, hint: String?)
    /// It is there and must not be believed.
    case untrusted(message: String, hint: String?)
  }

  /// Finds, checks and reads a profile that was named on the command line.
  ///
  /// The first place that holds one counts: a refused profile never makes room for another.
  static func find(_ argument: String) throws(Failure) -> ProfileSource {
    let lookup = ProfileLookup(
      configHome: Process.environment("XDG_CONFIG_HOME"), home: Process.environment("HOME"))
    let candidates: [ProfileLookup.Candidate]
    do { candidates = try lookup.candidates(for: argument) } catch {
      throw .unreadable(message: error.message, hint: error.hint)
    }
    for candidate in candidates {
      switch candidate {
      case .file(let path):
        if let source = try read(path) { return source }
      case .shipped(let name):
        if let text = ShippedProfiles.text(of: name) {
          return ProfileSource(label: "\(name) (shipped)", path: nil, text: text)
        }
      }
    }
    if case .file(let path)? = candidates.first, candidates.count == 1 {
      throw .unreadable(
        message: "cannot read the profile \(quotedPath(path)): No such file or directory",
        hint: "correct the path; a shipped profile is named without one: "
          + alternatives(ShippedProfiles.all.map(\.name)))
    }
    throw .unreadable(
      message: "there is no profile \(quoted(argument))",
      hint: lookup.hint(forMissing: argument))
  }

  /// The directory that the program was started in; nil if its name is not UTF-8, so that nothing
  /// can start from it.
  static func workingDirectory() throws(Failure) -> String? {
    do { return try Files.linkTarget("/proc/self/cwd") } catch .badMessage {
      return nil
    } catch {
      throw .unreadable(
        message: "cannot find the working directory: \(error)",
        hint: "mount /proc, and start from a directory that exists")
    }
  }

  /// Reads a file whose way and owner are trusted; nil when there is none.
  private static func read(_ path: String) throws(Failure) -> ProfileSource? {
    var absolute = path
    if path.utf8.first != UInt8(ascii: "/") {
      guard let here = try workingDirectory() else {
        throw unreadable(path, "the working directory's name is not UTF-8")
      }
      absolute = here + "/" + path
    }
    let resolved: ResolvedPath
    do { resolved = try PathResolver(HostFiles()).resolve(absolute) } catch {
      switch error {
      case .missing:
        // Someone meant something to be there: that it is gone must not make room for another.
        if let link = danglingLink(on: absolute) {
          throw unreadable(path, "the link \(quotedPath(link)) leads nowhere")
        }
        return nil
      case .failed(let place, let errno): throw unreadable(path, "\(quotedPath(place)): \(errno)")
      case .tooManyLinks: throw unreadable(path, "too many symbolic links")
      case .relative: throw unreadable(path, "not an absolute path")
      }
    }
    let file = try opened(resolved.real, shownAs: path)
    try trust(file.status, resolved)
    do {
      let text = try Descriptor.readAll(file.descriptor.rawValue, maximum: 1 << 20)
      return ProfileSource(label: path, path: resolved.real, text: text)
    } catch {
      throw unreadable(path, "\(error)")
    }
  }

  /// The first link on the way that leads to nothing; nil if there is none.
  private static func danglingLink(on path: String) -> String? {
    let resolver = PathResolver(HostFiles())
    for place in parents(of: path).dropFirst() + [path] {
      do throws(PathError) {
        let status = try resolver.resolve(place, followLast: false).status
        guard status.kind == .symbolicLink else { continue }
      } catch { return nil }
      do throws(PathError) { _ = try resolver.resolve(place) } catch { return place }
    }
    return nil
  }

  private struct Opened: ~Copyable {
    var descriptor: FileDescriptor
    var status: FileStatus
  }

  private static func opened(_ path: String, shownAs name: String) throws(Failure) -> Opened {
    do {
      // Nonblocking, because opening a pipe would wait for a writer; the kind is looked at next.
      let descriptor = try Files.open(path, [.noFollow, .nonblocking])
      let status = try Files.status(of: descriptor.rawValue)
      if status.kind == .regular { return Opened(descriptor: descriptor, status: status) }
    } catch {
      throw unreadable(name, "\(error)")
    }
    throw unreadable(name, "not a regular file")
  }

  /// Looks at the opened file and at everything that was walked to reach it.
  private static func trust(_ status: FileStatus, _ resolved: ResolvedPath) throws(Failure) {
    var directories: [FileFacts] = []
    var links: [FileFacts] = []
    do {
      for path in [resolved.real] + resolved.links.map(\.path) {
        for directory in parents(of: path)
        where !directories.contains(where: { $0.path.utf8.elementsEqual(directory.utf8) }) {
          directories.append(facts(directory, try Files.status(directory, followLinks: false)))
        }
      }
      for link in resolved.links {
        links.append(facts(link.path, try Files.status(link.path, followLinks: false)))
      }
    } catch {
      throw unreadable(resolved.real, "\(error)")
    }
    let refusal = ProfileTrust.refusal(
      file: facts(resolved.real, status), directories: directories, links: links,
      caller: Process.user)
    if let refusal { throw .untrusted(message: refusal.message, hint: refusal.hint) }
  }

  private static func facts(_ path: String, _ status: FileStatus) -> FileFacts {
    FileFacts(path: path, owner: status.user, mode: status.mode & 0o7777)
  }

  /// `/`, `/a` and `/a/b` of `/a/b/c`.
  private static func parents(of path: String) -> [String] {
    path.utf8.indices.filter { path.utf8[$0] == UInt8(ascii: "/") }
      .map { $0 == path.startIndex ? "/" : String(Substring(path.utf8[..<$0])) }
  }

  private static func unreadable(_ path: String, _ why: String) -> Failure {
    .unreadable(message: "cannot read the profile \(quotedPath(path)): \(why)", hint: nil)
  }
}
