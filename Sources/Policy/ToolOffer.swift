public import Wire

/// A tool as the server offers it, and what the profile makes of it.
public struct ToolOffer: Sendable {
  /// The key under which it is pinned.
  public var key: PinDigest
  /// Its name, as canonical string content.
  public var name: [UInt8]
  /// What the server says of it; nil for a tool that is pinned and not offered any more.
  public var offered: PinBook.Entry?
  /// What is pinned of it, nil if nothing is.
  public var pinned: PinBook.Entry?
  /// The line of the profile that allows it, nil if none does.
  public var rule: Int?
  /// Whether the person is asked about each call of it.
  public var asks = false
  /// Why it cannot be called although it is allowed and as pinned, if so.
  public var fault: String?
}

extension Window {
  /// What the server said last of itself, beside `pinned`, in the order of the names; nil while it has
  /// not given a whole list of tools, or where that was not to be kept.
  public func offer(
    beside pinned: PinBook
  ) -> (tools: [ToolOffer], instructions: PinBook.Entry?, seen: PinBook)? {
    guard let last = pins?.last, let seen = last.tools else { return nil }
    var tools: [ToolOffer] = []
    for key in Set(seen.keys).union((pinned.tools ?? [:]).keys) {
      let entry = seen[key]
      let old = pinned.tools?[key]
      guard let text = entry ?? old else { continue }
      guard let document = Document(said: text.text), let said = document.said,
        let name = document.member(Key.name, of: said), name.kind == .string
      else { continue }
      let content = document.content(name)
      var offer = ToolOffer(
        key: key, name: Array(document.bytes[content]), offered: entry, pinned: old)
      if let allowed = rules.tools.allowed(content, in: document.bytes) {
        offer.rule = rules.tools.entries[allowed.entry].line
        offer.asks = rules.tools.entries[allowed.entry].asks
        if offer.offered != nil, old == nil || old?.digest == entry?.digest {
          offer.fault = fault(content, in: document.bytes)
        }
      }
      tools.append(offer)
    }
    tools.sort { $0.name.lexicographicallyPrecedes($1.name) }
    return (tools, last.instructions, last)
  }

  /// The digests of all tools and of the instructions of a book; none of what it does not have.
  public func digests(of book: PinBook) -> (tools: PinDigest, instructions: PinDigest) {
    pins?.digests(of: book) ?? (.none, .none)
  }

  private func fault(_ name: Range<Int>, in bytes: [UInt8]) -> String? {
    guard let definitions = catalogue.definitions,
      !definitions.holdsBack(name, in: bytes)
    else { return nil }
    guard let definition = definitions.tool(name, in: bytes) else {
      return "the list has no room for it, or it does not claim what require_annotation asks for"
    }
    return definition.fault
  }
}

extension Document {
  /// What a server once said, as the `params` of a message; nil for what is no JSON.
  public init?(said text: [UInt8]) {
    self.init()
    let line =
      Array(#"{"jsonrpc":"2.0","method":"m","params":{"said":"#.utf8) + text + [0x7D, 0x7D]
    var decoder = Decoder(
      limits: WireLimits(maxSize: line.count, maxDepth: 1024))
    do throws(WireError) { try decoder.decode(line.span, into: &self) } catch { return nil }
  }

  /// The value that ``init(said:)`` was given.
  public var said: Value? { params.flatMap { member("said", of: $0) } }
}
