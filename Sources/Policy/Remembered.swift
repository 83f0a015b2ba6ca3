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

/// What a result of the stateless era asked the client for, until it comes with another request.
struct Ask: Sendable {
  /// One of the questions: its key and whether the answer is about roots.
  struct Question: Sendable {
    var key: [UInt8]
    var isRoots: Bool
  }

  var method: Method
  /// The tool, prompt or URI of the request.
  var subject: [UInt8]?
  var questions: [Question]
}
