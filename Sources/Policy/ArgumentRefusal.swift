internal import Wire

/// Refusals of calls for what their arguments are.
extension Window {
  /// The decision to refuse a call for an argument: a result that tells the model where and why.
  func refuse(_ request: Refused, _ violation: ArgumentViolation) -> Decision {
    var request = request
    if violation.line > 0 { request.rule = violation.line }
    // Some words of the schema name the argument themselves.
    let isWhole = violation.text.utf8.first == UInt8(ascii: "\"")
    let place = violation.line > 0 ? "line \(violation.line) of the profile" : "the tool's schema"
    let what =
      isWhole ? "" : violation.pointer.isEmpty ? "the arguments " : "argument \(violation.pointer) "
    return refuse(
      request, .argument, "Refused by anchorhold: \(what)\(violation.text) (\(place))",
      pointer: violation.pointer, keyword: violation.keyword)
  }

  /// The decision to refuse a call because its tool's schema cannot be used.
  func refuse(_ request: Refused, unusable fault: String) -> Decision {
    refuse(
      request, .unusableSchema,
      "Refused by anchorhold: this tool cannot be used, because its schema cannot be checked: "
        + fault, pointer: "", keyword: "schema")
  }

  private func refuse(
    _ request: Refused, _ reason: Reason, _ text: String, pointer: String, keyword: String
  ) -> Decision {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(request.id)
    writer.append(#","result":{"content":[{"type":"text","text":"#)
    writer.appendString(text.utf8)
    writer.append(#"}],"isError":true,"_meta":{"anchorhold/refused":{"reason":""#)
    writer.append(raw: reason.rawValue.utf8)
    writer.append(#"","rule":"#)
    writer.append(request.rule)
    writer.append(#","argument":"#)
    writer.appendString(pointer.utf8)
    writer.append(#","keyword":"#)
    writer.appendString(keyword.utf8)
    writer.append("}}")
    if request.isStateless { writer.append(#","resultType":"complete""#) }
    writer.append("}}")
    return refusal(of: request, reason, writer.bytes)
  }
}
