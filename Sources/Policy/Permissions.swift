internal import Profile
internal import Wire

/// What the profile lets through besides tools, compiled; shared, because every message asks it.
final class Permissions: Sendable {
  let resources: ResourceRules
  let prompts: NameRules
  let features: Profile.Features
  let sampling: Bool
  let roots: Profile.Requests.Roots
  /// Whether lists keep the server's pages.
  let keepsPages: Bool
  /// Whether progress passes whose request is not in flight.
  let passesAnyProgress: Bool
  /// Whether the server may ask the person with a form.
  let forms: Bool
  /// Whether we ask the person ourselves.
  let asks: Bool
  /// The hosts that it may send the person to.
  let hosts: HostRules
  let era: Profile.Revisions.Era
  /// The versions that may be agreed on, the oldest first; every one when empty.
  let versions: [[UInt8]]
  /// The directories and files that the server sees, for the answers about roots.
  let visible: [[UInt8]]

  init(profile: Profile) {
    resources = ResourceRules(profile.resources)
    prompts = NameRules(profile.prompts)
    features = profile.features
    sampling = profile.requests.sampling
    roots = profile.requests.roots
    forms = profile.requests.forms
    asks = profile.tools.allow.contains(where: \.asks)
    hosts = HostRules(profile.requests.hosts)
    era = profile.revisions.era
    keepsPages = profile.revisions.keepsPages
    passesAnyProgress = profile.revisions.passesAnyProgress
    versions = profile.revisions.versions.map { Array($0.utf8) }
    visible = (profile.filesystem.read + profile.filesystem.write).map { Array($0.path.utf8) }
  }

  /// Whether the server may ask the person in any way.
  var elicitation: Bool { forms || !hosts.isEmpty }

  /// Whether a version may be agreed on, by the content of a string.
  func allows(version range: Range<Int>, in bytes: [UInt8]) -> Bool {
    versions.isEmpty || versions.contains { $0.elementsEqual(bytes[range]) }
  }
}

/// Names that are allowed, compared byte for byte.
struct NameRules: Sendable {
  /// Whether every name is allowed, and the line that says so.
  private let everything: Int?
  private let names: NameTable
  /// The line of each name, by its number.
  private let lines: [Int]

  init(_ allowed: Profile.Names) {
    var table = NameTable()
    var lines: [Int] = []
    switch allowed {
    case .everything(let line): everything = line
    case .names(let allowed):
      everything = nil
      for name in allowed where table.insert(canonicalContent(of: Array(name.value.utf8))) {
        lines.append(name.line)
      }
    }
    names = table
    self.lines = lines
  }

  /// Whether no name is allowed.
  var isEmpty: Bool { everything == nil && lines.isEmpty }

  /// The line that allows a name, nil if none does.
  func line(of range: Range<Int>, in bytes: [UInt8]) -> Int? {
    if let everything { return range.count <= Bounds.identifier ? everything : nil }
    return names.number(of: range, in: bytes).map { lines[$0] }
  }
}
