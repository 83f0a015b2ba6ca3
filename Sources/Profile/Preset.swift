/// What kind of program the server is, and so what it needs to start.
public enum Preset: String, Sendable, CaseIterable {
  /// A Python program, in a virtual environment or not.
  case python
  /// A Node program.
  case node
  /// A native executable, with the shared libraries that it names if it is not static itself.
  case `static`
  /// One of the above, told from the command itself.
  case auto
  /// An executable and the shared libraries that it names; of a script nothing but itself.
  case none
}

/// How strongly the server is closed in.
public enum Isolation: String, Sendable, CaseIterable {
  /// Namespaces, mounts, limits, capabilities, Landlock and seccomp.
  case full
  /// What is left where new namespaces or mounts are refused: Landlock is the wall around files.
  case container
}

extension Preset {
  /// What the preset sets in the server's environment, over the cell's own variables and below
  /// the profile's.
  public var environment: [(name: String, value: String)] {
    switch self {
    case .none, .auto, .static: []
    case .python:
      [
        // Its own directories are read-only, so that it need not try to write byte code.
        ("PYTHONDONTWRITEBYTECODE", "1"),
        // A line held back in a buffer is an answer that never comes.
        ("PYTHONUNBUFFERED", "1"),
      ]
    case .node:
      [
        // The cell has no io_uring; without this Node probes for it at every start.
        ("UV_USE_IO_URING", "0"),
        // There is no network to ask for news.
        ("NO_UPDATE_NOTIFIER", "1"),
        ("npm_config_update_notifier", "false"),
      ]
    }
  }
}
