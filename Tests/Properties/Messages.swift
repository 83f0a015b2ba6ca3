import Generators

/// Messages of both sides: mostly sound, about few names, so that they have to do with each other.
enum Messages {
  private static let methods = [
    "tools/call", "tools/call", "tools/call", "tools/list", "initialize", "server/discover", "ping",
    "resources/read", "resources/list", "resources/subscribe", "prompts/get", "prompts/list",
    "completion/complete", "logging/setLevel", "subscriptions/listen", "tasks/get", "tasks/list",
    "sampling/createMessage", "elicitation/create", "roots/list", "notifications/cancelled",
    "notifications/progress", "notifications/initialized", "notifications/tools/list_changed",
    "notifications/resources/updated", "notifications/message", "notifications/roots/list_changed",
    "vendor/method", "Tools/call", "",
  ]
  private static let names = [
    "read", "list", "write", "get_x", "Read", "read ", "re\u{301}ad", "r\u{e9}ad", "\u{200b}read",
  ]

  static func any(_ random: inout SplitMix) -> Tree {
    var members: [(String, Tree)] = [("jsonrpc", .text(random.roll(60) == 0 ? "2.1" : "2.0"))]
    switch random.roll(5) {
    case 0...2:
      let method = random.pick(methods)
      members.append(("method", .text(method)))
      if !method.hasPrefix("notifications/") || random.roll(20) == 0 {
        members.append(("id", id(&random)))
      }
      if random.roll(8) > 0 { members.append(("params", params(&random))) }
    case 3:
      members.append(("id", id(&random)))
      members.append(("result", result(&random)))
    default:
      members.append(("id", random.roll(5) == 0 ? .literal("null") : id(&random)))
      members.append(
        (
          "error",
          .object([
            ("code", .number(random.pick(["-32601", "-32042", "-1", "1.0"]))),
            ("message", .text(random.pick(["no", "\u{1b}[31mno", "n\u{202e}o"]))),
            ("data", .any(&random, depth: 2)),
          ])
        ))
    }
    if random.roll(30) == 0 {
      members.append((random.pick(["result", "extra", "Method"]), .object([Tree.Member]())))
    }
    return once(members)
  }

  /// Without members of a name that was there.
  private static func once(_ members: [(String, Tree)]) -> Tree {
    var seen: Set<String> = []
    // Canonically equivalent names are one to Swift and two to us: a few members less do not matter.
    return .object(members.filter { seen.insert($0.0).inserted })
  }

  private static func id(_ random: inout SplitMix) -> Tree {
    random.pick([
      .number("1"), .number("2"), .number("3"), .number("77"), .text("1"), .text("r"),
      .text("x/\n"),
      .number("1.0"), .number("9007199254740991"), .number("-0"),
    ])
  }

  private static func params(_ random: inout SplitMix) -> Tree {
    var members: [(String, Tree)] = []
    if random.roll(4) > 0 { members.append(("name", .text(random.pick(names)))) }
    if random.roll(2) == 0 {
      var arguments: [(String, Tree)] = []
      if random.roll(2) == 0 {
        arguments.append(("n", .number(random.pick(["1", "10", "11", "1e1"]))))
      }
      if random.roll(2) == 0 {
        arguments.append(("path", .text(random.pick(["/srv/a", "/srv/../etc", "/etc", "a"]))))
      }
      if random.roll(3) == 0 {
        arguments.append((random.pick(["a", "b"]), .any(&random, depth: 2)))
      }
      members.append(
        ("arguments", random.roll(20) == 0 ? .any(&random, depth: 1) : once(arguments)))
    }
    if random.roll(3) == 0 {
      members.append(("uri", .text(random.pick(["file:///srv/a", "file:///etc/x", "memo:1"]))))
    }
    if random.roll(5) == 0 { members.append(("cursor", .text(random.pick(["", "c"])))) }
    if random.roll(4) == 0 { members.append(("requestId", id(&random))) }
    if random.roll(4) == 0 { members.append(("progressToken", .text(random.pick(["t", "u"])))) }
    if random.roll(4) == 0 {
      members.append(
        (
          "capabilities",
          .object([
            ("roots", .object([Tree.Member]())), ("sampling", .object([Tree.Member]())),
            ("tools", .any(&random, depth: 1)),
          ])
        ))
    }
    if random.roll(4) == 0 { members.append(("protocolVersion", .text("2025-11-25"))) }
    if random.roll(5) == 0 {
      members.append(
        (
          "notifications",
          .object([
            ("toolsListChanged", .literal("true")), ("resourcesListChanged", .literal("true")),
            ("resourceSubscriptions", .array([.text("file:///srv/a"), .text("file:///etc")])),
          ])
        ))
    }
    if random.roll(6) == 0 {
      members.append(("ref", .object([("type", .text("ref/prompt")), ("name", .text("plan"))])))
    }
    if random.roll(3) == 0 { members.append(("_meta", meta(&random))) }
    if random.roll(12) == 0 {
      members.append((random.pick(["Name", "x", "u\u{17f}er"]), .any(&random, depth: 1)))
    }
    return once(members)
  }

  private static func meta(_ random: inout SplitMix) -> Tree {
    var members: [(String, Tree)] = []
    if random.roll(2) == 0 { members.append(("progressToken", id(&random))) }
    if random.roll(2) == 0 {
      members.append(("io.modelcontextprotocol/protocolVersion", .text("2026-07-28")))
    }
    if random.roll(2) == 0 {
      members.append(
        (
          "io.modelcontextprotocol/clientCapabilities",
          .object([("sampling", .any(&random, depth: 1))])
        ))
    }
    if random.roll(3) == 0 {
      members.append((random.pick(["k", "progressToKen"]), .any(&random, depth: 1)))
    }
    return once(members)
  }

  private static func result(_ random: inout SplitMix) -> Tree {
    var members: [(String, Tree)] = []
    if random.roll(2) == 0 {
      members.append(
        (
          "content",
          .array([
            .object([("type", .text("text")), ("text", .any(&random, depth: 0))])
          ])
        ))
    }
    if random.roll(3) == 0 {
      members.append(
        (
          "tools",
          .array(
            (0..<random.roll(4)).map { _ in
              .object([
                ("name", .text(random.pick(names))), ("description", .any(&random, depth: 0)),
                ("inputSchema", .object([("type", .text("object"))])),
              ])
            })
        ))
      if random.roll(3) == 0 { members.append(("nextCursor", .text(random.pick(["", "n"])))) }
    }
    if random.roll(3) == 0 {
      members.append(
        (
          "capabilities",
          .object([
            ("tools", .object([Tree.Member]())), ("prompts", .object([Tree.Member]())),
            ("logging", .object([Tree.Member]())),
          ])
        ))
    }
    if random.roll(4) == 0 {
      members.append(("isError", .literal(random.pick(["true", "false"]))))
    }
    if random.roll(4) == 0 {
      members.append(
        ("resultType", .text(random.pick(["complete", "input_required", "task", "x"]))))
    }
    if random.roll(6) == 0 {
      members.append(
        (
          "inputRequests",
          .object([
            ("q", .object([("method", .text(random.pick(["roots/list", "elicitation/create"])))]))
          ])
        ))
    }
    if random.roll(4) == 0 { members.append(("structuredContent", .any(&random, depth: 2))) }
    if random.roll(6) == 0 { members.append(("protocolVersion", .text("2025-11-25"))) }
    return once(members)
  }
}
