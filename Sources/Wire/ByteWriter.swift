/// Builds JSON text in the canonical form into reusable storage.
public struct ByteWriter: Sendable {
  /// What has been written.
  public private(set) var bytes: [UInt8] = []

  /// An empty writer.
  public init() {}

  /// An empty writer with room for so many bytes.
  public init(reserving count: Int) { bytes.reserveCapacity(count) }

  /// Forgets what was written and keeps the storage.
  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// Appends JSON text that the program itself wrote.
  public mutating func append(_ text: StaticString) { text.append(to: &bytes) }

  /// Appends one byte as it is.
  public mutating func append(byte: UInt8) { bytes.append(byte) }

  /// Appends bytes as they are; they must already be canonical JSON, like a document's.
  public mutating func append(raw canonical: some Sequence<UInt8>) {
    bytes.append(contentsOf: canonical)
  }

  /// Appends a value of a document as it stands there.
  public mutating func append(_ value: Value, of document: Document) {
    bytes.append(contentsOf: document.bytes[value.range])
  }

  /// Appends a decimal integer.
  public mutating func append(_ integer: some BinaryInteger) {
    if integer < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    var rest = integer.magnitude
    repeat {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      bytes.append(UInt8(truncatingIfNeeded: digit) + 0x30)
      rest = quotient
    } while rest != 0
    var low = start
    var high = bytes.count - 1
    while low < high {
      bytes.swapAt(low, high)
      low += 1
      high -= 1
    }
  }

  /// Appends `true` or `false`.
  public mutating func append(_ flag: Bool) { append(flag ? "true" : "false") }

  /// Appends a string with its quotes, escaped canonically; invalid UTF-8 becomes U+FFFD.
  public mutating func appendString(_ utf8: some Sequence<UInt8>) {
    bytes.append(Canonical.quote)
    var codec = UTF8()
    var iterator = utf8.makeIterator()
    decoding: while true {
      switch codec.decode(&iterator) {
      case .scalarValue(let scalar): append(scalar: scalar.value)
      case .error: append(scalar: 0xfffd)
      case .emptyInput: break decoding
      }
    }
    bytes.append(Canonical.quote)
  }

  /// Appends a string with its quotes.
  public mutating func appendString(_ text: StaticString) {
    appendString(Answers.utf8(text))
  }

  /// Appends an id, `null` for none.
  public mutating func appendID(_ id: RequestID?) {
    guard let id else { return append("null") }
    guard let content = id.content else { return append(id.number) }
    bytes.append(Canonical.quote)
    bytes.append(contentsOf: content)
    bytes.append(Canonical.quote)
  }

  private mutating func append(scalar: UInt32) {
    if scalar >= 0x20, scalar < 0x80, scalar != 0x22, scalar != 0x5c {
      bytes.append(UInt8(truncatingIfNeeded: scalar))
    } else {
      bytes.append(addingCapacity: 6) { Canonical.append(scalar, to: &$0) }
    }
  }
}

extension [UInt8] {
  /// Appends the bytes of a text that the program itself wrote.
  public mutating func appendText(_ text: StaticString) { text.append(to: &self) }
}
