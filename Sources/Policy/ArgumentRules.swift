internal import Profile
internal import Wire

/// Why a call's arguments are refused.
struct ArgumentViolation: Sendable {
  /// Where in the arguments, as a JSON pointer of visible characters.
  var pointer: String
  /// The key of the profile, or the keyword of the schema, that refused.
  var keyword: String
  /// What is wrong, for a model to act on, without the place.
  var text: String
  /// The line of the profile, 0 for the server's schema.
  var line: Int
}

extension ArgumentViolation {
  /// A key that is not a name and looks like it.
  static func lookAlike(of name: String, line: Int) -> ArgumentViolation {
    ArgumentViolation(
      pointer: "", keyword: "arguments", text: "have a key that looks like \(name) and is not it",
      line: line)
  }
}

/// The profile's rules for the arguments of a tool, compiled.
///
/// The arguments are gone through once, in whatever order they are; which of several faults is told
/// depends on the order of the rules alone.
struct ArgumentRules: Sendable {
  private var names = NameTable()
  private var rules: [ValueRule] = []
  /// The names as a message shows them, and as one who is less strict reads them.
  private var shown: [String] = []
  private var folded: [[UInt8]] = []
  private var required: UInt64 = 0
  /// The line of the entry.
  private let line: Int
  /// Whether arguments without a rule are refused.
  private let isClosed: Bool

  /// - Parameter workdir: the server's working directory, for relative paths.
  init(_ tool: Profile.Tool, workdir: String?, isClosed: Bool) {
    line = tool.name.line
    self.isClosed = isClosed
    // More than 64 are refused by the format.
    for (name, rule) in tool.arguments.prefix(64) {
      let content = canonicalContent(of: Array(name.utf8))
      guard names.insert(content) else { continue }
      if rule.isRequired { required |= 1 << UInt64(rules.count) }
      rules.append(ValueRule(rule, workdir: workdir))
      shown.append(Self.step(name))
      folded.append(Document.foldedKey(content.indices, in: content))
    }
  }

  /// Whether there is no rule.
  var isEmpty: Bool { rules.isEmpty && !isClosed }

  /// The first fault of a call's arguments, nil if there is none; absent arguments are none.
  func violation(_ document: borrowing Document, _ arguments: Value?) -> ArgumentViolation? {
    var seen: UInt64 = 0
    var first = Int.max
    var violation: ArgumentViolation?
    if let arguments {
      document.forEachMember(of: arguments) { key, value in
        guard let number = names.number(of: key, in: document.bytes) else {
          guard first == .max, let other = stray(key, in: document) else { return }
          // Of several the least is told, because their order must not matter.
          if let known = violation, known.text.utf8.lexicographicallyPrecedes(other.text.utf8) {
            return
          }
          violation = other
          return
        }
        seen |= 1 << UInt64(number)
        guard number < first, var fault = rules[number].violation(document, value) else { return }
        first = number
        fault.pointer = shown[number] + fault.pointer
        violation = fault
      }
    }
    let missing = required & ~seen
    guard missing != 0, missing.trailingZeroBitCount < first else { return violation }
    let number = missing.trailingZeroBitCount
    return ArgumentViolation(
      pointer: shown[number], keyword: "required", text: "is missing", line: rules[number].line)
  }

  /// What is wrong with a key that is none of the names, nil if nothing is.
  private func stray(_ key: Range<Int>, in document: borrowing Document) -> ArgumentViolation? {
    if let other = lookAlike(key, in: document.bytes) { return other }
    guard isClosed else { return nil }
    let name = String(decoding: document.utf8(content: key).prefix(64), as: UTF8.self)
    let pointer = Self.step(name)
    let shown = pointer.dropFirst()
    return ArgumentViolation(
      pointer: pointer, keyword: "unknown_arguments",
      text: "\"\(shown)\" is an argument that the profile does not name",
      line: line)
  }

  /// A key that is none of the names and looks like one to a reader that is less strict: some take
  /// it for that argument, which would then have no rule.
  private func lookAlike(_ key: Range<Int>, in bytes: [UInt8]) -> ArgumentViolation? {
    let plain = Document.foldedKey(key, in: bytes)
    guard !plain.isEmpty, let number = folded.firstIndex(of: plain) else { return nil }
    return .lookAlike(of: String(shown[number].dropFirst()), line: rules[number].line)
  }

  /// A name as a step of a JSON pointer, of visible characters.
  static func step(_ name: String) -> String {
    var text = "/"
    for scalar in name.unicodeScalars {
      switch scalar {
      case "~": text += "~0"
      case "/": text += "~1"
      default:
        text +=
          scalar.isUnseen || scalar.value < 0x20 || scalar.value == 0x7F
          ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
      }
    }
    return text
  }
}
