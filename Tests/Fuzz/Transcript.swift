// What a fuzzer tells the oracle: a part of what it tried, or all of it, as lines of JSON.

import Glibc

/// Ends the run: what the fuzzer looks for has been found. Unlike a precondition it says what,
/// optimised as well.
func fail(_ what: String) -> Never {
  let line = Array("anchorhold: \(what)\n".utf8)
  _ = unsafe line.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
  abort()
}

/// Ends the run unless something holds.
func demand(_ holds: Bool, _ what: @autoclosure () -> String) {
  if !holds { fail(what()) }
}

/// The record of one input, written to the descriptor FUZZ_TRANSCRIPT for one input in FUZZ_SAMPLE.
struct Transcript {
  nonisolated(unsafe) private static var inputs = 0
  private static let descriptor = number("FUZZ_TRANSCRIPT")
  private static let sample = number("FUZZ_SAMPLE") ?? 1

  private var text = ""
  private let isWanted: Bool

  init(_ input: [UInt8]) {
    Transcript.inputs += 1
    isWanted = Transcript.descriptor != nil && Transcript.inputs % Transcript.sample == 0
    if isWanted { text = #"{"input":"\#(Transcript.hex(input))","steps":["# }
  }

  private static func number(_ name: String) -> Int? {
    unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) }
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      output.append(digits[Int(byte >> 4)])
      output.append(digits[Int(byte & 15)])
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// One text that was read, as a `message` or a `value`: why not, or what came out.
  mutating func add(
    _ kind: StaticString, _ input: [UInt8], _ reason: String?, _ output: [UInt8],
    from side: StaticString = "client", profile: Int = 0,
    sent: [(toClient: Bool, line: [UInt8])] = []
  ) {
    guard isWanted else { return }
    if !text.hasSuffix("[") { text += "," }
    text += #"{"kind":"\#(kind)","in":"\#(Transcript.hex(input))","side":"\#(side)""#
    text += #","profile":\#(profile),"#
    text += reason.map { #""reason":"\#($0)""# } ?? #""out":"\#(Transcript.hex(output))""#
    let lines = sent.map { toClient, line in
      #"["\#(toClient ? "client" : "server")","\#(Transcript.hex(line))"]"#
    }
    text += #","sent":["# + lines.joined(separator: ",") + "]}"
  }

  /// Hands it over; waits if the oracle is behind.
  func write() {
    guard isWanted, let descriptor = Transcript.descriptor else { return }
    var left = Array((text + "]}\n").utf8)[...]
    while !left.isEmpty {
      let count = unsafe left.withUnsafeBytes {
        unsafe Glibc.write(CInt(descriptor), $0.baseAddress, $0.count)
      }
      demand(count > 0, "the oracle is gone")
      left = left.dropFirst(count)
    }
  }
}
