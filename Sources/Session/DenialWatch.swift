internal import Confinement
internal import Linux

/// The filter of a cell: the program that tells of its refusals, or the plain one and why.
struct CellFilter: Sendable {
  /// Whether refusals are seen.
  enum Watch: Equatable, Sendable {
    case on
    /// They are not, because of this.
    case off(String)

    /// What the record says; empty when they are seen.
    var reason: String {
      switch self {
      case .on: ""
      case .off(let why): why
      }
    }
  }

  /// The calls that the profile adds, and what isolation level container decides otherwise.
  private let added: [Syscall], container: SeccompContainer?
  /// What init loads, and the server's process has from it.
  private(set) var program: SeccompProgram
  /// What the server's process loads instead; nil if it has init's.
  private(set) var server: SeccompProgram?
  /// Whether what the server has tells of refusals.
  private(set) var watch: Watch

  /// What the server's calls are decided by.
  var rules: SeccompRules { (server ?? program).rules }

  /// The filter with these calls added to the baseline, and with what isolation level container
  /// decides otherwise; `isLate`: the server's process loads one of its own there; `isFiltered`: we
  /// run under a filter ourselves.
  init(
    adding added: [Syscall], container: SeccompContainer? = nil, isLate: Bool = false,
    isFiltered: Bool = false
  ) throws(SessionError) {
    self.added = added
    self.container = container
    // Of two filters that both ask, the newer one's listener is asked. A server with filters of its
    // own would be its own judge as soon as ours is gone; a plain refusal is always stronger.
    let isOwn = added.contains(.seccomp)
    watch = isOwn ? .off("the profile lets the server load filters of its own") : .on
    // A container's filter refuses most of the same calls, and its errors come before our questions:
    // little would be told, and with other errors than ours.
    let isOuter = container != nil && isFiltered
    if isOuter { watch = .off("this program itself runs under a filter, whose errors come first") }
    let isOn = watch == .on
    guard isLate, let container else {
      program = try CellFilter.make(added, container: container, watched: isOn)
      return
    }
    // Init ends what the server leaves behind, by signals.
    let relaxed = SeccompContainer(sharesUser: container.sharesUser, refusesSignals: false)
    program = try CellFilter.make(added, container: relaxed, watched: false)
    server = try CellFilter.make(added, container: container, watched: isOn)
  }

  /// Goes on with the same refusals without telling.
  mutating func withoutListener(_ error: Errno) throws(SessionError) {
    let why =
      error == .busy
      ? "this program itself runs under a filter that tells of calls"
      : "the kernel gives no listener"
    watch = .off("\(why): \(error)")
    let plain = try CellFilter.make(added, container: container, watched: false)
    if server == nil { program = plain } else { server = plain }
  }

  private static func make(
    _ added: [Syscall], container: SeccompContainer? = nil, watched: Bool
  ) throws(SessionError) -> SeccompProgram {
    do {
      return try SeccompProgram.cell(adding: added, container: container, watched: watched)
    } catch {
      throw SessionError("cannot make the system-call filter: \(error)", hint: error.hint)
    }
  }
}

/// Answers the calls that a cell's filter tells of, always with the error, and counts them.
///
/// What the kernel hands over is of one size, and what the server chose of it, number and arguments,
/// serves for nothing but looking the error up in the filter's own rules and counting.
struct DenialWatch: ~Copyable {
  private let listener: SyscallListener
  private let rules: SeccompRules
  private(set) var counts = DenialCounts()
  private var isOpen = true

  init(_ listener: consuming SyscallListener, rules: SeccompRules) {
    self.listener = listener
    self.rules = rules
  }

  /// The descriptor to wait on; -1 once nobody is left who could make a call.
  var descriptor: Int32 { isOpen ? listener.rawValue : -1 }

  /// Answers one call after a wait that found `events`. One, so that whoever waits looks at
  /// everything else before the next: a server can make such calls without end.
  ///
  /// `tell` is given what is to be told at once, before the answer: whatever the server says after
  /// the refusal is then said later. It returns false when it could not.
  mutating func answer(
    _ events: PollEvents, tell: (DenialCounts.Entry) throws(SessionError) -> Bool
  ) throws(SessionError) {
    guard events.contains(.input) else {
      // Nothing but a hang-up, which would be reported without end.
      if !events.isEmpty { isOpen = false }
      return
    }
    let call = try doing("hear of a refused system call") { () throws(Errno) in
      try listener.next()
    }
    guard let call else { return }
    let errno = rules.refusal(
      of: SeccompCall(
        number: call.number, architecture: call.architecture, arguments: call.arguments))
    let now = Clock.monotonicMicroseconds()
    if let entry = counts.note(DeniedCall(number: call.number), errno, at: now) {
      if try !tell(entry) { counts.keep(entry, at: now) }
    }
    try doing("refuse a system call") { () throws(Errno) in
      try listener.refuse(call, Errno(rawValue: Int32(errno)))
    }
  }

  /// Puts back what could not be told.
  mutating func keep(_ entries: some Sequence<DenialCounts.Entry>, at now: Int64) {
    for entry in entries { counts.keep(entry, at: now) }
  }

  /// What waits to be told.
  mutating func take() -> [DenialCounts.Entry] { counts.take() }
}
