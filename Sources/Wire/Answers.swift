/// Messages that we write ourselves, without LF.
public enum Answers {
  /// A JSON-RPC error response.
  public static func error(id: RequestID?, code: Int, message: StaticString) -> [UInt8] {
    error(id: id, code: code, message: utf8(message))
  }

  /// A JSON-RPC error response with a message made at run time (UTF-8).
  public static func error(id: RequestID?, code: Int, message: [UInt8]) -> [UInt8] {
    var writer = begin(id)
    writer.append(",\"error\":{\"code\":")
    writer.append(code)
    writer.append(",\"message\":")
    writer.appendString(message)
    writer.append("}}")
    return writer.bytes
  }

  /// The result of a list method with nothing in it, `key` being `tools`, `prompts`, ….
  ///
  /// In the stateless era it carries `resultType` and what a cache has to know: private, for no
  /// time.
  public static func emptyList(id: RequestID, key: StaticString, stateless: Bool) -> [UInt8] {
    var writer = begin(id)
    writer.append(",\"result\":{")
    if stateless {
      writer.append("\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\",")
    }
    writer.appendString(key)
    writer.append(":[]}}")
    return writer.bytes
  }

  /// An empty result.
  public static func emptyResult(id: RequestID, stateless: Bool) -> [UInt8] {
    var writer = begin(id)
    writer.append(
      stateless ? ",\"result\":{\"resultType\":\"complete\"}}" : ",\"result\":{}}")
    return writer.bytes
  }

  private static func begin(_ id: RequestID?) -> ByteWriter {
    var writer = ByteWriter()
    writer.append("{\"jsonrpc\":\"2.0\",\"id\":")
    writer.appendID(id)
    return writer
  }

  static func utf8(_ text: StaticString) -> [UInt8] {
    var bytes: [UInt8] = []
    text.append(to: &bytes)
    return bytes
  }
}
