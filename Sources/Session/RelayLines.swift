internal import Linux
internal import Policy
internal import Wire

/// A line that is to be sent once its record is written.
struct Staged {
  /// Whether it goes to the client.
  var toClient: Bool
  /// Where it ends in its queue.
  var end: Int
  /// The request that may not be sent unrecorded, and its size.
  var request: RequestID?
  /// See `request`.
  var size: Int
  /// Whether it answers the side that it goes to.
  var isAnswer: Bool
}

extension RelayLoop {
  /// Decodes a line and decides on it.
  mutating func handle(_ item: LineFramer.Item, from side: Side, at now: Int64) {
    guard case .line(let range) = item else {
      // How long the line will be is not known yet: this much of it has been seen.
      let seen = decoder.limits.maxSize + 1
      return refuse(WireError(.oversize, at: seen - 1), from: side, size: seen, at: now)
    }
    noteSize(range.count)
    do throws(WireError) {
      switch side {
      case .client:
        try clientFramer.decode(range, with: &decoder, into: &document)
      case .server:
        try serverFramer.decode(range, with: &decoder, into: &document)
      }
    } catch {
      return refuse(error, from: side, size: range.count, at: now)
    }
    let decision = window.decide(document, from: side, at: now)
    if side == .client, document.kind == .request { counters.requests += 1 }
    stage(decision, from: side, at: now)
  }

  /// Decides on a line that is no message.
  mutating func refuse(_ error: WireError, from side: Side, size: Int, at now: Int64) {
    let decision = window.refuse(error, from: side, size: size, at: now)
    recorder.add(decision.event, document, at: now)
    count(decision.event)
    send(decision, from: side, request: nil)
  }

  private mutating func stage(_ decision: Decision, from side: Side, at now: Int64) {
    recorder.add(decision.event, document, at: now)
    count(decision.event)
    send(decision, from: side, request: decision.event.mustRecordBefore ? document.id : nil)
  }

  /// Queues what a decision sends, to be written after its record.
  private mutating func send(_ decision: Decision, from side: Side, request: RequestID?) {
    switch decision.action {
    case .forward: forward(from: side, request)
    case .replace(let bytes): queue(bytes, toClient: side == .server, from: side, request)
    case .answer(let bytes): queue(bytes, toClient: side == .client, from: side, request)
    case .drop: break
    }
    for extra in decision.extra {
      switch extra {
      case .client(let bytes): queue(bytes, toClient: true, from: side, request)
      case .server(let bytes): queue(bytes, toClient: false, from: side, request)
      }
    }
  }

  /// Queues the message itself; a large one is not copied. Nothing may need the document after.
  private mutating func forward(from side: Side, _ request: RequestID?) {
    guard document.bytes.count >= 16 << 10 else {
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
        request: request, size: size, isAnswer: false))
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
    staged.append(
      Staged(
        toClient: isToClient, end: isToClient ? toClient.mark : toServer.mark, request: request,
        size: document.bytes.count, isAnswer: isAnswer))
  }

  private mutating func count(_ event: Event) {
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
      mayRecordAfter && recorder.size < Self.mostLate
      && !staged.contains { !$0.toClient || $0.request != nil }
    if !isLate, !recorder.commit(at: now) { takeBack(at: now) }
    staged.removeAll(keepingCapacity: true)
    if toServer.count > 0 { flushServer() }
    if toClient.count > 0 { flushClient() }
  }

  /// The records could not be written: what may not go unrecorded is taken out of the queues
  /// again, and the client told so.
  private mutating func takeBack(at now: Int64) {
    guard staged.contains(where: { $0.request != nil }) else { return }
    let clientBytes = toClient.isOpen ? toClient.takeBack(to: marks.client) : []
    let serverBytes = toServer.isOpen ? toServer.takeBack(to: marks.server) : []
    var (clientAt, serverAt) = (0, 0)
    var refused: Set<RequestID> = []
    for item in staged {
      let start = item.toClient ? clientAt : serverAt
      let end = item.end - (item.toClient ? marks.client : marks.server)
      if item.toClient { clientAt = end } else { serverAt = end }
      if let request = item.request {
        guard refused.insert(request).inserted else { continue }
        let decision = window.auditFailed(request, bytesIn: item.size)
        count(decision.event)
        if case .answer(let bytes) = decision.action { toClient.append(bytes, isAnswer: true) }
        continue
      }
      let bytes = item.toClient ? clientBytes : serverBytes
      guard end <= bytes.count, start < end else { continue }
      let line = Array(bytes[start..<end - 1])
      if item.toClient {
        toClient.append(line, isAnswer: item.isAnswer)
      } else {
        toServer.append(line, isAnswer: item.isAnswer)
      }
    }
  }
}
