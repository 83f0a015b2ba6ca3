internal import Schema
internal import Wire

/// A request that waits for its response.
///
/// Each is copied some times from its arrival to its answer, so what few of them have is kept apart.
struct Pending: Sendable {
  var method: Method
  /// Whether the request was of the stateless era.
  var isStateless: Bool
  /// The tool of a call, as canonical content.
  var tool: [UInt8]?
  /// The line of the profile that allowed it.
  var rule: Int
  /// When it came, µs.
  var started: Int64
  /// The token that progress of it will carry.
  var token: RequestID?
  /// Of a list: how often the server had said before that its tools changed.
  var generation = 0
  /// When it has waited too long, on the clock of the window; `Int64.max` for never.
  var due = Int64.max
  /// How long (µs) it may wait, if it is due at some time.
  var timeout: Int64 = 0
  /// Of a call that was counted: what for.
  var charge = Meter.Charge.none
  /// Its place in the order of all requests, given when it is first put into a table.
  var order: Int = -1
  /// What few requests have, nil if it has nothing of it.
  private let rare: Rare?

  private final class Rare: Sendable {
    let name: [UInt8]?
    let subject: [UInt8]?
    let listening: Listening?
    let output: Schema?
    let agreed: Consent.Subject?
    let meta: [UInt8]?
    /// The bytes of what a client can make as large as it likes.
    let size: Int

    init(
      _ name: [UInt8]?, _ subject: [UInt8]?, _ listening: Listening?, _ output: Schema?,
      _ agreed: Consent.Subject?, _ meta: [UInt8]?
    ) {
      self.name = name
      self.subject = subject
      self.listening = listening
      self.output = output
      self.agreed = agreed
      self.meta = meta
      size = (subject?.count ?? 0) + (listening?.size ?? 0) + (meta?.count ?? 0)
    }
  }

  init(
    method: Method, name: [UInt8]? = nil, tool: [UInt8]? = nil, isStateless: Bool, rule: Int,
    started: Int64, token: RequestID? = nil, subject: [UInt8]? = nil, listening: Listening? = nil,
    output: Schema? = nil, agreed: Consent.Subject? = nil, meta: [UInt8]? = nil
  ) {
    self.method = method
    self.isStateless = isStateless
    self.tool = tool
    self.rule = rule
    self.started = started
    self.token = token
    let isPlain =
      name == nil && subject == nil && listening == nil && output == nil && agreed == nil
      && meta == nil
    rare = isPlain ? nil : Rare(name, subject, listening, output, agreed, meta)
  }

  /// What the method is called, if it is none of those that are known.
  var name: [UInt8]? { rare?.name }
  /// What the request is about, if not a tool: a URI, the name of a prompt or a task, as canonical
  /// content.
  var subject: [UInt8]? { rare?.subject }
  /// Of `subscriptions/listen`: what was asked for.
  var listening: Listening? { rare?.listening }
  /// What results of the tool must be, if they are checked.
  var output: Schema? { rare?.output }
  /// What the person has agreed to, if they were asked.
  var agreed: Consent.Subject? { rare?.agreed }
  /// Of a list: the `_meta` that requests for further pages repeat.
  var meta: [UInt8]? { rare?.meta }

  /// The bytes that it takes beyond what all take.
  var size: Int { rare?.size ?? 0 }

  /// The request as the owner of the task that it became.
  var owner: TaskTable.Owner { TaskTable.Owner(method: method, tool: tool, rule: rule) }
}

/// What a subscription of the stateless era was let through for.
struct Listening: Sendable {
  var tools = false
  var resources = false
  var prompts = false
  /// URIs and the ids of tasks, as canonical content.
  var uris: [[UInt8]] = []
  var tasks: [[UInt8]] = []

  /// The bytes that are held.
  var size: Int { (uris + tasks).reduce(0) { $0 + $1.count } }
}

/// The requests that one side made and the other has not answered: the only questions there are.
struct RequestTable: Sendable {
  private var entries: [RequestID: Pending] = [:]
  private var tokens: [RequestID: Int] = [:]
  /// Cancelled requests, each with the number of its grave.
  private var tombstones: [RequestID: Int] = [:]
  private var graves: [(id: RequestID, number: Int)] = []
  private var buried = 0
  private var oldest = 0
  private var orders = 0
  /// No request that waits is due before: looked up anew only when this time has come.
  private(set) var earliest = Int64.max
  /// Those that were found due together and have not been taken out yet, the last first.
  private var overdue: [RequestID] = []
  /// The bytes that all that wait take beyond what each takes.
  private(set) var heldBytes = 0
  /// How many calls wait that are counted, and of each entry of the rules how many.
  private(set) var calls = 0
  private var callsOfEntries: [Int] = []

  /// A table that will hold up to `capacity` requests; a part of that is reserved.
  init(capacity: Int) {
    entries.reserveCapacity(min(capacity, 64))
  }

  /// How many requests wait.
  var count: Int { entries.count }

  /// The request with this id, if it waits.
  subscript(id: RequestID) -> Pending? { entries[id] }

  /// Whether a new request may not have this id: it waits, or was cancelled and may be answered.
  func isTaken(_ id: RequestID) -> Bool {
    entries.index(forKey: id) != nil || !tombstones.isEmpty && tombstones[id] != nil
  }

  /// Adds a request, whose id is not taken.
  mutating func insert(_ id: RequestID, _ pending: consuming Pending) {
    if pending.order < 0 {
      pending.order = orders
      orders += 1
    }
    if let token = pending.token { tokens[token, default: 0] += 1 }
    if pending.due < earliest { earliest = pending.due }
    heldBytes += pending.size
    if pending.charge.isCounted { count(pending.charge, 1) }
    entries[id] = pending
  }

  /// Gives every request that waits and has a time the whole of it anew.
  mutating func beginTimes(at now: Int64) {
    earliest = .max
    overdue.removeAll()
    for (id, pending) in entries where pending.timeout > 0 {
      entries[id]?.due = now + pending.timeout
      earliest = min(earliest, now + pending.timeout)
    }
  }

  /// Takes out the request with this id.
  mutating func remove(_ id: RequestID) -> Pending? {
    guard let pending = entries.removeValue(forKey: id) else { return nil }
    if !tokens.isEmpty, let token = pending.token, let uses = tokens[token] {
      tokens[token] = uses > 1 ? uses - 1 : nil
    }
    heldBytes -= pending.size
    if pending.charge.isCounted { count(pending.charge, -1) }
    return pending
  }

  private mutating func count(_ charge: Meter.Charge, _ change: Int) {
    let entry = Int(charge.entry)
    while callsOfEntries.count <= entry { callsOfEntries.append(0) }
    callsOfEntries[entry] += change
    calls += change
  }

  /// How many calls of an entry wait that are counted.
  func calls(of entry: Int32) -> Int {
    Int(entry) < callsOfEntries.count ? callsOfEntries[Int(entry)] : 0
  }

  /// Takes out, of the requests that are due at `now`, the one that came first.
  mutating func takeDue(at now: Int64) -> (id: RequestID, pending: Pending)? {
    if earliest <= now {
      earliest = .max
      var due: [(id: RequestID, order: Int)] = []
      for (id, pending) in entries {
        if pending.due > now {
          earliest = min(earliest, pending.due)
        } else {
          due.append((id, pending.order))
        }
      }
      overdue = due.sorted { $0.order > $1.order }.map(\.id)
    }
    while let id = overdue.popLast() {
      if let pending = remove(id) { return (id, pending) }
    }
    return nil
  }

  /// Whether progress with this token belongs to a request that waits.
  func hasToken(_ token: RequestID) -> Bool { tokens[token] != nil }

  /// Remembers a cancelled request, so that its late answer is known as such and its id is not
  /// used again before; the oldest is forgotten.
  mutating func bury(_ id: RequestID) {
    guard tombstones[id] == nil else { return }
    buried += 1
    tombstones[id] = buried
    if graves.count < Bounds.tombstones {
      graves.append((id, buried))
      return
    }
    // A grave that was left early may be followed by another one of the same id.
    let old = graves[oldest]
    if tombstones[old.id] == old.number { tombstones[old.id] = nil }
    graves[oldest] = (id, buried)
    oldest = (oldest + 1) % graves.count
  }

  /// Whether a response belongs to a cancelled request, which is then forgotten.
  mutating func exhume(_ id: RequestID) -> Bool {
    !tombstones.isEmpty && tombstones.removeValue(forKey: id) != nil
  }

  /// Forgets the cancelled requests: whoever might have answered them is gone.
  mutating func forgetTombstones() {
    tombstones.removeAll()
    graves.removeAll()
    oldest = 0
  }

  /// Every request that waits, in the order in which they came.
  var waiting: [(id: RequestID, pending: Pending)] {
    entries.sorted { $0.value.order < $1.value.order }.map { (id: $0.key, pending: $0.value) }
  }

  /// Takes out every request, in the order in which they came.
  mutating func removeAll() -> [(id: RequestID, pending: Pending)] {
    let all = waiting
    entries.removeAll()
    tokens.removeAll()
    earliest = .max
    overdue = []
    heldBytes = 0
    calls = 0
    callsOfEntries = []
    return all
  }
}
