import Foundation
import Testing
import Wire

/// The data that is shared between checkouts, nil if this machine does not have it.
let shared: URL? = {
  let here = URL(fileURLWithPath: #filePath)
  let beside = here.deletingLastPathComponent().appending(path: "../../../shared").standardized
  let named = ProcessInfo.processInfo.environment["ANCHORHOLD_SHARED"].map {
    URL(fileURLWithPath: $0)
  }
  return [named, beside].compactMap { $0?.appending(path: "data") }.first {
    FileManager.default.fileExists(atPath: $0.path)
  }
}()

/// What decoding gave.
enum Outcome {
  case accepted(Document)
  case refused(WireError)

  var reason: WireReason? {
    if case .refused(let error) = self { error.reason } else { nil }
  }
  var document: Document? {
    if case .accepted(let document) = self { document } else { nil }
  }
  var error: WireError? {
    if case .refused(let error) = self { error } else { nil }
  }
}

/// Decodes a line as a message.
func decode(_ line: [UInt8], limits: WireLimits = WireLimits()) -> Outcome {
  var decoder = Decoder(limits: limits)
  var document = Document()
  do {
    try decoder.decode(line.span, into: &document)
    return .accepted(document)
  } catch {
    return .refused(error)
  }
}

/// Decodes a line as a message.
func decode(_ line: String) -> Outcome { decode(Array(line.utf8)) }

/// Decodes any JSON value.
func decodeValue(_ text: [UInt8], limits: WireLimits = WireLimits()) -> Outcome {
  var decoder = Decoder(limits: limits)
  var document = Document()
  do {
    try decoder.decodeValue(text.span, into: &document)
    return .accepted(document)
  } catch {
    return .refused(error)
  }
}

/// Decodes any JSON value.
func decodeValue(_ text: String) -> Outcome { decodeValue(Array(text.utf8)) }

/// Bytes as text, for comparisons in tests only.
func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }
