/// A value together with the place in the profile's text that gave it.
public struct Located<Value: Sendable>: Sendable {
  /// The value itself.
  public var value: Value
  /// The line, counted from 1; 0 when the value is built in or was made in code.
  public var line: Int
  /// The column in characters, counted from 1; 0 when there is no line.
  public var column: Int

  /// Makes a value with its place; without one it counts as built in.
  public init(_ value: Value, line: Int = 0, column: Int = 0) {
    self.value = value
    self.line = line
    self.column = column
  }
}

extension Located: Equatable where Value: Equatable {}
