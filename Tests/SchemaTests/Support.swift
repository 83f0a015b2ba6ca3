import Foundation
import Schema
import Wire

/// Decodes any JSON value, nil if it is refused.
func decodeValue(_ text: some Sequence<UInt8>) -> Document? {
  var decoder = Decoder(limits: WireLimits(maxSize: 64 << 20, maxDepth: 1024))
  var document = Document()
  do throws(WireError) {
    try decoder.decodeValue(Array(text).span, into: &document)
    return document
  } catch {
    return nil
  }
}

/// The verdict on a value, or why the schema is no schema.
enum Outcome: Equatable {
  case verdict(SchemaVerdict)
  case fault(SchemaFault)
  case notJSON

  var isValid: Bool { self == .verdict(.valid) }
  var violation: SchemaViolation? {
    if case .verdict(.invalid(let violation)) = self { violation } else { nil }
  }
  var fault: SchemaFault? { if case .fault(let fault) = self { fault } else { nil } }
}

/// Compiles a schema that is written as JSON.
func compile(
  _ schema: String, dialect: SchemaDialect = .draft2020, closed: Bool = false,
  limits: SchemaLimits = SchemaLimits()
) -> Result<Schema, SchemaFault> {
  guard let document = decodeValue(schema.utf8) else {
    return .failure(SchemaFault(kind: .malformed, pointer: "", text: "not JSON"))
  }
  do throws(SchemaFault) {
    return .success(
      try Schema(
        compiling: document, at: document.root, dialect: dialect, closed: closed, limits: limits))
  } catch {
    return .failure(error)
  }
}

/// Checks a value against a schema, both written as JSON.
func check(
  _ value: String, against schema: String, dialect: SchemaDialect = .draft2020,
  closed: Bool = false, steps: Int = 1_000_000
) -> Outcome {
  guard let document = decodeValue(value.utf8) else { return .notJSON }
  switch compile(schema, dialect: dialect, closed: closed) {
  case .success(let schema): return .verdict(schema.check(document, document.root, steps: steps))
  case .failure(let fault): return .fault(fault)
  }
}

/// The top of the checkout.
let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..")
  .standardized

/// Whether a test that lacks something fails instead of being skipped.
let mustWork = ProcessInfo.processInfo.environment["ANCHORHOLD_MUST_WORK"] == "1"
