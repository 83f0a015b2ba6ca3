internal import CYAML

/// One step of a YAML stream, as far as a profile needs it.
enum YAMLEvent {
  case documentStart(hasDirectives: Bool)
  case documentEnd
  case alias
  case scalar(text: String, isPlain: Bool, marks: YAMLMarks)
  case sequenceStart(YAMLMarks)
  case sequenceEnd
  case mappingStart(YAMLMarks)
  case mappingEnd
  case streamEnd
}

/// What stands before a node and is refused in a profile.
struct YAMLMarks {
  var hasTag: Bool
  var hasAnchor: Bool
}

/// Why libyaml could not go on, in its own words.
struct YAMLFailure: Error {
  var problem: String
  var context: String
  var position: Position
}

/// libyaml's event parser over a copy of the text.
///
/// The only file of the room that touches memory by pointer. libyaml keeps a pointer to its own
/// state and to the text, so both live at fixed addresses from `init` to `deinit`.
@safe struct YAMLReader: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let text: UnsafeMutableBufferPointer<UInt8>

  /// Starts on UTF-8 text; fails only when memory runs out.
  init(_ bytes: [UInt8]) throws(YAMLFailure) {
    unsafe parser = .allocate(capacity: 1)
    unsafe text = .allocate(capacity: max(1, bytes.count))
    guard unsafe yaml_parser_initialize(parser) == 1 else {
      unsafe parser.deallocate()
      unsafe text.deallocate()
      throw YAMLFailure(problem: "out of memory", context: "", position: .nowhere)
    }
    _ = unsafe text.initialize(from: bytes)
    // Told, not guessed: a guess could read the same bytes as UTF-16.
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe text.deallocate()
  }

  /// The next event and where it starts; after a failure or `.streamEnd` there is none.
  mutating func next() throws(YAMLFailure) -> (event: YAMLEvent, position: Position) {
    while true {
      var raw = unsafe yaml_event_t()
      guard unsafe yaml_parser_parse(parser, &raw) == 1 else { throw failure() }
      defer { unsafe yaml_event_delete(&raw) }
      let position = unsafe Self.position(raw.start_mark)
      if let event = unsafe Self.event(raw) { return (event, position) }
    }
  }

  private static func event(_ raw: yaml_event_t) -> YAMLEvent? {
    switch unsafe raw.type {
    case YAML_DOCUMENT_START_EVENT:
      let start = unsafe raw.data.document_start
      let hasTags = unsafe start.tag_directives.start != start.tag_directives.end
      return .documentStart(hasDirectives: unsafe start.version_directive != nil || hasTags)
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias
    case YAML_SCALAR_EVENT:
      let scalar = unsafe raw.data.scalar
      let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: Int(scalar.length))
      // The input was checked to be UTF-8 and libyaml refuses escapes that are no characters,
      // so nothing is ever repaired here.
      return .scalar(
        text: unsafe String(decoding: bytes, as: UTF8.self),
        isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE,
        marks: YAMLMarks(
          hasTag: unsafe scalar.tag != nil, hasAnchor: unsafe scalar.anchor != nil))
    case YAML_SEQUENCE_START_EVENT:
      let start = unsafe raw.data.sequence_start
      return .sequenceStart(
        YAMLMarks(hasTag: unsafe start.tag != nil, hasAnchor: unsafe start.anchor != nil))
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      let start = unsafe raw.data.mapping_start
      return .mappingStart(
        YAMLMarks(hasTag: unsafe start.tag != nil, hasAnchor: unsafe start.anchor != nil))
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return .streamEnd
    default: return nil
    }
  }

  private func failure() -> YAMLFailure {
    let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
    let context = unsafe parser.pointee.context.map { unsafe String(cString: $0) }
    return YAMLFailure(
      problem: problem ?? "out of memory", context: context ?? "",
      // What ends too late is best shown where it began.
      position: problem == Self.endOfStream && context != nil
        ? unsafe Self.position(parser.pointee.context_mark)
        : unsafe Self.position(parser.pointee.problem_mark))
  }

  private static let endOfStream = "found unexpected end of stream"

  /// libyaml counts lines and characters from 0.
  private static func position(_ mark: yaml_mark_t) -> Position {
    Position(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }
}
