internal import Confinement
internal import Linux
internal import Profile

/// Variables whose value is another kind of file than their type says.
///
/// Apart from the profile's own checks, which look at no file. That nothing is there is for the
/// plan to say, because a path may be optional.
enum VariableFindings {
  /// One error for each such variable; `label` names the profile.
  static func of(_ profile: Profile, in label: String) -> [Diagnostic] {
    profile.pathVariables.compactMap { variable in
      let status: FileStatus
      do { status = try PathResolver(HostFiles()).resolve(variable.path).status } catch {
        return nil
      }
      guard status.kind != (variable.isDirectory ? .directory : .regular) else { return nil }
      let wanted = variable.isDirectory ? "directory" : "file"
      let what =
        switch status.kind {
        case .directory: "is a directory, not a file"
        case .regular: "is a file, not a directory"
        default: "is not a \(wanted)"
        }
      guard variable.isSet else {
        return Diagnostic(
          file: label, line: variable.line, column: variable.column,
          message: "the default of \(variable.name), \(quotedPath(variable.path)), \(what)",
          hint: "give one with --set \(variable.name)=/path/to/\(wanted)")
      }
      return Diagnostic(
        file: label, message: "--set \(variable.name)=\(shellQuoted(variable.path)) \(what)",
        hint: "write --set \(variable.name)=/path/to/\(wanted)")
    }
  }
}
