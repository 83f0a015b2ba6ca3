internal import Wire

/// Tasks by their ids, each with the request that made it; the oldest is forgotten.
///
/// Whoever works on a task chooses its id; the other side may only ask for one that answered a
/// request of its own.
struct TaskTable: Sendable {
  /// The request that made a task.
  struct Owner: Sendable {
    var method: Method
    var tool: [UInt8]?
    var rule: Int
  }

  private var owners: [[UInt8]: Owner] = [:]
  private var order: [[UInt8]] = []
  private var oldest = 0

  /// Remembers a task. An id that is known keeps its owner.
  mutating func insert(_ id: [UInt8], _ owner: Owner) {
    guard id.count <= Bounds.identifier, owners[id] == nil else { return }
    owners[id] = owner
    if order.count < Bounds.remembered {
      order.append(id)
    } else {
      owners[order[oldest]] = nil
      order[oldest] = id
      oldest = (oldest + 1) % order.count
    }
  }

  /// How many are remembered.
  var count: Int { owners.count }

  /// Remembers those of another table as well.
  mutating func insert(all other: TaskTable) {
    for (id, owner) in other.owners { insert(id, owner) }
  }

  /// The request that made a task.
  func owner(of range: Range<Int>, in bytes: [UInt8]) -> Owner? {
    guard !owners.isEmpty, range.count <= Bounds.identifier else { return nil }
    return owners[Array(bytes[range])]
  }
}

/// What a result of the stateless era, or a notification of a task, asked the client for, until it comes
/// with another request.
struct Ask: Sendable {
  /// One of the questions: its key and whether the answer is about roots.
  struct Question: Sendable {
    var key: [UInt8]
    var isRoots: Bool
  }

  /// The method that brings the answers.
  let method: Method
  /// The tool, prompt, URI or task of the request.
  let subject: [UInt8]?
  private(set) var questions: [Question] = []

  init(_ method: Method, _ subject: [UInt8]?, _ requests: Value, of document: Document) {
    self.method = method
    self.subject = subject
    document.forEachMember(of: requests) { key, request in
      let asked = document.member(Key.method, of: request).flatMap {
        $0.kind == .string ? Method(document.content($0), in: document.bytes) : nil
      }
      questions.append(
        Question(key: Array(document.bytes[key]), isRoots: asked == .rootsList))
    }
  }
}
