// The metaschemas of draft 2019-09, as their authors publish them but for white space.
// Copyright (c) IETF Trust and the persons identified as the authors of JSON Schema, who give them
// under the revised BSD licence or the Academic Free License 3.0, as one likes.

extension Metaschema {
  static let draft2019: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2019-09/schema","$id":"https://json-schema.org/dra\#
    ft/2019-09/schema","$vocabulary":{"https://json-schema.org/draft/2019-09/vocab/core":true,"h\#
    ttps://json-schema.org/draft/2019-09/vocab/applicator":true,"https://json-schema.org/draft/2\#
    019-09/vocab/validation":true,"https://json-schema.org/draft/2019-09/vocab/meta-data":true,"\#
    https://json-schema.org/draft/2019-09/vocab/format":false,"https://json-schema.org/draft/201\#
    9-09/vocab/content":true},"$recursiveAnchor":true,"title":"Core and Validation specification\#
    s meta-schema","allOf":[{"$ref":"meta/core"},{"$ref":"meta/applicator"},{"$ref":"meta/valida\#
    tion"},{"$ref":"meta/meta-data"},{"$ref":"meta/format"},{"$ref":"meta/content"}],"type":["ob\#
    ject","boolean"],"properties":{"definitions":{"$comment":"While no longer an official keywor\#
    d as it is replaced by $defs, this keyword is retained in the meta-schema to prevent incompa\#
    tible extensions as it remains in common use.","type":"object","additionalProperties":{"$rec\#
    ursiveRef":"#"},"default":{}},"dependencies":{"$comment":"\"dependencies\" is no longer a ke\#
    yword, but schema authors should avoid redefining it to facilitate a smooth transition to \"\#
    dependentSchemas\" and \"dependentRequired\"","type":"object","additionalProperties":{"anyOf\#
    ":[{"$recursiveRef":"#"},{"$ref":"meta/validation#/$defs/stringArray"}]}}}}
    """#

  static let draft2019Core: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2019-09/schema","$id":"https://json-schema.org/dra\#
    ft/2019-09/meta/core","$vocabulary":{"https://json-schema.org/draft/2019-09/vocab/core":true\#
    },"$recursiveAnchor":true,"title":"Core vocabulary meta-schema","type":["object","boolean"],\#
    "properties":{"$id":{"type":"string","format":"uri-reference","$comment":"Non-empty fragment\#
    s not allowed.","pattern":"^[^#]*#?$"},"$schema":{"type":"string","format":"uri"},"$anchor":\#
    {"type":"string","pattern":"^[A-Za-z][-A-Za-z0-9.:_]*$"},"$ref":{"type":"string","format":"u\#
    ri-reference"},"$recursiveRef":{"type":"string","format":"uri-reference"},"$recursiveAnchor"\#
    :{"type":"boolean","default":false},"$vocabulary":{"type":"object","propertyNames":{"type":"\#
    string","format":"uri"},"additionalProperties":{"type":"boolean"}},"$comment":{"type":"strin\#
    g"},"$defs":{"type":"object","additionalProperties":{"$recursiveRef":"#"},"default":{}}}}
    """#

  static let draft2019Applicator: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2019-09/schema","$id":"https://json-schema.org/dra\#
    ft/2019-09/meta/applicator","$vocabulary":{"https://json-schema.org/draft/2019-09/vocab/appl\#
    icator":true},"$recursiveAnchor":true,"title":"Applicator vocabulary meta-schema","type":["o\#
    bject","boolean"],"properties":{"additionalItems":{"$recursiveRef":"#"},"unevaluatedItems":{\#
    "$recursiveRef":"#"},"items":{"anyOf":[{"$recursiveRef":"#"},{"$ref":"#/$defs/schemaArray"}]\#
    },"contains":{"$recursiveRef":"#"},"additionalProperties":{"$recursiveRef":"#"},"unevaluated\#
    Properties":{"$recursiveRef":"#"},"properties":{"type":"object","additionalProperties":{"$re\#
    cursiveRef":"#"},"default":{}},"patternProperties":{"type":"object","additionalProperties":{\#
    "$recursiveRef":"#"},"propertyNames":{"format":"regex"},"default":{}},"dependentSchemas":{"t\#
    ype":"object","additionalProperties":{"$recursiveRef":"#"}},"propertyNames":{"$recursiveRef"\#
    :"#"},"if":{"$recursiveRef":"#"},"then":{"$recursiveRef":"#"},"else":{"$recursiveRef":"#"},"\#
    allOf":{"$ref":"#/$defs/schemaArray"},"anyOf":{"$ref":"#/$defs/schemaArray"},"oneOf":{"$ref"\#
    :"#/$defs/schemaArray"},"not":{"$recursiveRef":"#"}},"$defs":{"schemaArray":{"type":"array",\#
    "minItems":1,"items":{"$recursiveRef":"#"}}}}
    """#

  static let draft2019Validation: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2019-09/schema","$id":"https://json-schema.org/dra\#
    ft/2019-09/meta/validation","$vocabulary":{"https://json-schema.org/draft/2019-09/vocab/vali\#
    dation":true},"$recursiveAnchor":true,"title":"Validation vocabulary meta-schema","type":["o\#
    bject","boolean"],"properties":{"multipleOf":{"type":"number","exclusiveMinimum":0},"maximum\#
    ":{"type":"number"},"exclusiveMaximum":{"type":"number"},"minimum":{"type":"number"},"exclus\#
    iveMinimum":{"type":"number"},"maxLength":{"$ref":"#/$defs/nonNegativeInteger"},"minLength":\#
    {"$ref":"#/$defs/nonNegativeIntegerDefault0"},"pattern":{"type":"string","format":"regex"},"\#
    maxItems":{"$ref":"#/$defs/nonNegativeInteger"},"minItems":{"$ref":"#/$defs/nonNegativeInteg\#
    erDefault0"},"uniqueItems":{"type":"boolean","default":false},"maxContains":{"$ref":"#/$defs\#
    /nonNegativeInteger"},"minContains":{"$ref":"#/$defs/nonNegativeInteger","default":1},"maxPr\#
    operties":{"$ref":"#/$defs/nonNegativeInteger"},"minProperties":{"$ref":"#/$defs/nonNegative\#
    IntegerDefault0"},"required":{"$ref":"#/$defs/stringArray"},"dependentRequired":{"type":"obj\#
    ect","additionalProperties":{"$ref":"#/$defs/stringArray"}},"const":true,"enum":{"type":"arr\#
    ay","items":true},"type":{"anyOf":[{"$ref":"#/$defs/simpleTypes"},{"type":"array","items":{"\#
    $ref":"#/$defs/simpleTypes"},"minItems":1,"uniqueItems":true}]}},"$defs":{"nonNegativeIntege\#
    r":{"type":"integer","minimum":0},"nonNegativeIntegerDefault0":{"$ref":"#/$defs/nonNegativeI\#
    nteger","default":0},"simpleTypes":{"enum":["array","boolean","integer","null","number","obj\#
    ect","string"]},"stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true,"\#
    default":[]}}}
    """#

  static let draft2019MetaData: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2019-09/schema","$id":"https://json-schema.org/dra\#
    ft/2019-09/meta/meta-data","$vocabulary":{"https://json-schema.org/draft/2019-09/vocab/meta-\#
    data":true},"$recursiveAnchor":true,"title":"Meta-data vocabulary meta-schema","type":["obje\#
    ct","boolean"],"properties":{"title":{"type":"string"},"description":{"type":"string"},"defa\#
    ult":true,"deprecated":{"type":"boolean","default":false},"readOnly":{"type":"boolean","defa\#
    ult":false},"writeOnly":{"type":"boolean","default":false},"examples":{"type":"array","items\#
    ":true}}}
    """#

  static let draft2019Format: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2019-09/schema","$id":"https://json-schema.org/dra\#
    ft/2019-09/meta/format","$vocabulary":{"https://json-schema.org/draft/2019-09/vocab/format":\#
    true},"$recursiveAnchor":true,"title":"Format vocabulary meta-schema","type":["object","bool\#
    ean"],"properties":{"format":{"type":"string"}}}
    """#

  static let draft2019Content: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2019-09/schema","$id":"https://json-schema.org/dra\#
    ft/2019-09/meta/content","$vocabulary":{"https://json-schema.org/draft/2019-09/vocab/content\#
    ":true},"$recursiveAnchor":true,"title":"Content vocabulary meta-schema","type":["object","b\#
    oolean"],"properties":{"contentMediaType":{"type":"string"},"contentEncoding":{"type":"strin\#
    g"},"contentSchema":{"$recursiveRef":"#"}}}
    """#
}
