/// What a server said of itself when the profile was first used, or when somebody approved it.
///
/// Written as lines: `instructions DIGEST JSON`, `tools COUNT`, then for each tool `tool NAME DIGEST JSON`
/// in the order of `NAME`, which is the digest of its name, while `DIGEST` is that of its definition,
/// the JSON. What has not been seen yet is left out. JSON is canonical, with the members of objects
/// sorted, so that no spelling of the same is a change.
///
/// *Limits.* The JSON is not looked at here: it is the server's text, for who wants to read it.
public struct PinBook: Sendable, Equatable {
  /// One thing that is pinned.
  public struct Entry: Sendable, Equatable {
    /// Of `text`.
    public var digest: PinDigest
    /// What the server said, in sorted form.
    public var text: [UInt8]

    /// Something that a server said.
    public init(digest: PinDigest, text: [UInt8]) {
      self.digest = digest
      self.text = text
    }
  }

  /// Why bytes are no such lines: the number of the first that is wrong.
  public struct Fault: Error, Equatable, Sendable {
    /// From 1 on, 0 for all of them together.
    public var line: Int

    /// That line.
    public init(line: Int) { self.line = line }
  }

  /// The instructions, `null` where the server gives none; nil when it was never asked.
  public var instructions: Entry?
  /// The tools by the digest of their names; nil when they were never seen.
  public var tools: [PinDigest: Entry]?

  /// Nothing has been seen.
  public init() {}

  /// Whether something has not been seen yet.
  public var isIncomplete: Bool { instructions == nil || tools == nil }

  /// Reads what ``bytes`` wrote.
  public init(_ bytes: ArraySlice<UInt8>) throws(Fault) {
    var line = 0
    var rest = bytes
    func next() throws(Fault) -> ArraySlice<UInt8>? {
      if rest.isEmpty { return nil }
      line += 1
      guard let end = rest.firstIndex(of: 0x0A) else { throw Fault(line: line) }
      defer { rest = rest[(end + 1)...] }
      return rest[..<end]
    }
    var last: PinDigest?
    var left = 0
    while let text = try next() {
      if left > 0 {
        guard let body = text.after("tool "), let (name, entry) = PinBook.tool(body),
          last.map({ $0 < name }) ?? true
        else { throw Fault(line: line) }
        last = name
        tools?[name] = entry
        left -= 1
      } else if instructions == nil, tools == nil, let body = text.after("instructions ") {
        guard let entry = PinBook.entry(body) else { throw Fault(line: line) }
        instructions = entry
      } else if tools == nil, let body = text.after("tools "), let count = PinBook.count(body) {
        tools = [:]
        left = count
      } else {
        throw Fault(line: line)
      }
    }
    if left > 0 { throw Fault(line: line + 1) }
  }

  /// The lines.
  public var bytes: [UInt8] {
    var output: [UInt8] = []
    if let instructions {
      output.append(contentsOf: "instructions ".utf8)
      PinBook.append(instructions, to: &output)
    }
    guard let tools else { return output }
    output.append(contentsOf: "tools \(tools.count)\n".utf8)
    for (name, entry) in tools.sorted(by: { $0.key < $1.key }) {
      output.append(contentsOf: "tool ".utf8)
      output.append(contentsOf: name.text)
      output.append(UInt8(ascii: " "))
      PinBook.append(entry, to: &output)
    }
    return output
  }

  /// What the digest of all tools is made of: the digests of names and definitions.
  var summary: [UInt8]? {
    tools.map { tools in
      tools.sorted { $0.key < $1.key }.flatMap { $0.key.text + $0.value.digest.text }
    }
  }

  /// The digests of all tools and of the instructions, made with `digest`; none of what has not been
  /// seen.
  public func digests(
    _ digest: ([UInt8]) -> PinDigest
  ) -> (tools: PinDigest, instructions: PinDigest) {
    (summary.map(digest) ?? .none, instructions?.digest ?? .none)
  }

  private static func append(_ entry: Entry, to output: inout [UInt8]) {
    output.append(contentsOf: entry.digest.text)
    output.append(UInt8(ascii: " "))
    output.append(contentsOf: entry.text)
    output.append(0x0A)
  }

  private static func tool(_ text: ArraySlice<UInt8>) -> (PinDigest, Entry)? {
    guard let (name, rest) = digest(text), let entry = entry(rest) else { return nil }
    return (name, entry)
  }

  private static func entry(_ text: ArraySlice<UInt8>) -> Entry? {
    guard let (digest, rest) = digest(text), !rest.isEmpty else { return nil }
    return Entry(digest: digest, text: Array(rest))
  }

  private static func digest(_ text: ArraySlice<UInt8>) -> (PinDigest, ArraySlice<UInt8>)? {
    let head = text.prefix(PinDigest.textLength)
    let tail = text.dropFirst(PinDigest.textLength)
    guard let digest = PinDigest(text: head), tail.first == UInt8(ascii: " ") else { return nil }
    return (digest, tail.dropFirst())
  }

  /// A number as it is written above: digits, the first of more than one not 0.
  private static func count(_ text: ArraySlice<UInt8>) -> Int? {
    guard (1...6).contains(text.count), text.count == 1 || text.first != UInt8(ascii: "0") else {
      return nil
    }
    var value = 0
    for byte in text {
      guard case UInt8(ascii: "0")...UInt8(ascii: "9") = byte else { return nil }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return value
  }
}

extension ArraySlice<UInt8> {
  /// What comes after these words at the beginning, nil if it does not begin with them.
  fileprivate func after(_ words: String) -> ArraySlice<UInt8>? {
    starts(with: words.utf8) ? dropFirst(words.utf8.count) : nil
  }
}
