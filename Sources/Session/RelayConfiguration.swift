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
  /// At least 16 random bytes that nothing tells the server of.
  var questionSeed: [UInt8]
  /// Where a profile allows system calls, if refused ones are to be shown.
  var diagnosis: String?
  /// Whether a server that fails may be followed by another one.
  var mayRestart = false
  /// What the server is compared with; nil if with nothing.
  var pins: RelayPins?
  /// The command that shows what changed, for messages.
  var toolsCommand = ""
  /// What is to be found out and printed, for `tools`.
  var inspection: RelayInspection?
  /// What the relay found when it was confined, to be told to the monitor.
  var facts = RelayFacts()

  /// All that stays open in the relay, ascending.
  var descriptors: [Int32] {
    Set([
      clientInput, clientOutput, serverInput, serverOutput, serverError, errorOutput, control,
      audit,
    ]).union(pins.map { $0.output < 0 ? [] : [$0.output] } ?? []).sorted()
  }
}

/// What only the relay itself can read of its confinement, as the numbers of `ready`.
///
/// *Limits.* It is the relay's own account, made before it has read a byte of anyone. What the
/// kernel shows of it from outside is compared as well, and for root that is more: see
/// `RelayProcess.seal`.
struct RelayFacts: Equatable, Sendable {
  /// The error number of opening a file that is there for everybody, before and after Landlock;
  /// 0: it opened.
  var canaryBefore: Int64 = -1, canaryAfter: Int64 = -1
  /// The signal armed for the parent's end.
  var deathSignal: Int64 = -1
  /// Bytes of the caller's environment in its memory, and mappings shared with others for writing;
  /// -1: they could not be read.
  var environmentBytes: Int64 = -1, sharedMappings: Int64 = -1
  /// How many descriptors are open, and how many of them are the relay's by its configuration.
  var openDescriptors: Int64 = -1, ownDescriptors: Int64 = -1

  /// As nothing was found yet.
  init() {}

  /// Reads the numbers of `ready`.
  init(_ numbers: [Int64]) {
    canaryBefore = numbers[0]
    canaryAfter = numbers[1]
    deathSignal = numbers[2]
    openDescriptors = numbers[3]
    ownDescriptors = numbers[4]
    environmentBytes = numbers[5]
    sharedMappings = numbers[6]
  }

  var numbers: [Int64] {
    [
      canaryBefore, canaryAfter, deathSignal, openDescriptors, ownDescriptors, environmentBytes,
      sharedMappings,
    ]
  }
}
