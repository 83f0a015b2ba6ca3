extension Profile {
  /// The section `tools`.
  public struct Tools: Sendable {
    /// Which tools the client sees and may call, those of `tools.ask` first: an entry with the exact
    /// name counts before any pattern, and of the patterns the first that matches; without an entry
    /// a tool is closed.
    public var allow: [Tool]
    /// How long (s) the person has to answer whether a call may be made.
    public var askTimeout: UInt64 = 120
    /// The line of `tools.allow`, which refuses what is not named; 0 when it is omitted.
    public var line: Int
    /// What becomes of arguments that nobody names, where an entry does not say it.
    public var unknownArguments = UnknownArguments.refuse
    /// Whether calls are held to the server's schemas.
    public var enforcesSchemas = true
    /// What bounds all calls together; timeout and breaker are for each tool that says nothing else.
    public var limits = CallLimits()
    /// What one session may use up.
    public var budget = CallBudget()

    /// Makes the section; without tools none is allowed.
    public init(allow: [Tool] = [], line: Int = 0) {
      self.allow = allow
      self.line = line
    }
  }

  /// What becomes of arguments that neither the schema of a tool nor the profile knows.
  public enum UnknownArguments: String, Sendable, CaseIterable {
    /// The call is refused.
    case refuse
    /// They pass.
    case allow
  }

  /// One entry of `tools.allow` or `tools.ask`.
  public struct Tool: Sendable {
    /// The tool's name, or a pattern of names; the place is that of the entry.
    public var name: Located<String>
    /// The rules for single arguments, in the order of the text, names unique.
    public var arguments: [(name: String, rule: ArgumentRule)]
    /// What the model reads in place of the server's description.
    public var description: String?
    /// The annotation that the server has to claim for the tool.
    public var requiredAnnotation: Located<Annotation>?
    /// What becomes of arguments that nobody names; nil as the section says.
    public var unknownArguments: UnknownArguments?
    /// Whether results are held to the schema that the server gives for them.
    public var checksOutput = false
    /// What bounds calls in time and number; of a pattern, those of all its tools together, but for
    /// the breaker, which each tool has for itself.
    public var limits = CallLimits()
    /// Whether the person is asked before a call is made.
    public var asks = false

    /// Makes an entry that says nothing but the name.
    public init(_ name: Located<String>) {
      self.name = name
      arguments = []
    }

    /// Whether it is a pattern: `*` stands for any characters, `?` for one.
    public var isPattern: Bool {
      name.value.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
    }
  }

  /// What a server can claim of a tool, as far as an entry can require it.
  public enum Annotation: String, Sendable, CaseIterable {
    /// It changes nothing.
    case readOnlyHint
  }
}

extension [Profile.Tool] {
  /// Every tool of the server.
  public static func everything(line: Int) -> Self { [Profile.Tool(Located("*", line: line))] }

  /// These tools.
  public static func names(_ names: [Located<String>]) -> Self { names.map { Profile.Tool($0) } }
}

/// What one argument of a call must be.
public struct ArgumentRule: Sendable {
  /// The types that a rule can name.
  public enum Kind: String, Sendable, CaseIterable {
    /// A string.
    case string
    /// A number without a fraction, however it is written.
    case integer
    /// Any number.
    case number
    /// `true` or `false`.
    case boolean
    /// A list.
    case array
    /// An object.
    case object
  }

  /// A value of `const` or `enum`.
  public enum Literal: Sendable, Equatable {
    /// A string.
    case text(String)
    /// A number, as the profile writes it: JSON's grammar.
    case number(String)
    /// A boolean.
    case boolean(Bool)
  }

  /// One demand.
  public indirect enum Demand: Sendable {
    /// `type`.
    case kind(Kind)
    /// `const` and `enum`.
    case literals([Literal])
    /// `minimum`, `maximum`: numbers in JSON's grammar.
    case minimum(String), maximum(String)
    /// `min_length`, `max_length`, in characters (code points).
    case minLength(Int), maxLength(Int)
    /// `min_items`, `max_items`.
    case minItems(Int), maxItems(Int)
    /// `items`: what each element must be.
    case items(ArgumentRule)
    /// `one_of`: at least one of these rules holds.
    case alternatives([ArgumentRule])
    /// `under`: an absolute plain directory.
    case under(String)
    /// `pattern`, `not_pattern`: ECMA-262, a match anywhere.
    case pattern(String), notPattern(String)
    /// `host`: the hosts, as ``HostText`` takes them.
    case hosts([String])
    /// `forbid_leading`: what the string must not begin with.
    case forbidLeading([String])
  }

  /// Whether a call without it is refused.
  public var isRequired = false
  /// Whether a call with it is refused.
  public var isAbsent = false
  /// Whether `null` is taken as well.
  public var isNullable = false
  /// The demands, each with its place.
  public var demands: [Located<Demand>] = []
  /// The line of the argument's name; 0 when it was made in code.
  public var line: Int

  /// Makes a rule that demands nothing.
  public init(line: Int = 0) { self.line = line }
}

extension ArgumentRule.Demand {
  /// The only kinds of value that can meet it, nil for any.
  public var kinds: Set<ArgumentRule.Kind>? {
    switch self {
    case .kind(.number): [.number, .integer]
    case .kind(let kind): [kind]
    case .literals(let literals): Set(literals.flatMap(\.kinds))
    case .minimum, .maximum: [.number, .integer]
    case .minLength, .maxLength, .pattern, .notPattern, .under, .hosts, .forbidLeading: [.string]
    case .minItems, .maxItems, .items: [.array]
    case .alternatives: nil
    }
  }
}

extension ArgumentRule.Literal {
  fileprivate var kinds: Set<ArgumentRule.Kind> {
    switch self {
    case .text: [.string]
    case .number: [.number, .integer]
    case .boolean: [.boolean]
    }
  }
}
