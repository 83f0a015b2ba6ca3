internal import Schema

/// Regular expressions as a profile writes them.
enum PatternText {
  /// What is wrong with one, nil when nothing is.
  static func fault(_ text: String) -> String? {
    do throws(PatternFault) {
      _ = try Pattern(Array(text.utf8))
      return nil
    } catch {
      return error.description
    }
  }
}
