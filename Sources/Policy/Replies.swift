internal import Wire

/// The error codes of our own, outside of what JSON-RPC and MCP reserve (−32768…−32000).
enum ErrorCode {
  static let methodNotFound = -32601
  static let invalidRequest = -32600
  static let invalidParams = -32602
  /// Of the revisions with a handshake.
  static let resourceNotFound = -32002
  /// `UnsupportedProtocolVersionError` of the revision 2026-07-28.
  static let unsupportedVersion = -32022
  /// The request is of a kind that passes, but not now or not like this.
  static let refused = -31001
  /// The server ended before it answered.
  static let serverEnded = -31002
  /// The server did not answer in time.
  static let timeout = -31003
}

/// Messages of our own that need more than `Answers` of Wire.
enum Replies {
  /// The result of a call that is refused, for the model to read and for programs to tell apart.
  static func toolRefusal(
    id: RequestID, text: StaticString, detail: StaticString = "", reason: Reason, rule: Int,
    stateless: Bool
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","result":{"content":[{"type":"text","text":""#)
    writer.append(text)
    writer.append(detail)
    writer.append(#""}],"isError":true,"_meta":{"anchorhold/refused":{"reason":""#)
    writer.append(raw: reason.rawValue.utf8)
    writer.append(#"","rule":"#)
    writer.append(rule)
    writer.append("}}")
    if stateless { writer.append(#","resultType":"complete""#) }
    writer.append("}}")
    return writer.bytes
  }

  /// A JSON-RPC error whose message is made of texts of ours that need no escape.
  static func error(
    id: RequestID?, code: Int, text: StaticString, detail: StaticString = "", name: String = ""
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","error":{"code":"#)
    writer.append(code)
    writer.append(#","message":""#)
    writer.append(text)
    writer.append(detail)
    writer.append(raw: name.utf8)
    writer.append(#""}}"#)
    return writer.bytes
  }

  /// The error for something that does not exist, or looks as if it did not; `text` ends before its
  /// name.
  static func unknown(
    _ text: StaticString, id: RequestID, code: Int = ErrorCode.invalidParams, name: Range<Int>,
    of bytes: [UInt8]
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","error":{"code":"#)
    writer.append(code)
    writer.append(#","message":""#)
    writer.append(text)
    writer.append(raw: visible(name, of: bytes))
    writer.append(#""}}"#)
    return writer.bytes
  }

  /// The error for a version that is not to be spoken.
  static func unsupportedVersion(
    id: RequestID, requested: Value?, of document: Document, supported: [[UInt8]]
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","error":{"code":"#)
    writer.append(ErrorCode.unsupportedVersion)
    writer.append(#","message":"Unsupported protocol version","data":{"supported":["#)
    for (index, version) in supported.enumerated() {
      if index > 0 { writer.append(",") }
      writer.appendString(version)
    }
    writer.append(#"],"requested":"#)
    if let requested, requested.kind == .string, requested.range.count <= Bounds.shown {
      writer.append(requested, of: document)
    } else {
      writer.append(#""""#)
    }
    writer.append("}}}")
    return writer.bytes
  }

  /// The server's error for a request of ours, given to the client that caused it.
  static func error(id: RequestID, sameAs error: Value, of document: Document) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","error":"#)
    writer.append(error, of: document)
    writer.append("}")
    return writer.bytes
  }

  /// A request of ours.
  static func request(id: RequestID, method: Method, params: ArraySlice<UInt8>?) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","method":""#)
    writer.append(raw: method.name)
    writer.append(#"""#)
    if let params {
      writer.append(#","params":"#)
      writer.append(raw: params)
    }
    writer.append("}")
    return writer.bytes
  }

  /// A notification of ours, without params.
  static func notification(_ method: Method) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","method":""#)
    writer.append(raw: method.name)
    writer.append(#""}"#)
    return writer.bytes
  }

  /// The log message that tells of a server that was started again.
  static func restarted(_ lost: Loss) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(
      #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"warning","#)
    writer.append(#""logger":"anchorhold","data":"The server failed and was started again"#)
    writer.append("; subscriptions lost: ")
    writer.append(lost.subscriptions)
    writer.append(", tasks lost: ")
    writer.append(lost.tasks)
    writer.append(#""}}"#)
    return writer.bytes
  }

  /// A request of ours for the list of tools.
  static func toolList(id: RequestID, meta: [UInt8]?) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","method":"tools/list""#)
    if let meta {
      writer.append(#","params":{"_meta":"#)
      writer.append(raw: meta)
      writer.append("}")
    }
    writer.append("}")
    return writer.bytes
  }

  /// A request of ours for the next page of a list.
  static func nextPage(
    _ method: Method, id: RequestID, cursor: Range<Int>, of bytes: [UInt8], meta: [UInt8]?
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","id":"#)
    writer.appendID(id)
    writer.append(#","method":""#)
    writer.append(raw: method.name)
    writer.append(#"","params":{"cursor":""#)
    writer.append(raw: bytes[cursor])
    writer.append(#"""#)
    if let meta {
      writer.append(#","_meta":"#)
      writer.append(raw: meta)
    }
    writer.append("}}")
    return writer.bytes
  }

  /// A cancellation of a request of ours.
  static func cancelled(id: RequestID) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#)
    writer.appendID(id)
    writer.append("}}")
    return writer.bytes
  }

  /// Canonical string content with everything in it visible: escapes and unseen characters are
  /// shown as a reader of JSON would write them; cut after some 128 bytes.
  static func visible(_ range: Range<Int>, of bytes: [UInt8]) -> [UInt8] {
    var shown: [UInt8] = []
    var index = range.lowerBound
    while index < range.upperBound {
      if shown.count >= 128 {
        shown.append(contentsOf: [0xE2, 0x80, 0xA6])
        break
      }
      let byte = bytes[index]
      if byte == UInt8(ascii: "\\"), index + 1 < range.upperBound {
        // `\"` and `\\` are seen as they are; of `\n` and the like the backslash is shown.
        let next = bytes[index + 1]
        if next != UInt8(ascii: "\""), next != UInt8(ascii: "\\") { shown.append(byte) }
        shown.append(byte)
        shown.append(next)
        index += 2
        continue
      }
      let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
      appendVisible(bytes[index..<min(index + length, range.upperBound)], to: &shown)
      index += length
    }
    return shown
  }

  /// Appends one character of valid UTF-8.
  private static func appendVisible(_ character: ArraySlice<UInt8>, to shown: inout [UInt8]) {
    var value = UInt32(character.first ?? 0)
    if character.count > 1 {
      value &= 0x7F >> UInt32(character.count)
      for byte in character.dropFirst() { value = value << 6 | UInt32(byte & 0x3F) }
    }
    let isUnseen = value == 0x7F || Unicode.Scalar(value)?.isUnseen ?? true
    guard isUnseen else {
      shown.append(contentsOf: character)
      return
    }
    shown.appendShown(value)
  }
}
