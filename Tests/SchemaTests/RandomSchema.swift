import Generators

/// Writes random schemas and values over few names, so that they have to do with each other.
struct RandomSchema {
  var random: SplitMix
  /// Whether schemas are of draft 2020-12, else of draft 7.
  var isNew = true
  /// Whether what a schema says is only sometimes what a draft allows.
  var isWild = false

  private let keys = ["a", "b", "c", "ab", "x-y"]

  mutating func pick<T>(_ list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &random)] }

  mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

  mutating func value(_ depth: Int) -> String {
    switch number(0..<(depth > 0 ? 12 : 8)) {
    case 0: return pick(["null", "true", "false"])
    case 1...3: return pick(["0", "1", "-1", "2", "3", "10", "1.5", "2.0", "1e1", "-0.5", "100"])
    case 4...7:
      return pick(["\"\"", "\"a\"", "\"b\"", "\"ab\"", "\"abc\"", "\"é\"", "\"😀\"", "\"1\""])
    case 8...9:
      return "[" + (0..<number(0..<4)).map { _ in value(depth - 1) }.joined(separator: ",") + "]"
    default:
      let names = keys.shuffled(using: &random).prefix(number(0..<4))
      return "{" + names.map { "\"\($0)\":\(value(depth - 1))" }.joined(separator: ",") + "}"
    }
  }

  mutating func schema() -> String {
    let definitions = ["p", "q"].map { "\"\($0)\":\(schema(2))" }.joined(separator: ",")
    var members = members(3)
    members.removeAll { $0.hasPrefix("\"$ref\"") && !isNew }
    members.append("\"\(isNew ? "$defs" : "definitions")\":{\(definitions)}")
    return "{" + members.joined(separator: ",") + "}"
  }

  private mutating func schema(_ depth: Int) -> String {
    if number(0..<12) == 0 { return pick(["true", "false"]) }
    if isWild, number(0..<40) == 0 { return value(1) }
    return "{" + members(depth).joined(separator: ",") + "}"
  }

  private mutating func list(_ depth: Int, atLeast least: Int = 1) -> String {
    "[" + (0..<number(least..<4)).map { _ in schema(depth) }.joined(separator: ",") + "]"
  }

  private mutating func map(_ depth: Int, _ names: [String]) -> String {
    let chosen = names.shuffled(using: &random).prefix(number(0..<3))
    return "{" + chosen.map { "\"\($0)\":\(schema(depth))" }.joined(separator: ",") + "}"
  }

  private mutating func members(_ depth: Int) -> [String] {
    var found: [String: String] = [:]
    for _ in 0..<number(0..<4) {
      let (key, text) = depth > 0 && number(0..<3) > 0 ? applicator(depth - 1) : assertion()
      found[key] = isWild && number(0..<60) == 0 ? value(1) : text
    }
    return found.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
  }

  private mutating func names() -> String {
    "["
      + keys.shuffled(using: &random).prefix(number(0..<3)).map { "\"\($0)\"" }
      .joined(separator: ",") + "]"
  }

  private mutating func assertion() -> (String, String) {
    switch number(0..<18) {
    case 0...3:
      let types = ["null", "boolean", "array", "number", "string", "integer"]
      if number(0..<2) == 0 { return ("type", "\"\(pick(types + ["object"]))\"") }
      return ("type", "[\"\(pick(types))\",\"object\"]")
    case 4: return ("enum", "[\(value(1)),\(value(1)),\(value(1))]")
    case 5: return ("const", value(1))
    case 6:
      return (
        pick(["maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"]),
        pick(["0", "1", "1.5", "-1", "2e0"])
      )
    case 7: return ("multipleOf", pick(["1", "2", "0.5", "3"]))
    case 8: return (pick(["maxLength", "minLength"]), pick(["0", "1", "2", "2.0"]))
    case 9:
      return ("pattern", pick(["\"^a\"", "\"b$\"", "\"^[^a]*$\"", "\"^(?!a)\"", "\"^..?$\""]))
    case 10: return (pick(["minItems", "maxItems"]), pick(["0", "1", "2"]))
    case 11...12: return ("uniqueItems", "true")
    case 13: return (pick(["minProperties", "maxProperties"]), pick(["0", "1", "2"]))
    case 14...15: return ("required", names())
    case 16 where isNew: return ("dependentRequired", "{\"\(pick(keys))\":\(names())}")
    default: return (pick(["title", "format", "x-unknown"]), "\"email\"")
    }
  }

  private mutating func applicator(_ depth: Int) -> (String, String) {
    switch number(0..<(isNew ? 24 : 20)) {
    case 0...4: return ("properties", map(depth, keys))
    case 5: return ("patternProperties", map(depth, ["^a", "b", "-", "^.$"]))
    case 6...7: return ("additionalProperties", schema(depth))
    case 8: return ("propertyNames", schema(0))
    case 9: return ("items", isNew || number(0..<2) == 0 ? schema(depth) : list(depth))
    case 10: return isNew ? ("prefixItems", list(depth)) : ("additionalItems", schema(depth))
    case 11: return ("contains", schema(depth))
    case 12: return ("allOf", list(depth))
    case 13: return ("anyOf", list(depth))
    case 14: return ("oneOf", list(depth))
    case 15: return ("not", schema(depth))
    case 16: return (pick(["if", "then", "else"]), schema(depth))
    case 17: return ("if", schema(depth))
    case 18...19:
      return ("$ref", "\"#/\(isNew ? "$defs" : "definitions")/\(pick(["p", "q"]))\"")
    case 20: return ("dependentSchemas", map(depth, keys))
    case 21: return ("unevaluatedProperties", schema(depth))
    case 22: return ("unevaluatedItems", schema(depth))
    default: return (pick(["minContains", "maxContains"]), pick(["0", "1", "2"]))
    }
  }
}
