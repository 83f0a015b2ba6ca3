internal import Policy
internal import Profile
internal import Wire

/// What `tools` is asked to do.
public struct ToolsRequest: Sendable {
  /// Whether the answer is JSON.
  public var isJSON: Bool
  /// What is approved: names of tools, `@instructions` and `@server`; everything if empty; nil for
  /// nothing.
  public var approves: [String]?
  /// How long the server has for its answers, in seconds.
  public var patience: Int64

  /// Asks for this.
  public init(isJSON: Bool, approves: [String]?, patience: Int64) {
    self.isJSON = isJSON
    self.approves = approves
    self.patience = patience
  }

  /// The names that are not of tools.
  public static let instructions = "@instructions", server = "@server"

  /// Whether the program is approved.
  var approvesServer: Bool {
    approves.map { $0.isEmpty || $0.contains { $0.utf8.elementsEqual(Self.server.utf8) } } ?? false
  }
}

extension RelayInspection {
  /// What the relay is to do for a request.
  init(_ tools: ToolsRequest, _ request: SessionRequest, _ pinning: Pinning?) {
    isJSON = tools.isJSON
    patience = tools.patience * 1_000_000
    profile = request.profile.name
    mode = request.profile.pins.rawValue
    file = pinning?.place.path ?? ""
    hasPins = pinning?.found != nil
    isServerChanged = pinning?.isServerChanged ?? false
    isProfileChanged = pinning?.isProfileChanged ?? false
    approvesServer = tools.approvesServer
    guard let names = tools.approves else {
      approval = .nothing
      return
    }
    func isSame(_ name: String, _ other: String) -> Bool { name.utf8.elementsEqual(other.utf8) }
    approval =
      names.isEmpty
      ? .everything
      : .tools(
        names.filter {
          !isSame($0, ToolsRequest.instructions) && !isSame($0, ToolsRequest.server)
        }.map { name in
          var writer = ByteWriter()
          writer.appendString(Array(name.utf8))
          return Array(writer.bytes.dropFirst().dropLast())
        }, instructions: names.contains { isSame($0, ToolsRequest.instructions) })
  }
}

extension InspectionEnd {
  /// Why nothing could be shown or approved; nil when it could.
  var error: SessionError? {
    switch self {
    case .shown: nil
    case .late:
      SessionError(
        "the server did not give its tools in time", hint: "give it longer with --timeout SECONDS")
    case .ended: SessionError("the server ended before it gave its tools")
    case .noList:
      SessionError(
        "the server gave no list of tools", hint: "the audit file has what it answered")
    case .unknownName: SessionError("nothing was approved")
    case .unwritten: SessionError("cannot write the answer")
    }
  }
}
