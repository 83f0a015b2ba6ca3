/// Everything that one profile grants, after variables were put in and defaults filled.
///
/// Omitted means closed: `Profile(name:)` is a profile that grants nothing.
///
/// *Limits.* A profile is what was asked for. Whether a path exists, what a preset needs on this
/// machine and what the kernel holds is for `Confinement` to find out.
public struct Profile: Sendable {
  /// The name: 1 to 64 characters of `[a-z0-9._-]`, the first a letter or a digit.
  public var name: String
  /// What the server is for, in words.
  public var description: String
  /// The values of its variables as they were put in, for the record.
  public var variables: [ProfileLoader.Setting] = []
  /// Those of them that are paths, with what each must be.
  public var pathVariables: [PathVariable] = []
  /// The variables that have no value, with what stands for it, where a profile is only looked at.
  public var openVariables: [ProfileLoader.Setting] = []
  /// The preset that `extends` names.
  public var preset: Preset
  /// What is started, and how.
  public var server: Server
  /// How strongly the server is closed in.
  public var isolation: Isolation
  /// Who it runs as on the host.
  public var user: User = .standard
  /// What becomes of the caller's supplementary groups.
  public var groups = Located(Groups.dropIfPossible)
  /// The paths that the server sees.
  public var filesystem: Filesystem
  /// The system calls that it may make.
  public var syscalls: Syscalls
  /// What it may use up.
  public var limits: Limits
  /// Protections that it asks for.
  public var hardening = Hardening()
  /// The tools that the client sees.
  public var tools: Tools
  /// The resources that it sees: URIs, `PREFIX/**` and `SCHEME:**`.
  public var resources = Names.names([])
  /// The prompts that it sees.
  public var prompts = Names.names([])
  /// What the server may ask of the client.
  public var requests = Requests()
  /// The versions of the protocol that may be spoken.
  public var revisions = Revisions()
  /// Features of the protocol that are let through.
  public var features: Features
  /// The bounds of messages.
  public var messages: Messages
  /// What the client reads of the server's messages.
  public var text = Text()
  /// What becomes of what is not as it was pinned.
  public var pins = Pins.strict
  /// What the audit log keeps.
  public var audit: Audit

  /// Makes a profile in code; what is not given is closed or at its default.
  public init(
    name: String, description: String = "", preset: Preset = .none, server: Server = Server(),
    isolation: Isolation = .full, filesystem: Filesystem = Filesystem(),
    syscalls: Syscalls = Syscalls(), limits: Limits = Limits(), tools: Tools = Tools(),
    features: Features = Features(), messages: Messages = Messages(), audit: Audit = Audit()
  ) {
    self.name = name
    self.description = description
    self.preset = preset
    self.server = server
    self.isolation = isolation
    self.filesystem = filesystem
    self.syscalls = syscalls
    self.limits = limits
    self.tools = tools
    self.features = features
    self.messages = messages
    self.audit = audit
  }
}
