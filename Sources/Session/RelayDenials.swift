internal import Audit
internal import Confinement
internal import Linux
internal import Policy
internal import Wire

/// What the relay knows of the system calls that were refused: which were recorded, and all of them
/// together.
struct RelayDenials: Sendable {
  /// The most kinds of calls with different tools that get a record of their own.
  static let mostRecorded = 512
  /// Bytes of a tool's name in a hint.
  private static let longestName = 128

  /// Where a profile allows system calls, if hints are wanted.
  let diagnosis: String?
  private var recorded: Set<[UInt8]> = []
  private var totals = [Int64](repeating: 0, count: DeniedCall.kinds)

  init(diagnosis: String?) { self.diagnosis = diagnosis }

  /// Counts refusals; whether they are the first of their call in this session.
  mutating func count(_ entry: DenialCounts.Entry) -> Bool {
    let isFirst = totals[entry.call.kind] == 0
    totals[entry.call.kind] += entry.count
    return isFirst
  }

  /// Whether a refusal gets a record of its own: the first of its call while just these tools run.
  mutating func isNew(
    _ call: DeniedCall, isFirst: Bool, during: [(id: RequestID, tool: [UInt8])]
  ) -> Bool {
    guard recorded.count < Self.mostRecorded else { return isFirst }
    var key = [UInt8(truncatingIfNeeded: call.kind), UInt8(truncatingIfNeeded: call.kind >> 8)]
    let tools = during.prefix(DenialRecord.mostCalls).map(\.tool)
    for tool in Set(tools).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      key += tool.prefix(Self.longestName) + [0]
    }
    return recorded.insert(key).inserted || isFirst
  }

  /// What `run --diagnose` says of a call's first refusal.
  func hint(
    _ entry: DenialCounts.Entry, during: [(id: RequestID, tool: [UInt8])]
  ) -> [UInt8]? {
    guard let diagnosis else { return nil }
    let call = entry.call
    let error = DeniedCall.name(ofError: entry.errno)
    let what = "the server was refused the system call \"\(call.name)\" (\(error))"
    var text = Array("anchorhold: hint: \(what)".utf8)
    var tools: [[UInt8]] = []
    for request in during where !tools.contains(request.tool) { tools.append(request.tool) }
    let before =
      tools.isEmpty
      ? " outside of any tool call"
      : tools.count == 1 ? " during tool " : " during one of the tools "
    text += Array(before.utf8)
    for (index, tool) in tools.prefix(DenialRecord.mostCalls).enumerated() {
      text += Array((index == 0 ? "\"" : ", \"").utf8)
      RelayText.append(tool, to: &text, limit: Self.longestName)
      text += [UInt8(ascii: "\"")]
    }
    let advice =
      call.remedy.map { "\($0) in \(diagnosis) would allow it" }
      ?? "nothing allows it (\(call.reason))"
    return text + Array("; \(advice)".utf8)
  }

  /// What `run --diagnose` says at the end; nil if nothing was refused.
  var summary: [UInt8]? {
    guard diagnosis != nil else { return nil }
    let parts = totals.indices.compactMap { kind in
      totals[kind] == 0 ? nil : DeniedCall(kind: kind).map { "\($0.name) \(totals[kind])" }
    }
    guard !parts.isEmpty else { return nil }
    return Array(
      "anchorhold: hint: refused system calls of this session: \(parts.joined(separator: ", "))"
        .utf8)
  }
}

extension RelayLoop {
  /// Records and shows what the monitor says was refused.
  ///
  /// It says so before the server hears of it, so the calls of tools that are in flight here are
  /// those that were when the system call was made.
  mutating func hearDenials(_ entries: [DenialCounts.Entry]) {
    let now = Clock.monotonicMicroseconds()
    for entry in entries {
      let isFirst = denials.count(entry)
      let during = window.callsInFlight
      var left = Int(entry.count)
      if entry.isFresh || isFirst, denials.isNew(entry.call, isFirst: isFirst, during: during) {
        recorder.addDenial(entry, during: during)
        left -= 1
      }
      if left > 0 { recorder.countDenials(entry.call, left, at: now) }
      if isFirst, let hint = denials.hint(entry, during: during) { errors.say(hint) }
    }
    errors.flush()
  }
}
