internal import Wire

/// Calls that wait for the person, and what the person has agreed to.
///
/// With a handshake the question is a request of ours, and the call waits here for its answer. In the
/// stateless era the question is the result of the call, and the answer comes with the call when it
/// is made again. The server sees neither, and nothing that it says is taken for an answer: ids and
/// keys are random, and looked for only in what the client sends.
struct Consent: Sendable {
  /// A question of ours in flight, and the call that waits for its answer.
  struct Question: Sendable {
    /// The id of our request.
    var id: RequestID
    /// The id of the call.
    var call: RequestID
    var tool: [UInt8]
    var document: Document
    /// Where the arguments of the call are.
    var arguments: Value?
    /// When it was put, and when it is given up, µs.
    var started: Int64
    var deadline: Int64
  }

  /// A question that went out as the result of a call.
  struct Asked: Sendable {
    /// The key that the answer comes under, as canonical content.
    var key: [UInt8]
    var subject: Subject
    var deadline: Int64
  }

  /// What the person agrees to: a tool and its arguments, as they reach the server.
  struct Subject: Sendable, Equatable {
    var tool: [UInt8]
    var arguments: [UInt8]

    init(_ tool: [UInt8], _ arguments: Value?, of document: Document) {
      self.tool = tool
      self.arguments = arguments.map { Array(document.bytes[$0.range]) } ?? []
    }
  }

  /// What came of a question.
  enum Answer: Sendable {
    /// The person agrees to this call.
    case once
    /// The person agrees to every call of the tool in this session.
    case session
    /// The person refuses, or looked away.
    case declined
    /// The client answered with an error, or with something that is no answer.
    case failed
    /// Nothing, for too long.
    case unanswered
  }

  /// One call that was agreed to and is still to come.
  private struct Grant: Sendable, Equatable {
    var subject: Subject
    /// The id of the call that waits; nil of one that the server wants repeated with more input.
    var call: RequestID?
    /// Until when such a call may come, µs.
    var deadline: Int64
  }

  /// Whether the client said in the handshake that it can show a form.
  var canAsk = false
  private(set) var questions: [Question] = []
  private(set) var heldBytes = 0
  /// Those with an answer, the oldest first.
  private var ready: [(question: Question, answer: Answer)] = []
  private var asked: [Asked] = []
  private var grants: [Grant] = []
  /// The tools that were agreed to for the session.
  private var tools: Set<[UInt8]> = []

  /// Whether a question of ours has this id.
  func isOpen(_ id: RequestID) -> Bool {
    !questions.isEmpty && questions.contains { $0.id == id }
  }

  /// Whether a call waits.
  func holds(_ call: RequestID) -> Bool {
    !questions.isEmpty && questions.contains { $0.call == call }
  }

  /// Keeps a call until its question is answered.
  mutating func hold(_ question: Question) {
    heldBytes += question.document.bytes.count
    questions.append(question)
  }

  /// Takes out the question of a call.
  mutating func withdraw(call: RequestID) -> Question? {
    guard let index = questions.firstIndex(where: { $0.call == call }) else { return nil }
    return remove(at: index)
  }

  /// Takes in the answer to the question with this id, which is gone with it.
  mutating func answer(_ id: RequestID, _ answer: Answer) -> Question? {
    guard let index = questions.firstIndex(where: { $0.id == id }) else { return nil }
    let question = remove(at: index)
    ready.append((question, answer))
    return question
  }

  private mutating func remove(at index: Int) -> Question {
    let question = questions.remove(at: index)
    heldBytes -= question.document.bytes.count
    return question
  }

  /// When the next question is given up, `Int64.max` for never.
  var deadline: Int64 { questions.isEmpty ? .max : questions.lazy.map(\.deadline).min() ?? .max }

  /// Gives up a question that has waited for too long, and gives it.
  mutating func expire(at now: Int64) -> Question? {
    questions.first { $0.deadline <= now }.flatMap { answer($0.id, .unanswered) }
  }

  /// Whether a call can be decided on.
  var hasNext: Bool { !ready.isEmpty }

  /// Takes out the next call that can be decided on.
  mutating func next() -> (question: Question, answer: Answer)? {
    ready.isEmpty ? nil : ready.removeFirst()
  }

  /// The server is gone: gives the questions that nobody needs to answer any more.
  mutating func clear() -> [Question] {
    defer {
      grants.removeAll { $0.call != nil }
      questions.removeAll()
      ready.removeAll()
      heldBytes = 0
    }
    return questions
  }

  /// Remembers a question that went out as a result; the oldest is forgotten.
  mutating func ask(_ question: Asked) {
    if asked.count >= Bounds.asks { asked.removeFirst() }
    asked.append(question)
  }

  /// How many questions that went out as results wait for their answers.
  func countAsked(at now: Int64) -> Int { asked.count { $0.deadline > now } }

  /// Takes out the question that this key is of: an answer counts once.
  mutating func takeAsked(_ key: Range<Int>, in bytes: [UInt8]) -> Asked? {
    asked.firstIndex { $0.key.elementsEqual(bytes[key]) }.map { asked.remove(at: $0) }
  }

  /// Agrees to every call of a tool.
  mutating func allow(tool: [UInt8]) {
    guard tools.count < Bounds.definitions else { return }
    tools.insert(tool)
  }

  /// Agrees to one call: to that with this id, or to one that brings the input that was asked for and
  /// comes before `deadline`.
  mutating func allow(_ subject: Subject, call: RequestID?, until deadline: Int64 = .max) {
    if grants.count >= Bounds.asks { grants.removeFirst() }
    grants.append(Grant(subject: subject, call: call, deadline: deadline))
  }

  /// Takes back what was agreed to about the call with this id, which is not made.
  mutating func revoke(call: RequestID) {
    guard !grants.isEmpty else { return }
    grants.removeAll { $0.call == call }
  }

  /// Whether the person has agreed to every call of the tool.
  func covers(tool: [UInt8]) -> Bool { tools.contains(tool) }

  /// Whether the person has agreed to this call, which counts once.
  ///
  /// - Parameter carriesInput: whether the call answers what the server asked for.
  mutating func covers(
    _ subject: Subject, call: RequestID, carriesInput: Bool, at now: Int64
  ) -> Bool {
    grants.removeAll { $0.deadline <= now }
    let index = grants.firstIndex {
      $0.subject == subject && ($0.call.map { $0 == call } ?? carriesInput)
    }
    guard let index else { return false }
    grants.remove(at: index)
    return true
  }
}
