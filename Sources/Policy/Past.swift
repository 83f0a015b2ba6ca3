internal import Wire

/// What a session with a server that ended leaves to the one that is started in its place.
struct Past: Sendable {
  /// The handshake as the last server had it.
  struct Handshake: Sendable {
    /// The client's request as it was sent on, and where its `params` are.
    var line: [UInt8]
    var params: Range<Int>?
    /// The client's id, as long as it was not answered.
    var waits: RequestID?
    /// Whether it waits for a server with everything else that the client sends.
    var isUnsent = false
    /// What the server agreed on, as canonical content, and the features that it declared.
    var version: [UInt8] = []
    var features = Features()
  }

  /// What a server declared, as far as something follows from it when it is started again.
  struct Features: Equatable, Sendable {
    var tools = false, resources = false, prompts = false, logging = false
  }

  /// Requests of our own to a server that was started again, in flight.
  struct Replay: Sendable {
    var handshake: RequestID?
    var level: RequestID?

    /// Whether one of them has this id.
    func has(_ id: RequestID) -> Bool { handshake == id || level == id }
  }

  /// Whether the server has ended and the next one has not been told what it has to know.
  var isAway = false
  var handshake: Handshake?
  /// Whether the client has said that it is initialized.
  var isInitialized = false
  /// The level of log messages that the client asked for, as canonical content.
  var level: [UInt8]?
  /// What the client subscribed to with a handshake.
  var subscriptions: Set<[UInt8]> = []
  /// Tasks that are gone.
  var tasks = TaskTable()
  var replay: Replay?
  /// What came of the handshake, until it is asked for.
  var isAgreed = false, refusal: Reason?
  /// What could not be restored when the server was last started again.
  var lost = Loss()
}

/// What could not be restored when a server was started again.
public struct Loss: Equatable, Sendable {
  /// Subscriptions to resources, and tasks.
  public var subscriptions = 0, tasks = 0

  init() {}
}

/// How far the beginning of a server that was started again has come.
public enum Resumption: Equatable, Sendable {
  /// Its answer is awaited.
  case waits
  /// What the client sends may go to it.
  case done
  /// It refuses the handshake, or speaks another version than the client was told.
  case refused(Reason)
}
