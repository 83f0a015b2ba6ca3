/// What no single value shows: doubles, contradictions, and grants of everything.
struct CrossChecks {
  var findings: Findings

  /// Looks at a tree whose shape was checked; what has another shape is passed over.
  mutating func check(_ root: Node) {
    checkTools(root)
    checkCallLimits(root)
    checkNames(root, "resources", "resource")
    checkNames(root, "prompts", "prompt")
    checkVersions(root)
    checkPaths(root)
    checkDangers(root)
    checkCommand(root)
    checkWords(root)
    checkPinned(root)
    checkSearchPath(root)
    checkUser(root)
    checkLimits(root)
  }

  private mutating func checkLimits(_ root: Node) {
    guard let cpu = root["limits", "cpu"], root["limits", "cgroup"]?.scalar?.text == "off" else {
      return
    }
    findings.error(
      cpu.position, "limits.cpu needs a control group, and limits.cgroup is off",
      hint: "leave out one of the two")
  }

  /// Names of one kind: none twice, and `"*"` alone.
  private mutating func checkNames(_ root: Node, _ section: String, _ noun: String) {
    let elements = root[section, "allow"]?.elements ?? []
    var seen: [[UInt8]: Int] = [:]
    for element in elements {
      guard let name = element.scalar ?? element["name"]?.scalar else { continue }
      if element.scalar?.text == "*", elements.count > 1 {
        findings.error(
          element.position, "\"*\" allows every \(noun) and stands beside names",
          hint: "write [\"*\"] alone, or the names alone")
      }
      if let line = seen.updateValue(element.position.line, forKey: Array(name.text.utf8)) {
        findings.error(
          element.position, "the \(noun) \(quoted(name.text)) is there twice",
          hint: "it is already in line \(line)")
      }
    }
  }

  private mutating func checkVersions(_ root: Node) {
    guard let versions = root["protocol", "versions"], let era = root["protocol", "era"]?.scalar
    else { return }
    // The revision 2026-07-28 is the first without a handshake.
    let known = versions.elements.compactMap { $0.scalar?.text }
    let stateless = known.filter { $0 >= "2026-07-28" }
    if era.text.isSame("handshake") && stateless.count == known.count
      || era.text.isSame("stateless") && stateless.isEmpty
    {
      findings.error(
        versions.position, "protocol.versions has no version of the era \(era.text)",
        hint: "add one, or leave out one of the two")
    }
  }

  private mutating func checkPaths(_ root: Node) {
    var seen: [[UInt8]: String] = [:]
    for section in ["read", "write", "hide", "protect"] {
      for element in root["filesystem", section]?.elements ?? [] {
        guard let path = (element.scalar ?? element["path"]?.scalar)?.text else { continue }
        if path.isSame("/") {
          findings.error(
            element.position, "filesystem.\(section) names the whole file system",
            hint: "name the directories that are meant")
        }
        if let other = seen.updateValue(section, forKey: Array(path.utf8)) {
          findings.error(
            element.position, "the path \(quotedPath(path)) is there twice",
            hint: "it is already in filesystem.\(other)")
        }
      }
    }
  }

  private mutating func checkDangers(_ root: Node) {
    for section in ["read", "write"] {
      for element in root["filesystem", section]?.elements ?? [] {
        let isDangerous = element["dangerous"]?.scalar?.text.isSame("true") ?? false
        if isDangerous, element["reason"] == nil {
          findings.error(
            element.position, "a dangerous path has no reason",
            hint: "write reason: WHY, in the words of whoever needs it")
        } else if !isDangerous, let reason = element["reason"] {
          findings.error(
            reason.position, "a reason stands beside dangerous: true only",
            hint: "write dangerous: true, or remove it")
        }
      }
    }
  }

  /// A server that may write what is pinned with it makes its own pins stale, or cannot be trusted
  /// by them.
  private mutating func checkPinned(_ root: Node) {
    let writable = (root["filesystem", "write"]?.elements ?? []).compactMap { element in
      (element.scalar ?? element["path"]?.scalar)?.text
    }
    let kept = (root["filesystem", "protect"]?.elements ?? []).compactMap { element in
      (element.scalar ?? element["path"]?.scalar)?.text
    }
    for element in root["server", "pinned"]?.elements ?? [] {
      guard let path = element.scalar?.text,
        let grant = writable.first(where: {
          PathText.covers($0, path) || PathText.covers(path, $0)
        }), !kept.contains(where: { PathText.covers($0, path) })
      else { continue }
      findings.warning(
        element.position,
        "the server may write below \(quotedPath(grant)), and so what is pinned here",
        hint: "keep it under filesystem.protect, or outside of filesystem.write")
    }
  }

  private mutating func checkUser(_ root: Node) {
    guard let user = root["user"], case .mapping(let entries) = user.content else { return }
    let (uid, group) = (user["uid"], user["group"])
    if entries.isEmpty {
      findings.error(
        user.position, "user names nobody",
        hint: "write {owner_of: PATH}, {uid: N, group: N} or {groups: drop}, or leave it out")
    } else if user["owner_of"] != nil {
      guard let number = uid ?? group else { return }
      findings.error(
        number.position, "user has numbers beside owner_of", hint: "keep one of the two")
    } else if (uid == nil) != (group == nil) {
      let missing = uid == nil ? "uid" : "group"
      findings.error(user.position, "user has no \(missing)", hint: "write \(missing): 4321")
    }
  }

  private mutating func checkCommand(_ root: Node) {
    let command = root["server", "command"]?.elements.first.map { [$0] } ?? []
    if let first = command.first, let name = first.scalar?.text, name.isEmpty {
      findings.error(first.position, "the program's name is empty")
    }
    for element in command + (root["server", "programs"]?.elements ?? []) {
      guard let program = element.scalar?.text else { continue }
      if program.utf8.contains(UInt8(ascii: "/")), let fault = PathText.fault(program) {
        findings.error(
          element.position, "the program: \(fault.message)",
          hint: "write an absolute path, or a bare name that is looked up in PATH")
      }
    }
  }

  /// What only a shell would put something in for reaches the server as it is.
  private mutating func checkWords(_ root: Node) {
    for element in root["server", "command"]?.elements.dropFirst() ?? [] {
      guard let word = element.scalar, word.kind == .text else { continue }
      let bytes = Array(word.text.utf8)
      let isVariable =
        bytes.count > 1 && bytes[0] == UInt8(ascii: "$")
        && (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(bytes[1])
      guard isVariable || bytes == [UInt8(ascii: "~")] || bytes.starts(with: "~/".utf8) else {
        continue
      }
      findings.warning(
        element.position,
        "no shell reads server.command: the server gets \(quoted(word.text))",
        hint: "write the path out, or declare a variable and write ${NAME}")
    }
  }

  private mutating func checkSearchPath(_ root: Node) {
    guard let node = root["server", "environment", "PATH"], let text = node.scalar?.text else {
      return
    }
    for part in text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    where part.first != UInt8(ascii: "/") {
      findings.error(
        node.position, "PATH holds \(quoted(String(Substring(part)))), which is no absolute path",
        hint: "an empty or relative entry means the current directory; remove it")
      return
    }
  }
}
