internal import Audit
internal import Linux
internal import Policy
internal import Wire

/// Everything that the relay is given; it opens nothing itself.
struct RelayConfiguration: Sendable {
  /// The client's bytes come in here and go out there, and how they may be moved.
  var clientInput: Int32, clientInputTransfer: Transfer
  /// See `clientInput`.
  var clientOutput: Int32, clientOutputTransfer: Transfer
  /// The server's stdin (write end), stdout and stderr (read ends): nonblocking pipes of our own.
  var serverInput: Int32, serverOutput: Int32, serverError: Int32
  /// Our own stderr, where the server's cleaned lines go; shared with others.
  var errorOutput: Int32, errorOutputTransfer: Transfer
  /// The control socket to the monitor.
  var control: Int32
  /// The audit file, append only.
  var audit: Int32
  /// The session's name in the records, and the number of the relay's first record.
  var session: String, firstSequence: Int64
  /// How much of a call's arguments is recorded.
  var arguments: ArgumentDetail
  /// What stands before each line of the server's stderr.
  var profileName: String
  /// What decides, with the bounds of messages.
  var rules: Rules, limits: WireLimits
  /// At least 24 random bytes.
  var identifierSeed: [UInt8]
}
