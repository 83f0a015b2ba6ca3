/// What the filter has to hold at isolation level container, because no namespace or mount does.
///
/// Landlock says which files are opened, made, removed and executed. It says nothing of the calls
/// that change or watch a file by its name, and there is no pid namespace that hides whom a call
/// with a process number could mean.
public struct SeccompContainer: Sendable, Hashable {
  /// Whether others run under the server's user: the caller, or the account that the profile names.
  public var sharesUser: Bool
  /// Whether signals to others are held by the filter alone.
  public var refusesSignals: Bool

  /// Describes a cell.
  public init(sharesUser: Bool, refusesSignals: Bool) {
    self.sharesUser = sharesUser
    self.refusesSignals = refusesSignals
  }

  /// A call that this level decides otherwise than the baseline.
  struct Entry {
    let call: Syscall
    let action: SeccompAction
    let clauses: [SeccompClause]
    let reason: StaticString
  }

  /// All of them.
  var entries: [Entry] {
    var entries: [Entry] = []
    func refuse(_ calls: [Syscall], _ action: SeccompAction, _ reason: StaticString) {
      entries += calls.map { Entry(call: $0, action: action, clauses: [], reason: reason) }
    }
    func allow(_ calls: [Syscall], _ clauses: [SeccompClause], _ reason: StaticString) {
      entries += calls.map { Entry(call: $0, action: .absent, clauses: clauses, reason: reason) }
    }
    refuse(
      [.inotify_add_watch], .denied,
      "at isolation container it would watch files that are not granted")
    // As on a file system without them, so that copies go on.
    refuse(
      [.getxattr, .lgetxattr, .listxattr, .llistxattr], .unsupported,
      "at isolation container it would read attributes of files that are not granted")
    refuse(
      [.getxattrat, .listxattrat, .setxattrat, .removexattrat, .file_getattr, .file_setattr],
      .absent, "at isolation container it would reach files that are not granted")
    let others: StaticString = "at isolation container its number could mean another's process"
    allow(
      [.prlimit64],
      // Asking, and every limit but that of core files; see the baseline.
      [SeccompClause(.allow, .int(0, is: 0), .bits(2, .max, are: 0))]
        + (0..<16).filter { $0 != 4 }.map {
          SeccompClause(.allow, .int(0, is: 0), .int(1, is: $0))
        }, others)
    allow(
      [.sched_setparam, .sched_setscheduler, .sched_setaffinity, .sched_setattr],
      [SeccompClause(.allow, .int(0, is: 0))], others)
    // PRIO_PROCESS and PRIO_PGRP, IOPRIO_WHO_PROCESS and IOPRIO_WHO_PGRP, each of the caller's own.
    allow(
      [.setpriority], [0, 1].map { SeccompClause(.allow, .int(0, is: $0), .int(1, is: 0)) }, others)
    allow(
      [.ioprio_set], [1, 2].map { SeccompClause(.allow, .int(0, is: $0), .int(1, is: 0)) }, others)
    if sharesUser { addMetadata(&entries) }
    if refusesSignals { addSignals(&entries) }
    return entries
  }

  private func addMetadata(_ entries: inout [Entry]) {
    let reason: StaticString =
      "at isolation container it would change files of the same user that are not granted"
    let calls: [Syscall] = [
      .chmod, .fchmodat, .fchmodat2, .utime, .utimes, .chown, .lchown, .fchownat,
    ]
    entries += calls.map { Entry(call: $0, action: .denied, clauses: [], reason: reason) }
    let attributes: [Syscall] = [.setxattr, .lsetxattr, .removexattr, .lremovexattr]
    entries += attributes.map { Entry(call: $0, action: .unsupported, clauses: [], reason: reason) }
    // Without a path it is the descriptor's file, and one that was opened without rights has none.
    entries += [Syscall.utimensat, .futimesat].map {
      Entry(
        call: $0, action: .absent, clauses: [SeccompClause(.allow, .bits(1, .max, are: 0))],
        reason: reason)
    }
  }

  private func addSignals(_ entries: inout [Entry]) {
    let reason: StaticString =
      "this kernel's Landlock (version 6 is needed) does not keep signals in, and the user is shared"
    // The caller's own process group lies in the server's session; number 0 only asks.
    entries.append(
      Entry(
        call: .kill, action: .denied,
        clauses: [
          SeccompClause(.allow, .int(0, is: 0)), SeccompClause(.allow, .int(1, is: 0)),
        ], reason: reason))
    let calls: [Syscall] = [
      .tkill, .tgkill, .rt_sigqueueinfo, .rt_tgsigqueueinfo, .pidfd_send_signal,
    ]
    entries += calls.map { Entry(call: $0, action: .denied, clauses: [], reason: reason) }
  }
}
