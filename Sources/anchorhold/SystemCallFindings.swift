internal import Confinement
internal import Profile

/// What is wrong with the system calls that a profile adds.
///
/// Apart from the profile's own checks, because only `Confinement` knows the calls.
enum SystemCallFindings {
  /// One error for each call that is not known or cannot be added; `label` names the profile.
  static func of(_ profile: Profile, in label: String) -> [Diagnostic] {
    profile.syscalls.add.compactMap { entry in
      guard let fault = fault(entry.value) else { return nil }
      return Diagnostic(
        file: label, line: entry.line, column: entry.column, message: fault.message,
        hint: fault.hint)
    }
  }

  private static func fault(_ name: String) -> (message: String, hint: String?)? {
    guard let call = Syscall(name: name) else {
      let near = nearest(to: name, among: Syscall.allCases.map(\.name))
      return ("unknown system call \(quoted(name))", near.map { "did you mean \($0)" })
    }
    do { _ = try SeccompRules.cell(adding: [call]) } catch {
      return ("\(error)", error.hint)
    }
    return nil
  }
}
