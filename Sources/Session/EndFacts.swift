internal import Audit
internal import Linux

/// What the monitor knows of how a session ended, beyond the server's own status.
///
/// *Limits.* A limit that fails a call (`ENOMEM`, `EAGAIN`, `EMFILE`, `ENOSPC`) leaves no trace that
/// could be read from outside, and the kernel does not tell who sent a signal. Only what is known is
/// said.
struct EndFacts: Sendable {
  /// The signals that we sent to the server or its cell before it had ended, in order.
  var sent: [Int32] = []
  /// Whether we ended the relay, and whether because of what it sent.
  var relayWasKilled = false
  /// See `relayWasKilled`.
  var relayBroke = false
  /// How the relay ended.
  var relayStatus: ExitStatus?

  /// The limit that a status names: the kernel sends these two signals for nothing else, although a
  /// process may send them to itself.
  static func limit(_ status: ExitStatus?) -> String? {
    switch status {
    case .signalled(Signal.processorTime): "cpu_time"
    case .signalled(Signal.fileSize): "file_size"
    default: nil
    }
  }

  /// The end of a relay, as a message says it.
  static func text(_ status: ExitStatus) -> String {
    switch status {
    case .exited(let code): "ended unexpectedly, with status \(code)"
    case .signalled(Signal.badCall): "was ended by SIGSYS: it made a call that it may not make"
    case .signalled(let number): "was ended by signal \(number)"
    }
  }

  /// The fields of the record.
  func members(_ status: ExitStatus?) -> [Detail.Member] {
    var relay: [Detail.Member] = [
      .init("outcome", .text(relayBroke ? "broke" : relayWasKilled ? "late" : "ended"))
    ]
    switch relayStatus {
    case .exited(let code): relay.append(.init("status", .integer(Int64(code))))
    case .signalled(let number): relay.append(.init("signal", .integer(Int64(number))))
    case nil: break
    }
    return serverMembers(status) + [.init("relay", .object(relay))]
  }

  /// Those of them that are about the server.
  func serverMembers(_ status: ExitStatus?) -> [Detail.Member] {
    [
      .init("limit", EndFacts.limit(status).map { .text($0) } ?? .null),
      .init("sent", .list(sent.map { .integer(Int64($0)) })),
      .init("explanation", explanation(status).map { .text($0) } ?? .null),
    ]
  }

  /// What a person would ask of a server that was ended by a signal.
  private func explanation(_ status: ExitStatus?) -> String? {
    guard case .signalled(let number)? = status else { return nil }
    if sent.contains(number) { return "anchorhold sent this signal" }
    if let limit = EndFacts.limit(status) {
      return "the kernel sends this signal at limits.\(limit)"
    }
    if number == Signal.kill {
      return "anchorhold did not send this signal; the kernel does when memory runs out or "
        + "limits.cpu_time was passed by a second, and a process of the cell may"
    }
    return "anchorhold did not send this signal"
  }
}
