internal import Linux

extension GroupMapper {
  /// How long the program may take, in milliseconds: it reads two small files.
  private static let patience: Int32 = 5_000

  /// Has the groups of `process`, which waits in a user namespace of its own, mapped: `outside` to
  /// `inside`, and the spare one. Returns why that failed; nil if the kernel shows it done.
  ///
  /// Call only while single-threaded, and with a child that was not waited for.
  public func map(_ process: Int32, inside: UInt32, outside: UInt32) -> String? {
    let map = [(inside, outside), (Plan.insideSpareGroup, spare)]
    let end: CommandEnd
    do {
      let file = try Files.openExactly(program)
      let now = try Files.status(of: file.rawValue)
      guard now.device == status.device, now.inode == status.inode else {
        return "\(program) was replaced meanwhile"
      }
      let arguments = ["\(process)"] + map.flatMap { ["\($0.0)", "\($0.1)", "1"] }
      end = CommandEnd.of(
        file.rawValue, ["newgidmap"] + arguments, milliseconds: GroupMapper.patience)
    } catch { return "cannot open \(program): \(error)" }
    if end.error == .timedOut { return "newgidmap did not end within 5 s" }
    if let error = end.error { return "cannot run newgidmap: \(error)" }
    guard end.status == .exited(0) else {
      let said = end.said.isEmpty ? "\(end.status)" : GroupMapper.line(end.said)
      return "newgidmap failed: \(said)"
    }
    // What it says is one thing, what the kernel shows is another.
    let shown: String
    do { shown = try ProcessState(process).text("gid_map") } catch {
      return "cannot look at what newgidmap did: \(error)"
    }
    let words = shown.utf8.split { $0 == 0x20 || $0 == 0x0A }.map { String(Substring($0)) }
    let wanted = map.flatMap { ["\($0.0)", "\($0.1)", "1"] }
    return words.elementsEqual(wanted) ? nil : "newgidmap did not map the groups"
  }

  /// The first line of what a program said, without its name and what a terminal would obey.
  private static func line(_ said: String) -> String {
    var text = said.utf8.prefix { $0 != 0x0A }
    if text.starts(with: "newgidmap: ".utf8) { text = text.dropFirst(11) }
    return String(
      decoding: text.map { $0 < 0x20 || $0 > 0x7E ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
  }

  /// Why the groups of a process cannot be dropped here in spite of all that is installed; nil if a
  /// trial dropped them.
  public func trial(group: UInt32) -> String? {
    do {
      let trial = try GroupTrial.begin()
      let fault = map(trial.process, inside: Plan.insideIdentifier, outside: group)
      let left = try trial.finish(mapped: fault == nil)
      return fault ?? (left == 0 ? nil : "\(left) groups stayed")
    } catch { return "cannot drop groups in a trial: \(error)" }
  }
}

extension Plan {
  /// Has a trial of dropping the caller's groups say whether a session could, and plans for what it
  /// said. Returns a message and a hint when the profile wants them dropped and that is impossible.
  ///
  /// A session needs no trial: there the cell itself is what is tried.
  public mutating func tryGroups() -> (message: String, hint: String?)? {
    guard case .dropped(let mapper) = groups.fate,
      let fault = mapper.trial(group: blueprint.outsideGroup)
    else { return nil }
    return groupsStay(fault)
  }

  /// Plans for groups that stay because of `fault`. Returns a message and a hint when the profile
  /// does not allow that.
  public mutating func groupsStay(_ fault: String) -> (message: String, hint: String?)? {
    let mend = "see newgidmap(1) for what it wants of a caller"
    if groups.mustBeDropped {
      return ("cannot drop the caller's supplementary groups \(groups.list): \(fault)", mend)
    }
    keepGroups(because: fault, mend: mend)
    return nil
  }
}
