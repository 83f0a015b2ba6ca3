/// Why a line was refused; raw values are stable names of the audit log and the documentation.
public enum WireReason: String, Sendable, CaseIterable {
  // The line itself.
  case oversize = "oversize"
  case empty = "empty-line"
  case rawCarriageReturn = "raw-carriage-return"
  case byteOrderMark = "byte-order-mark"
  case invalidUTF8 = "invalid-utf8"
  case nulByte = "nul-byte"
  // JSON.
  case syntax = "json-syntax"
  case truncated = "json-truncated"
  case trailing = "trailing-data"
  case controlCharacter = "control-character"
  case badEscape = "bad-escape"
  case loneSurrogate = "lone-surrogate"
  case badNumber = "bad-number"
  case duplicateKey = "duplicate-key"
  case depth = "depth"
  // JSON-RPC.
  case foldedKey = "look-alike-key"
  case batch = "batch"
  case notObject = "not-an-object"
  case version = "jsonrpc-version"
  case unknownMember = "unknown-member"
  case memberCombination = "member-combination"
  case badID = "bad-id"
  case badMethod = "bad-method"
  case badParams = "bad-params"
  case badResult = "bad-result"
  case badError = "bad-error"
}

/// A line that was refused: why, where, and what could still be read of it without guessing.
public struct WireError: Error, Equatable, Sendable {
  /// Why.
  public var reason: WireReason
  /// Where the decoder stood in the line when it knew, in bytes.
  public var offset: Int
  /// The request's id, only when the whole line was otherwise sound JSON with one valid `id`.
  public var id: RequestID?
  /// The canonical bytes of `method`, under the same condition as `id`.
  public var method: [UInt8]?

  /// An error at an offset of the line.
  public init(
    _ reason: WireReason, at offset: Int = 0, id: RequestID? = nil, method: [UInt8]? = nil
  ) {
    self.reason = reason
    self.offset = offset
    self.id = id
    self.method = method
  }

  /// The JSON-RPC error code to answer with: -32700 (parse error) or -32600 (invalid request).
  public var code: Int {
    switch reason {
    case .oversize, .duplicateKey, .depth, .foldedKey, .batch, .notObject, .version,
      .unknownMember, .memberCombination, .badID, .badMethod, .badParams, .badResult, .badError:
      -32600
    case .empty, .rawCarriageReturn, .byteOrderMark, .invalidUTF8, .nulByte, .syntax, .truncated,
      .trailing, .controlCharacter, .badEscape, .loneSurrogate, .badNumber:
      -32700
    }
  }
}
