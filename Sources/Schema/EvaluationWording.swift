extension Evaluation {
  /// The last failure in words, for a value that begins at `root`.
  func violation(_ text: Span<UInt8>, _ root: Int) -> SchemaViolation {
    let (pointer, name) = Self.pointer(text, root, failure.at)
    let (keyword, words) = describe(name)
    return SchemaViolation(pointer: pointer, keyword: keyword, text: words)
  }

  /// Where a value is as a JSON pointer, and the last step of that.
  private static func pointer(_ text: Span<UInt8>, _ root: Int, _ target: Int) -> (String, String) {
    var steps: [[UInt8]] = []
    var at = root
    descending: while at < target {
      let isObject = text[at] == Text.objectStart
      guard isObject || text[at] == Text.arrayStart else { break }
      var position = at + 1
      var index = 0
      while text[position] != Text.objectEnd, text[position] != Text.arrayEnd {
        if text[position] == Text.comma { position += 1 }
        var step = Array(String(index).utf8)
        if isObject {
          let closing = Text.closingQuote(text, from: position + 1)
          step = Text.unescaped(text, position + 1, closing)
          position = closing + 2
        }
        let end = Text.end(text, from: position)
        if target < end {
          // Behind the value's start, or at the key before it.
          steps.append(step)
          at = position
          continue descending
        }
        position = end
        index += 1
      }
      break
    }
    return (Wording.pointer(steps), steps.last.map { Wording.quoted($0) } ?? "the value")
  }

  private func describe(_ name: String) -> (keyword: String, text: String) {
    let tables = program.tables
    let index = Int(failure.index)
    switch failure.reason {
    case .kind: return ("type", "must be \(Self.words(tables.nodes[index].kinds))")
    case .nothing: return ("false", "is not allowed")
    case .closed: return ("closed", "\(name) is an unknown argument")
    case .enumeration: return ("enum", "must be one of the values that are listed")
    case .constant: return ("const", "must be the one value that is allowed")
    case .maximum: return ("maximum", "must be at most \(number(index))")
    case .exclusiveMaximum: return ("exclusiveMaximum", "must be less than \(number(index))")
    case .minimum: return ("minimum", "must be at least \(number(index))")
    case .exclusiveMinimum: return ("exclusiveMinimum", "must be more than \(number(index))")
    case .multipleOf: return ("multipleOf", "must be a multiple of \(number(index))")
    case .maxLength: return ("maxLength", "must have at most \(index) characters")
    case .minLength: return ("minLength", "must have at least \(index) characters")
    case .pattern: return ("pattern", "must match the pattern that is asked for")
    case .minItems: return ("minItems", "must have at least \(tables.arrays[index].minimum) items")
    case .maxItems: return ("maxItems", "must have at most \(tables.arrays[index].maximum) items")
    case .minContains:
      let least = tables.arrays[index].minContains
      return (least == 1 ? "contains" : "minContains", "must have \(least) items of a certain kind")
    case .maxContains:
      let most = tables.arrays[index].maxContains
      return ("maxContains", "must have at most \(most) items of a certain kind")
    case .items: return ("items", "is one item too many")
    case .additionalItems: return ("additionalItems", "is one item too many")
    case .unique: return ("uniqueItems", "is there twice")
    case .minProperties:
      return ("minProperties", "must have at least \(tables.objects[index].minimum) members")
    case .maxProperties:
      return ("maxProperties", "must have at most \(tables.objects[index].maximum) members")
    case .required: return ("required", "must have \(key(index))")
    case .additionalProperties: return ("additionalProperties", "\(name) is not allowed here")
    case .propertyNames: return ("propertyNames", "\(name) is not allowed as a name")
    case .dependentRequired: return ("dependentRequired", "must have \(key(index))")
    case .any: return ("anyOf", "must fit one of several forms and fits none")
    case .one: return ("oneOf", "must fit exactly one of several forms and fits none")
    case .several: return ("oneOf", "must fit exactly one of several forms and fits more")
    case .not: return ("not", "must not have the form that it has")
    case .unevaluatedItems: return ("unevaluatedItems", "is one item too many")
    case .unevaluatedProperties: return ("unevaluatedProperties", "\(name) is not allowed here")
    }
  }

  private static func words(_ kinds: Text.Kinds) -> String {
    let names: [(Text.Kinds, String)] = [
      (.null, "null"), (.boolean, "a boolean"), (.object, "an object"), (.array, "an array"),
      (.number, "a number"), (.string, "a string"), (.integer, "an integer"),
    ]
    let wanted = names.filter { kinds.contains($0.0) }.map(\.1)
    return wanted.joined(separator: " or ")
  }

  private func number(_ index: Int) -> String {
    let bound = program.tables.bounds[index]
    return Wording.visible(program.tables.texts[bound.start..<bound.end])
  }

  private func key(_ index: Int) -> String {
    let key = program.tables.keys[index]
    let kept = program.tables.texts
    return Wording.quoted(Text.unescaped(kept.span, Int(key.start), Int(key.end)))
  }
}
