/// Where a profile that was named on the command line may be.
public struct ProfileLookup: Sendable, Equatable {
  /// One place to look at.
  public enum Candidate: Sendable, Equatable {
    /// A file.
    case file(String)
    /// A profile inside the program.
    case shipped(String)
  }

  /// Why a name can be no profile's.
  public struct Failure: Error, Sendable, Equatable {
    /// What is wrong.
    public var message: String
    /// What to write instead.
    public var hint: String
  }

  /// The directories that are searched for names, in their order.
  public var directories: [String]

  /// Makes a lookup from two variables of the caller's environment.
  ///
  /// A relative `XDG_CONFIG_HOME` is ignored, as its specification asks; so is a relative `HOME`:
  /// a profile never comes from the current directory by chance.
  public init(configHome: String?, home: String?) {
    func absolute(_ path: String?) -> String? {
      path.flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
    }
    let config = absolute(configHome) ?? absolute(home).map { $0 + "/.config" }
    directories =
      (config.map { [$0 + "/anchorhold/profiles"] } ?? []) + [
        "/etc/anchorhold/profiles"
      ]
  }

  /// The places of a profile, in the order in which they are tried; the first that is there
  /// counts, even when it is then refused.
  ///
  /// - Throws: `Failure` when there is neither a `/` in it nor is it a name.
  public func candidates(for argument: String) throws(Failure) -> [Candidate] {
    if argument.utf8.contains(UInt8(ascii: "/")) { return [.file(argument)] }
    guard TextRule.profileName.allows(argument) else {
      throw Failure(
        message: "\(quoted(argument)) is no profile's name",
        hint: "write \(TextRule.profileName.noun), or a path with a / in it")
    }
    return directories.map { .file("\($0)/\(argument).yaml") } + [.shipped(argument)]
  }

  /// The hint for a name that was found nowhere.
  public func hint(forMissing argument: String) -> String {
    if argument.hasSuffix(".yaml") || argument.hasSuffix(".yml") {
      return "a file in the current directory is written ./\(shown(argument))"
    }
    let names = ShippedProfiles.all.map(\.name)
    if let near = nearest(to: argument, among: names) { return "did you mean \(near)" }
    return "looked in \(directories.joined(separator: ", ")) and among the shipped ones: "
      + names.joined(separator: ", ")
  }
}
