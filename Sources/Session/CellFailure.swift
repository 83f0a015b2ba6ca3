internal import Confinement
internal import Linux

/// What to say when a step of sealing failed.
extension CellProcess {
  /// What to do where namespaces or mounts are refused.
  private static func waysOut(_ error: Errno) -> String? {
    guard
      [.notPermitted, .permissionDenied, .notImplemented, .noSpace, .invalidArgument]
        .contains(error)
    else { return nil }
    // Root needs its namespaces' rights before it gives them up, and those of others to look at them.
    let options =
      Process.user == 0
      ? "--cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt systempaths=unconfined"
      : "--security-opt seccomp=unconfined --security-opt systempaths=unconfined"
    return
      "anchorhold doctor shows what is refused here; of a container there are two ways out: let it "
      + "make namespaces and mounts (\(options)), or seal without them by --isolation container, which "
      + "holds back no names of files, host name, interfaces and hidden paths (docs/what-holds.md)"
  }
  /// What to do where a control that the profile asks for cannot be had.
  private static let optional = [
    "WRITE_EXECUTE": "it needs Linux 6.3; without it, write hardening: {write_execute: allow}",
    "SPECULATION":
      "this processor or kernel gives no choice (/sys/devices/system/cpu/vulnerabilities says "
      + "more); without it, write hardening: {speculation: leave}",
  ]

  /// A failed step as a message that says what to do.
  static func failure(_ step: CellStep, _ error: Errno, _ subject: String) -> SessionError {
    if step == .execute {
      // The plan found the file and the cell has it: what is missing is what it names.
      let hint: String? =
        switch error {
        case .permissionDenied:
          "is it executable for the cell's user, and its interpreter granted, as with extends: auto?"
        case .noSuchFile:
          "the loader or interpreter that it names is not in the cell: write extends: auto"
        default: nil
        }
      return SessionError("cannot execute \"\(subject)\": \(error)", hint: hint, status: 126)
    }
    // A mount point in a directory that the server's user may not even enter.
    let closed =
      step.name == "BIND" && error == .permissionDenied
      ? "the server's user may not enter what that lies in: let it (chmod o+x), or say whose the "
        + "directory is with user: {owner_of: PATH}; anchorhold check says which user it is" : nil
    let hint =
      closed ?? CellProcess.optional[step.name] ?? (step.needsNamespaces ? waysOut(error) : nil)
      ?? SessionError.ofMachine
    return SessionError(
      "cannot \(step)\(subject.isEmpty ? "" : " (\(subject))"): \(error)", hint: hint)
  }
}
