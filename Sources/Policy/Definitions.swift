internal import Schema
internal import Wire

/// What the server says of a tool, as far as its calls are held to it.
struct ToolDefinition: Sendable {
  /// What arguments must be, and results; nil where the profile does not ask.
  var input: Schema?, output: Schema?
  /// Why calls cannot be held to it, so that there are none.
  var fault: String?
  /// Those arguments that the schema names; others may pass, as it or the profile says.
  var names: ArgumentNames?
}

/// The names of arguments in a schema, to find keys that some servers take for them.
final class ArgumentNames: Sendable {
  private let names: NameTable
  /// Folded names, and of each the first name, by its canonical bytes, that folds to it.
  private let folded: [[UInt8]: [UInt8]]
  /// About how many bytes it takes.
  let footprint: Int

  init(_ schema: Schema, seed: UInt64) {
    var names = NameTable(seed: seed)
    var folded: [[UInt8]: [UInt8]] = [:]
    schema.forEachName { key, bytes in
      guard names.insert(key, of: bytes) else { return }
      let plain = Document.foldedKey(key, in: bytes)
      guard !plain.isEmpty else { return }
      let name = Array(bytes[key])
      if let other = folded[plain], other.lexicographicallyPrecedes(name) { return }
      folded[plain] = name
    }
    self.names = names
    self.folded = folded
    footprint = names.byteCount * 3 + names.count * 128
  }

  /// The first name, by bytes, that a key looks like without being it.
  func lookAlike(_ document: borrowing Document, _ arguments: Value) -> ArgumentViolation? {
    var found: [UInt8]?
    document.forEachMember(of: arguments) { key, _ in
      guard names.number(of: key, in: document.bytes) == nil else { return }
      let plain = Document.foldedKey(key, in: document.bytes)
      guard !plain.isEmpty, let name = folded[plain] else { return }
      if let other = found, other.lexicographicallyPrecedes(name) { return }
      found = name
    }
    return found.map {
      let name = ArgumentRules.step(String(decoding: $0, as: UTF8.self)).dropFirst()
      return .lookAlike(of: String(name), line: 0)
    }
  }
}

/// What the server says of its tools: the last whole list, compiled.
struct Definitions: Sendable {
  private var names: NameTable
  private var tools: [ToolDefinition] = []
  /// The text that was compiled, so that it need not be compiled anew when it comes again.
  private var texts: [(input: [UInt8], output: [UInt8])] = []
  private var footprint = 0
  /// What compiling the rest of the list may take.
  private var steps = Bounds.compileSteps
  /// Tools that are there and not as they were pinned.
  private var heldBack: NameTable

  private let seed: UInt64

  init(seed: UInt64) {
    self.seed = seed
    names = NameTable(seed: seed)
    heldBack = NameTable(seed: seed)
  }

  /// Notes a tool that is not as it was pinned.
  mutating func holdBack(_ name: Range<Int>, in bytes: [UInt8]) {
    guard heldBack.count < Bounds.definitions else { return }
    _ = heldBack.insert(name, of: bytes)
  }

  /// Whether a tool is there and not as it was pinned.
  func holdsBack(_ name: Range<Int>, in bytes: [UInt8]) -> Bool {
    heldBack.number(of: name, in: bytes) != nil
  }

  /// What the server said of a tool, nil if it has no such tool, or none that may be shown.
  func tool(_ name: Range<Int>, in bytes: [UInt8]) -> ToolDefinition? {
    names.number(of: name, in: bytes).map { tools[$0] }
  }

  /// Takes in an entry of the server's list; whether the client may see it.
  ///
  /// - Parameter known: what was compiled before.
  mutating func take(
    _ entry: Value, of document: Document, name: Range<Int>, _ rules: ToolRules.Entry,
    known: Definitions?
  ) -> Bool {
    if rules.wantsReadOnly, !Self.claimsReadOnly(entry, of: document) { return false }
    guard rules.needsDefinition else { return true }
    guard tools.count < Bounds.definitions, names.insert(name, of: document.bytes) else {
      return false
    }
    var definition = ToolDefinition()
    let before = known?.names.number(of: name, in: document.bytes)
    let known = before.flatMap { number in known.map { ($0.tools[number], $0.texts[number]) } }
    let input = document.member("inputSchema", of: entry)
    let output = document.member("outputSchema", of: entry)
    var texts = (input: [UInt8](), output: [UInt8]())
    if footprint > Bounds.schemas {
      definition.fault = "the server has too large schemas"
    }
    if rules.usesSchema, definition.fault == nil {
      guard let input else { return keep(.init(fault: "it has no inputSchema"), texts) }
      texts.input = Array(document.bytes[input.range])
      if let (tool, text) = known, text.input == texts.input { definition.input = tool.input }
      if definition.input == nil {
        (definition.input, definition.fault) = compile(
          input, of: document, isClosed: rules.isClosed)
      }
      if let (tool, text) = known, text.input == texts.input { definition.names = tool.names }
      if definition.names == nil, let schema = definition.input {
        definition.names = ArgumentNames(schema, seed: seed)
      }
    }
    if rules.checksOutput, definition.fault == nil, let output {
      texts.output = Array(document.bytes[output.range])
      if let (tool, text) = known, text.output == texts.output { definition.output = tool.output }
      if definition.output == nil {
        (definition.output, definition.fault) = compile(output, of: document, isClosed: false)
      }
    }
    return keep(definition, texts)
  }

  private mutating func keep(
    _ definition: ToolDefinition, _ texts: (input: [UInt8], output: [UInt8])
  ) -> Bool {
    // Nothing is kept of a tool that cannot be called but why.
    guard definition.fault == nil else {
      tools.append(ToolDefinition(fault: definition.fault))
      self.texts.append(([], []))
      return false
    }
    footprint += (definition.input?.footprint ?? 0) + (definition.output?.footprint ?? 0)
    footprint += texts.input.count + texts.output.count + (definition.names?.footprint ?? 0)
    tools.append(definition)
    self.texts.append(texts)
    return true
  }

  /// Compiles a schema, in the newest draft unless it says another; where it says none and is none
  /// of that draft, in the one that servers wrote before.
  private mutating func compile(
    _ value: Value, of document: Document, isClosed: Bool
  ) -> (schema: Schema?, fault: String?) {
    do throws(SchemaFault) {
      let schema = try Schema(
        compiling: document, at: value, closed: isClosed, steps: &steps)
      return (schema, nil)
    } catch {
      let fault = error.description
      guard document.member("$schema", of: value) == nil else { return (nil, fault) }
      do throws(SchemaFault) {
        let schema = try Schema(
          compiling: document, at: value, dialect: .draft7, closed: isClosed, steps: &steps)
        return (schema, nil)
      } catch {
        return (nil, fault)
      }
    }
  }

  /// Whether the server says that the tool changes nothing; its word alone.
  private static func claimsReadOnly(_ entry: Value, of document: Document) -> Bool {
    let annotations = document.member("annotations", of: entry)
    return annotations.flatMap { document.member("readOnlyHint", of: $0) }?.kind == .true
  }
}

extension ToolDefinition {
  init(fault: String?) { self.fault = fault }

  /// Why a call's arguments do not fit the server's schema, nil if they do.
  func violation(_ document: Document, _ arguments: Value?) -> ArgumentViolation? {
    guard let input else { return nil }
    // Absent arguments are an empty object to every server.
    guard let arguments, arguments.kind == .object else {
      let (document, value) = Self.nothing
      return Self.violation(input.check(document, value, steps: Bounds.schemaSteps))
    }
    return Self.violation(input.check(document, arguments, steps: Bounds.schemaSteps))
      ?? names?.lookAlike(document, arguments)
  }

  /// An empty object.
  private static let nothing: (Document, Value) = {
    var document = Document()
    var decoder = Decoder(limits: WireLimits())
    let text = Array(#"{"jsonrpc":"2.0","method":"m","params":{}}"#.utf8)
    do throws(WireError) {
      try decoder.decode(text.span, into: &document)
    } catch {
      document = Document()
    }
    return (document, document.params ?? document.root)
  }()

  private static func violation(_ verdict: SchemaVerdict) -> ArgumentViolation? {
    switch verdict {
    case .valid: nil
    case .invalid(let violation):
      ArgumentViolation(
        pointer: violation.pointer, keyword: violation.keyword, text: violation.text, line: 0)
    case .exhausted:
      ArgumentViolation(
        pointer: "", keyword: "schema", text: "are too large to be checked", line: 0)
    }
  }
}
