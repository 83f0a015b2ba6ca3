/// The section `tools`, as data.
extension Format {
  static let tools: [Key] = toolKeys + sectionLimits

  private static let toolKeys: [Key] = [
    Key(
      name: "allow",
      shape: .listOrEverything(
        of: .either(.text(.toolName), orTable: toolTable), count: 0...1024),
      omitted: "`[]`",
      summary:
        "Tools that are shown and may be called, by exact name or by pattern: `*` stands for any "
        + "characters, `?` for one; `\"*\"` is every tool.",
      example: "[git_status, {name: git_log}]"),
    Key(
      name: "ask",
      shape: .listOrEverything(
        of: .either(.text(.toolName), orTable: toolTable), count: 0...1024),
      omitted: "`[]`",
      summary:
        "Tools that are shown, and called once the person has agreed: entries as in `allow`, which "
        + "need not name them again. The client must be able to put a question (elicitation).",
      example: "[git_commit]"),
    Key(
      name: "ask_timeout", shape: .duration(1...86_400, orUnlimited: false), omitted: "`2m`",
      summary: "How long the person has to answer; then the call is refused.", example: "5m"),
    Key(
      name: "unknown_arguments", shape: unknownArguments, omitted: "`refuse`",
      summary: "What becomes of a call with arguments that the tool's schema does not name.",
      example: "allow"),
    Key(
      name: "schemas", shape: .choice(["enforce", "ignore"], later: []), omitted: "`enforce`",
      summary: "Whether a call must fit the schema that the server gives for the tool before it "
        + "reaches the server.",
      example: "enforce"),
  ]

  private static let unknownArguments = Shape.choice(
    Profile.UnknownArguments.allCases.map(\.rawValue), later: [])

  static let toolTable: [Key] = entryKeys + entryLimits

  private static let entryKeys: [Key] = [
    Key(
      name: "name", shape: .text(.toolName), isRequired: true,
      summary: "The tool's exact name, or a pattern.", example: "git_log"),
    Key(
      name: "arguments", shape: .names(.argumentName, of: .table(argument), most: 64),
      omitted: "no rules",
      summary: "What single arguments must be; a call that breaks a rule never reaches the server.",
      example: "{max_count: {maximum: 100}}"),
    Key(
      name: "description", shape: .text(.toolDescription), omitted: "the server's",
      summary: "What the model reads in place of the server's description of the tool.",
      example: "Show the newest commits"),
    Key(
      name: "require_annotation",
      shape: .choice(Profile.Annotation.allCases.map(\.rawValue), later: []),
      omitted: "nothing is required",
      summary: "What the server has to claim of the tool in its list, or the tool is not shown. "
        + "It is the server's word and proves nothing.",
      example: "readOnlyHint"),
    Key(
      name: "unknown_arguments", shape: unknownArguments, omitted: "as `tools.unknown_arguments`",
      summary: "The same for this tool alone.", example: "allow"),
    Key(
      name: "check_output", shape: .boolean, omitted: "`false`",
      summary: "Whether results must fit the `outputSchema` that the server gives for the tool.",
      example: "true"),
  ]

  /// The rule for one argument.
  static let argument: [Key] = [
    Key(
      name: "required", shape: .boolean, omitted: "`false`",
      summary: "Whether a call without the argument is refused.", example: "true"),
    Key(
      name: "absent", shape: .boolean, omitted: "`false`",
      summary: "Whether a call with the argument is refused.", example: "true"),
    Key(
      name: "nullable", shape: .boolean, omitted: "`false`",
      summary: "Whether `null` is taken as well as what the rule demands.", example: "true"),
    Key(
      name: "type", shape: .choice(ArgumentRule.Kind.allCases.map(\.rawValue), later: []),
      omitted: "what the other keys need", summary: "The type of the value.", example: "integer"),
    Key(
      name: "const", shape: .literal, omitted: "any value", summary: "The only value.",
      example: "main"),
    Key(
      name: "enum", shape: .list(of: .literal, count: 1...256), omitted: "any value",
      summary: "The only values.", example: "[main, develop]"),
    Key(
      name: "minimum", shape: .number, omitted: "none", summary: "The least number.",
      example: "1"),
    Key(
      name: "maximum", shape: .number, omitted: "none", summary: "The greatest number.",
      example: "100"),
    Key(
      name: "min_length", shape: .integer(0...1 << 30), omitted: "none",
      summary: "The least length of a string, in characters (code points).", example: "1"),
    Key(
      name: "max_length", shape: .integer(0...1 << 30), omitted: "none",
      summary: "The greatest length of a string, in characters (code points).", example: "200"),
    Key(
      name: "pattern", shape: .text(.pattern), omitted: "none",
      summary: "A regular expression (ECMA-262) that must match somewhere in the string.",
      example: "\"^[a-z0-9/._]+$\""),
    Key(
      name: "not_pattern", shape: .text(.pattern), omitted: "none",
      summary: "A regular expression (ECMA-262) that must match nowhere in the string.",
      example: "\"[;&|]\""),
    Key(
      name: "under", shape: .text(.path), omitted: "any path",
      summary: "A directory: the string must be a path in it, absolute or relative to "
        + "`server.workdir`, as far as the text shows.",
      example: "/srv/notes"),
    Key(
      name: "host", shape: .oneOrList(of: .text(.argumentHost), most: 256), omitted: "any host",
      summary: "Hosts: the string must be an `http`, `https`, `ws` or `wss` URL, or a host with or "
        + "without a port, of one of them; `*.` stands for one or more names before.",
      example: "[example.com, \"*.example.org\"]"),
    Key(
      name: "forbid_leading", shape: .oneOrList(of: .text(.leading), most: 32), omitted: "nothing",
      summary: "What the string must not begin with.", example: "\"-\""),
    Key(
      name: "min_items", shape: .integer(0...1 << 30), omitted: "none",
      summary: "The least number of elements of a list.", example: "1"),
    Key(
      name: "max_items", shape: .integer(0...1 << 30), omitted: "none",
      summary: "The greatest number of elements of a list.", example: "20"),
    Key(
      name: "items", shape: .argumentRule, omitted: "any elements",
      summary: "What each element of a list must be.", example: "{forbid_leading: \"-\"}"),
    Key(
      name: "one_of", shape: .list(of: .argumentRule, count: 1...32), omitted: "none",
      summary: "Alternatives: at least one of these rules must hold.",
      example: "[{type: integer}, {enum: [all]}]"),
  ]
}
