/// What compiling a schema and one check may cost.
public struct SchemaLimits: Sendable {
  /// The longest schema, in bytes of its canonical text.
  public var maxSize: Int
  /// How deep evaluations may nest while a value is checked: one for each level of the value, and
  /// one for each reference or combining keyword on the way. Each takes some 1.2 KB of stack.
  public var maxDepth: Int
  /// How many steps compiling may take; a step is about one key or one element looked at, or one
  /// byte of an address that is resolved.
  public var maxSteps: Int
  /// What all patterns of one schema may hold together, in states.
  public var maxPatternStates: Int

  /// Limits of 256 KiB, 256 evaluations, 2 million steps and 16,384 states unless told otherwise.
  ///
  /// Sizes are clamped to 64…16 MiB and depths to 4…512.
  public init(
    maxSize: Int = 256 << 10, maxDepth: Int = 256, maxSteps: Int = 2_000_000,
    maxPatternStates: Int = 16_384
  ) {
    self.maxSize = min(max(maxSize, 64), 16 << 20)
    self.maxDepth = min(max(maxDepth, 4), 512)
    self.maxSteps = max(maxSteps, 1)
    self.maxPatternStates = min(max(maxPatternStates, 1), 1 << 20)
  }
}

/// The drafts of JSON Schema that are understood.
public enum SchemaDialect: Int, Sendable, Comparable, CaseIterable {
  case draft4, draft6, draft7, draft2019, draft2020

  /// Whether one is older than the other.
  public static func < (one: SchemaDialect, other: SchemaDialect) -> Bool {
    one.rawValue < other.rawValue
  }

  /// The address of its metaschema, without an empty fragment.
  var metaschema: StaticString {
    switch self {
    case .draft4: "http://json-schema.org/draft-04/schema"
    case .draft6: "http://json-schema.org/draft-06/schema"
    case .draft7: "http://json-schema.org/draft-07/schema"
    case .draft2019: "https://json-schema.org/draft/2019-09/schema"
    case .draft2020: "https://json-schema.org/draft/2020-12/schema"
    }
  }

  /// Whether `$ref` hides the keywords beside it.
  var hidesSiblingsOfReferences: Bool { self <= .draft7 }
}
