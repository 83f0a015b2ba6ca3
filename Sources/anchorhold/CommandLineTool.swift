internal import Linux
internal import Profile

/// Finds the verb, hands it its arguments and says what went wrong.
enum CommandLineTool {
  static let version = "0.1.0"

  /// The exit status of an answer that could not be written, and of a verb that is not known.
  static let failed: Int32 = 2

  /// Runs one command line, without the program's name; returns the exit status.
  static func run(_ words: [String]) -> Int32 {
    guard let first = words.first else {
      Console.error("no verb is given", hint: "anchorhold --help shows them")
      return failed
    }
    let verb = Verb.all.first { $0.name == first }
    do throws(UsageError) {
      if let index = words.firstIndex(where: { $0.unicodeScalars.contains("\u{FFFD}") }) {
        throw UsageError(message: "argument \(index + 1) is not UTF-8", hint: nil)
      }
      guard let verb else { return try withoutVerb(first, Array(words.dropFirst())) }
      let arguments = try Arguments(
        Array(words.dropFirst()), options: verb.options + [Verb.help])
      if arguments.has("--help") { return answer(verb.helpText) }
      return try verb.body(arguments)
    } catch {
      let usage = verb.map { "anchorhold \($0.name) --help shows how" }
      Console.error(error.message, hint: error.hint ?? usage)
      return verb?.usageStatus ?? failed
    }
  }

  /// Writes an answer; the exit status says whether that worked.
  static func answer(_ text: String, status: Int32 = 0) -> Int32 {
    do {
      try Console.answer(text)
      return status
    } catch .brokenPipe {
      // The reader has seen enough, as in `… | head`.
      return failed
    } catch {
      Console.error("cannot write the answer: \(error)")
      return failed
    }
  }

  private static func withoutVerb(_ word: String, _ rest: [String]) throws(UsageError) -> Int32 {
    switch word {
    case "--version": return answer("anchorhold \(version)\n")
    case "--help", "-h":
      return answer(helpText)
    case "help":
      guard let name = rest.first else { return answer(helpText) }
      guard let verb = Verb.all.first(where: { $0.name == name }) else { throw unknown(name) }
      return answer(verb.helpText)
    default: throw unknown(word)
    }
  }

  private static func unknown(_ word: String) -> UsageError {
    if Verb.later.contains(word) {
      return UsageError(
        message: "\(word) is not part of this version", hint: "anchorhold --help shows what is")
    }
    let names = Verb.all.map(\.name)
    if let verb = word.split(separator: " ").first.map(String.init), verb != word,
      names.contains(verb)
    {
      return UsageError(
        message: "\(quoted(word)) is one argument",
        hint: "give each word as an argument of its own, as in \"args\": [\"run\", \"git\"]")
    }
    let isOption = word.utf8.first == UInt8(ascii: "-")
    let near = nearest(to: word, among: names + ["--version", "--help"])
    return UsageError(
      message: "unknown \(isOption ? "option" : "verb") \(quoted(word))",
      hint: near.map { "did you mean \($0)" } ?? "anchorhold --help shows the verbs")
  }

  private static var helpText: String {
    var text = """
      usage: anchorhold VERB …

      Starts an MCP server in a cell that the kernel enforces, and reads, decides on and writes
      down every message that goes in or out.

      verbs:

      """
    for verb in Verb.all {
      text +=
        "  \(verb.name)\(String(repeating: " ", count: 12 - verb.name.count))\(verb.summary)\n"
    }
    return text + """

      anchorhold VERB --help shows a verb's options and an example
      anchorhold --version shows the version

      example:
        anchorhold run git --set repository=/src/app

      """
  }
}
