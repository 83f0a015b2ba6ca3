internal import Wire

/// What a session is given to compare a server with: see the key `pins` of a profile.
public struct PinSettings: Sendable {
  /// Whether what is not as pinned is held back, or only told of.
  public var isStrict: Bool
  /// What is pinned.
  public var book: PinBook
  /// SHA-256.
  public var digest: @Sendable ([UInt8]) -> PinDigest
  /// Whether what the server said last is kept, to be shown: see ``Window/offer``.
  public var keepsLast: Bool

  /// Settings of a session.
  public init(
    isStrict: Bool, book: PinBook, keepsLast: Bool = false,
    digest: @escaping @Sendable ([UInt8]) -> PinDigest
  ) {
    self.isStrict = isStrict
    self.keepsLast = keepsLast
    self.book = book
    self.digest = digest
  }
}

/// What is pinned, as one session sees it: what had never been seen before is pinned when it is.
struct PinWatch: Sendable {
  let isStrict: Bool
  private let digest: @Sendable ([UInt8]) -> PinDigest
  private(set) var book: PinBook
  private let keepsLast: Bool
  /// What the server said last, if that is kept.
  private(set) var last = PinBook()
  /// Whether something was pinned that is not written down yet.
  var isNew = false

  init(_ settings: PinSettings) {
    isStrict = settings.isStrict
    digest = settings.digest
    book = settings.book
    keepsLast = settings.keepsLast
  }

  /// What the server says there, and of a tool the name under which it is kept.
  func entry(_ value: Value, of document: Document) -> PinBook.Entry {
    let text = document.sorted(value)
    return PinBook.Entry(digest: digest(text), text: text)
  }

  /// The key of a tool.
  func key(_ name: Range<Int>, in bytes: [UInt8]) -> PinDigest { digest(Array(bytes[name])) }

  /// Whether these are not the instructions that are pinned; the first are pinned.
  mutating func isChanged(instructions value: Value?, of document: Document) -> Bool {
    let entry =
      value.map { self.entry($0, of: document) }
      ?? PinBook.Entry(digest: digest(Array("null".utf8)), text: Array("null".utf8))
    if keepsLast { last.instructions = entry }
    guard let pinned = book.instructions else {
      book.instructions = entry
      isNew = true
      return false
    }
    return pinned.digest != entry.digest
  }

  /// Whether a tool is not as pinned, or new; before there are pins none is.
  func isChanged(_ name: PinDigest, _ entry: PinBook.Entry) -> Bool {
    book.tools.map { $0[name]?.digest != entry.digest } ?? false
  }

  /// Takes in a list: the first is pinned, unless it `isCrowded`, which another will not be. Whether
  /// one that was begun before there were pins is as they are now.
  mutating func conclude(_ sighting: PinSighting, isCrowded: Bool) -> Bool {
    if isCrowded, book.tools == nil { return true }
    if keepsLast, !isCrowded { last.tools = sighting.tools }
    guard book.tools != nil else {
      book.tools = sighting.tools
      isNew = true
      return true
    }
    return sighting.wasCompared || !sighting.tools.contains { isChanged($0.key, $0.value) }
  }

  /// The digest of all tools and of the instructions; none of what has not been seen.
  func digests(of book: PinBook) -> (tools: PinDigest, instructions: PinDigest) {
    book.digests(digest)
  }
}

/// The tools of a list, as the server gave them.
struct PinSighting: Sendable {
  /// What is changed, by name: no more than this many are named.
  static let mostNamed = 32

  private(set) var tools: [PinDigest: PinBook.Entry] = [:]
  /// The names of allowed tools that are not as pinned, the first of them.
  private(set) var changed: [[UInt8]] = []
  /// How many there are.
  private(set) var changes = 0
  /// Whether there were pins to compare with from the beginning.
  let wasCompared: Bool
  /// The bytes that are held.
  private(set) var size = 0

  init(_ watch: PinWatch) { wasCompared = watch.book.tools != nil }

  /// Takes in an entry; whether it is not as pinned, nil when there is no room for more.
  mutating func isChanged(
    _ value: Value, of document: Document, name: Range<Int>, _ watch: PinWatch, limit: Int
  ) -> Bool? {
    let key = watch.key(name, in: document.bytes)
    // Of two entries with one name the first counts, here as in the list.
    guard tools[key] == nil else { return true }
    let entry = watch.entry(value, of: document)
    size += entry.text.count
    guard size <= limit, tools.count < Bounds.definitions else { return nil }
    tools[key] = entry
    return watch.isChanged(key, entry)
  }

  /// Notes that an allowed tool is not as pinned.
  mutating func note(_ name: Range<Int>, in bytes: [UInt8]) {
    changes += 1
    if changed.count < PinSighting.mostNamed { changed.append(Array(bytes[name])) }
  }
}

extension Window {
  /// What is pinned and not written down yet: its lines, and the digests of all tools and of the
  /// instructions. Nil when there is nothing of that; asking takes it as written.
  public mutating func takePins() -> (
    bytes: [UInt8], tools: PinDigest, instructions: PinDigest
  )? {
    guard let watch = pins, watch.isNew, watch.book.tools != nil else { return nil }
    pins?.isNew = false
    let digests = watch.digests(of: watch.book)
    return (watch.book.bytes, digests.tools, digests.instructions)
  }

  /// Whether ``takePins()`` has something to give.
  public var hasPins: Bool {
    guard let pins else { return false }
    return pins.isNew && pins.book.tools != nil
  }

  /// Takes in a whole list of tools; false when it is not to be given to anybody.
  mutating func conclude(_ gather: Gather) -> Bool {
    guard let sighting = gather.sighting, pins != nil else { return true }
    let isAsPinned = pins?.conclude(sighting, isCrowded: gather.isCrowded) ?? true
    return isAsPinned || !(pins?.isStrict ?? false)
  }
}

extension Gather {
  /// Whether it holds a tool, of those that are allowed, that is not as it was pinned.
  var hasChangedTools: Bool { sighting.map { $0.changes > 0 } ?? false }

  /// Has the record say which tools are not as they were pinned.
  func tell(_ event: inout Event) {
    guard let sighting, sighting.changes > 0 else { return }
    event.changed = (sighting.changes, sighting.changed)
    event.reason = Reason.pinChanged.rawValue
  }
}
