import Foundation
import Linux
import Policy
import Profile
import Testing
import Wire

@testable import Session

/// A relay in a thread of its own, with both ends of everything it holds.
final class RelayHarness: @unchecked Sendable {
  let clientInput: Int32
  let clientOutput: Int32
  let serverInput: Int32
  let serverOutput: Int32
  let serverError: Int32
  let errorOutput: Int32
  let control: Int32
  let auditPath: String
  private let ownsAudit: Bool
  private let ended = DispatchSemaphore(value: 0)
  private let lock = NSLock()
  private var buffers: [Int32: [UInt8]] = [:]

  /// - Parameters:
  ///   - tools: the tools that the profile allows, as YAML.
  ///   - schemas: whether calls are held to the server's schemas.
  ///   - audit: what to open for the records.
  init(
    tools: String = "[echo]", schemas: String = "ignore", maxSize: String = "4MiB",
    audit: String? = nil, opens: Bool = true,
    transfer: Transfer = .nonblocking, diagnosis: String? = nil
  ) throws {
    Signal.ignoreBrokenPipe()
    let text = """
      version: 1
      name: trial
      extends: static
      server: {command: [/bin/true]}
      tools: {schemas: \(schemas), unknown_arguments: allow, allow: \(tools)}
      messages: {max_size: \(maxSize)}
      """
    let (profile, diagnostics) = ProfileLoader(file: "trial.yaml").load(Array(text.utf8))
    let rules = Rules(profile: try #require(profile, "\(diagnostics)"))
    func pipe(nonblocking: WritableKeyPath<(read: Int32, write: Int32), Int32>) throws -> (
      read: Int32, write: Int32
    ) {
      let pipe = try Descriptor.pipe()
      let ends = (
        read: try Descriptor.duplicate(pipe.read.rawValue).release(),
        write: try Descriptor.duplicate(pipe.write.rawValue).release()
      )
      try Descriptor.setNonblocking(ends[keyPath: nonblocking])
      return ends
    }
    let (toRelay, fromRelay) = try Self.clientPipes(transfer)
    let toServer = try pipe(nonblocking: \.write)
    let fromServer = try pipe(nonblocking: \.read)
    let serverErrors = try pipe(nonblocking: \.read)
    let ourErrors = try pipe(nonblocking: \.write)
    let sockets = try Descriptor.socketPair()
    let path = audit ?? NSTemporaryDirectory() + "relay-\(UUID().uuidString).jsonl"
    auditPath = path
    ownsAudit = audit == nil
    if audit == nil { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    let file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    try #require(file >= 0)
    clientInput = toRelay.write
    clientOutput = fromRelay.read
    serverInput = toServer.read
    serverOutput = fromServer.write
    serverError = serverErrors.write
    errorOutput = ourErrors.read
    control = try Descriptor.duplicate(sockets.ours.rawValue).release()
    let theirs = try Descriptor.duplicate(sockets.theirs.rawValue).release()
    let configuration = RelayConfiguration(
      clientInput: toRelay.read, clientInputTransfer: transfer,
      clientOutput: fromRelay.write, clientOutputTransfer: transfer,
      serverInput: toServer.write, serverOutput: fromServer.read,
      serverError: serverErrors.read, errorOutput: ourErrors.write,
      errorOutputTransfer: .nonblocking, control: theirs, audit: file, session: "trial-1",
      firstSequence: 1, arguments: .shape, profileName: "trial", rules: rules,
      limits: WireLimits(maxSize: profile?.messages.maxSize ?? 0),
      identifierSeed: Array(repeating: 7, count: 16),
      questionSeed: Array(repeating: 9, count: 16), diagnosis: diagnosis)
    let thread = Thread { [ended] in
      var loop = RelayLoop(configuration)
      do { try loop.run() } catch { Issue.record("the relay failed: \(error)") }
      // What the end of the process would close.
      for descriptor in [
        toRelay.read, fromRelay.write, fromServer.read, serverErrors.read, ourErrors.write,
        theirs, file,
      ] { Glibc.close(descriptor) }
      ended.signal()
    }
    thread.stackSize = 1 << 20
    thread.start()
    #expect(try hear() == .ready)
    if opens { try tell(.open) }
  }

  deinit { if ownsAudit { unlink(auditPath) } }

  /// What a client hands over: pipes of our own, pipes shared with others, or sockets.
  private static func clientPipes(_ transfer: Transfer) throws -> (
    toRelay: (read: Int32, write: Int32), fromRelay: (read: Int32, write: Int32)
  ) {
    var ends: [[Int32]] = []
    for _ in 0..<2 {
      var pair: [Int32] = [-1, -1]
      let made =
        transfer == .socket
        ? socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) : Glibc.pipe(&pair)
      try #require(made == 0)
      ends.append(pair)
    }
    if transfer == .nonblocking {
      try Descriptor.setNonblocking(ends[0][0])
      try Descriptor.setNonblocking(ends[1][1])
    }
    return ((ends[0][0], ends[0][1]), (ends[1][0], ends[1][1]))
  }

  func tell(_ kind: ControlMessage.Kind, _ number: Int64 = 0) throws {
    try ControlMessage(kind, [number]).send(to: control, waiting: true)
  }

  /// The next thing that the relay says, nil if it says nothing for five seconds.
  func next() throws -> ControlMessage? {
    var entries = [PollEntry(descriptor: control, events: .input)]
    guard try Poll.wait(&entries, timeoutMilliseconds: 5000) > 0 else { return nil }
    return try ControlMessage.receive(from: control)
  }

  func hear() throws -> ControlMessage.Kind? { try next()?.kind }

  func write(_ descriptor: Int32, _ text: String) throws {
    try Descriptor.writeAll(descriptor, Array(text.utf8))
  }

  /// The next line, nil at the end of the file or if none comes.
  func line(_ descriptor: Int32, milliseconds: Int32 = 5000) throws -> String? {
    while true {
      // Tests read the two sides from threads of their own.
      let bytes = lock.withLock { buffers[descriptor] ?? [] }
      if let end = bytes.firstIndex(of: 10) {
        lock.withLock { buffers[descriptor] = Array(bytes[(end + 1)...]) }
        return String(decoding: bytes[..<end], as: UTF8.self)
      }
      var entries = [PollEntry(descriptor: descriptor, events: .input)]
      guard try Poll.wait(&entries, timeoutMilliseconds: milliseconds) > 0 else { return nil }
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      let count = try Descriptor.read(descriptor, into: &chunk, from: 0)
      if count == 0 { return nil }
      lock.withLock { buffers[descriptor, default: []] += chunk[..<count] }
    }
  }

  /// The records, in order.
  func records() throws -> [[String: Any]] {
    let data = try Data(contentsOf: URL(fileURLWithPath: auditPath))
    return try data.split(separator: 10).map {
      try #require(try JSONSerialization.jsonObject(with: $0) as? [String: Any])
    }
  }

  func close(_ descriptor: Int32) { Glibc.close(descriptor) }

  /// Plays the end of a session in which the server ended with `status`.
  func finish(status: Int64 = 0) throws -> Counters {
    close(serverOutput)
    close(serverError)
    try tell(.serverEnded, status)
    while let message = try next() {
      if message.kind == .finished {
        #expect(ended.wait(timeout: .now() + 5) == .success)
        return Counters(message.numbers)
      }
    }
    Issue.record("the relay never finished")
    return Counters()
  }
}

/// A call of a tool.
func call(_ id: Int, _ tool: String = "echo", _ arguments: String = "{}") -> String {
  #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(tool)","arguments":"#
    + arguments + "}}"
}

/// A result.
func result(_ id: Int, _ text: String = "ok") -> String {
  #"{"jsonrpc":"2.0","id":\#(id),"result":{"content":[{"type":"text","text":"\#(text)"}]}}"#
}
