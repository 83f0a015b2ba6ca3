/// The JSON Schema of a profile's format, and the table of its keys for the docs.
///
/// Both are made from the description that the checks follow. The schema is for editors: it knows
/// shapes, words and ranges; variables, sizes in range, doubles and contradictions only `check`
/// sees.
public enum FormatSchema {
  /// The schema, JSON Schema 2020-12.
  public static var json: JSONValue {
    guard case .object(let members) = table(Format.root) else { return .null }
    return .object(
      [
        ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
        ("title", .string("Anchorhold profile, version 1")),
      ] + members + [("$defs", .object([("argument", table(Format.argument))]))])
  }

  /// The rows of the table of keys: a Markdown table, one row for each key.
  public static var markdown: String {
    var text = "| key | what it takes | omitted | example |\n|---|---|---|---|\n"
    for row in rows(Format.root, below: "") {
      text += "| `\(row.path)` | \(row.takes) | \(row.omitted) | `\(row.example)` |\n"
    }
    return text
  }

  /// The paths of every key, as the docs write them.
  public static var keyPaths: [String] { rows(Format.root, below: "").map(\.path) }

  private static func table(_ keys: [Key]) -> JSONValue {
    let required = keys.filter(\.isRequired).map { JSONValue.string($0.name) }
    return .object(
      [
        ("type", .string("object")),
        ("additionalProperties", .boolean(false)),
        (
          "properties",
          .object(
            keys.compactMap { key in
              guard case .enforced = key.status else { return nil }
              return (key.name, described(schema(key.shape), by: key))
            })
        ),
      ] + (required.isEmpty ? [] : [("required", .array(required))]))
  }

  private static func described(_ value: JSONValue, by key: Key) -> JSONValue {
    guard case .object(let members) = value else { return value }
    return .object([("description", .string(key.summary))] + members)
  }

  private static func schema(_ shape: Shape) -> JSONValue {
    switch shape {
    case .anything: return .object([])
    case .text(let rule):
      let pattern = rule.pattern.map { [("pattern", JSONValue.string($0))] } ?? []
      return .object([("type", .string("string"))] + pattern)
    case .boolean: return .object([("type", .string("boolean"))])
    case .scalar:
      return .object([("type", .array(["string", "integer", "boolean"].map(JSONValue.string)))])
    case .integer(let range):
      return .object([
        ("type", .string("integer")), ("minimum", .integer(range.lowerBound)),
        ("maximum", .integer(range.upperBound)),
      ])
    case .identifier: return schema(.integer(Shape.identifiers))
    case .number: return .object([("type", .string("number"))])
    case .literal:
      return .object([("type", .array(["string", "number", "boolean"].map(JSONValue.string)))])
    case .oneOrList(let element, let most):
      return .object([
        ("anyOf", .array([schema(element), schema(.list(of: element, count: 1...most))]))
      ])
    case .argumentRule: return .object([("$ref", .string("#/$defs/argument"))])
    case .size:
      return .object([
        ("type", .array([.string("integer"), .string("string")])), ("minimum", .integer(0)),
        ("pattern", .string("^(0|[1-9][0-9]*)([KMGT]iB)?$")),
      ])
    case .duration(_, let orUnlimited):
      let parts = ["d", "h", "m", "s"].map { "((0|[1-9][0-9]*)\($0))?" }.joined()
      let pattern = "^(?=.)\(parts)$"
      return .object([
        ("type", .string("string")),
        ("pattern", .string(orUnlimited ? "\(pattern)|^unlimited$" : pattern)),
      ])
    case .processors(let range):
      return .object([
        ("type", .string("number")), ("exclusiveMinimum", .integer(0)),
        ("maximum", .integer(Int64(range.upperBound / 100))),
      ])
    case .choice(let words, _):
      return .object([("enum", .array(words.map(JSONValue.string)))])
    case .emptyList:
      return .object([("type", .string("array")), ("maxItems", .integer(0))])
    case .list(let element, let count):
      return .object([
        ("type", .string("array")), ("items", schema(element)),
        ("minItems", .integer(Int64(count.lowerBound))),
        ("maxItems", .integer(Int64(count.upperBound))),
      ])
    case .listOrEverything(let element, let count):
      return .object([
        (
          "anyOf",
          .array([
            .object([("const", .string("*"))]), schema(.list(of: element, count: count)),
          ])
        )
      ])
    case .table(let keys): return table(keys)
    case .either(let scalar, let keys):
      let hasKeys = keys.contains { if case .enforced = $0.status { true } else { false } }
      guard hasKeys else { return schema(scalar) }
      return .object([("anyOf", .array([schema(scalar), table(keys)]))])
    case .names(let rule, let value, let most):
      return .object([
        ("type", .string("object")), ("maxProperties", .integer(Int64(most))),
        ("propertyNames", schema(.text(rule))), ("additionalProperties", schema(value)),
      ])
    }
  }
}

extension FormatSchema {
  private struct Row {
    var path: String
    var takes: String
    var omitted: String
    var example: String
  }

  private static func rows(_ keys: [Key], below path: String) -> [Row] {
    keys.flatMap { key -> [Row] in
      let here = path.isEmpty ? key.name : "\(path).\(key.name)"
      guard case .enforced = key.status else {
        return [
          Row(path: here, takes: "not enforced by this version", omitted: "", example: key.example)
        ]
      }
      let omitted = key.isRequired ? "must be there" : key.omitted
      let row = Row(
        path: here, takes: "\(key.summary) \(takes(key.shape))", omitted: omitted,
        example: key.example)
      return [row] + inner(key.shape, below: here)
    }
  }

  private static func inner(_ shape: Shape, below path: String) -> [Row] {
    switch shape {
    case .table(let keys): rows(keys, below: path)
    case .either(_, let keys): rows(keys, below: path)
    case .list(let element, _), .listOrEverything(let element, _):
      inner(element, below: path + "[]")
    case .names(_, let value, _): inner(value, below: path + ".NAME")
    default: []
    }
  }

  /// What a shape takes, in words and not in types.
  private static func takes(_ shape: Shape) -> String {
    switch shape {
    case .anything: return ""
    case .text(let rule): return "Takes \(rule.noun)."
    case .boolean: return "Takes `true` or `false`."
    case .scalar: return "Takes a string, an integer or a boolean."
    case .integer(let range):
      guard range.count > 1 else { return "Takes `\(range.lowerBound)`." }
      return "Takes an integer from \(range.lowerBound) to \(range.upperBound)."
    case .identifier: return takes(.integer(Shape.identifiers))
    case .number: return "Takes a number, such as `10` or `0.5`."
    case .literal: return "Takes a string, a number or a boolean."
    case .oneOrList(let element, let most):
      return "\(takes(element)) Or a list of at most \(most)."
    case .argumentRule: return "Takes a rule with the keys of an argument's."
    case .size(let range):
      return "Takes a size from \(Quantity.show(size: range.lowerBound))"
        + " to \(Quantity.show(size: range.upperBound))."
    case .duration(let range, let orUnlimited):
      return "Takes a duration from \(Quantity.show(duration: range.lowerBound))"
        + " to \(Quantity.show(duration: range.upperBound))"
        + (orUnlimited ? ", or `unlimited`." : ".")
    case .processors(let range):
      return "Takes a number of processors from \(Quantity.show(hundredths: range.lowerBound))"
        + " to \(Quantity.show(hundredths: range.upperBound)), with at most two decimals."
    case .choice(let words, let later):
      let now = "Takes \(alternatives(words.map { "`\($0)`" }))."
      guard !later.isEmpty else { return now }
      let names = later.map { "`\($0)`" }.joined(separator: ", ")
      return "\(now) Not enforced by this version: \(names)."
    case .emptyList: return "Takes an empty list; anything in it is not enforced by this version."
    case .list(let element, let count):
      let least = count.lowerBound > 0 ? "\(count.lowerBound) to" : "at most"
      return "A list of \(least) \(count.upperBound). \(takes(element))"
    case .listOrEverything(let element, let count):
      return "`\"*\"`, or a list of at most \(count.upperBound). \(takes(element))"
    case .table: return "A mapping."
    case .either(let scalar, let keys):
      let hasKeys = keys.contains { if case .enforced = $0.status { true } else { false } }
      return takes(scalar) + (hasKeys ? " Or a mapping." : "")
    case .names(let rule, _, let most):
      return "A mapping of at most \(most); each key is \(rule.noun)."
    }
  }
}
