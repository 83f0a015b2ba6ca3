/// Why a command cannot be started, before anything was tried.
public enum RuntimeError: Error, Sendable, Hashable {
  /// No such command; the places where it was looked for.
  case notFound(command: String, lookedIn: [String])
  /// It is there but is a directory, has no execute permission or no format that we know.
  case notExecutable(path: String, why: String)
  /// A file that it needs to start is missing.
  case missing(path: String, neededBy: String)
  /// What it needs cannot be granted, because it would open far more than the runtime.
  case tooWide(path: String, neededBy: String)
  /// A look at the file system failed.
  case failed(path: String, why: String)
  /// One of these for a further program and not for the command; its place among the programs.
  indirect case program(Int, RuntimeError)

  /// The exit status of `run`: 127 not found, 126 cannot be executed, 125 otherwise.
  public var exitStatus: Int32 {
    switch self {
    case .notFound: 127
    case .notExecutable, .missing: 126
    case .tooWide, .failed: 125
    case .program(_, let error): error.exitStatus
    }
  }

  /// What a person can do, if anything.
  ///
  /// - Parameter place: where the program's whole path can be written, as an instruction.
  public func hint(
    _ place: String = "write the whole path in server.command, or set PATH in server.environment"
  ) -> String? {
    switch self {
    case .notFound(let command, let lookedIn):
      command.utf8.contains(UInt8(ascii: "/"))
        ? "correct the path, or install the program there"
        : command.utf8.contains(UInt8(ascii: " "))
          ? "a command is a list: write each of its words as an element of its own"
          : "looked in \(lookedIn.joined(separator: ", ")); \(place)"
    case .notExecutable: nil
    case .missing(_, let neededBy):
      "\(neededBy) is told to use it: correct the path, or repair the program"
    case .tooWide:
      "move the program into a directory of its own, for example a virtual environment"
    case .failed: nil
    case .program(_, let error): error.hint(place)
    }
  }
}

extension RuntimeError: CustomStringConvertible {
  /// What failed, why, and on what; lower case, no full stop.
  public var description: String {
    switch self {
    case .notFound(let command, _): "cannot find \"\(command)\""
    case .notExecutable(let path, let why): "cannot execute \"\(path)\": \(why)"
    case .missing(let path, let neededBy):
      "cannot find \"\(path)\", which \"\(neededBy)\" needs to start"
    case .tooWide(let path, let neededBy):
      "cannot grant \"\(path)\", which \"\(neededBy)\" needs: it holds far more than the program"
    case .program(_, let error): error.description
    case .failed(let path, let why): "cannot look at \"\(path)\": \(why)"
    }
  }
}
