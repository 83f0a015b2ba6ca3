internal import Wire

extension [UInt8] {
  /// Appends what can be said of arguments without saying what they are: how many members, and of
  /// the first of them the key, the type and the length.
  mutating func appendShape(_ value: Value, of document: Document) {
    appendASCII(#","shape":["#)
    var count = 0
    document.forEachMember(of: value) { key, member in
      count += 1
      guard count <= RecordLimits.keys else { return }
      let length = member.length(in: document).map(Int64.init)
      let type = member.kind.name
      let name = document.bytes.span.extracting(key)
      if name.isShownWhole(limit: RecordLimits.key) {
        append(addingCapacity: 96 + name.count) { out in
          out.append(text: count > 1 ? #",{"key":""# : #"{"key":""#)
          out.append(bytes: name)
          out.append(text: type)
          if let length {
            out.append(text: #","length":"#)
            out.append(decimal: length)
          }
          out.append(UInt8(ascii: "}"))
        }
      } else {
        appendASCII(count > 1 ? #",{"key":""# : #"{"key":""#)
        appendEscaped(name, as: .canonical, limit: RecordLimits.key)
        appendASCII(type)
        if let length {
          appendASCII(#","length":"#)
          appendDecimal(length)
        }
        append(UInt8(ascii: "}"))
      }
    }
    appendASCII(#"],"members":"#)
    appendDecimal(Int64(count))
  }

  /// Appends canonical JSON with every unseen character in it escaped.
  ///
  /// Such characters stand only within strings, so that replacing them by their escapes leaves the
  /// value the same.
  mutating func appendVisible(_ json: Span<UInt8>) {
    appendEscaped(json, as: .value, limit: .max)
  }
}

extension ValueKind {
  /// The type as a record names it, from the quote that ends the key on.
  fileprivate var name: StaticString {
    switch self {
    case .object: #"","type":"object""#
    case .array: #"","type":"array""#
    case .string: #"","type":"string""#
    case .number: #"","type":"number""#
    case .true, .false: #"","type":"boolean""#
    case .null: #"","type":"null""#
    }
  }
}

extension Value {
  /// Bytes of a string's canonical content, elements of an array, members of an object; nil for
  /// the other types.
  fileprivate func length(in document: Document) -> Int? {
    switch kind {
    case .string: return range.count - 2
    case .array:
      var count = 0
      for _ in document.elements(of: self) { count += 1 }
      return count
    case .object:
      var count = 0
      document.forEachMember(of: self) { _, _ in count += 1 }
      return count
    default: return nil
    }
  }
}
