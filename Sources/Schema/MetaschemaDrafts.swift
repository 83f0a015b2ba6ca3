// The metaschemas of drafts 4, 6 and 7, as their authors publish them but for white space.
// Copyright (c) IETF Trust and the persons identified as the authors of JSON Schema, who give them
// under the revised BSD licence or the Academic Free License 3.0, as one likes.

extension Metaschema {
  static let draft4: StaticString = #"""
    {"id":"http://json-schema.org/draft-04/schema#","$schema":"http://json-schema.org/draft-04/s\#
    chema#","description":"Core schema meta-schema","definitions":{"schemaArray":{"type":"array"\#
    ,"minItems":1,"items":{"$ref":"#"}},"positiveInteger":{"type":"integer","minimum":0},"positi\#
    veIntegerDefault0":{"allOf":[{"$ref":"#/definitions/positiveInteger"},{"default":0}]},"simpl\#
    eTypes":{"enum":["array","boolean","integer","null","number","object","string"]},"stringArra\#
    y":{"type":"array","items":{"type":"string"},"minItems":1,"uniqueItems":true}},"type":"objec\#
    t","properties":{"id":{"type":"string"},"$schema":{"type":"string"},"title":{"type":"string"\#
    },"description":{"type":"string"},"default":{},"multipleOf":{"type":"number","minimum":0,"ex\#
    clusiveMinimum":true},"maximum":{"type":"number"},"exclusiveMaximum":{"type":"boolean","defa\#
    ult":false},"minimum":{"type":"number"},"exclusiveMinimum":{"type":"boolean","default":false\#
    },"maxLength":{"$ref":"#/definitions/positiveInteger"},"minLength":{"$ref":"#/definitions/po\#
    sitiveIntegerDefault0"},"pattern":{"type":"string","format":"regex"},"additionalItems":{"any\#
    Of":[{"type":"boolean"},{"$ref":"#"}],"default":{}},"items":{"anyOf":[{"$ref":"#"},{"$ref":"\#
    #/definitions/schemaArray"}],"default":{}},"maxItems":{"$ref":"#/definitions/positiveInteger\#
    "},"minItems":{"$ref":"#/definitions/positiveIntegerDefault0"},"uniqueItems":{"type":"boolea\#
    n","default":false},"maxProperties":{"$ref":"#/definitions/positiveInteger"},"minProperties"\#
    :{"$ref":"#/definitions/positiveIntegerDefault0"},"required":{"$ref":"#/definitions/stringAr\#
    ray"},"additionalProperties":{"anyOf":[{"type":"boolean"},{"$ref":"#"}],"default":{}},"defin\#
    itions":{"type":"object","additionalProperties":{"$ref":"#"},"default":{}},"properties":{"ty\#
    pe":"object","additionalProperties":{"$ref":"#"},"default":{}},"patternProperties":{"type":"\#
    object","additionalProperties":{"$ref":"#"},"default":{}},"dependencies":{"type":"object","a\#
    dditionalProperties":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/stringArray"}]}},"enum":{\#
    "type":"array","minItems":1,"uniqueItems":true},"type":{"anyOf":[{"$ref":"#/definitions/simp\#
    leTypes"},{"type":"array","items":{"$ref":"#/definitions/simpleTypes"},"minItems":1,"uniqueI\#
    tems":true}]},"format":{"type":"string"},"allOf":{"$ref":"#/definitions/schemaArray"},"anyOf\#
    ":{"$ref":"#/definitions/schemaArray"},"oneOf":{"$ref":"#/definitions/schemaArray"},"not":{"\#
    $ref":"#"}},"dependencies":{"exclusiveMaximum":["maximum"],"exclusiveMinimum":["minimum"]},"\#
    default":{}}
    """#

  static let draft6: StaticString = #"""
    {"$schema":"http://json-schema.org/draft-06/schema#","$id":"http://json-schema.org/draft-06/\#
    schema#","title":"Core schema meta-schema","definitions":{"schemaArray":{"type":"array","min\#
    Items":1,"items":{"$ref":"#"}},"nonNegativeInteger":{"type":"integer","minimum":0},"nonNegat\#
    iveIntegerDefault0":{"allOf":[{"$ref":"#/definitions/nonNegativeInteger"},{"default":0}]},"s\#
    impleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},"string\#
    Array":{"type":"array","items":{"type":"string"},"uniqueItems":true,"default":[]}},"type":["\#
    object","boolean"],"properties":{"$id":{"type":"string","format":"uri-reference"},"$schema":\#
    {"type":"string","format":"uri"},"$ref":{"type":"string","format":"uri-reference"},"title":{\#
    "type":"string"},"description":{"type":"string"},"default":{},"examples":{"type":"array","it\#
    ems":{}},"multipleOf":{"type":"number","exclusiveMinimum":0},"maximum":{"type":"number"},"ex\#
    clusiveMaximum":{"type":"number"},"minimum":{"type":"number"},"exclusiveMinimum":{"type":"nu\#
    mber"},"maxLength":{"$ref":"#/definitions/nonNegativeInteger"},"minLength":{"$ref":"#/defini\#
    tions/nonNegativeIntegerDefault0"},"pattern":{"type":"string","format":"regex"},"additionalI\#
    tems":{"$ref":"#"},"items":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/schemaArray"}],"def\#
    ault":{}},"maxItems":{"$ref":"#/definitions/nonNegativeInteger"},"minItems":{"$ref":"#/defin\#
    itions/nonNegativeIntegerDefault0"},"uniqueItems":{"type":"boolean","default":false},"contai\#
    ns":{"$ref":"#"},"maxProperties":{"$ref":"#/definitions/nonNegativeInteger"},"minProperties"\#
    :{"$ref":"#/definitions/nonNegativeIntegerDefault0"},"required":{"$ref":"#/definitions/strin\#
    gArray"},"additionalProperties":{"$ref":"#"},"definitions":{"type":"object","additionalPrope\#
    rties":{"$ref":"#"},"default":{}},"properties":{"type":"object","additionalProperties":{"$re\#
    f":"#"},"default":{}},"patternProperties":{"type":"object","additionalProperties":{"$ref":"#\#
    "},"propertyNames":{"format":"regex"},"default":{}},"dependencies":{"type":"object","additio\#
    nalProperties":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/stringArray"}]}},"propertyNames\#
    ":{"$ref":"#"},"const":{},"enum":{"type":"array"},"type":{"anyOf":[{"$ref":"#/definitions/si\#
    mpleTypes"},{"type":"array","items":{"$ref":"#/definitions/simpleTypes"},"minItems":1,"uniqu\#
    eItems":true}]},"format":{"type":"string"},"allOf":{"$ref":"#/definitions/schemaArray"},"any\#
    Of":{"$ref":"#/definitions/schemaArray"},"oneOf":{"$ref":"#/definitions/schemaArray"},"not":\#
    {"$ref":"#"}},"default":{}}
    """#

  static let draft7: StaticString = #"""
    {"$schema":"http://json-schema.org/draft-07/schema#","$id":"http://json-schema.org/draft-07/\#
    schema#","title":"Core schema meta-schema","definitions":{"schemaArray":{"type":"array","min\#
    Items":1,"items":{"$ref":"#"}},"nonNegativeInteger":{"type":"integer","minimum":0},"nonNegat\#
    iveIntegerDefault0":{"allOf":[{"$ref":"#/definitions/nonNegativeInteger"},{"default":0}]},"s\#
    impleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},"string\#
    Array":{"type":"array","items":{"type":"string"},"uniqueItems":true,"default":[]}},"type":["\#
    object","boolean"],"properties":{"$id":{"type":"string","format":"uri-reference"},"$schema":\#
    {"type":"string","format":"uri"},"$ref":{"type":"string","format":"uri-reference"},"$comment\#
    ":{"type":"string"},"title":{"type":"string"},"description":{"type":"string"},"default":true\#
    ,"readOnly":{"type":"boolean","default":false},"examples":{"type":"array","items":true},"mul\#
    tipleOf":{"type":"number","exclusiveMinimum":0},"maximum":{"type":"number"},"exclusiveMaximu\#
    m":{"type":"number"},"minimum":{"type":"number"},"exclusiveMinimum":{"type":"number"},"maxLe\#
    ngth":{"$ref":"#/definitions/nonNegativeInteger"},"minLength":{"$ref":"#/definitions/nonNega\#
    tiveIntegerDefault0"},"pattern":{"type":"string","format":"regex"},"additionalItems":{"$ref"\#
    :"#"},"items":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/schemaArray"}],"default":true},"\#
    maxItems":{"$ref":"#/definitions/nonNegativeInteger"},"minItems":{"$ref":"#/definitions/nonN\#
    egativeIntegerDefault0"},"uniqueItems":{"type":"boolean","default":false},"contains":{"$ref"\#
    :"#"},"maxProperties":{"$ref":"#/definitions/nonNegativeInteger"},"minProperties":{"$ref":"#\#
    /definitions/nonNegativeIntegerDefault0"},"required":{"$ref":"#/definitions/stringArray"},"a\#
    dditionalProperties":{"$ref":"#"},"definitions":{"type":"object","additionalProperties":{"$r\#
    ef":"#"},"default":{}},"properties":{"type":"object","additionalProperties":{"$ref":"#"},"de\#
    fault":{}},"patternProperties":{"type":"object","additionalProperties":{"$ref":"#"},"propert\#
    yNames":{"format":"regex"},"default":{}},"dependencies":{"type":"object","additionalProperti\#
    es":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/stringArray"}]}},"propertyNames":{"$ref":"\#
    #"},"const":true,"enum":{"type":"array","items":true},"type":{"anyOf":[{"$ref":"#/definition\#
    s/simpleTypes"},{"type":"array","items":{"$ref":"#/definitions/simpleTypes"},"minItems":1,"u\#
    niqueItems":true}]},"format":{"type":"string"},"contentMediaType":{"type":"string"},"content\#
    Encoding":{"type":"string"},"if":{"$ref":"#"},"then":{"$ref":"#"},"else":{"$ref":"#"},"allOf\#
    ":{"$ref":"#/definitions/schemaArray"},"anyOf":{"$ref":"#/definitions/schemaArray"},"oneOf":\#
    {"$ref":"#/definitions/schemaArray"},"not":{"$ref":"#"}},"default":true}
    """#
}
