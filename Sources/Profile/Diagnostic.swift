/// One finding about a profile's text.
public struct Diagnostic: Sendable, Equatable {
  /// How bad a finding is.
  public enum Severity: String, Sendable {
    /// The profile cannot be used.
    case error
    /// The profile can be used, but probably does not say what was meant.
    case warning
  }

  /// How bad it is.
  public var severity: Severity
  /// The file's name as the user gave it.
  public var file: String
  /// The line, counted from 1; 0 when the finding has no place in the text.
  public var line: Int
  /// The column in characters, counted from 1; 0 when there is no line.
  public var column: Int
  /// What is wrong: lower case, no full stop, no control characters.
  public var message: String
  /// What to write instead, when there is something to say.
  public var hint: String?
  /// Whether it tells of a variable without a value, for which something else stands.
  public var leavesOpen = false

  /// Makes a finding.
  public init(
    severity: Severity = .error, file: String, line: Int = 0, column: Int = 0,
    message: String, hint: String? = nil
  ) {
    self.severity = severity
    self.file = file
    self.line = line
    self.column = column
    self.message = message
    self.hint = hint
  }

  /// The finding as `file:line:column: message`, or `file: message` when it has no place.
  public var text: String {
    line == 0 ? "\(file): \(message)" : "\(file):\(line):\(column): \(message)"
  }
}
