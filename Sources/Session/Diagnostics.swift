internal import Linux

/// Messages to the person, on stderr.
public enum Diagnostics {
  /// Writes `anchorhold: error: MESSAGE`, and a hint below it.
  public static func error(_ message: String, hint: String? = nil) {
    var text = "anchorhold: error: \(message)\n"
    if let hint { text += "anchorhold: hint: \(hint)\n" }
    say(text)
  }

  /// Writes `anchorhold: warning: MESSAGE`, and a hint below it.
  public static func warning(_ message: String, hint: String? = nil) {
    var text = "anchorhold: warning: \(message)\n"
    if let hint { text += "anchorhold: hint: \(hint)\n" }
    say(text)
  }

  /// Writes `anchorhold: hint: MESSAGE`.
  public static func hint(_ message: String) { say("anchorhold: hint: \(message)\n") }

  private static func say(_ text: String) {
    // A stderr that cannot be written to leaves no one to tell.
    do { try ErrorStream.write([UInt8](text.utf8)) } catch { return }
  }
}
