// The strict decoder under libFuzzer, compiled into one module with the sources of Wire.

/// Decodes bytes as a message or as a bare value; the document, or the refusal.
private func decode(_ bytes: [UInt8], asMessage: Bool) -> Result<Document, WireError> {
  var decoder = Decoder(limits: WireLimits(maxSize: 1 << 20, maxDepth: 64))
  var document = Document()
  do throws(WireError) {
    if asMessage {
      try decoder.decode(bytes.span, into: &document)
    } else {
      try decoder.decodeValue(bytes.span, into: &document)
    }
    return .success(document)
  } catch {
    return .failure(error)
  }
}

/// What is accepted comes out canonical: without control bytes, and the same when it is read again.
private func check(_ input: [UInt8], asMessage: Bool, _ transcript: inout Transcript) {
  let kind: StaticString = asMessage ? "message" : "value"
  switch decode(input, asMessage: asMessage) {
  case .failure(let error):
    transcript.add(kind, input, error.reason.rawValue, [])
    demand(error.code == -32700 || error.code == -32600, "an unknown code")
    demand(error.offset >= 0 && error.offset <= input.count, "an offset outside of the input")
  case .success(let document):
    transcript.add(kind, input, nil, document.bytes)
    demand(!document.bytes.contains { $0 < 0x20 }, "a control byte came out")
    demand(document.bytes.count <= input.count, "it grew")
    demand(String(validating: document.bytes, as: UTF8.self) != nil, "not UTF-8 came out")
    demand(size(document.root, document) == document.bytes.count, "parts are missing")
    switch decode(document.bytes, asMessage: asMessage) {
    case .failure(let error): fail("what came out is refused: \(error)")
    case .success(let again):
      demand(again.bytes == document.bytes, "what came out is not canonical")
      demand(!asMessage || again.id == document.id, "the id was read differently")
    }
    for hidden in [TextRules.Hidden.escape, .remove] {
      show(document, hidden, asMessage: asMessage)
    }
  }
}

/// What a model reads of a message is a message still, and the same when it is looked at again.
private func show(_ document: Document, _ hidden: TextRules.Hidden, asMessage: Bool) {
  var filter = TextFilter(rules: TextRules(hidden: hidden, longest: 300))
  let (message, counts) = filter.filter(document.bytes)
  demand((message == nil) == counts.isEmpty, "the counts are wrong")
  guard let message else { return }
  demand(!filter.rules.isPlain(document.texts), "the decoder did not suspect it")
  switch decode(message, asMessage: asMessage) {
  case .failure(let error): fail("what may be read is refused: \(error)")
  case .success(let again):
    demand(again.bytes == message, "what may be read is not canonical")
    demand(!asMessage || again.id == document.id, "the id is another")
    demand(filter.filter(message).message == nil, "the second look finds more")
  }
}

/// The bytes of a value, counted by walking through everything in it.
private func size(_ value: Value, _ document: Document) -> Int {
  switch value.kind {
  case .object:
    var count = 1
    for (key, member) in document.members(of: value) {
      count += key.count + 4 + size(member, document)
    }
    return max(count, 2)
  case .array:
    var count = 1
    for element in document.elements(of: value) { count += 1 + size(element, document) }
    return max(count, 2)
  case .string:
    demand(document.string(value, equals: document.utf8(value)), "a string is not itself")
    return value.range.count
  case .number, .true, .false, .null:
    return value.range.count
  }
}

/// The lines of a stream, an empty list for each that is too long.
private func frame(_ input: [UInt8], pieces: Int) -> [[UInt8]] {
  var framer = LineFramer(maxSize: 100, chunk: 64)
  var lines: [[UInt8]] = []
  var at = 0
  while at < input.count {
    let end = min(at + pieces, input.count)
    _ = framer.read { out in for index in at..<end { out.append(input[index]) } }
    at = end
    while let item = framer.next() {
      switch item {
      case .line(let range): lines.append([1] + framer.buffer[range])
      case .oversize: lines.append([])
      case .oversizeEnd:
        lines.append([2])
        _ = framer.edges.responseID
      }
    }
    demand(framer.pending <= 100 + 1 + 64, "more is pending than may be")
    demand(framer.buffer.capacity <= 4 * (100 + 64), "more is held than may be")
  }
  return lines
}

/// The entry point of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzWire(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  var transcript = Transcript(input)
  check(input, asMessage: true, &transcript)
  check(input, asMessage: false, &transcript)
  transcript.write()
  demand(frame(input, pieces: 1) == frame(input, pieces: 64), "pieces change the lines")
  return 0
}
