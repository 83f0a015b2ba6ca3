/// The keywords of all drafts that mean something here; all others are annotations.
enum Keyword: String, CaseIterable {
  case schema = "$schema"
  case id = "$id"
  case idOfDraft4 = "id"
  case anchor = "$anchor"
  case dynamicAnchor = "$dynamicAnchor"
  case recursiveAnchor = "$recursiveAnchor"
  case ref = "$ref"
  case dynamicRef = "$dynamicRef"
  case recursiveRef = "$recursiveRef"
  case defs = "$defs"
  case definitions, type, `enum`, const, format
  case maximum, exclusiveMaximum, minimum, exclusiveMinimum, multipleOf
  case maxLength, minLength, pattern
  case items, prefixItems, additionalItems, contains, minContains, maxContains
  case minItems, maxItems, uniqueItems, unevaluatedItems
  case properties, patternProperties, additionalProperties, propertyNames, unevaluatedProperties
  case required, minProperties, maxProperties
  case dependentRequired, dependentSchemas, dependencies
  case allOf, anyOf, oneOf, not, `if`, then, `else`

  /// Where the schemas below a keyword are.
  enum Place { case none, one, list, map, oneOrList }

  private static let table: [[UInt8]: Keyword] = Dictionary(
    uniqueKeysWithValues: allCases.map { (Array($0.rawValue.utf8), $0) })

  /// The keyword that a key is in a dialect.
  init?(_ key: [UInt8], in dialect: SchemaDialect) {
    guard let keyword = Self.table[key], keyword.dialects.contains(dialect) else { return nil }
    self = keyword
  }

  /// The drafts that know it.
  private var dialects: ClosedRange<SchemaDialect> {
    switch self {
    case .schema, .ref, .definitions, .type, .enum, .format, .maximum, .exclusiveMaximum, .minimum,
      .exclusiveMinimum, .multipleOf, .maxLength, .minLength, .pattern, .items, .minItems,
      .maxItems, .uniqueItems, .properties, .patternProperties, .additionalProperties, .required,
      .minProperties, .maxProperties, .allOf, .anyOf, .oneOf, .not:
      .draft4 ... .draft2020
    // Kept by the metaschemas of later drafts, so schemas have it there and mean it.
    case .dependencies: .draft4 ... .draft2020
    case .additionalItems: .draft4 ... .draft2019
    case .idOfDraft4: .draft4 ... .draft4
    case .id, .const, .contains, .propertyNames: .draft6 ... .draft2020
    case .if, .then, .else: .draft7 ... .draft2020
    case .anchor, .defs, .minContains, .maxContains, .unevaluatedItems, .unevaluatedProperties,
      .dependentRequired, .dependentSchemas:
      .draft2019 ... .draft2020
    case .recursiveAnchor, .recursiveRef: .draft2019 ... .draft2019
    case .dynamicAnchor, .dynamicRef, .prefixItems: .draft2020 ... .draft2020
    }
  }

  /// Where the schemas below it are, in a dialect.
  func place(in dialect: SchemaDialect) -> Place {
    switch self {
    case .additionalItems, .contains, .unevaluatedItems, .additionalProperties, .propertyNames,
      .unevaluatedProperties, .not, .if, .then, .else:
      .one
    case .prefixItems, .allOf, .anyOf, .oneOf: .list
    case .defs, .definitions, .properties, .patternProperties, .dependentSchemas, .dependencies:
      .map
    case .items: dialect == .draft2020 ? .one : .oneOrList
    default: .none
    }
  }
}
