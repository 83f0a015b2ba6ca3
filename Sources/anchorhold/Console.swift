internal import Linux
internal import Profile

/// What the program says: answers on standard output, everything else on standard error.
///
/// Each call is one write to the descriptor, so that nothing waits in a buffer when the process
/// ends, and lines of several processes do not mix.
enum Console {
  /// An answer of a verb; never used by `run`, whose standard output belongs to JSON-RPC.
  static func answer(_ text: String) throws(Errno) {
    try Descriptor.writeAll(StandardStream.output, Array(text.utf8))
  }

  /// `anchorhold: error: …`, and what to do about it.
  static func error(_ message: String, hint: String? = nil) {
    say("error", message, hint)
  }

  /// `anchorhold: warning: …`, and what to do about it.
  static func warning(_ message: String, hint: String? = nil) {
    say("warning", message, hint)
  }

  private static func say(_ word: String, _ message: String, _ hint: String?) {
    // Whoever's text is in it, it is one line, and nothing in it moves a terminal's cursor.
    var text = "anchorhold: \(word): \(madeVisible(message))\n"
    if let hint { text += "anchorhold: hint: \(madeVisible(hint))\n" }
    // Nobody is left to tell when standard error is gone; the exit status still says it.
    do { try Descriptor.writeAll(StandardStream.error, Array(text.utf8)) } catch {}
  }
}
