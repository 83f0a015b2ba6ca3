/// What may stand at one place of a profile.
///
/// One description serves the checks, the JSON Schema and the table in the docs, so that none of
/// them can say something that the others do not.
indirect enum Shape: Sendable {
  case text(TextRule)
  case boolean
  /// A string, an integer or a boolean; what it must be is looked at elsewhere.
  case scalar
  case integer(ClosedRange<Int64>)
  /// The number of a user or group of the host that is not root.
  case identifier
  /// Bytes: an integer, or one with a unit, as in `64MiB`.
  case size(ClosedRange<UInt64>)
  /// Seconds, always with a unit, as in `1h30m`; or the word `unlimited`.
  case duration(ClosedRange<UInt64>, orUnlimited: Bool)
  /// Processors, as in `2` or `0.5`: hundredths.
  case processors(ClosedRange<UInt64>)
  /// One of some words; the later ones are known and not enforced by this version.
  case choice([String], later: [String])
  case list(of: Shape, count: ClosedRange<Int>)
  /// A list that can only be empty in this version.
  case emptyList
  /// A mapping with these keys and no others.
  case table([Key])
  /// A mapping whose keys the profile's author chooses.
  case names(TextRule, of: Shape, most: Int)
  /// A scalar in short, or a mapping when there is more to say.
  case either(Shape, orTable: [Key])
  /// An integer or a decimal fraction, without bounds.
  case number
  /// A string, a number or a boolean, as itself.
  case literal
  /// One value, or a list of 1 to so many.
  case oneOrList(of: Shape, most: Int)
  /// A rule for an argument inside another one.
  case argumentRule
  /// A list, or the single word `*` for everything.
  case listOrEverything(of: Shape, count: ClosedRange<Int>)
  /// Anything: the key is refused as a whole.
  case anything

  /// The numbers that an identifier takes: 0 is root, and the largest means "none" to the kernel.
  static let identifiers: ClosedRange<Int64> = 1...4_294_967_294
}

/// One key of the format.
struct Key: Sendable {
  /// Whether this version does what the key says.
  enum Status: Sendable {
    case enforced
    /// Known from the design of the format, refused until it is enforced; the hint says what to
    /// do instead.
    case later(hint: String)
  }

  var name: String
  var shape: Shape
  var isRequired = false
  var status = Status.enforced
  /// What an omitted key means, as the docs write it; empty when it must be there.
  var omitted = ""
  var summary: String
  /// A value as one would write it, in YAML.
  var example: String
}

/// What a string must look like.
enum TextRule: Sendable, CaseIterable {
  case anything
  case description
  case reason
  case profileName
  case variableName
  case environmentName
  case program
  case toolName
  case argumentName
  case toolDescription
  case argumentHost
  case leading
  case pattern
  case systemCall
  case path
  case resource
  case host
  case protocolVersion
  case rate

  /// What a message and the docs call it.
  var noun: String {
    switch self {
    case .anything: "a string"
    case .description: "a text of at most 1024 bytes"
    case .reason: "a text of 1 to 1024 bytes"
    case .profileName: "a name of 1 to 64 characters a-z 0-9 . _ - that starts with a-z or 0-9"
    case .variableName: "a name of 1 to 64 characters a-z 0-9 _ that starts with a-z"
    case .environmentName: "a name of characters A-Z a-z 0-9 _ that starts with no digit"
    case .program: "a program's name, or an absolute path"
    case .toolName: "a tool's name of at most 256 bytes without control characters"
    case .argumentName: "an argument's name of at most 256 bytes"
    case .toolDescription: "a text of 1 to 4096 bytes"
    case .argumentHost: "a host's name or address, or a name with *. before it"
    case .pattern: "a regular expression of 1 to 1024 bytes"
    case .leading: "a string of 1 to 64 bytes"
    case .systemCall: "a system call's name"
    case .path: "an absolute path"
    case .resource: "a URI such as file:///srv/notes.txt, file:///srv/** or memo:**"
    case .host: "a host name in lower case, or *. and one"
    case .protocolVersion: "a version such as 2025-11-25"
    case .rate: "a rate such as 30/min: a number from 1 to 1000000, and s, min or h"
    }
  }

  /// A value to show as an example.
  var example: String {
    switch self {
    case .anything: "\"text\""
    case .description: "Read one Git repository"
    case .reason: "it reads the sensors' values"
    case .profileName: "git"
    case .variableName: "repository"
    case .environmentName: "GIT_OPTIONAL_LOCKS"
    case .program: "mcp-server-git"
    case .toolName: "git_status"
    case .argumentName: "max_count"
    case .toolDescription: "Show the newest commits"
    case .argumentHost: "example.com"
    case .pattern: "\"^[a-z]+$\""
    case .leading: "\"-\""
    case .systemCall: "io_setup"
    case .path: "/srv/data"
    case .resource: "\"file:///srv/data/**\""
    case .host: "accounts.example.com"
    case .protocolVersion: "2025-11-25"
    case .rate: "30/min"
    }
  }

  /// The rule as a regular expression of JSON Schema, where it is one.
  var pattern: String? {
    switch self {
    case .anything, .description, .reason, .toolDescription, .leading, .pattern: nil
    case .profileName: "^[a-z0-9][a-z0-9._-]{0,63}$"
    case .variableName: "^[a-z][a-z0-9_]{0,63}$"
    case .environmentName: "^[A-Za-z_][A-Za-z0-9_]{0,255}$"
    case .program: "^(/|\\$\\{|[^/]+$)"
    case .toolName: "^[^\\u0000-\\u001f\\u007f]{1,256}$"
    case .argumentName: "^[^\\u0000]{1,256}$"
    case .argumentHost: "^((\\*\\.)?[A-Za-z0-9_.-]{1,253}|\\[[0-9A-Fa-f:]{2,39}\\]|.*\\$\\{.*)$"
    case .systemCall: "^[a-z_][a-z0-9_]{0,63}$"
    case .path: "^(/|\\$\\{)"
    case .resource: "^([A-Za-z][A-Za-z0-9+.-]*:[^\\u0000-\\u0020*\\u007f]*(\\*\\*)?|\\$\\{.*|\\*)$"
    case .host: "^(\\*\\.)?[a-z0-9_-]+(\\.[a-z0-9_-]+)*$"
    case .protocolVersion: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
    case .rate: "^[1-9][0-9]{0,6}/(s|min|h)$"
    }
  }

  /// Whether a string keeps the rule. Paths and programs are looked at again by `PathText`.
  func allows(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    func isNamed(_ first: (UInt8) -> Bool, _ rest: (UInt8) -> Bool, most: Int) -> Bool {
      guard let head = bytes.first, bytes.count <= most else { return false }
      return first(head) && bytes.dropFirst().allSatisfy(rest)
    }
    func isLower(_ byte: UInt8) -> Bool { (97...122).contains(byte) }
    func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
    func isLetter(_ byte: UInt8) -> Bool {
      isLower(byte) || (65...90).contains(byte) || byte == 0x5F
    }
    func isHost(_ bytes: ArraySlice<UInt8>) -> Bool {
      let name = bytes.starts(with: [0x2A, 0x2E]) ? bytes.dropFirst(2) : bytes
      let labels = name.split(separator: 0x2E, omittingEmptySubsequences: false)
      return name.count <= 253
        && labels.allSatisfy { label in
          !label.isEmpty && label.count <= 63
            && label.allSatisfy { isLower($0) || isDigit($0) || $0 == 0x2D || $0 == 0x5F }
        }
    }
    switch self {
    case .anything, .path, .argumentHost: return true
    case .argumentName: return (1...256).contains(bytes.count)
    case .toolDescription: return (1...4096).contains(bytes.count)
    case .pattern: return (1...1024).contains(bytes.count)
    case .leading: return (1...64).contains(bytes.count)
    case .program: return !text.isEmpty
    case .description: return bytes.count <= 1024
    case .reason: return (1...1024).contains(bytes.count)
    case .profileName:
      return isNamed(
        { isLower($0) || isDigit($0) },
        { isLower($0) || isDigit($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }, most: 64)
    case .variableName:
      return isNamed(isLower, { isLower($0) || isDigit($0) || $0 == 0x5F }, most: 64)
    case .systemCall:
      return isNamed(
        { isLower($0) || $0 == 0x5F }, { isLower($0) || isDigit($0) || $0 == 0x5F }, most: 64)
    case .environmentName:
      return isNamed(isLetter, { isLetter($0) || isDigit($0) }, most: 256)
    case .resource: return ResourceText.isRule(bytes)
    case .rate: return Profile.Rate(text) != nil
    case .host: return isHost(bytes[...])
    case .protocolVersion:
      return bytes.count == 10
        && bytes.enumerated().allSatisfy {
          $0.offset == 4 || $0.offset == 7 ? $0.element == 0x2D : isDigit($0.element)
        }
    case .toolName:
      return (1...256).contains(bytes.count) && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
  }
}
