internal import Linux
internal import Wire

/// What came of one attempt, as the probe says.
struct ProbeAnswer: Sendable {
  /// The probe's words.
  enum Outcome: String {
    case done, reached, refused, killed, unknown
    /// Whether what was attempted is possible.
    var isOpen: Bool { self == .done || self == .reached }
    /// Whether it was stopped; a thing that could not be tried was not.
    var isStopped: Bool { self == .refused || self == .killed }
  }

  var outcome: Outcome
  /// The name of the error number, empty without one.
  var error: String
  var detail: String

  /// For a person: "refused, EPERM".
  var text: String {
    let words = [outcome.rawValue, error, detail].filter { !$0.isEmpty }
    return words.joined(separator: ", ")
  }
}

/// Sends attempts to a probe and takes its answers, bounded in time and size.
struct ProbeExchange {
  /// When all has to be over, in microseconds of the monotonic clock.
  let deadline: Int64
  /// Reports a signal that ends us.
  let signals: Int32
  /// How long one attempt may take, in seconds; nil for what is usual.
  var secondsEach: Int64?

  /// What all answers together may have, in bytes.
  private static let mostBytes = 4 << 20

  /// Asks for the attempts `asked` and returns one answer for each, in their order. What happens
  /// meanwhile on the descriptor `other` is for `handle`.
  func ask(
    _ asked: [String], input: consuming FileDescriptor, output: Int32, besides other: Int32 = -1,
    handle: (PollEvents) throws(SessionError) -> Void = { _ throws(SessionError) in }
  ) throws(SessionError) -> [ProbeAnswer] {
    let first = secondsEach.map { ["seconds:\($0)"] } ?? []
    let attempts = first + asked
    var requests: [UInt8] = []
    for attempt in attempts { requests += [UInt8](attempt.utf8) + [0] }
    let writing = input.rawValue
    var input: FileDescriptor? = .some(input)
    var sent = 0
    var received: [UInt8] = []
    var lines = 0
    while lines < attempts.count {
      if sent == requests.count { _ = input.take() }
      let isSent = sent == requests.count
      let ready = try wait(for: output, writing: isSent ? -1 : writing, besides: other)
      try handle(ready.other)
      if ready.write {
        do { sent += try Descriptor.write(writing, requests, sent..<requests.count) } catch {
          // One that has gone takes no more; how far it came is what there is to say.
          if error == .brokenPipe { throw ended("after \(lines) of \(attempts.count) attempts") }
          if error != .wouldBlock { throw ended("\(error)") }
        }
      }
      if ready.read {
        let part = try read(output)
        if part.isEmpty { throw ended("after \(lines) of \(attempts.count) attempts") }
        received += part
        lines += part.count { $0 == 0x0A }
        guard received.count <= ProbeExchange.mostBytes else { throw ended("it said too much") }
      }
    }
    return Array(try decode(received, attempts).dropFirst(first.count))
  }

  /// Whether `output` comes to its end within `milliseconds`: nobody has its other end any more.
  func ends(_ output: Int32, within milliseconds: Int64) throws(SessionError) -> Bool {
    let until = min(deadline, Clock.monotonicMicroseconds() + milliseconds * 1000)
    while Clock.monotonicMicroseconds() < until {
      var entries = [PollEntry(descriptor: output, events: .input)]
      let left = Int32(clamping: (until - Clock.monotonicMicroseconds()) / 1000 + 1)
      let ready = try doing("wait for the probe") { () throws(Errno) in
        try Poll.wait(&entries, timeoutMilliseconds: left)
      }
      if ready > 0, try read(output).isEmpty { return true }
    }
    return false
  }

  private func wait(
    for output: Int32, writing: Int32, besides other: Int32
  ) throws(SessionError) -> (read: Bool, write: Bool, other: PollEvents) {
    let left = deadline - Clock.monotonicMicroseconds()
    guard left > 0 else {
      throw SessionError(
        "the probe failed: it did not answer in time",
        hint: "on a slow machine give it more with --timeout SECONDS", status: 2)
    }
    var entries = [
      PollEntry(descriptor: output, events: .input),
      PollEntry(descriptor: writing, events: .output),
      PollEntry(descriptor: signals, events: .input),
      PollEntry(descriptor: other, events: .input),
    ]
    _ = try doing("wait for the probe") { () throws(Errno) in
      try Poll.wait(&entries, timeoutMilliseconds: Int32(clamping: left / 1000 + 1))
    }
    if !entries[2].result.isEmpty { throw SessionError("interrupted by a signal", status: 2) }
    return (!entries[0].result.isEmpty, !entries[1].result.isEmpty, entries[3].result)
  }

  private func read(_ descriptor: Int32) throws(SessionError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = try doing("hear the probe") { () throws(Errno) in
      try Descriptor.read(descriptor, into: &buffer, from: 0)
    }
    return [UInt8](buffer[..<count])
  }

  private func ended(_ why: String) -> SessionError {
    SessionError("the probe failed: \(why)", status: 2)
  }

  /// Exactly one line for each attempt, in their order.
  private func decode(_ bytes: [UInt8], _ attempts: [String]) throws(SessionError) -> [ProbeAnswer]
  {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    guard lines.count == attempts.count + 1, lines.last?.isEmpty ?? false else {
      throw ended("its answers are not one line for each attempt")
    }
    var decoder = Decoder(limits: WireLimits(maxSize: 64 << 10, maxDepth: 4))
    var document = Document()
    var answers: [ProbeAnswer] = []
    for (line, attempt) in zip(lines, attempts) {
      let text = [UInt8](line)
      do { try decoder.decodeValue(text.span, into: &document) } catch {
        throw ended("its answer to \(attempt) is not JSON")
      }
      guard let asked = document.member("attempt", of: document.root),
        document.string(asked, equals: ProbeExchange.spelled(attempt)),
        let outcome = word(document, "outcome").flatMap(ProbeAnswer.Outcome.init),
        let error = word(document, "errno"), let detail = word(document, "detail")
      else { throw ended("its answer to \(attempt) is none") }
      answers.append(ProbeAnswer(outcome: outcome, error: error, detail: detail))
    }
    return answers
  }

  /// The probe knows bytes and no encoding: each one comes back as the scalar of its value.
  private static func spelled(_ attempt: String) -> [UInt8] {
    attempt.utf8.flatMap { [UInt8](String(Unicode.Scalar($0)).utf8) }
  }

  private func word(_ document: Document, _ key: StaticString) -> String? {
    guard let value = document.member(key, of: document.root), value.kind == .string else {
      return nil
    }
    return String(validating: document.utf8(value), as: UTF8.self)
  }
}
