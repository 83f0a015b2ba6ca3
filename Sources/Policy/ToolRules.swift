internal import Profile
internal import Wire

/// The section `tools` of a profile, compiled: one rule decides on lists and on calls.
struct ToolRules: Sendable {
  /// What an entry says of the tools that it names; shared, because every call asks it.
  final class Entry: Sendable {
    /// The line of the entry.
    let line: Int
    /// The rules for arguments, nil if there are none.
    let arguments: ArgumentRules?
    /// What replaces the description, as canonical JSON with its quotes.
    let description: [UInt8]?
    /// Whether calls must fit the server's schema, and whether unknown arguments are refused.
    let usesSchema: Bool, isClosed: Bool
    /// Whether the server must claim that the tool changes nothing.
    let wantsReadOnly: Bool
    /// Whether results must fit the server's schema.
    let checksOutput: Bool
    /// Whether what the server says of the tool is compared with what is pinned.
    let isCompared: Bool
    /// What bounds the calls in time and number, and how long (µs) one may take, 0 for ever.
    let limits: Profile.CallLimits, timeout: Int64
    /// Whether it names tools by a pattern.
    let isPattern: Bool
    /// Whether the person is asked before a call is made.
    let asks: Bool

    init(
      _ tool: Profile.Tool, in section: Profile.Tools, workdir: String?, isCompared: Bool
    ) {
      self.isCompared = isCompared
      line = tool.name.line
      description = tool.description.map { text in
        [UInt8(ascii: "\"")] + canonicalContent(of: Array(text.utf8)) + [UInt8(ascii: "\"")]
      }
      usesSchema = section.enforcesSchemas
      isClosed = (tool.unknownArguments ?? section.unknownArguments) == .refuse
      wantsReadOnly = tool.requiredAnnotation != nil
      checksOutput = tool.checksOutput
      limits = tool.limits
      isPattern = tool.isPattern
      if case .seconds(let seconds) = tool.limits.timeout ?? section.limits.timeout ?? .unlimited {
        timeout = Int64(seconds) * 1_000_000
      } else {
        timeout = 0
      }
      asks = tool.asks
      // Where the schema is not asked, who names the arguments is the profile.
      let rules = ArgumentRules(tool, workdir: workdir, isClosed: isClosed && !usesSchema)
      arguments = rules.isEmpty ? nil : rules
    }

    /// Whether a call cannot be decided on without what the server says of the tool.
    var needsDefinition: Bool { usesSchema || wantsReadOnly || checksOutput || isCompared }
  }

  /// A tool that is allowed.
  struct Allowed {
    /// The name to keep, as canonical string content.
    var name: [UInt8]
    /// The number of the entry that counts.
    var entry: Int
  }

  let entries: [Entry]
  /// Whether any entry needs what the server says of a tool.
  let needsDefinitions: Bool
  /// Whether any entry says how long a call may take.
  let hasTimeouts: Bool
  /// What bounds all calls together, and what one session may use up.
  let limits: Profile.CallLimits, budget: Profile.CallBudget
  /// Entries with an exact name: the names, and of each the number of its entry.
  private var names = NameTable()
  private var numbers: [Int] = []
  private var contents: [[UInt8]] = []
  /// Entries with a pattern, in their order.
  private var patterns: [(glob: Glob, entry: Int)] = []
  /// A name that could not be shown to the client is no tool's.
  private let texts: TextRules

  init(_ profile: Profile, comparesTools: Bool) {
    let workdir = profile.server.workdir?.value ?? profile.server.invokedFrom
    texts = TextRules(profile)
    var entries: [Entry] = []
    for tool in profile.tools.allow {
      if tool.isPattern {
        patterns.append((Glob(tool.name.value), entries.count))
      } else {
        let content = canonicalContent(of: Array(tool.name.value.utf8))
        guard texts.shows(name: content.indices, in: content), names.insert(content) else {
          continue
        }
        numbers.append(entries.count)
        contents.append(content)
      }
      entries.append(
        Entry(tool, in: profile.tools, workdir: workdir, isCompared: comparesTools))
    }
    self.entries = entries
    needsDefinitions = entries.contains(where: \.needsDefinition)
    hasTimeouts = entries.contains { $0.timeout > 0 }
    limits = profile.tools.limits
    budget = profile.tools.budget
  }

  /// Whether a tool is allowed, by the bytes of its name.
  func allowed(_ range: Range<Int>, in bytes: [UInt8]) -> Allowed? {
    if let number = names.number(of: range, in: bytes) {
      return Allowed(name: contents[number], entry: numbers[number])
    }
    guard let entry = pattern(range, in: bytes) else { return nil }
    return Allowed(name: Array(bytes[range]), entry: entry)
  }

  /// The entry that counts for a tool, nil if it is not allowed; keeps nothing of the name.
  func entry(_ range: Range<Int>, in bytes: [UInt8]) -> Int? {
    names.number(of: range, in: bytes).map { numbers[$0] } ?? pattern(range, in: bytes)
  }

  private func pattern(_ range: Range<Int>, in bytes: [UInt8]) -> Int? {
    guard !patterns.isEmpty, range.count <= Bounds.identifier,
      texts.shows(name: range, in: bytes)
    else { return nil }
    return patterns.first { $0.glob.matches(range, in: bytes) }?.entry
  }
}
