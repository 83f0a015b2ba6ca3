internal import Linux
internal import Policy

/// What the relay tells of a server that is not as it was pinned, and where it writes new pins.
struct RelayChanges: Sendable {
  /// Bytes of a tool's name, and tools, in a message; messages in a session.
  private static let longestName = 128, mostNamed = 8, mostSaid = 16

  private let isStrict: Bool
  private let command: String
  private let profile: String
  /// Where new pins go; -1 when there is no such place, or it has been used.
  var output: Int32
  private var said: Set<[UInt8]> = []

  init(_ configuration: RelayConfiguration) {
    isStrict = configuration.pins?.isStrict ?? false
    output = configuration.pins?.output ?? -1
    command = configuration.toolsCommand
    profile = configuration.profileName
  }

  /// What is said of an event; empty for what was said before.
  mutating func lines(_ event: borrowing Event) -> [[UInt8]] {
    let fate = isStrict ? "held back" : "let through"
    var lines: [[UInt8]] = []
    if let changed = event.changed {
      var text = Array("anchorhold: warning: \(profile): not as pinned and \(fate): ".utf8)
      for (index, name) in changed.names.prefix(Self.mostNamed).enumerated() {
        text += Array((index > 0 ? ", " : "").utf8)
        RelayText.append(name, to: &text, limit: Self.longestName)
      }
      let more = changed.count - min(changed.names.count, Self.mostNamed)
      if more > 0 { text += Array(" and \(more) more".utf8) }
      lines.append(text)
    }
    if event.changedInstructions {
      lines.append(
        Array(
          "anchorhold: warning: \(profile): the instructions are not as pinned and \(fate)".utf8))
    }
    lines = lines.filter { said.count < Self.mostSaid && said.insert($0).inserted }
    if !lines.isEmpty {
      lines.append(Array("anchorhold: hint: \(command) shows what changed".utf8))
    }
    return lines
  }
}

extension RelayLoop {
  /// Says on stderr what is not as pinned.
  mutating func tellChanges(_ event: borrowing Event) {
    // Who asks what changed is told in full.
    guard inspector == nil else { return }
    for line in changes.lines(event) { errors.say(line) }
    errors.flush()
  }

  /// Gives the monitor what was seen for the first time, once in a session.
  mutating func keepPins() throws(Errno) {
    guard let pins = window.takePins(), changes.output >= 0 else { return }
    let output = changes.output
    changes.output = -1
    try Descriptor.writeAll(output, pins.bytes)
    try tell(.pinned, pins.tools.numbers + pins.instructions.numbers)
  }
}
