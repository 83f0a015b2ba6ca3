/// The metaschemas of the drafts, which schemas may refer to as if they were part of them.
enum Metaschema {
  /// The draft that a `$schema` names; an empty fragment and the scheme make no difference.
  static func dialect(_ address: [UInt8]) -> SchemaDialect? {
    var wanted = address
    if wanted.last == UInt8(ascii: "#") { wanted.removeLast() }
    if wanted.starts(with: Array("https:".utf8)) { wanted.remove(at: 4) }
    return SchemaDialect.allCases.first { dialect in
      var known = Array("\(dialect.metaschema)".utf8)
      if known.starts(with: Array("https:".utf8)) { known.remove(at: 4) }
      return known == wanted
    }
  }

  /// The text that is published under an address, nil if we do not have it.
  static func text(_ address: Address) -> StaticString? {
    for (known, text) in all where Address("\(known)".utf8) == address { return text }
    return nil
  }

  private static let all: [(StaticString, StaticString)] = [
    ("http://json-schema.org/draft-04/schema", draft4),
    ("http://json-schema.org/draft-06/schema", draft6),
    ("http://json-schema.org/draft-07/schema", draft7),
    ("https://json-schema.org/draft/2019-09/schema", draft2019),
    ("https://json-schema.org/draft/2019-09/meta/core", draft2019Core),
    ("https://json-schema.org/draft/2019-09/meta/applicator", draft2019Applicator),
    ("https://json-schema.org/draft/2019-09/meta/validation", draft2019Validation),
    ("https://json-schema.org/draft/2019-09/meta/meta-data", draft2019MetaData),
    ("https://json-schema.org/draft/2019-09/meta/format", draft2019Format),
    ("https://json-schema.org/draft/2019-09/meta/content", draft2019Content),
    ("https://json-schema.org/draft/2020-12/schema", draft2020),
    ("https://json-schema.org/draft/2020-12/meta/core", draft2020Core),
    ("https://json-schema.org/draft/2020-12/meta/applicator", draft2020Applicator),
    ("https://json-schema.org/draft/2020-12/meta/unevaluated", draft2020Unevaluated),
    ("https://json-schema.org/draft/2020-12/meta/validation", draft2020Validation),
    ("https://json-schema.org/draft/2020-12/meta/meta-data", draft2020MetaData),
    ("https://json-schema.org/draft/2020-12/meta/format-annotation", draft2020FormatAnnotation),
    ("https://json-schema.org/draft/2020-12/meta/format-assertion", draft2020FormatAssertion),
    ("https://json-schema.org/draft/2020-12/meta/content", draft2020Content),
  ]
}
