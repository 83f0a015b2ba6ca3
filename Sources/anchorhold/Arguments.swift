internal import Profile

/// One option that a verb knows.
struct Option: Sendable {
  /// The long name with its dashes.
  var name: String
  /// What its value is called in the help; nil when it takes none.
  var value: String?
  /// What it does, in the help.
  var summary: String
  /// Whether it may be given more than once.
  var isRepeatable = false
}

extension Option {
  /// The level that stands over the profile's.
  static let isolation = Option(
    name: "--isolation", value: "LEVEL", summary: "full or container, instead of the profile's")
  /// Another place for what is pinned.
  static let pins = Option(
    name: "--pins", value: "FILE", summary: "the file of what is pinned, in place of the usual one")
}

/// Why a command line was not understood.
struct UsageError: Error {
  var message: String
  var hint: String?
}

/// The words after a verb, told apart strictly: an option that is not known is an error, and so is
/// one that is given twice, lacks its value or has one that it does not take.
struct Arguments: Sendable {
  /// The words that are no options.
  private(set) var operands: [String] = []
  /// The words after `--`, or nil when there was none.
  private(set) var rest: [String]?
  private var values: [(option: String, value: String)] = []

  init(_ words: [String], options: [Option]) throws(UsageError) {
    var index = 0
    while index < words.count {
      let word = words[index]
      index += 1
      if word == "--" {
        rest = Array(words[index...])
        return
      }
      guard word.utf8.first == UInt8(ascii: "-"), word.utf8.count > 1 else {
        operands.append(word)
        continue
      }
      let (name, attached) = Self.split(word)
      guard let option = options.first(where: { $0.name == name }) else {
        throw Self.unknown(name, options)
      }
      if !option.isRepeatable, has(name) {
        throw UsageError(message: "\(name) is given twice", hint: nil)
      }
      guard let valueName = option.value else {
        guard attached == nil else {
          throw UsageError(message: "\(name) takes no value", hint: "write \(name)")
        }
        values.append((name, ""))
        continue
      }
      guard let value = attached ?? (index < words.count ? words[index] : nil) else {
        throw UsageError(message: "\(name) needs a value", hint: "write \(name) \(valueName)")
      }
      if attached == nil { index += 1 }
      values.append((name, value))
    }
  }

  /// Whether an option was given.
  func has(_ option: String) -> Bool { values.contains { $0.option == option } }

  /// The value of an option, when it was given.
  func value(of option: String) -> String? { values.first { $0.option == option }?.value }

  /// The level of `--isolation`, when it was given.
  func isolation() throws(UsageError) -> Isolation? {
    guard let word = value(of: Option.isolation.name) else { return nil }
    guard let level = Isolation.allCases.first(where: { $0.rawValue.utf8.elementsEqual(word.utf8) })
    else {
      throw UsageError(
        message: "--isolation \(quoted(word)) is no level", hint: "write full or container")
    }
    return level
  }

  /// The `--set NAME=VALUE` options, in their order.
  func settings() throws(UsageError) -> [ProfileLoader.Setting] {
    var settings: [ProfileLoader.Setting] = []
    for (option, text) in values where option == "--set" {
      guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")), equals > text.startIndex
      else {
        throw UsageError(
          message: "--set \(quoted(text)) is not NAME=VALUE",
          hint: "write for example --set repository=/src/app")
      }
      settings.append(
        ProfileLoader.Setting(
          name: String(Substring(text.utf8[..<equals])),
          value: String(Substring(text.utf8[text.utf8.index(after: equals)...]))))
    }
    return settings
  }

  /// `--set=a=b` is the option `--set` with the value `a=b`.
  private static func split(_ word: String) -> (name: String, value: String?) {
    guard word.utf8.starts(with: "--".utf8),
      let equals = word.utf8.firstIndex(of: UInt8(ascii: "="))
    else { return (word, nil) }
    return (
      String(Substring(word.utf8[..<equals])),
      String(Substring(word.utf8[word.utf8.index(after: equals)...]))
    )
  }

  private static func unknown(_ name: String, _ options: [Option]) -> UsageError {
    let near = nearest(to: name, among: options.map(\.name))
    let known = options.map(\.name).joined(separator: ", ")
    return UsageError(
      message: "unknown option \(quoted(name))",
      hint: near.map { "did you mean \($0)" }
        ?? "known here: \(known); an argument of the server comes after --")
  }
}
