internal import Wire

/// What is known of the server's tools in this session, and the calls that wait to be decided on.
///
/// What was decided stays decided: a change of the tools, of which the server tells in a
/// notification, counts for the calls that come after it.
struct Catalogue: Sendable {
  /// A call that came before the server's tools were known.
  struct Held: Sendable {
    var document: Document
    var at: Int64
  }

  /// A request of our own for the list of tools, in flight.
  struct Lookup: Sendable {
    var own: RequestID
    var gather: Gather
    /// How often the tools had changed when it began.
    var generation: Int
    var isStateless: Bool
    var meta: [UInt8]?
    var started: Int64
    /// When the server has taken too long.
    var due: Int64
    /// How often it was begun anew, because the tools changed meanwhile.
    var repeats: Int
  }

  /// The last whole list.
  var definitions: Definitions?
  /// How often the server said that its tools changed.
  var generation = 0
  /// Of which time the definitions are.
  private var known = -1
  var lookup: Lookup? { didSet { isLooking = lookup != nil } }
  /// Whether a request of our own for the list is in flight; cheaper to ask than ``lookup``, which
  /// holds a whole list in the making.
  private(set) var isLooking = false
  private var held: [RequestID: Held] = [:]
  /// Their order; ids that are no longer held are passed over.
  private var order: [RequestID] = []
  private(set) var heldBytes = 0
  /// Those that can be decided on now, in their order.
  private var ready: [RequestID] = []
  /// Why they are all refused.
  var failure: (reason: Reason, text: StaticString)?
  /// Whether a call is being decided on that has waited its turn.
  var isReleasing = false

  /// Whether a call can be decided on at once: calls that wait come before it.
  var answersNow: Bool { known == generation && (held.isEmpty || isReleasing) }

  /// The call that has waited longest.
  var first: RequestID? { order.first { held[$0] != nil } }

  /// Takes in the definitions of a whole list.
  mutating func learn(_ definitions: Definitions, of generation: Int) {
    self.definitions = definitions
    known = generation
    if known == self.generation { releaseAll() }
  }

  /// Keeps a call until the definitions are there.
  mutating func hold(_ id: RequestID, _ document: Document, at now: Int64) {
    held[id] = Held(document: document, at: now)
    order.append(id)
    heldBytes += document.bytes.count
  }

  /// Whether a call waits.
  func holds(_ id: RequestID) -> Bool { !held.isEmpty && held[id] != nil }

  /// Takes a call out.
  mutating func release(_ id: RequestID) -> Held? {
    guard !held.isEmpty, let call = held.removeValue(forKey: id) else { return nil }
    heldBytes -= call.document.bytes.count
    if held.isEmpty {
      order.removeAll()
    } else if order.count > 2 * held.count + 16 {
      // An id that was cancelled may be used again, and has its new place only.
      order = order.filter { held[$0] != nil }
    }
    return call
  }

  /// Whether there is a call whose turn it is.
  var hasNext: Bool { !ready.isEmpty }

  /// Takes out the next call whose turn it is.
  mutating func next() -> (id: RequestID, held: Held)? {
    while !ready.isEmpty {
      let id = ready.removeFirst()
      if let call = release(id) { return (id, call) }
    }
    failure = nil
    return nil
  }

  /// Lets every call that waits be decided on.
  mutating func releaseAll() {
    ready = order.filter { held[$0] != nil }
  }

  /// No list can be had: what waits is refused.
  mutating func fail(_ reason: Reason, _ text: StaticString) {
    lookup = nil
    guard !held.isEmpty else { return }
    failure = (reason, text)
    releaseAll()
  }

  /// The record of a call that waits could not be written, and so our request for the list, which
  /// goes with it, was not sent: nothing that waits can be recorded then.
  mutating func giveUp(on id: RequestID) {
    guard release(id) != nil else { return }
    fail(.auditFailed, "the call could not be written to the audit log")
  }

  /// The server is gone, and another one follows whose tools are not known.
  mutating func forget() {
    clear()
    definitions = nil
    known = -1
    generation += 1
  }

  /// The server is gone.
  mutating func clear() {
    lookup = nil
    held.removeAll()
    order.removeAll()
    ready.removeAll()
    heldBytes = 0
    failure = nil
  }
}
