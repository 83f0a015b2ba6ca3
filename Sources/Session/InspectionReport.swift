internal import Policy
internal import Wire

/// What `tools` says of a server: each tool with what the profile makes of it and what became of it since
/// it was pinned. All of it is the server's text: it is taken apart and made visible here, in the relay.
struct InspectionReport {
  /// What became of something since it was pinned.
  enum State: String {
    case pinned = "as pinned"
    case changed, new, gone
    /// There are no pins to compare with.
    case unpinned = "not pinned yet"
  }

  /// One tool, or the instructions.
  struct Row {
    /// Canonical string content.
    var name: [UInt8]
    var isOffered: Bool
    var rule: Int?
    /// Whether the person is asked about each call.
    var asks = false
    var fault: String?
    var state: State
    /// What is different, in the order of its places.
    var changes: [InspectionChange]
    /// Whether it is approved now.
    var isApproved: Bool

    /// Whether the profile lets nobody have it because it is not as pinned.
    func isHeld(strict: Bool) -> Bool {
      strict && !isApproved && rule != nil && (state == .changed || state == .new)
    }
    /// Whether somebody should look at it.
    var needsLook: Bool { !isApproved && state != .pinned && state != .unpinned }
  }

  let task: RelayInspection
  private(set) var tools: [Row] = []
  private(set) var instructions: Row
  /// Something that is to be approved and is nowhere.
  private(set) var unknown: [UInt8]?
  /// What is pinned from now on, if anything was approved.
  private(set) var approved: PinBook?
  /// The text of the instructions that the server gives, sorted; `null` for none, nil if it was not
  /// asked.
  let said: [UInt8]?

  init(
    _ task: RelayInspection, _ pinned: PinBook,
    _ offer: (tools: [ToolOffer], instructions: PinBook.Entry?, seen: PinBook)
  ) {
    self.task = task
    said = offer.instructions?.text
    let approval = task.approval
    func approves(_ name: [UInt8]) -> Bool {
      switch approval {
      case .nothing: false
      case .everything: true
      case .tools(let names, _): names.contains(name)
      }
    }
    for tool in offer.tools {
      let state = Self.state(
        tool.pinned, tool.offered, isPinned: pinned.tools != nil)
      tools.append(
        Row(
          name: tool.name, isOffered: tool.offered != nil, rule: tool.rule, asks: tool.asks,
          fault: tool.fault, state: state,
          changes: state == .changed || state == .new
            ? InspectionChange.between(tool.pinned?.text, tool.offered?.text) : [],
          isApproved: approves(tool.name)))
    }
    let approvesInstructions =
      switch approval {
      case .nothing: false
      case .everything: true
      case .tools(_, let instructions): instructions
      }
    let state = Self.state(
      pinned.instructions, offer.instructions, isPinned: pinned.instructions != nil)
    instructions = Row(
      name: [], isOffered: offer.instructions != nil, rule: 0, fault: nil,
      // The server was not asked: it has a list of tools, and nothing that gives instructions.
      state: offer.instructions == nil && pinned.instructions != nil ? .pinned : state,
      changes: state == .changed
        ? InspectionChange.between(pinned.instructions?.text, offer.instructions?.text) : [],
      isApproved: approvesInstructions)
    if case .tools(let names, _) = approval {
      unknown = names.first { name in !tools.contains { $0.name == name } }
    }
    if approval != .nothing, unknown == nil {
      approved = Self.book(pinned, offer, approval, instructions: approvesInstructions)
    }
  }

  private static func state(
    _ old: PinBook.Entry?, _ new: PinBook.Entry?, isPinned: Bool
  ) -> State {
    guard isPinned else { return .unpinned }
    guard let old else { return .new }
    guard let new else { return .gone }
    return old.digest == new.digest ? .pinned : .changed
  }

  /// What is pinned after an approval: what was, with what is approved put in its place.
  private static func book(
    _ pinned: PinBook,
    _ offer: (tools: [ToolOffer], instructions: PinBook.Entry?, seen: PinBook),
    _ approval: RelayInspection.Approval, instructions: Bool
  ) -> PinBook {
    var book = pinned
    if instructions, let said = offer.instructions { book.instructions = said }
    switch approval {
    case .nothing: break
    case .everything: book.tools = offer.seen.tools
    case .tools(let names, _) where !names.isEmpty:
      var tools = book.tools ?? [:]
      for tool in offer.tools where names.contains(tool.name) {
        tools[tool.key] = tool.offered
      }
      book.tools = tools
    case .tools: break
    }
    return book
  }

  /// How much is still not as pinned: tools, instructions, program.
  var remaining: Int {
    tools.count(where: \.needsLook) + (instructions.needsLook ? 1 : 0)
      + (task.isServerChanged && !task.approvesServer ? 1 : 0)
  }
}

/// One difference between what was said and what is said.
struct InspectionChange: Sendable {
  /// Where, as the names of members and numbers of elements, with `.` between.
  var place: [UInt8]
  /// What is there, as canonical JSON; nil for nothing.
  var old: [UInt8]?, new: [UInt8]?

  /// The most that are told of one tool.
  private static let most = 200

  /// The differences of two values in sorted form; all of one if there is no other.
  static func between(_ old: [UInt8]?, _ new: [UInt8]?) -> [InspectionChange] {
    var changes: [InspectionChange] = []
    let (one, other) = (old.flatMap { Document(said: $0) }, new.flatMap { Document(said: $0) })
    compare(one, one?.said, other, other?.said, at: [], &changes)
    return changes
  }

  private static func compare(
    _ one: Document?, _ old: Value?, _ other: Document?, _ new: Value?, at place: [UInt8],
    _ changes: inout [InspectionChange]
  ) {
    let was = old.flatMap { value in one.map { Array($0.bytes[value.range]) } }
    let now = new.flatMap { value in other.map { Array($0.bytes[value.range]) } }
    guard was != now, changes.count < most else { return }
    func inner(_ name: [UInt8]) -> [UInt8] {
      place.isEmpty ? name : place + [UInt8(ascii: ".")] + name
    }
    if let one, let other, let old, let new, old.kind == .object, new.kind == .object {
      compareMembers(one, old, other, new, inner, &changes)
      return
    }
    if let one, let other, let old, let new, old.kind == .array, new.kind == .array {
      let before = Array(one.elements(of: old))
      let after = Array(other.elements(of: new))
      if before.count == after.count {
        for (index, pair) in zip(before, after).enumerated() {
          compare(one, pair.0, other, pair.1, at: inner(Array("\(index)".utf8)), &changes)
        }
        return
      }
    }
    // What is there for the first time, at the top, is told member by member.
    if place.isEmpty, old == nil, let other, let new, new.kind == .object {
      for (key, value) in other.members(of: new) {
        compare(nil, nil, other, value, at: Array(other.bytes[key]), &changes)
      }
      return
    }
    changes.append(InspectionChange(place: place, old: was, new: now))
  }

  private static func compareMembers(
    _ one: Document, _ old: Value, _ other: Document, _ new: Value,
    _ inner: ([UInt8]) -> [UInt8], _ changes: inout [InspectionChange]
  ) {
    var values: [[UInt8]: (old: Value?, new: Value?)] = [:]
    for (key, value) in one.members(of: old) { values[Array(one.bytes[key])] = (value, nil) }
    for (key, value) in other.members(of: new) {
      values[Array(other.bytes[key]), default: (nil, nil)].new = value
    }
    for (key, pair) in values.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      compare(one, pair.old, other, pair.new, at: inner(key), &changes)
    }
  }
}
