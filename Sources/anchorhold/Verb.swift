/// One verb of the command line: its words for the help, and what it does.
struct Verb: Sendable {
  var name: String
  /// What stands after the verb, as the help shows it.
  var synopsis: String
  /// What it does, in half a line.
  var summary: String
  /// What it does, in some lines of at most 80 characters.
  var details: String
  var options: [Option]
  /// Command lines as one would write them.
  var examples: [String]
  /// The exit status when the command line is not understood.
  var usageStatus: Int32
  /// Does it; returns the exit status.
  var body: @Sendable (Arguments) throws(UsageError) -> Int32

  /// Every verb of this version, in the order of the help.
  static let all = [run, check, verify, tools, doctor, completion]

  /// Verbs that the design knows and this version does not have.
  static let later = [
    "explain", "learn", "wrap", "unwrap", "audit", "ps", "quarantine", "release",
  ]

  /// The option that every verb has.
  static let help = Option(name: "--help", value: nil, summary: "show this text")

  /// Whether a profile may stand after it.
  var takesProfile: Bool {
    synopsis.split(whereSeparator: { !$0.isLetter }).contains("PROFILE")
  }

  /// What the help prints for this verb.
  var helpText: String {
    var text = "usage: anchorhold \(name) \(synopsis)\n\n\(details)\n\noptions:\n"
    let options = options + [Verb.help]
    let width = options.map { Verb.label($0).count }.max() ?? 0
    for option in options {
      let label = Verb.label(option)
      let gap = String(repeating: " ", count: width - label.count + 2)
      text += "  \(label)\(gap)\(option.summary)\n"
    }
    text += examples.count == 1 ? "\nexample:\n" : "\nexamples:\n"
    return text + examples.map { "  \($0)\n" }.joined()
  }

  private static func label(_ option: Option) -> String {
    option.value.map { "\(option.name) \($0)" } ?? option.name
  }
}
