/// Messages that we write ourselves, without LF.
public enum Answers {
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
