internal import Linux
internal import Policy
internal import Wire

/// What the relay is to find out for `tools`, and to print.
struct RelayInspection: Sendable {
  /// What is approved of what changed.
  enum Approval: Equatable, Sendable {
    case nothing
    case everything
    /// These tools, as canonical string content.
    case tools([[UInt8]], instructions: Bool)
  }

  var isJSON: Bool
  var approval: Approval
  /// How long (µs) the server has for its answers.
  var patience: Int64
  /// What the report says besides: the profile, the mode of its pins, their file, what became of the
  /// program and of the profile; "" for no file.
  var profile: String, mode: String, file: String
  /// Whether there were pins at all.
  var hasPins: Bool
  /// Whether the program, and the profile, are not as they were; and whether the program is approved.
  var isServerChanged: Bool, isProfileChanged: Bool, approvesServer: Bool
}

/// How the inspection of a server ended, as numbers of a control message.
enum InspectionEnd: Int64, Sendable {
  /// It was shown.
  case shown = 0
  /// The server did not answer in time, ended, or gave no list of tools.
  case late = 1, ended = 2, noList = 3
  /// Something that is to be approved is not there.
  case unknownName = 4
  /// The report could not be written.
  case unwritten = 5
}

/// Asks a server for what it offers, as a client would: through the window, by its rules.
struct Inspector: Sendable {
  let task: RelayInspection
  let pinned: PinBook
  /// Where the report goes.
  let output: Int32
  /// The request whose answer is awaited.
  private(set) var awaited: Int64 = 0
  /// Whether that has been answered well, nil while it has not been answered.
  private var isGood: Bool?
  fileprivate(set) var deadline: Int64 = .max
  fileprivate var isOver = false

  private enum Step {
    static let initialize: Int64 = 1, list: Int64 = 2, discover: Int64 = 3, statelessList: Int64 = 4
  }

  init(_ task: RelayInspection, pinned: PinBook, output: Int32) {
    self.task = task
    self.pinned = pinned
    self.output = output
  }

  /// When there is something to do although nothing happened.
  var wakes: Int64 { isOver ? .max : deadline }

  /// Takes note of a decision on what the server, or we, said.
  mutating func note(_ decision: Decision) {
    guard awaited > 0, decision.event.id == .integer(awaited) else { return }
    // A page of a list that is not its end, and our own request on its way, are no answer.
    if case .drop = decision.action { return }
    switch decision.event.name {
    case .response: isGood = decision.event.outcome == .ok
    // A refused request of the server's own may have the same number.
    case .refusal where decision.event.side == .server && decision.event.duration == nil: return
    case .refusal: isGood = false
    case .request, .notification, .drop: return
    }
  }

  /// The next messages of ours, empty while an answer is awaited; nil when there are none left, and
  /// `isDone` says whether the tools have been listed.
  mutating func next() -> [String]? {
    if awaited == 0 {
      awaited = Step.initialize
      return [
        #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","#
          + #""capabilities":{},"clientInfo":{"name":"anchorhold","version":"1"}}}"#
      ]
    }
    guard let good = isGood else { return [] }
    isGood = nil
    switch awaited {
    case Step.initialize where good:
      awaited = Step.list
      return [
        #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        #"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#,
      ]
    case Step.initialize:
      awaited = Step.discover
      return [Self.stateless(3, "server/discover")]
    case Step.discover:
      // A server without it may have tools all the same.
      awaited = Step.statelessList
      return [Self.stateless(4, "tools/list")]
    default: return nil
    }
  }

  private static func stateless(_ id: Int, _ method: String) -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":{"_meta":{"#
      + #""io.modelcontextprotocol/protocolVersion":"2026-07-28","#
      + #""io.modelcontextprotocol/clientCapabilities":{},"#
      + #""io.modelcontextprotocol/clientInfo":{"name":"anchorhold","version":"1"}}}}"#
  }
}

extension RelayLoop {
  /// Goes on asking the server, and ends the session when everything is known or cannot be.
  mutating func inspect() throws(Errno) {
    guard let inspector, !inspector.isOver, state.isOpen else { return }
    let now = Clock.monotonicMicroseconds()
    if inspector.deadline == .max { self.inspector?.deadline = now + inspector.task.patience }
    if state.isAnswered { return try endInspection(.ended) }
    if let deadline = self.inspector?.deadline, now >= deadline {
      return try endInspection(.late)
    }
    while let lines = self.inspector?.next() {
      if lines.isEmpty { return }
      for line in lines { ask(line, at: now) }
      settle(at: now)
    }
    guard let offer = window.offer(beside: inspector.pinned) else {
      return try endInspection(.noList)
    }
    let report = InspectionReport(inspector.task, inspector.pinned, offer)
    if let name = report.unknown {
      var text = Array("anchorhold: error: the server does not offer ".utf8)
      text += InspectionText.visible(name)
      errors.say(text + Array(", nor is it pinned: nothing was approved".utf8))
      errors.flush()
      return try endInspection(.unknownName)
    }
    do {
      try Descriptor.writeAll(
        inspector.output, inspector.task.isJSON ? report.json : report.text)
    } catch { return try endInspection(.unwritten) }
    if let pins = report.approved, changes.output >= 0 {
      try Descriptor.writeAll(changes.output, pins.bytes)
      let digests = window.digests(of: pins)
      try tell(.pinned, digests.tools.numbers + digests.instructions.numbers)
    }
    try endInspection(.shown, changes: report.remaining)
  }

  private mutating func endInspection(
    _ end: InspectionEnd, changes count: Int = 0
  ) throws(Errno) {
    inspector?.isOver = true
    try tell(.inspected, [end.rawValue, Int64(count)])
    state.clientEnded = true
  }

  /// Decides on a message of ours as on one of the client.
  private mutating func ask(_ line: String, at now: Int64) {
    handleOwn(Array(line.utf8), at: now)
  }
}
