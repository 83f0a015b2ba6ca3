/// Turns a profile's text into a `Profile`, or says everything that is wrong with it.
///
/// A value in, a value out: nothing is read from the file system or the environment.
public struct ProfileLoader: Sendable {
  /// One `--set NAME=VALUE` of the command line.
  public struct Setting: Sendable, Equatable {
    /// The variable's name.
    public var name: String
    /// Its value, as text.
    public var value: String

    /// Makes a setting.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The name of the file, for the messages.
  public var file: String
  /// The values of the profile's variables.
  public var settings: [Setting]
  /// The absolute directory that relative paths among the settings start from; nil if there is
  /// none that has a name.
  public var workingDirectory: String?
  /// True when a required variable without a setting is an error and not a warning.
  public var requiresSettings: Bool

  /// Makes a loader.
  public init(
    file: String, settings: [Setting] = [], workingDirectory: String? = "/",
    requiresSettings: Bool = true
  ) {
    self.file = file
    self.settings = settings
    self.workingDirectory = workingDirectory
    self.requiresSettings = requiresSettings
  }

  /// Parses a profile; the profile is nil exactly when there is an error among the findings.
  ///
  /// Every fault that can be seen is reported, in the order of the text; only a text that is not
  /// YAML stops at the first.
  public func load(_ text: [UInt8]) -> (profile: Profile?, diagnostics: [Diagnostic]) {
    var findings = Findings(file: file)
    let source = SourceText(text)
    guard source.check(&findings), let written = NodeBuilder.build(source, &findings) else {
      return (nil, findings.sorted())
    }
    var variables = Variables(written, self, &findings)
    let root = variables.substitute(written, &findings)
    var walk = Walk(findings: findings)
    walk.check(root)
    var checks = CrossChecks(findings: walk.findings)
    checks.check(root)
    findings = checks.findings
    guard !findings.hasErrors else { return (nil, findings.sorted()) }
    var profile = Profile(root, variables: variables.settings)
    profile.pathVariables = variables.paths
    profile.openVariables = variables.open
    return (profile, findings.sorted())
  }
}
