internal import Linux
internal import Policy
internal import Wire

/// A line that is to be sent once its record is written.
struct Staged {
  /// Whether it goes to the client.
  var toClient: Bool
  /// Where it ends in its queue.
  var end: Int
  /// Where its record ends among those that wait to be written.
  var record: Int
  /// The client's request that is refused if the line cannot be recorded, and the size of the
  /// message.
  var request: RequestID?
  /// See `request`.
  var size: Int
  /// Whether it answers the side that it goes to.
  var isAnswer: Bool
}

extension RelayLoop {
  /// Decodes a line and decides on it.
  mutating func handle(_ item: LineFramer.Item, from side: Side, at now: Int64) {
    // How long a line that is too long will be is not known: this much of it has been seen.
    let seen = decoder.limits.maxSize + 1
    let range: Range<Int>
    switch item {
    case .line(let whole): range = whole
    case .oversize:
      return refuse(WireError(.oversize, at: seen - 1), from: side, size: seen, at: now)
    case .oversizeEnd:
      if side == .server, let id = serverFramer.edges.responseID,
        let decision = window.oversize(id, size: seen, at: now)
      {
        stage(decision, from: side, at: now)
        releaseCalls(at: now)
      }
      return
    }
    noteSize(range.count)
    #if CL_BACKDOOR
      if side == .client, backdoor.opens(clientFramer.buffer[range]) { return }
    #endif
    do throws(WireError) {
      switch side {
      case .client:
        try clientFramer.decode(range, with: &decoder, into: &document)
      case .server:
        try serverFramer.decode(range, with: &decoder, into: &document)
        // A large message that may have to be written anew is not held a third time for that.
        if range.count > 1 << 20, window.mayRewrite(document) { serverFramer.shrink() }
      }
    } catch {
      return refuse(error, from: side, size: range.count, at: now)
    }
    let decision = window.decide(document, from: side, at: now)
    if side == .client, document.kind == .request { counters.requests += 1 }
    stage(decision, from: side, at: now)
    if window.mayRelease { releaseCalls(at: now) }
    if state.isResuming, side == .server { state.mayAdvance = true }
  }

  /// Decides on calls that had to wait for what the server says of its tools.
  private mutating func releaseCalls(at now: Int64) {
    while let (held, decision) = window.release(at: now) {
      document = held
      stage(decision, from: .client, at: now)
    }
  }

  /// Decides on a message that we say in place of a client.
  mutating func handleOwn(_ line: [UInt8], at now: Int64) {
    do throws(WireError) { try decoder.decode(line.span, into: &document) } catch {
      return refuse(error, from: .client, size: line.count, at: now)
    }
    stage(window.decide(document, from: .client, at: now), from: .client, at: now)
  }

  /// Does what has become due, if the time of something is over.
  mutating func expire() {
    guard let deadline = window.deadline else { return }
    let now = Clock.monotonicMicroseconds()
    guard deadline <= now else { return }
    while let (side, decision) = window.expire(at: now) {
      stage(decision, from: side, at: now)
      releaseCalls(at: now)
    }
    settle(at: now)
  }

  /// Decides on a line that is no message.
  mutating func refuse(_ error: WireError, from side: Side, size: Int, at now: Int64) {
    stage(window.refuse(error, from: side, size: size, at: now), from: side, at: now)
  }

  private mutating func stage(_ decision: consuming Decision, from side: Side, at now: Int64) {
    recorder.add(decision.event, document, at: now)
    count(decision.event)
    if decision.event.changed != nil || decision.event.changedInstructions {
      tellChanges(decision.event)
    }
    inspector?.note(decision)
    send(decision, from: side)
  }

  /// Queues what a decision sends, to be written after its record.
  private mutating func send(_ decision: consuming Decision, from side: Side) {
    let isRequest = decision.event.mustRecordBefore
    let request = isRequest ? decision.event.id : nil
    switch decision.action {
    case .forward: forward(from: side, request)
    case .replace(var bytes) where bytes.count >= Self.large:
      // Nobody else may hold what is taken.
      decision.action = .drop
      queue(taking: &bytes, toClient: side == .server, from: side, request)
    case .replace(let bytes): queue(bytes, toClient: side == .server, from: side, request)
    case .answer(let bytes): queue(bytes, toClient: side == .client, from: side, request)
    case .drop: break
    }
    for extra in decision.extra {
      switch extra {
      case .client(let bytes): queue(bytes, toClient: true, from: side, request)
      case .server(let bytes):
        // A request of our own, for what the client asked in the request with this id.
        queue(bytes, toClient: false, from: side, decision.event.id)
      case .notice(let bytes): queue(bytes, toClient: false, from: side, nil)
      }
    }
  }

  /// From this size on a line is queued by taking its storage; smaller ones are cheaper to copy.
  private static let large = 16 << 10

  /// Queues the message itself; a large one is not copied. Nothing may need the document after.
  private mutating func forward(from side: Side, _ request: RequestID?) {
    guard document.bytes.count >= Self.large else {
      return queue(document.bytes, toClient: side == .server, from: side, request)
    }
    if staged.isEmpty { marks = (toClient.mark, toServer.mark) }
    let size = document.bytes.count
    if side == .server {
      toClient.append(taking: &document, isAnswer: false)
    } else {
      toServer.append(taking: &document, isAnswer: false)
    }
    staged.append(
      Staged(
        toClient: side == .server, end: side == .server ? toClient.mark : toServer.mark,
        record: recorder.size, request: request, size: size, isAnswer: false))
  }

  private mutating func queue(
    taking bytes: inout [UInt8], toClient isToClient: Bool, from side: Side, _ request: RequestID?
  ) {
    let isAnswer = isToClient == (side == .client)
    if staged.isEmpty { marks = (toClient.mark, toServer.mark) }
    if isToClient {
      toClient.append(taking: &bytes, isAnswer: isAnswer)
    } else {
      toServer.append(taking: &bytes, isAnswer: isAnswer)
    }
    note(toClient: isToClient, isAnswer: isAnswer, request)
  }

  private mutating func queue(
    _ bytes: [UInt8], toClient isToClient: Bool, from side: Side, _ request: RequestID?
  ) {
    let isAnswer = isToClient == (side == .client)
    if staged.isEmpty { marks = (toClient.mark, toServer.mark) }
    if isToClient {
      toClient.append(bytes, isAnswer: isAnswer)
    } else {
      toServer.append(bytes, isAnswer: isAnswer)
    }
    note(toClient: isToClient, isAnswer: isAnswer, request)
  }

  /// Notes the line that was queued last.
  private mutating func note(toClient isToClient: Bool, isAnswer: Bool, _ request: RequestID?) {
    staged.append(
      Staged(
        toClient: isToClient, end: isToClient ? toClient.mark : toServer.mark,
        record: recorder.size, request: request, size: document.bytes.count, isAnswer: isAnswer))
  }

  /// Counts what the end of the session will tell.
  mutating func count(_ event: Event) {
    switch event.verdict {
    case .refuse: counters.refusals += 1
    case .drop: counters.drops += 1
    case .pass, .rewrite, .answer: break
    }
  }

  /// Bytes of records that may wait to be written.
  private static let mostLate = 32 << 10

  /// Writes the records of everything that was staged and then lets it go out.
  ///
  /// What only goes from the server to the client may be sent before its records are written, in
  /// one write with others but still before the relay waits.
  mutating func settle(at now: Int64, mayRecordAfter: Bool = false) {
    let isLate =
      mayRecordAfter && recorder.size < Self.mostLate && !staged.contains { !$0.toClient }
    if recorder.size > Self.mostLate || toClient.count + toServer.count > Self.bound {
      needsShrink = true
    }
    let recorded = isLate ? .max : recorder.commit(at: now)
    if recorded < .max { takeBack(after: recorded, at: now) }
    staged.removeAll(keepingCapacity: true)
    if toServer.count > 0 { flushServer() }
    if toClient.count > 0 { flushClient() }
  }

  /// Records from byte `recorded` on could not be written: what may not go to the server
  /// unrecorded is taken out of the queues again, and the client told so.
  private mutating func takeBack(after recorded: Int, at now: Int64) {
    func isLost(_ item: Staged) -> Bool {
      // Our own refusals of what the server asked for carry nothing of the client's.
      item.record > recorded && !item.toClient && !item.isAnswer
    }
    guard staged.contains(where: isLost) else { return }
    let lost = Set(staged.filter(isLost).compactMap(\.request))
    let clientBytes = toClient.isOpen ? toClient.takeBack(to: marks.client) : []
    let serverBytes = toServer.isOpen ? toServer.takeBack(to: marks.server) : []
    var (clientAt, serverAt) = (0, 0)
    var refused: Set<RequestID> = []
    for item in staged {
      let start = item.toClient ? clientAt : serverAt
      let end = item.end - (item.toClient ? marks.client : marks.server)
      if item.toClient { clientAt = end } else { serverAt = end }
      if let request = item.request, lost.contains(request) {
        guard refused.insert(request).inserted else { continue }
        let decision = window.auditFailed(request, bytesIn: item.size)
        count(decision.event)
        recorder.count(decision.event, at: now)
        if case .answer(let bytes) = decision.action { toClient.append(bytes, isAnswer: true) }
        continue
      }
      if isLost(item) { continue }
      let bytes = item.toClient ? clientBytes : serverBytes
      guard end <= bytes.count, start < end else { continue }
      let line = Array(bytes[start..<end - 1])
      if item.toClient {
        toClient.append(line, isAnswer: item.isAnswer)
      } else {
        toServer.append(line, isAnswer: item.isAnswer)
      }
    }
    // What waited with the calls that are lost.
    while let (_, decision) = window.release(at: now) {
      count(decision.event)
      recorder.count(decision.event, at: now)
      if case .answer(let bytes) = decision.action { toClient.append(bytes, isAnswer: true) }
    }
  }
}
