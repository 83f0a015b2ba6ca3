public import Profile
internal import Wire

/// The part of a profile that decides on messages, compiled for speed.
public struct Rules: Sendable {
  /// The line of `tools.allow`, 0 if the profile has none.
  let toolsLine: Int
  /// The profile's name.
  let name: String
  /// How long (µs) the person has to answer.
  let askTimeout: Int64
  /// Which tools are allowed, and what is demanded of their calls.
  let tools: ToolRules
  /// What passes besides tools.
  let permissions: Permissions
  /// How many requests of one side may be in flight.
  let inFlight: Int
  /// The largest message, in bytes.
  let maxSize: Int
  /// How long the server has to answer a request of our own, µs.
  let ownTimeout: Int64
  /// What is done to the strings of the server's messages.
  let texts: TextRules
  /// The largest list and the largest other result that the client is given, in bytes.
  let maxList: Int, maxResult: Int
  /// No answer of this size is too large.
  let maxPlain: Int
  /// Whether a server that fails is followed by another one.
  let restarts: Bool

  /// Compiles the profile's rules; `comparesTools`: no call passes before what the server says of its
  /// tool was compared with what is pinned.
  public init(profile: Profile, comparesTools: Bool = false) {
    toolsLine = profile.tools.line
    name = profile.name
    askTimeout = Int64(clamping: profile.tools.askTimeout) * 1_000_000
    tools = ToolRules(profile, comparesTools: comparesTools)
    permissions = Permissions(profile: profile)
    inFlight = max(profile.messages.inFlight, 1)
    maxSize = profile.messages.maxSize
    ownTimeout = Int64(profile.messages.ownTimeout) * 1_000_000
    texts = TextRules(profile)
    maxList = min(profile.text.maxList ?? maxSize, maxSize)
    maxResult = profile.text.maxResult ?? maxSize
    maxPlain = min(maxList, maxResult)
    restarts = profile.server.restart != nil
  }
}

/// What a text is between the quotes of a canonical JSON string: equal texts have equal bytes.
func canonicalContent(of utf8: [UInt8]) -> [UInt8] {
  var writer = ByteWriter()
  writer.appendString(utf8)
  return Array(writer.bytes.dropFirst().dropLast())
}
