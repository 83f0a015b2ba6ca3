extension Collection where Element: Equatable {
  /// Whether the elements of `part` stand somewhere in this one, side by side; true of an empty
  /// part.
  func holds(_ part: some Collection<Element>) -> Bool {
    var from = startIndex
    while true {
      let rest = self[from...]
      if rest.starts(with: part) { return true }
      guard !rest.isEmpty else { return false }
      formIndex(after: &from)
    }
  }
}
