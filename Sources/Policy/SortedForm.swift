internal import Wire

extension Document {
  /// A value in the one form that all spellings of it share: canonical, and the members of each object
  /// in the order of their keys' bytes.
  func sorted(_ value: Value) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(value.range.count)
    appendSorted(value, to: &output)
    return output
  }

  /// No deeper than the decoder lets a message be.
  private func appendSorted(_ value: Value, to output: inout [UInt8]) {
    switch value.kind {
    case .object:
      var members: [(key: Range<Int>, value: Value)] = []
      forEachMember(of: value) { key, member in members.append((key, member)) }
      members.sort { bytes[$0.key].lexicographicallyPrecedes(bytes[$1.key]) }
      output.append(UInt8(ascii: "{"))
      for (number, member) in members.enumerated() {
        output.appendKey(member.key, of: bytes, first: number == 0)
        appendSorted(member.value, to: &output)
      }
      output.append(UInt8(ascii: "}"))
    case .array:
      output.append(UInt8(ascii: "["))
      for (number, element) in elements(of: value).enumerated() {
        if number > 0 { output.append(UInt8(ascii: ",")) }
        appendSorted(element, to: &output)
      }
      output.append(UInt8(ascii: "]"))
    case .string, .number, .true, .false, .null:
      output.append(contentsOf: bytes[value.range])
    }
  }
}
