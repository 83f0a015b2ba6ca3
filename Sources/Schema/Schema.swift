public import Wire

/// A compiled JSON Schema, against which values of decoded messages are checked.
///
/// Schemas come from servers and values from clients, and neither is trusted: compiling and
/// checking are bounded by ``SchemaLimits`` and by steps, nothing recurses without a bound, and
/// what does not fit is refused, never taken for valid.
///
/// *Limits*: `format`, `contentEncoding` and their like are annotations and refuse nothing. A
/// reference leads within the document or to a metaschema of a known draft, and nowhere else.
public struct Schema: Sendable {
  let program: Program

  /// Compiles the schema that stands at `value` in `document`; nothing of the document is held.
  ///
  /// - Parameters:
  ///   - dialect: which draft it is written in when it does not say so itself with `$schema`.
  ///   - closed: refuse keys of the value itself that the schema does not name: as if the schema
  ///     had `unevaluatedProperties: false`, unless it has that keyword or `additionalProperties`
  ///     at its root. A key is named by `properties` or `patternProperties`, or opened by
  ///     `additionalProperties` or `unevaluatedProperties`, at the root or in what applies to the
  ///     same value and holds there (`$ref`, `allOf`, `anyOf`, `if`, …).
  /// - Throws: ``SchemaFault`` for whatever is not understood in full.
  public init(
    compiling document: Document, at value: Value, dialect: SchemaDialect = .draft2020,
    closed: Bool = false, limits: SchemaLimits = SchemaLimits()
  ) throws(SchemaFault) {
    var steps = limits.maxSteps
    try self.init(
      compiling: document, at: value, dialect: dialect, closed: closed, limits: limits,
      steps: &steps)
  }

  /// Compiles one schema of several that may take so many steps together: what this one took, also
  /// if it was refused, is taken from `steps`.
  public init(
    compiling document: Document, at value: Value, dialect: SchemaDialect = .draft2020,
    closed: Bool = false, limits: SchemaLimits = SchemaLimits(), steps: inout Int
  ) throws(SchemaFault) {
    var limits = limits
    limits.maxSteps = max(min(limits.maxSteps, steps), 1)
    var compiler = Compiler(dialect: dialect, limits: limits)
    defer { steps -= limits.maxSteps - compiler.steps }
    program = try compiler.compile(document, value, closed: closed)
  }

  /// About how many bytes the compiled schema takes.
  public var footprint: Int { program.tables.footprint }

  /// Checks a value, in at most so many steps.
  ///
  /// A step is about one keyword at one place, one character matched against one state of a
  /// pattern, 32 bytes passed over or 4 bytes compared: some nanoseconds.
  public func check(_ document: Document, _ value: Value, steps: Int) -> SchemaVerdict {
    let text = document.bytes.span
    guard value.range.upperBound <= text.count, !value.range.isEmpty else { return .exhausted }
    var evaluation = Evaluation(program: program, steps: steps)
    let holds = evaluation.holds(program.root, text, value.range.lowerBound, Evaluation.untracked)
    if evaluation.isExhausted { return .exhausted }
    if holds { return .valid }
    return .invalid(evaluation.violation(text, value.range.lowerBound))
  }
}
