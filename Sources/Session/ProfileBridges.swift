public import Confinement
internal import Linux
public import Profile
internal import Wire

extension RuntimeRequest {
  /// What a profile asks discovery.
  public init(_ profile: Profile) {
    var search = RuntimeDiscovery.standardSearchPath
    // Where pipx and uv put the programs of a user, last so that it hides nothing of the system's.
    if let home = Process.environment("HOME"), home.utf8.first == UInt8(ascii: "/") {
      search.append(home + "/.local/bin")
    }
    for variable in profile.server.environment where variable.name.utf8.elementsEqual("PATH".utf8) {
      search = variable.value.utf8.split(separator: UInt8(ascii: ":")).map {
        String(Substring($0))
      }
    }
    self.init(
      preset: profile.preset, command: profile.server.command.map(\.value),
      programs: profile.server.programs.map(\.value), searchPath: search,
      workingDirectory: profile.server.workdir?.value ?? profile.server.invokedFrom ?? "/",
      home: Process.environment("HOME"), user: Process.user)
  }
}

extension RuntimeError {
  /// The place in the profile of the program that this is about; 0 if it is not from there.
  public func place(in profile: Profile) -> (line: Int, column: Int) {
    guard let entry = entry(in: profile) else { return (0, 0) }
    return (entry.line, entry.column)
  }

  /// What a person can do who cannot change a shipped profile, nor a command that came after `--`.
  public func hint(in profile: Profile, isShipped: Bool) -> String? {
    if case .program = self {
      return hint(
        isShipped
          ? "install it there"
          : "write the whole path in server.programs, or set PATH in server.environment")
    }
    let isFixed = isShipped || entry(in: profile)?.line == 0
    return isFixed ? hint("write the whole path after --") : hint()
  }

  private func entry(in profile: Profile) -> Located<String>? {
    guard case .program(let index, _) = self else { return profile.server.command.first }
    return profile.server.programs.indices.contains(index)
      ? profile.server.programs[index] : nil
  }
}

extension WireLimits {
  init(_ messages: Profile.Messages) {
    self.init(maxSize: messages.maxSize, maxDepth: messages.maxDepth)
  }
}

/// System calls by name, as `syscalls.add` gives them.
enum SyscallNames {
  /// Throws for a name that the table does not know.
  static func resolve(_ names: [Located<String>]) throws(SessionError) -> [Syscall] {
    var calls: [Syscall] = []
    for name in names {
      guard
        let call = Syscall.allCases.first(where: {
          "\($0)".utf8.elementsEqual(name.value.utf8)
        })
      else {
        throw SessionError("line \(name.line): unknown system call \"\(name.value)\"")
      }
      calls.append(call)
    }
    return calls
  }
}
