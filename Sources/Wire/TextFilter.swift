/// Shows, or leaves out, what a reader would not see in the strings of a server's message, and cuts
/// strings that are too long: canonical bytes in, canonical bytes out.
///
/// Every key and every string is looked at, wherever it stands, but for the few that one side must
/// get back exactly as it wrote them: the id, progress tokens, cursors, the state of an
/// `input_required` result. A key is never shortened and never made equal to another: what is unseen
/// in it is always written out, and so it is in strings that name something (`name`, `uri`, `type`,
/// `enum` and others), because leaving out can turn a harmless name into another one.
///
/// *Limits.* The meaning of what can be read is not looked at, nor letters that look like others
/// (UTS #39 section 4).
public struct TextFilter: Sendable {
  /// What is done.
  public let rules: TextRules
  private var edit = TextEdit()
  private var counts = TextCounts()
  /// The objects and arrays around the innermost one.
  private var outer: [Scope] = []
  /// Whether an unseen character was written out in a key, and whether a key had it so already.
  private var (changedKey, foundShown) = (false, false)
  /// Whether `\u{` in a key is written out as well, so that no two keys become the same.
  private var showsBackslash = false

  /// A filter that is used for one message after the other.
  public init(rules: TextRules) { self.rules = rules }

  /// The message as it may be read, nil if that is what it is; and what was done to it. Empty when it
  /// would be longer than it may be.
  public mutating func filter(_ message: [UInt8]) -> (message: [UInt8]?, counts: TextCounts) {
    showsBackslash = false
    run(message.span)
    if changedKey, foundShown {
      showsBackslash = true
      run(message.span)
    }
    defer { edit = TextEdit() }
    if counts.isTooLong { return ([], counts) }
    return (edit.isUnchanged ? nil : edit.output, counts)
  }

  private mutating func run(_ input: Span<UInt8>) {
    edit = TextEdit()
    counts = TextCounts()
    outer.removeAll(keepingCapacity: true)
    (changedKey, foundShown) = (false, false)
    var scope = Scope.array(.text)
    var place = Place.root
    var awaitsKey = false
    var at = 0
    while at < input.count {
      let byte = input[at]
      switch byte {
      case Canonical.quote:
        let end = Canonical.closingQuote(input, from: at + 1)
        if awaitsKey {
          place = scope.place(input, at + 1, end)
          if rules.hidden != .allow { show(input, at + 1, end, style: .key) }
          awaitsKey = false
        } else {
          string(input, at + 1, end, place)
        }
        // What was cut is gone by now.
        if edit.output.count > rules.most {
          counts.isTooLong = true
          return
        }
        at = end
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        outer.append(scope)
        awaitsKey = byte == UInt8(ascii: "{")
        scope = awaitsKey ? .object(place) : .array(place)
        if !awaitsKey { place = scope.element }
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        awaitsKey = false
        scope = outer.popLast() ?? .array(.text)
      case UInt8(ascii: ","):
        awaitsKey = scope.isObject
        place = scope.element
      default: break
      }
      at += 1
    }
    guard !edit.isUnchanged else { return }
    edit.copy(input, to: input.count)
    counts.isTooLong = edit.output.count > rules.most
  }

  /// A string that is no key.
  private mutating func string(_ input: Span<UInt8>, _ start: Int, _ end: Int, _ place: Place) {
    guard place != .exact else { return }
    let begin = edit.position(start)
    if rules.hidden != .allow {
      show(input, start, end, style: place == .text || place == .data ? .text : .name)
    }
    guard edit.position(end) - begin > rules.longest else { return }
    if place == .data || place == .address, Self.isUnbroken(input, start, end) { return }
    edit.copy(input, to: end)
    let taken = edit.cut(to: begin + rules.longest - Self.mark, from: begin)
    edit.append("… [")
    edit.append(taken)
    edit.append(" more bytes, cut by anchorhold]")
    counts.cut += 1
  }

  /// The most bytes of the mark of a cut.
  private static let mark = 64
  /// Unseen characters in a row that are written out; more may be a text of their own.
  private static let shownInRow = 16

  /// Whether a string is without white space and quotes, as base64 and addresses are: what a cut
  /// would make useless, and nothing that is read.
  private static func isUnbroken(_ input: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    for at in start..<end where input[at] <= 0x20 || input[at] >= 0x7F || input[at] == 0x5C {
      return false
    }
    return true
  }

  private enum Style { case text, name, key }

  /// Writes out or leaves out what is unseen in a string's content.
  private mutating func show(_ input: Span<UInt8>, _ start: Int, _ end: Int, style: Style) {
    let removes = rules.hidden == .remove && style == .text
    var at = start
    // Before it nothing is what the next character could belong to.
    var floor = start
    while true {
      if at < end, input[at] < 0x80 { at = plainEnd(input, from: at) }
      guard at < end else { return }
      if let after = seen(input, at, &floor, end, style) {
        at = after
        continue
      }
      var row = 0
      while at < end, seen(input, at, &floor, end, style) == nil {
        let (scalar, length) = unit(input, at)
        var after = at + length
        if removes {
          after = ControlSequence.end(input, introducer: scalar, from: after, to: end)
        }
        edit.skip(input, at, after)
        if removes {
          if Self.breaksLine(scalar) { edit.append(#"\n"#) }
        } else if row < Self.shownInRow || style == .key {
          edit.append(shown: scalar)
        }
        row += 1
        counts.hidden += 1
        at = after
        floor = after
        // Of a string that is cut, what is left is before this.
        if edit.output.count > rules.most { return }
      }
      if style == .key {
        changedKey = true
      } else if row > Self.shownInRow, !removes {
        edit.append("[")
        edit.append(row - Self.shownInRow)
        edit.append(" more]")
      }
    }
  }

  /// Whether nothing unseen is in the canonical content of a string.
  public static func isReadable(_ bytes: [UInt8], _ content: Range<Int>) -> Bool {
    let input = bytes.span
    var filter = TextFilter(rules: TextRules())
    var (at, floor) = (content.lowerBound, content.lowerBound)
    while true {
      if at < content.upperBound, input[at] < 0x80 { at = plainEnd(input, from: at) }
      guard at < content.upperBound else { return true }
      guard let after = filter.seen(input, at, &floor, content.upperBound, .name) else {
        return false
      }
      at = after
    }
  }

  /// Where the character at `at` ends if it is seen, or stands where it belongs.
  @inline(__always)
  private mutating func seen(
    _ input: Span<UInt8>, _ at: Int, _ floor: inout Int, _ end: Int, _ style: Style
  ) -> Int? {
    let first = input[at]
    if first < 0x80 {
      guard first == Canonical.backslash else { return first == 0x7F ? nil : at + 1 }
      switch input[at + 1] {
      case UInt8(ascii: "r"):
        guard at + 3 < end, input[at + 2] == Canonical.backslash,
          input[at + 3] == UInt8(ascii: "n")
        else { return nil }
      case UInt8(ascii: "u"), UInt8(ascii: "b"), UInt8(ascii: "f"): return nil
      case Canonical.backslash
      where style == .key && at + 3 < end && input[at + 2] == 0x75
        && input[at + 3] == UInt8(ascii: "{"):
        foundShown = true
        if showsBackslash { return nil }
      default: break
      }
      floor = at + 2
      return at + 2
    }
    if !Suspicion.isRaised(by: first, input[at + 1], first < 0xE0 ? 0 : input[at + 2]) {
      return at + (first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4)
    }
    let (scalar, length) = input.scalar(at: at)
    guard Unicode.Scalar(scalar)?.isUnseen ?? true else { return at + length }
    let before = input.scalar(before: at, from: floor)
    if before.value == 0x1F3F4, let after = Self.flag(input, at, end) { return after }
    let base =
      before.value == 0xFE0F ? input.scalar(before: before.start, from: floor).value : 0
    // The end of the string is like the end of a line.
    let next = at + length < end ? unit(input, at + length).value : 0x0A
    return Joining.belongs(scalar, before: before.value, base: base, after: next)
      ? at + length : nil
  }

  /// Where the tags of a flag end that begin at `at`.
  private static func flag(_ input: Span<UInt8>, _ at: Int, _ end: Int) -> Int? {
    flag: for letters in Joining.flags {
      var place = at
      for letter in letters + [0x7F] {
        guard place + 4 <= end, input[place] == 0xF3,
          input.scalar(at: place).value == 0xE0000 + UInt32(letter)
        else { continue flag }
        place += 4
      }
      return place
    }
    return nil
  }

  /// The character at `at`, unescaped, and its length in canonical bytes.
  private func unit(_ input: Span<UInt8>, _ at: Int) -> (value: UInt32, length: Int) {
    let first = input[at]
    if first >= 0x80 { return input.scalar(at: at) }
    guard first == Canonical.backslash else { return (UInt32(first), 1) }
    var after = at + 1
    let scalar = Canonical.escaped(input, &after)
    return (scalar, after - at)
  }

  /// Whether a terminal or an editor begins a new line, or begins the line anew, at this control.
  private static func breaksLine(_ scalar: UInt32) -> Bool {
    scalar >= 0x0B && scalar <= 0x0D || scalar == 0x85 || scalar == 0x2028 || scalar == 0x2029
  }
}
