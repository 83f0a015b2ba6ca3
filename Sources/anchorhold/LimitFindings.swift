internal import Profile

/// What `check` says of the bounds of calls.
enum LimitFindings {
  /// What bounds all tools together.
  static func together(_ tools: Profile.Tools) -> [String] {
    var parts = bounds(tools.limits, of: "all calls")
    if let calls = tools.budget.calls { parts.append("\(calls.value) calls in a session") }
    if let bytes = tools.budget.bytes {
      parts.append("\(bytes.value) bytes of calls and answers in a session")
    }
    return parts
  }

  /// What an entry, or the section, bounds.
  static func bounds(_ limits: Profile.CallLimits, of what: String) -> [String] {
    var parts: [String] = []
    if let rate = limits.rate?.value {
      let burst = rate.burst == rate.count ? "" : ", \(rate.burst) at once"
      parts.append("at most \(rate.text) of \(what)\(burst)")
    }
    if let most = limits.inFlight { parts.append("\(most.value) of \(what) in flight") }
    switch limits.timeout {
    case .seconds(let seconds): parts.append("a call is cancelled after \(seconds) s")
    case .unlimited: parts.append("a call takes as long as it likes")
    case nil: break
    }
    switch limits.breaker {
    case .on(let breaker):
      parts.append(
        "a tool rests for \(breaker.pause) s after \(breaker.failures) failures within "
          + "\(breaker.window) s")
    case .off: parts.append("never rests")
    case nil: break
    }
    return parts
  }

  /// What is easily taken for something else.
  static func notes(on tools: Profile.Tools) -> [String] {
    tools.allow.compactMap { tool in
      guard tool.isPattern, tool.limits.rate != nil || tool.limits.inFlight != nil else {
        return nil
      }
      let keys = [
        tool.limits.rate == nil ? nil : "rate", tool.limits.inFlight == nil ? nil : "in_flight",
      ]
      return "line \(tool.name.line): \(keys.compactMap(\.self).joined(separator: " and ")) "
        + "of \(quoted(tool.name.value)) counts all tools that match together"
    }
  }
}
