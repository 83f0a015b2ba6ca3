public import Profile
internal import Wire

/// The part of a profile that decides on messages, compiled for speed.
public struct Rules: Sendable {
  /// Whether every tool is allowed, and the line that says so.
  let everything: Int?
  /// The line of `tools.allow`, 0 if the profile has none.
  let toolsLine: Int
  /// The allowed names, as canonical string content.
  private let names: NameTable
  /// The line of each name, by its number.
  private let lines: [Int]
  /// The canonical content of each name, by its number.
  private let contents: [[UInt8]]
  /// What passes besides tools.
  let permissions: Permissions
  /// How many requests of one side may be in flight.
  let inFlight: Int
  /// The largest message, in bytes.
  let maxSize: Int
  /// What is done to the strings of the server's messages.
  let texts: TextRules
  /// The largest list and the largest other result that the client is given, in bytes.
  let maxList: Int, maxResult: Int

  /// Compiles the profile's rules.
  public init(profile: Profile) {
    var table = NameTable()
    var lines: [Int] = []
    var contents: [[UInt8]] = []
    toolsLine = profile.tools.line
    switch profile.tools.allow {
    case .everything(let line): everything = line
    case .names(let allowed):
      everything = nil
      for name in allowed {
        let content = canonicalContent(of: Array(name.value.utf8))
        guard table.insert(content) else { continue }
        lines.append(name.line)
        contents.append(content)
      }
    }
    names = table
    self.lines = lines
    self.contents = contents
    permissions = Permissions(profile: profile)
    inFlight = max(profile.messages.inFlight, 1)
    maxSize = profile.messages.maxSize
    texts = TextRules(profile.text)
    maxList = min(profile.text.maxList, maxSize)
    maxResult = profile.text.maxResult ?? maxSize
  }

  /// Whether a tool is allowed, by the bytes of its name; then its line, and its name to keep.
  func tool(_ range: Range<Int>, in bytes: [UInt8]) -> (line: Int, name: [UInt8])? {
    guard texts.shows(name: range, in: bytes) else { return nil }
    if let everything {
      guard range.count <= Bounds.identifier else { return nil }
      return (everything, Array(bytes[range]))
    }
    guard let number = names.number(of: range, in: bytes) else { return nil }
    return (lines[number], contents[number])
  }

  /// Whether a tool is allowed, by the bytes of its name.
  func allows(_ range: Range<Int>, in bytes: [UInt8]) -> Bool {
    if everything != nil { return range.count <= Bounds.identifier }
    return names.number(of: range, in: bytes) != nil
  }
}

/// What a text is between the quotes of a canonical JSON string: equal texts have equal bytes.
func canonicalContent(of utf8: [UInt8]) -> [UInt8] {
  var writer = ByteWriter()
  writer.appendString(utf8)
  return Array(writer.bytes.dropFirst().dropLast())
}
