/// The beginning and the end of a line that is too long to be held, and whose response it was.
///
/// Nothing is forwarded on the strength of this: it serves to tell the one who waits that the answer
/// will not come. A server that makes up its ends refuses its own answers, as it could with an error.
public struct LineEdges: Equatable, Sendable {
  private static let kept = 256

  private var head: [UInt8] = []
  private var tail: [UInt8] = []

  /// The edges of nothing.
  init() {}

  /// The edges of a line, or of its beginning.
  init(_ line: ArraySlice<UInt8>) {
    head = Array(line.prefix(Self.kept))
    tail = Array(line.suffix(Self.kept))
  }

  /// The line goes on with these bytes.
  mutating func extend(_ more: ArraySlice<UInt8>) {
    tail = Array((tail + more.suffix(Self.kept)).suffix(Self.kept))
  }

  /// The id of the response that the line was, if it stands in plain form before the result or the
  /// error, or after it at the very end; nil of anything else.
  public var responseID: RequestID? {
    var at = 0
    guard Self.take(UInt8(ascii: "{"), head, &at) else { return nil }
    var id: RequestID?
    while let key = Self.string(head, &at), Self.take(UInt8(ascii: ":"), head, &at) {
      if key == Array("result".utf8) || key == Array("error".utf8) { return id ?? idAtEnd }
      if key == Array("id".utf8), id == nil {
        guard let value = Self.identifier(head, &at) else { return nil }
        id = value
      } else if key == Array("jsonrpc".utf8) {
        guard Self.string(head, &at) != nil else { return nil }
      } else {
        return nil
      }
      guard Self.take(UInt8(ascii: ","), head, &at) else { return nil }
    }
    return nil
  }

  /// The id that is one of the last two members, before or after `jsonrpc`.
  private var idAtEnd: RequestID? {
    for (index, byte) in tail.enumerated().reversed() where byte == UInt8(ascii: ",") {
      var at = index + 1
      guard let key = Self.string(tail, &at), Self.take(UInt8(ascii: ":"), tail, &at) else {
        continue
      }
      if key == Array("jsonrpc".utf8), Self.string(tail, &at) != nil { continue }
      guard key == Array("id".utf8), let id = Self.identifier(tail, &at) else { return nil }
      if Self.take(UInt8(ascii: ","), tail, &at) {
        guard Self.string(tail, &at) == Array("jsonrpc".utf8),
          Self.take(UInt8(ascii: ":"), tail, &at), Self.string(tail, &at) != nil
        else { return nil }
      }
      guard Self.take(UInt8(ascii: "}"), tail, &at) else { return nil }
      Self.skipSpace(tail, &at)
      return at == tail.count ? id : nil
    }
    return nil
  }

  private static func skipSpace(_ bytes: [UInt8], _ at: inout Int) {
    while at < bytes.count, [0x20, 0x09, 0x0D].contains(bytes[at]) { at += 1 }
  }

  private static func take(_ byte: UInt8, _ bytes: [UInt8], _ at: inout Int) -> Bool {
    skipSpace(bytes, &at)
    guard at < bytes.count, bytes[at] == byte else { return false }
    at += 1
    return true
  }

  /// A string of plain ASCII without escapes.
  private static func string(_ bytes: [UInt8], _ at: inout Int) -> [UInt8]? {
    guard take(Canonical.quote, bytes, &at) else { return nil }
    let start = at
    while at < bytes.count, bytes[at] != Canonical.quote {
      guard (0x20..<0x7F).contains(bytes[at]), bytes[at] != Canonical.backslash else { return nil }
      at += 1
    }
    guard at < bytes.count else { return nil }
    at += 1
    return Array(bytes[start..<at - 1])
  }

  /// A string or an integer as an id may be.
  private static func identifier(_ bytes: [UInt8], _ at: inout Int) -> RequestID? {
    skipSpace(bytes, &at)
    guard at < bytes.count else { return nil }
    if bytes[at] == Canonical.quote { return string(bytes, &at).map(RequestID.string) }
    let start = at
    while at < bytes.count, bytes[at] == UInt8(ascii: "-") || (0x30...0x39).contains(bytes[at]) {
      at += 1
    }
    // Sixteen digits and a sign: what is longer is no safe integer.
    guard at < bytes.count, at - start <= 17,
      let text = String(validating: bytes[start..<at], as: UTF8.self), let value = Int64(text),
      text == String(value), value.magnitude < 1 << 53
    else { return nil }
    return .integer(value)
  }
}
