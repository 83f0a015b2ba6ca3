internal import Linux

/// The server's stderr on its way to ours: line by line, cleaned, with the profile's name before
/// each, and never more than a person or a log can bear.
struct RelayErrors: Sendable {
  private static let longestLine = 4096
  /// ` [cut; N bytes]` and the line end.
  private static let longestEnd = 40
  private static let linesPerSecond = 200
  private static let bytesPerSecond = 128 << 10
  private static let waiting = 64 << 10

  private var descriptor: Int32
  private var output: RelayQueue
  private let prefix: [UInt8]
  private var line: [UInt8] = []
  private var size = 0
  private var second: Int64 = .min
  private var lines = 0
  private var bytes = 0
  /// What was not shown since we last told of it.
  private var hiddenLines = 0, hiddenBytes = 0
  private(set) var isOpen = true
  /// Bytes that the server wrote there.
  private(set) var total: Int64 = 0

  init(_ configuration: RelayConfiguration) {
    descriptor = configuration.serverError
    output = RelayQueue(configuration.errorOutput, configuration.errorOutputTransfer)
    prefix = Array("anchorhold[\(configuration.profileName)]: ".utf8)
  }

  /// What to wait for on the server's side, -1 for nothing.
  var inputDescriptor: Int32 { isOpen ? descriptor : -1 }
  /// Where to wait for room, -1 if nothing waits.
  var outputDescriptor: Int32 { output.count > 0 ? output.descriptor : -1 }
  /// Whether lines were held back that have not been told of.
  var hasHidden: Bool { hiddenLines > 0 }

  /// Reads once and shows the lines that are complete.
  mutating func read(recorder: inout RelayRecorder, at now: Int64) {
    var chunk: [UInt8] = []
    do {
      try chunk.append(addingCapacity: 16 << 10) { (span) throws(Errno) in
        _ = try Descriptor.read(descriptor, into: &span)
      }
    } catch .wouldBlock {
      return
    } catch {
      chunk = []
    }
    total += Int64(chunk.count)
    for byte in chunk {
      if byte == 0x0A || byte == 0x0D {
        end(recorder: &recorder, at: now)
      } else {
        size += 1
        if line.count < Self.longestLine { line.append(byte) }
      }
    }
    if chunk.isEmpty {
      end(recorder: &recorder, at: now)
      isOpen = false
    }
  }

  /// Closes the descriptor of a server that ended.
  mutating func close() {
    isOpen = false
    guard descriptor >= 0 else { return }
    do { try Descriptor.close(descriptor) } catch { _ = error }
    descriptor = -1
  }

  /// Reads what another server writes, from here on.
  mutating func attach(_ descriptor: Int32) {
    self.descriptor = descriptor
    isOpen = true
    line.removeAll(keepingCapacity: true)
    size = 0
  }

  /// Says something of our own, if there is room for it.
  mutating func say(_ text: [UInt8]) {
    guard output.count < Self.waiting else { return }
    output.append(text, isAnswer: false)
  }

  /// Writes what waits, as far as that goes.
  mutating func flush() {
    if output.flushLines(prefix: prefix) == .broken { output.abandon() }
  }

  /// Tells how much was held back, once the second in which it happened is over.
  mutating func tellHidden(at now: Int64, isLast: Bool = false) {
    guard hiddenLines > 0, isLast || now / 1_000_000 != second, output.count < Self.waiting else {
      return
    }
    var text = prefix
    text.append(
      contentsOf: "[\(hiddenLines) lines, \(hiddenBytes) bytes were held back]".utf8)
    hiddenLines = 0
    hiddenBytes = 0
    output.append(text, isAnswer: false)
  }

  /// A line is complete.
  private mutating func end(recorder: inout RelayRecorder, at now: Int64) {
    guard size > 0 else { return }
    defer {
      line.removeAll(keepingCapacity: true)
      size = 0
    }
    if now / 1_000_000 != second {
      tellHidden(at: now)
      second = now / 1_000_000
      lines = 0
      bytes = 0
    }
    guard lines < Self.linesPerSecond, bytes < Self.bytesPerSecond else {
      recorder.countStderr(lines: 1, bytes: size, at: now)
      hide()
      return
    }
    recorder.addStderr(line, size: size)
    lines += 1
    bytes += line.count
    // Nobody may be reading our stderr; the record is made all the same.
    guard output.count < Self.waiting else { return hide() }
    var text = prefix
    // With the number of bytes and the line end it is what a pipe takes at once.
    let whole = RelayText.append(
      line, to: &text, limit: ErrorStream.longestLine - prefix.count - Self.longestEnd)
    if !whole || line.count < size { text.append(contentsOf: " [cut; \(size) bytes]".utf8) }
    output.append(text, isAnswer: false)
  }

  /// Counts a line that is not shown.
  private mutating func hide() {
    hiddenLines += 1
    hiddenBytes += size
  }
}
