internal import Wire

/// Refusals of calls for what their arguments are.
extension Window {
  /// The decision to refuse a call for an argument: a result that tells the model where and why.
  func refuse(_ request: Refused, _ violation: ArgumentViolation) -> Decision {
    var request = request
    if violation.line > 0 { request.rule = violation.line }
    let place = violation.line > 0 ? "line \(violation.line) of the profile" : "the tool's schema"
    let what = violation.pointer.isEmpty ? "the arguments" : "argument \(violation.pointer)"
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(request.id)
    writer.append(#","result":{"content":[{"type":"text","text":"#)
    writer.appendString("Refused by anchorhold: \(what) \(violation.text) (\(place))".utf8)
    writer.append(#"}],"isError":true,"_meta":{"anchorhold/refused":{"reason":""#)
    writer.append(raw: Reason.argument.rawValue.utf8)
    writer.append(#"","rule":"#)
    writer.append(request.rule)
    writer.append(#","argument":"#)
    writer.appendString(violation.pointer.utf8)
    writer.append(#","keyword":"#)
    writer.appendString(violation.keyword.utf8)
    writer.append("}}")
    if request.isStateless { writer.append(#","resultType":"complete""#) }
    writer.append("}}")
    return refusal(of: request, .argument, writer.bytes)
  }
}
