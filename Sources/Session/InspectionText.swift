internal import Policy
internal import Profile
internal import Wire

/// Makes text of a server's visible.
enum InspectionText {
  /// Canonical string content as one line: what a reader would not see, and all controls, as escapes;
  /// longer than `limit` bytes it is cut, and says so.
  static func visible(_ content: [UInt8], limit: Int = 1 << 20) -> [UInt8] {
    var output: [UInt8] = []
    var at = 0
    while at < content.count {
      guard output.count < limit else { return output + Array("…".utf8) }
      let byte = content[at]
      if byte == UInt8(ascii: "\\"), at + 1 < content.count {
        // Of `\"` and `\\` the character; the others stand for controls and stay as they are.
        let next = content[at + 1]
        if next != UInt8(ascii: "\""), next != UInt8(ascii: "\\") { output.append(byte) }
        output.append(next)
        at += 2
        continue
      }
      let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
      let end = min(at + length, content.count)
      append(content[at..<end], to: &output, json: false)
      at = end
    }
    return output
  }

  /// JSON in which every character that a reader would not see is an escape.
  static func escaped(_ json: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(json.count)
    var at = 0
    while at < json.count {
      let byte = json[at]
      let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
      let end = min(at + length, json.count)
      append(json[at..<end], to: &output, json: true)
      at = end
    }
    return output
  }

  /// Appends one character of valid UTF-8.
  private static func append(
    _ character: ArraySlice<UInt8>, to output: inout [UInt8], json: Bool
  ) {
    var value = UInt32(character.first ?? 0)
    if character.count > 1 {
      value &= 0x7F >> UInt32(character.count)
      for byte in character.dropFirst() { value = value << 6 | UInt32(byte & 0x3F) }
    }
    guard value == 0x7F || Unicode.Scalar(value)?.isUnseen ?? true else {
      output.append(contentsOf: character)
      return
    }
    guard json else {
      output.append(contentsOf: "\\u{\(String(value, radix: 16))}".utf8)
      return
    }
    let units =
      value < 0x10000
      ? [value] : [0xD800 + ((value - 0x10000) >> 10), 0xDC00 + ((value - 0x10000) & 0x3FF)]
    for unit in units {
      let digits = String(unit, radix: 16)
      output.append(
        contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
    }
  }

  /// A value as lines to be read: a string line by line, anything else as JSON.
  static func lines(_ json: [UInt8]) -> [[UInt8]] {
    guard json.first == UInt8(ascii: "\""), json.count >= 2 else { return [visible(json)] }
    let content = Array(json[1..<(json.count - 1)])
    var lines: [[UInt8]] = [[]]
    var at = 0
    while at < content.count {
      if content[at] == UInt8(ascii: "\\"), at + 1 < content.count {
        if content[at + 1] == UInt8(ascii: "n") {
          lines.append([])
        } else {
          lines[lines.count - 1] += content[at...(at + 1)]
        }
        at += 2
      } else {
        lines[lines.count - 1].append(content[at])
        at += 1
      }
    }
    return lines.map { visible($0) }
  }
}

// MARK: - For people

extension InspectionReport {
  /// The report as lines.
  var text: [UInt8] {
    var output = Array(
      "\(task.profile): \(tools.count(where: \.isOffered)) tools, \(allowed) allowed; ".utf8)
    output += Array((task.file.isEmpty ? "pins: \(task.mode)" : pinsWords).utf8) + [0x0A]
    // With a space in it a name could look like more than one.
    let names = tools.map { tool in
      let name = InspectionText.visible(tool.name, limit: 200)
      return name.contains(0x20) ? Array("\"".utf8) + name + Array("\"".utf8) : name
    }
    let width = min(names.map(\.count).max() ?? 0, 40)
    for (row, name) in zip(tools, names) {
      output += Array("  ".utf8) + name
      output += Array(repeating: 0x20, count: max(width - name.count, 0))
      output += Array("  \(words(row))\n".utf8)
      for change in row.changes { append(change, to: &output) }
    }
    if let said, said != Array("null".utf8) || instructions.state != .pinned {
      output += Array("  instructions: \(instructionWords)\n".utf8)
      for change in instructions.changes { append(change, to: &output) }
    }
    if task.isServerChanged {
      output += Array(
        "  program: \(task.approvesServer ? "changed, approved" : "changed")\n".utf8)
    }
    if task.isProfileChanged {
      output += Array("  profile: changed since it was pinned, which holds nothing back\n".utf8)
    }
    return output
  }

  private var allowed: Int { tools.count { $0.isOffered && $0.rule != nil } }

  private var pinsWords: String {
    let place = task.hasPins ? "in \(madeVisible(task.file))" : "none yet"
    return "pins: \(task.mode), \(place)"
  }

  private var isStrict: Bool { task.mode.utf8.elementsEqual("strict".utf8) }

  private func words(_ row: Row) -> String {
    guard row.isOffered else { return row.isApproved ? "gone, approved" : "gone" }
    let yes = row.asks ? "asked about" : "allowed"
    var words = row.rule.map { "\(yes) (line \($0))" } ?? "not allowed"
    if let fault = row.fault { words += ", not available: \(fault)" }
    guard row.state != .unpinned || row.isApproved else {
      return task.mode.utf8.elementsEqual("off".utf8) ? words : "\(words), not pinned yet"
    }
    words += row.state == .unpinned ? "" : ", \(row.state.rawValue)"
    if row.isApproved, row.state != .pinned { return words + ", approved" }
    return row.isHeld(strict: isStrict) ? words + ", held back" : words
  }

  private var instructionWords: String {
    let words = instructions.state.rawValue
    if instructions.isApproved, instructions.state != .pinned { return words + ", approved" }
    return instructions.isHeld(strict: isStrict) ? words + ", withheld" : words
  }

  /// What is different, line by line: what both begin and end with is left out.
  private func append(_ change: InspectionChange, to output: inout [UInt8]) {
    let indent = Array("      ".utf8)
    output += indent + InspectionText.visible(change.place, limit: 400) + Array(":\n".utf8)
    var old = (change.old.map(InspectionText.lines) ?? [])[...]
    var new = (change.new.map(InspectionText.lines) ?? [])[...]
    var skipped = 0
    while let one = old.first, let other = new.first, one == other {
      old = old.dropFirst()
      new = new.dropFirst()
      skipped += 1
    }
    while let one = old.last, let other = new.last, one == other {
      old = old.dropLast()
      new = new.dropLast()
      skipped += 1
    }
    for line in old { output += indent + Array("- ".utf8) + line + [0x0A] }
    for line in new { output += indent + Array("+ ".utf8) + line + [0x0A] }
    if skipped > 0 { output += indent + Array("  (\(skipped) lines are the same)\n".utf8) }
  }
}

// MARK: - For programs

extension InspectionReport {
  /// The report as one JSON object, with a line feed.
  var json: [UInt8] {
    var writer = ByteWriter()
    writer.append(#"{"profile":"#)
    writer.appendString(Array(task.profile.utf8))
    writer.append(#","pins":{"mode":"#)
    writer.appendString(Array(task.mode.utf8))
    writer.append(#","file":"#)
    if task.file.isEmpty {
      writer.append("null")
    } else {
      writer.appendString(Array(task.file.utf8))
    }
    writer.append(#","exist":"#)
    writer.append(bool: task.hasPins)
    writer.append(#"},"program":{"changed":"#)
    writer.append(bool: task.isServerChanged)
    writer.append(#","approved":"#)
    writer.append(bool: task.approvesServer)
    writer.append(#"},"profile_changed":"#)
    writer.append(bool: task.isProfileChanged)
    writer.append(#","instructions":{"text":"#)
    writer.append(raw: said ?? Array("null".utf8))
    append(instructions, to: &writer)
    writer.append(#"},"tools":["#)
    for (index, row) in tools.enumerated() {
      if index > 0 { writer.append(",") }
      writer.append(#"{"name":""#)
      writer.append(raw: row.name)
      writer.append(#"","offered":"#)
      writer.append(bool: row.isOffered)
      writer.append(#","allowed":"#)
      writer.append(bool: row.rule != nil)
      writer.append(#","asked":"#)
      writer.append(bool: row.asks)
      writer.append(#","line":"#)
      if let rule = row.rule { writer.append(rule) } else { writer.append("null") }
      writer.append(#","unavailable":"#)
      if let fault = row.fault {
        writer.appendString(Array(fault.utf8))
      } else {
        writer.append("null")
      }
      append(row, to: &writer)
      writer.append("}")
    }
    writer.append(#"],"changed":"#)
    writer.append(remaining)
    writer.append("}")
    return InspectionText.escaped(writer.bytes) + [0x0A]
  }

  private func append(_ row: Row, to writer: inout ByteWriter) {
    writer.append(#","state":"#)
    writer.appendString(Array(row.state.rawValue.utf8))
    writer.append(#","held_back":"#)
    writer.append(bool: row.isHeld(strict: isStrict))
    writer.append(#","approved":"#)
    writer.append(bool: row.isApproved)
    writer.append(#","changes":["#)
    for (index, change) in row.changes.enumerated() {
      if index > 0 { writer.append(",") }
      writer.append(#"{"place":""#)
      writer.append(raw: change.place)
      writer.append(#"","old":"#)
      writer.append(raw: change.old ?? Array("null".utf8))
      writer.append(#","new":"#)
      writer.append(raw: change.new ?? Array("null".utf8))
      writer.append("}")
    }
    writer.append("]")
  }
}

extension ByteWriter {
  fileprivate mutating func append(bool value: Bool) {
    if value { append("true") } else { append("false") }
  }
}
