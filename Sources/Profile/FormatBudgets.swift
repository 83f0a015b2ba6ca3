/// What bounds calls in time and number, as data: the keys that the section `tools` and its entries
/// share.
extension Format {
  /// Those of an entry of `tools.allow`.
  static let entryLimits: [Key] = [
    Key(
      name: "rate", shape: .text(.rate), omitted: "no limit",
      summary: "How many calls of what the entry names may be made per second, minute or hour.",
      example: "30/min"),
    Key(
      name: "burst", shape: .integer(1...1_000_000), omitted: "the number of `rate`",
      summary: "How many of these may be made at once, after a time without any.", example: "5"),
    Key(
      name: "in_flight", shape: .integer(1...4096), omitted: "no limit of its own",
      summary: "How many calls of what the entry names may be open at once.", example: "1"),
    Key(
      name: "timeout", shape: .duration(1...86400, orUnlimited: true),
      omitted: "as `tools.timeout`",
      summary: "How long a call may take before it is cancelled.", example: "20s"),
    Key(
      name: "breaker", shape: .either(.choice(["off"], later: []), orTable: breaker),
      omitted: "as `tools.breaker`",
      summary: "When a tool that fails is closed for a while.", example: "{failures: 3}"),
  ]

  /// Those of the section.
  static let sectionLimits: [Key] = [
    Key(
      name: "rate", shape: .text(.rate), omitted: "no limit",
      summary: "How many calls of all tools together may be made per second, minute or hour.",
      example: "300/min"),
    Key(
      name: "burst", shape: .integer(1...1_000_000), omitted: "the number of `rate`",
      summary: "How many of these may be made at once, after a time without any.", example: "20"),
    Key(
      name: "in_flight", shape: .integer(1...4096), omitted: "as `messages.in_flight`",
      summary: "How many calls of all tools together may be open at once.", example: "8"),
    Key(
      name: "timeout", shape: .duration(1...86400, orUnlimited: true), omitted: "`unlimited`",
      summary: "How long a call of a tool may take before it is cancelled.", example: "60s"),
    Key(
      name: "breaker", shape: .either(.choice(["off"], later: []), orTable: breaker),
      omitted: "`off`",
      summary: "When a tool that fails is closed for a while; each tool for itself.",
      example: "{failures: 5, window: 1m, pause: 30s}"),
    Key(
      name: "budget", shape: .table(budget), omitted: "no limit",
      summary: "What one session may use up.", example: "{calls: 1000, bytes: 64MiB}"),
  ]

  static let breaker: [Key] = [
    Key(
      name: "failures", shape: .integer(1...1000), omitted: "`5`",
      summary: "Failures within `window` that close the tool.", example: "5"),
    Key(
      name: "window", shape: .duration(1...86400, orUnlimited: false), omitted: "`1m`",
      summary: "The time that is looked back on.", example: "1m"),
    Key(
      name: "minimum", shape: .integer(1...1000), omitted: "as `failures`",
      summary: "Answered calls within `window` below which the tool is never closed.",
      example: "20"),
    Key(
      name: "pause", shape: .duration(1...86400, orUnlimited: false), omitted: "`30s`",
      summary: "How long it stays closed before a call is let through on trial.", example: "30s"),
    Key(
      name: "successes", shape: .integer(1...100), omitted: "`1`",
      summary: "Calls on trial, one after the other, that must succeed before it is open again.",
      example: "2"),
    Key(
      name: "tool_errors", shape: .choice(["count", "ignore"], later: []), omitted: "`count`",
      summary: "Whether results that say `isError` are failures.", example: "ignore"),
  ]

  static let budget: [Key] = [
    Key(
      name: "calls", shape: .integer(1...1_000_000_000), omitted: "no limit",
      summary: "Calls of tools that reach the server.", example: "1000"),
    Key(
      name: "bytes", shape: .size(1024...1 << 40), omitted: "no limit",
      summary: "Bytes of these calls and of their answers.", example: "64MiB"),
  ]
}
