internal import Wire

/// A list on its way to the client: pages are filtered as they come and put together.
struct Gather: Sendable {
  /// What is listed.
  let kind: ListKind
  /// The members of the first page's result that go to the client, without the entries.
  private var others: [UInt8] = []
  /// The entries that the profile lets through, with commas between.
  private var entries: [UInt8] = []
  /// How much longer they become when everything in them is made visible, in bytes.
  private var growth = 0
  private var names: NameTable
  private var cursors: NameTable
  private let isStateless: Bool
  /// Whether this page is all that is asked for: the client asks for the next itself.
  private let keepsPages: Bool
  /// The most bytes of the answer, of what stands around its entries, and of all that is pinned of it.
  private let limit: Int, wrapping: Int, pinLimit: Int
  private let texts: TextRules
  private(set) var pages = 0
  /// Entries that were taken out: not allowed, named twice, or without a name.
  private(set) var removed = 0
  /// What was said of the tools, compiled.
  private(set) var definitions: Definitions
  /// Whether an entry is not as the server gave it.
  private(set) var isChanged = false
  /// Why the list is not simply whole and filtered.
  private(set) var trouble: Reason?
  /// Whether it ends early because of other lists in the making, so that another time it may not.
  private(set) var isCrowded = false
  /// The follow-up request that is in flight.
  var own: RequestID?
  /// Of tools, if they are compared with what is pinned: what the server said.
  private(set) var sighting: PinSighting?

  /// - Parameter id: of the request that the list answers, nil if nobody is given it.
  init(
    _ kind: ListKind, seed: UInt64, isStateless: Bool, rules: Rules, for id: RequestID?,
    keepsPages: Bool, pins: PinWatch?
  ) {
    if kind.method == .toolsList { sighting = pins.map { PinSighting($0) } }
    self.keepsPages = keepsPages
    self.kind = kind
    names = NameTable(seed: seed)
    cursors = NameTable(seed: seed)
    definitions = Definitions(seed: seed)
    self.isStateless = isStateless
    limit = rules.maxList
    wrapping = Self.most + (id.map { ($0.content?.count ?? 20) + 2 } ?? 0)
    pinLimit = rules.maxSize
    texts = rules.texts
  }

  /// The most bytes of an answer beside its id, its entries and the members that we copy.
  private static let most = 80

  /// The bytes that are held against the limit of the list.
  private var size: Int {
    others.count + entries.count + growth + names.byteCount + cursors.byteCount
  }

  /// The bytes that are held.
  var held: Int { size + (sighting?.size ?? 0) }

  /// Whether there is room for another entry of so many bytes.
  private func hasRoom(_ count: Int) -> Bool {
    size + count < limit && wrapping + others.count + entries.count + growth + 1 + count <= limit
  }

  /// How much longer an entry becomes when everything in it is made visible.
  private func growth(of entry: Value, _ document: Document) -> Int {
    guard texts.hidden != .allow, document.texts.mayBeUnseen else { return 0 }
    var filter = TextFilter(rules: texts)
    // In an object, because the keys of a message itself have a meaning of their own.
    let object = Array(#"{"":"#.utf8) + document.bytes[entry.range] + [UInt8(ascii: "}")]
    let (readable, counts) = filter.filter(object)
    if counts.isTooLong { return limit }
    return max((readable?.count ?? 0) - object.count, 0)
  }

  /// Adds a page; false if it is not a list.
  ///
  /// - Parameters:
  ///   - tools: the rules for tools, which say more than whether they are shown.
  ///   - known: what was said of the tools before.
  ///   - pins: what the tools are compared with.
  mutating func add(
    _ document: Document, tools: ToolRules, known: Definitions?, pins: PinWatch?,
    shows: (Range<Int>) -> Bool
  ) -> Bool {
    guard let result = document.result, let list = document.member(kind.key, of: result),
      list.kind == .array
    else { return false }
    pages += 1
    if pages == 1 { keepOthers(of: document) }
    // Growing step by step would hold a large list twice at each step; what is reserved and never
    // written to takes no memory.
    if list.range.count > 64 << 10 { entries.reserveCapacity(entries.count + list.range.count) }
    for entry in document.elements(of: list) {
      guard trouble != .listSize else { break }
      add(entry, of: document, tools, known, pins, shows: shows)
    }
    return true
  }

  private mutating func add(
    _ entry: Value, of document: Document, _ tools: ToolRules, _ known: Definitions?,
    _ pins: PinWatch?, shows: (Range<Int>) -> Bool
  ) {
    // A client that reads freely could take a key that only looks like one for that one.
    guard let name = document.member(kind.identity, of: entry), name.kind == .string,
      !KnownKeys.entry.areLookAlikes(in: entry, of: document)
    else {
      removed += 1
      trouble = .listMalformed
      return
    }
    let content = document.content(name)
    var isChanged = false
    if let pins {
      // Also what nobody is shown is pinned: it may be one day.
      guard
        let verdict = sighting?.isChanged(
          entry, of: document, name: content, pins, limit: pinLimit)
      else {
        trouble = .listSize
        return
      }
      isChanged = verdict
    }
    guard texts.shows(name: content, in: document.bytes) else {
      removed += 1
      trouble = .nameUnseen
      return
    }
    guard shows(content) else {
      removed += 1
      return
    }
    // The first of two entries with one name stays: a client that took the last would else show
    // a description that another client never saw.
    guard names.insert(content, of: document.bytes) else {
      removed += 1
      trouble = .listMalformed
      return
    }
    let number = kind.method == .toolsList ? tools.entry(content, in: document.bytes) : nil
    let description = number.flatMap { tools.entries[$0].description }
    // With another description it has a few more bytes around it.
    let more = growth(of: entry, document)
    guard hasRoom(entry.range.count + more + (description.map { $0.count + 20 } ?? 0)) else {
      trouble = .listSize
      return
    }
    if isChanged, let pins {
      sighting?.note(content, in: document.bytes)
      if pins.isStrict {
        definitions.holdBack(content, in: document.bytes)
        removed += 1
        trouble = trouble ?? .pinChanged
        return
      }
    }
    if let number {
      let rules = tools.entries[number]
      guard definitions.take(entry, of: document, name: content, rules, known: known) else {
        removed += 1
        if definitions.tool(content, in: document.bytes) != nil { trouble = .unusableSchema }
        return
      }
    }
    growth += more
    if !entries.isEmpty { entries.append(UInt8(ascii: ",")) }
    guard let description else {
      entries.append(contentsOf: document.bytes[entry.range])
      return
    }
    append(entry, of: document, description: description)
  }

  /// Adds an entry with another description.
  private mutating func append(_ entry: Value, of document: Document, description: [UInt8]) {
    isChanged = true
    entries.append(UInt8(ascii: "{"))
    let start = entries.count
    for (key, value) in document.members(of: entry)
    where !document.content(key, equals: Key.description) {
      entries.appendKey(key, of: document.bytes, first: entries.count == start)
      entries.append(contentsOf: document.bytes[value.range])
    }
    entries.appendText(",\"description\":")
    entries.append(contentsOf: description)
    entries.append(UInt8(ascii: "}"))
  }

  private mutating func keepOthers(of document: Document) {
    guard let result = document.result else { return }
    let bytes = document.bytes
    for (key, value) in document.members(of: result) {
      if document.content(key, equals: kind.key) { continue }
      if !keepsPages, document.content(key, equals: Key.nextCursor) { continue }
      if isStateless, document.content(key, equals: Key.cacheScope) { continue }
      if isStateless, document.content(key, equals: Key.ttl) {
        others.append(UInt8(ascii: ","))
        others.appendKey(key, of: bytes, first: true)
        others.append(contentsOf: String(document.cappedTTL(value) ?? 0).utf8)
        continue
      }
      others.append(UInt8(ascii: ","))
      others.appendKey(key, of: bytes, first: true)
      others.append(contentsOf: bytes[value.range])
    }
  }

  /// The cursor of the page that is to be asked for next, nil if the list ends here.
  mutating func next(
    after page: ServerResult, of document: Document, besides others: Int, budget: Int
  ) -> Range<Int>? {
    guard !keepsPages, let cursor = page.nextCursor, cursor.kind == .string, trouble != .listSize
    else {
      return nil
    }
    let content = document.content(cursor)
    // Servers write an empty cursor for the end, and clients take it for that.
    guard !content.isEmpty else { return nil }
    guard cursors.insert(content, of: document.bytes) else {
      trouble = .cursorRepeated
      return nil
    }
    guard pages < Bounds.pages else {
      trouble = .listPages
      return nil
    }
    guard size < limit else {
      trouble = .listSize
      return nil
    }
    guard others + self.held < budget else {
      trouble = .listSize
      isCrowded = true
      return nil
    }
    return content
  }

  /// Whether the server's message is the answer as it stands.
  func isWhole(_ document: Document, _ page: ServerResult) -> Bool {
    guard pages == 1, removed == 0, !isChanged, trouble == nil,
      keepsPages || page.nextCursor == nil
    else {
      return false
    }
    guard isStateless else { return true }
    guard let result = document.result,
      let scope = document.member("cacheScope", of: result), scope.kind == .string
    else { return false }
    guard document.content(document.content(scope), equals: "private") else { return false }
    guard let ttl = document.member(Key.ttl, of: result) else { return true }
    return document.cappedTTL(ttl).map { document.integer(ttl) == $0 } ?? false
  }

  /// The one answer.
  func answer(id: RequestID) -> [UInt8] {
    var writer = ByteWriter(reserving: entries.count + others.count + 2048)
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","result":{""#)
    writer.append(kind.key)
    writer.append(#"":["#)
    writer.append(raw: entries)
    writer.append("]")
    writer.append(raw: others)
    if isStateless { writer.append(#","cacheScope":"private""#) }
    writer.append("}}")
    return writer.bytes
  }
}

extension Document {
  /// How long (ms) a client may keep what we filtered: what the server says, up to a minute; nil for
  /// what is no number of milliseconds.
  func cappedTTL(_ value: Value) -> Int64? {
    integer(value).flatMap { $0 < 0 ? nil : min($0, Bounds.longestCache) }
  }
}
