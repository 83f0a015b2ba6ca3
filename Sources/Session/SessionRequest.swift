public import Linux
public import Profile

/// What `run` is asked to do.
public struct SessionRequest: Sendable {
  /// The profile, with its variables put in and the command of the command line, if any.
  public var profile: Profile
  /// The file that the profile came from; nil for one that is built in.
  public var profilePath: String?
  /// The profile's text, for its digest.
  public var profileText: [UInt8]
  /// The version of this program.
  public var version: String
  /// The control group that the session's own is to be made in; nil for the usual places.
  public var controlGroup: String?
  /// A step to leave out; honoured in the test build only.
  public var skip: CellStep?
  /// Whether refused system calls are shown on stderr, with what would allow them.
  public var diagnose: Bool
  /// The pin file, absolute; nil for the usual place.
  public var pinFile: String?
  /// What is to be found out, if the server is started only to show what it offers.
  var tools: ToolsRequest?
  var inspects: Bool { tools != nil }

  /// The profile as messages are judged by it: who wants to see all tools has pages gathered.
  var judgedProfile: Profile {
    guard inspects else { return profile }
    var profile = profile
    profile.revisions.keepsPages = false
    return profile
  }

  /// Makes a request.
  public init(
    profile: Profile, profilePath: String?, profileText: [UInt8], version: String,
    controlGroup: String? = nil, skip: CellStep? = nil, diagnose: Bool = false,
    pinFile: String? = nil
  ) {
    self.profile = profile
    self.profilePath = profilePath
    self.profileText = profileText
    self.version = version
    self.controlGroup = controlGroup
    self.skip = skip
    self.diagnose = diagnose
    self.pinFile = pinFile
  }

  /// Where system calls are added to the profile, as messages say it.
  var place: String {
    let label = profilePath ?? "a copy of the shipped profile \(profile.name)"
    return profile.syscalls.line > 0 ? "\(label):\(profile.syscalls.line)" : label
  }
}

/// Why a session could not be, with the exit status that says so.
public struct SessionError: Error, Sendable {
  /// What we were doing, why it failed, on what: lower case, no full stop.
  public var message: String
  /// What a person can do about it, if anything.
  public var hint: String?
  /// 125 the cell could not be sealed, 126 the command cannot be executed, 127 it was not found.
  public var status: Int32
  /// The signal that ended what we were doing, if one did.
  var signal: Int32?

  init(interruptedBy signal: Int32) {
    self.init("ended by signal \(signal) while a server was being started")
    self.signal = signal
  }

  init(_ message: String, hint: String? = nil, status: Int32 = 125) {
    self.message = message
    self.hint = hint
    self.status = status
  }

  /// The hint where the machine, and not the profile, stands in the way.
  static let ofMachine = "anchorhold doctor says what this machine allows, and what mends it"

  /// Something that the kernel refused.
  init(_ action: String, _ errno: Errno, hint: String? = nil) {
    self.init("cannot \(action): \(errno)", hint: hint)
  }
}

/// Runs `body` and says what it was about if the kernel refuses.
func doing<Value: ~Copyable>(
  _ action: @autoclosure () -> String, hint: String? = nil,
  _ body: () throws(Errno) -> Value
) throws(SessionError) -> Value {
  do { return try body() } catch {
    // Where something had to be waited for, and a signal came that we have blocked.
    if error == .interrupted, let signal = Signal.pendingEnd {
      throw SessionError(interruptedBy: signal)
    }
    throw SessionError(action(), error, hint: hint)
  }
}
