/// A place in the text, both counted from 1.
struct Position: Sendable, Equatable {
  var line: Int
  var column: Int

  /// The place of what has none, such as a setting of the command line.
  static let nowhere = Position(line: 0, column: 0)
}

/// Gathers what is wrong, so that one look at a profile names every fault in it.
struct Findings {
  /// More than this many are noise; the rest is counted in one last finding.
  static let bound = 100

  let file: String
  private(set) var all: [Diagnostic] = []
  private var isFull = false

  init(file: String) { self.file = file }

  var hasErrors: Bool { isFull || all.contains { $0.severity == .error } }

  /// Whether another finding would not be shown; what is costly to word is then not worded.
  var isAtBound: Bool { all.count >= Self.bound }

  mutating func error(_ position: Position, _ message: String, hint: String? = nil) {
    add(.error, position, message, hint)
  }

  mutating func warning(_ position: Position, _ message: String, hint: String? = nil) {
    add(.warning, position, message, hint)
  }

  /// A variable has no value, and something else stands for it.
  mutating func open(_ position: Position, _ message: String, hint: String) {
    add(.warning, position, message, hint, leavesOpen: true)
  }

  private mutating func add(
    _ severity: Diagnostic.Severity, _ position: Position, _ message: String, _ hint: String?,
    leavesOpen: Bool = false
  ) {
    guard all.count < Self.bound else {
      // An error must not be lost because warnings filled the list.
      isFull = isFull || severity == .error
      return
    }
    var finding = Diagnostic(
      severity: severity, file: file, line: position.line, column: position.column,
      message: message, hint: hint)
    finding.leavesOpen = leavesOpen
    all.append(finding)
  }

  /// Everything in the order of the text; what has no place comes last.
  func sorted() -> [Diagnostic] {
    var result = all.enumerated().sorted { left, right in
      let (one, other) = (left.element, right.element)
      if (one.line == 0) != (other.line == 0) { return other.line == 0 }
      if one.line != other.line { return one.line < other.line }
      if one.column != other.column { return one.column < other.column }
      return left.offset < right.offset
    }.map(\.element)
    if isFull {
      result.append(
        Diagnostic(file: file, message: "more than \(Self.bound) findings; the rest is not shown"))
    }
    return result
  }
}
