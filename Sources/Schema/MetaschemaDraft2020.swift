// The metaschemas of draft 2020-12, as their authors publish them but for white space.
// Copyright (c) IETF Trust and the persons identified as the authors of JSON Schema, who give them
// under the revised BSD licence or the Academic Free License 3.0, as one likes.

extension Metaschema {
  static let draft2020: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://json-schema.org/dra\#
    ft/2020-12/schema","$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/core":true,"h\#
    ttps://json-schema.org/draft/2020-12/vocab/applicator":true,"https://json-schema.org/draft/2\#
    020-12/vocab/unevaluated":true,"https://json-schema.org/draft/2020-12/vocab/validation":true\#
    ,"https://json-schema.org/draft/2020-12/vocab/meta-data":true,"https://json-schema.org/draft\#
    /2020-12/vocab/format-annotation":true,"https://json-schema.org/draft/2020-12/vocab/content"\#
    :true},"$dynamicAnchor":"meta","title":"Core and Validation specifications meta-schema","all\#
    Of":[{"$ref":"meta/core"},{"$ref":"meta/applicator"},{"$ref":"meta/unevaluated"},{"$ref":"me\#
    ta/validation"},{"$ref":"meta/meta-data"},{"$ref":"meta/format-annotation"},{"$ref":"meta/co\#
    ntent"}],"type":["object","boolean"],"$comment":"This meta-schema also defines keywords that\#
     have appeared in previous drafts in order to prevent incompatible extensions as they remain\#
     in common use.","properties":{"definitions":{"$comment":"\"definitions\" has been replaced \#
    by \"$defs\".","type":"object","additionalProperties":{"$dynamicRef":"#meta"},"deprecated":t\#
    rue,"default":{}},"dependencies":{"$comment":"\"dependencies\" has been split and replaced b\#
    y \"dependentSchemas\" and \"dependentRequired\" in order to serve their differing semantics\#
    .","type":"object","additionalProperties":{"anyOf":[{"$dynamicRef":"#meta"},{"$ref":"meta/va\#
    lidation#/$defs/stringArray"}]},"deprecated":true,"default":{}},"$recursiveAnchor":{"$commen\#
    t":"\"$recursiveAnchor\" has been replaced by \"$dynamicAnchor\".","$ref":"meta/core#/$defs/\#
    anchorString","deprecated":true},"$recursiveRef":{"$comment":"\"$recursiveRef\" has been rep\#
    laced by \"$dynamicRef\".","$ref":"meta/core#/$defs/uriReferenceString","deprecated":true}}}
    """#

  static let draft2020Core: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://json-schema.org/dra\#
    ft/2020-12/meta/core","$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/core":true\#
    },"$dynamicAnchor":"meta","title":"Core vocabulary meta-schema","type":["object","boolean"],\#
    "properties":{"$id":{"$ref":"#/$defs/uriReferenceString","$comment":"Non-empty fragments not\#
     allowed.","pattern":"^[^#]*#?$"},"$schema":{"$ref":"#/$defs/uriString"},"$ref":{"$ref":"#/$\#
    defs/uriReferenceString"},"$anchor":{"$ref":"#/$defs/anchorString"},"$dynamicRef":{"$ref":"#\#
    /$defs/uriReferenceString"},"$dynamicAnchor":{"$ref":"#/$defs/anchorString"},"$vocabulary":{\#
    "type":"object","propertyNames":{"$ref":"#/$defs/uriString"},"additionalProperties":{"type":\#
    "boolean"}},"$comment":{"type":"string"},"$defs":{"type":"object","additionalProperties":{"$\#
    dynamicRef":"#meta"}}},"$defs":{"anchorString":{"type":"string","pattern":"^[A-Za-z_][-A-Za-\#
    z0-9._]*$"},"uriString":{"type":"string","format":"uri"},"uriReferenceString":{"type":"strin\#
    g","format":"uri-reference"}}}
    """#

  static let draft2020Applicator: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://json-schema.org/dra\#
    ft/2020-12/meta/applicator","$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/appl\#
    icator":true},"$dynamicAnchor":"meta","title":"Applicator vocabulary meta-schema","type":["o\#
    bject","boolean"],"properties":{"prefixItems":{"$ref":"#/$defs/schemaArray"},"items":{"$dyna\#
    micRef":"#meta"},"contains":{"$dynamicRef":"#meta"},"additionalProperties":{"$dynamicRef":"#\#
    meta"},"properties":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"},"default\#
    ":{}},"patternProperties":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"},"p\#
    ropertyNames":{"format":"regex"},"default":{}},"dependentSchemas":{"type":"object","addition\#
    alProperties":{"$dynamicRef":"#meta"},"default":{}},"propertyNames":{"$dynamicRef":"#meta"},\#
    "if":{"$dynamicRef":"#meta"},"then":{"$dynamicRef":"#meta"},"else":{"$dynamicRef":"#meta"},"\#
    allOf":{"$ref":"#/$defs/schemaArray"},"anyOf":{"$ref":"#/$defs/schemaArray"},"oneOf":{"$ref"\#
    :"#/$defs/schemaArray"},"not":{"$dynamicRef":"#meta"}},"$defs":{"schemaArray":{"type":"array\#
    ","minItems":1,"items":{"$dynamicRef":"#meta"}}}}
    """#

  static let draft2020Unevaluated: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://json-schema.org/dra\#
    ft/2020-12/meta/unevaluated","$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/une\#
    valuated":true},"$dynamicAnchor":"meta","title":"Unevaluated applicator vocabulary meta-sche\#
    ma","type":["object","boolean"],"properties":{"unevaluatedItems":{"$dynamicRef":"#meta"},"un\#
    evaluatedProperties":{"$dynamicRef":"#meta"}}}
    """#

  static let draft2020Validation: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://json-schema.org/dra\#
    ft/2020-12/meta/validation","$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/vali\#
    dation":true},"$dynamicAnchor":"meta","title":"Validation vocabulary meta-schema","type":["o\#
    bject","boolean"],"properties":{"type":{"anyOf":[{"$ref":"#/$defs/simpleTypes"},{"type":"arr\#
    ay","items":{"$ref":"#/$defs/simpleTypes"},"minItems":1,"uniqueItems":true}]},"const":true,"\#
    enum":{"type":"array","items":true},"multipleOf":{"type":"number","exclusiveMinimum":0},"max\#
    imum":{"type":"number"},"exclusiveMaximum":{"type":"number"},"minimum":{"type":"number"},"ex\#
    clusiveMinimum":{"type":"number"},"maxLength":{"$ref":"#/$defs/nonNegativeInteger"},"minLeng\#
    th":{"$ref":"#/$defs/nonNegativeIntegerDefault0"},"pattern":{"type":"string","format":"regex\#
    "},"maxItems":{"$ref":"#/$defs/nonNegativeInteger"},"minItems":{"$ref":"#/$defs/nonNegativeI\#
    ntegerDefault0"},"uniqueItems":{"type":"boolean","default":false},"maxContains":{"$ref":"#/$\#
    defs/nonNegativeInteger"},"minContains":{"$ref":"#/$defs/nonNegativeInteger","default":1},"m\#
    axProperties":{"$ref":"#/$defs/nonNegativeInteger"},"minProperties":{"$ref":"#/$defs/nonNega\#
    tiveIntegerDefault0"},"required":{"$ref":"#/$defs/stringArray"},"dependentRequired":{"type":\#
    "object","additionalProperties":{"$ref":"#/$defs/stringArray"}}},"$defs":{"nonNegativeIntege\#
    r":{"type":"integer","minimum":0},"nonNegativeIntegerDefault0":{"$ref":"#/$defs/nonNegativeI\#
    nteger","default":0},"simpleTypes":{"enum":["array","boolean","integer","null","number","obj\#
    ect","string"]},"stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true,"\#
    default":[]}}}
    """#

  static let draft2020MetaData: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://json-schema.org/dra\#
    ft/2020-12/meta/meta-data","$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/meta-\#
    data":true},"$dynamicAnchor":"meta","title":"Meta-data vocabulary meta-schema","type":["obje\#
    ct","boolean"],"properties":{"title":{"type":"string"},"description":{"type":"string"},"defa\#
    ult":true,"deprecated":{"type":"boolean","default":false},"readOnly":{"type":"boolean","defa\#
    ult":false},"writeOnly":{"type":"boolean","default":false},"examples":{"type":"array","items\#
    ":true}}}
    """#

  static let draft2020FormatAnnotation: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://json-schema.org/dra\#
    ft/2020-12/meta/format-annotation","$vocabulary":{"https://json-schema.org/draft/2020-12/voc\#
    ab/format-annotation":true},"$dynamicAnchor":"meta","title":"Format vocabulary meta-schema f\#
    or annotation results","type":["object","boolean"],"properties":{"format":{"type":"string"}}\#
    }
    """#

  static let draft2020FormatAssertion: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://json-schema.org/dra\#
    ft/2020-12/meta/format-assertion","$vocabulary":{"https://json-schema.org/draft/2020-12/voca\#
    b/format-assertion":true},"$dynamicAnchor":"meta","title":"Format vocabulary meta-schema for\#
     assertion results","type":["object","boolean"],"properties":{"format":{"type":"string"}}}
    """#

  static let draft2020Content: StaticString = #"""
    {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://json-schema.org/dra\#
    ft/2020-12/meta/content","$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/content\#
    ":true},"$dynamicAnchor":"meta","title":"Content vocabulary meta-schema","type":["object","b\#
    oolean"],"properties":{"contentEncoding":{"type":"string"},"contentMediaType":{"type":"strin\#
    g"},"contentSchema":{"$dynamicRef":"#meta"}}}
    """#
}
