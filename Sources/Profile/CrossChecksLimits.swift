/// What no single key shows of the bounds of calls.
extension CrossChecks {
  mutating func checkCallLimits(_ root: Node) {
    guard let tools = root["tools"] else { return }
    let section = Profile.CallLimits(tools)
    checkLimits(tools, "tools", breaker: section.breaker, timeout: section.timeout)
    let messages = root["messages", "in_flight"]?.scalar.flatMap { Int($0.text) } ?? 64
    if let place = tools["in_flight"], let most = section.inFlight, most.value > messages {
      never(place, "tools.in_flight", most.value, "messages.in_flight", messages)
    }
    let entries = ["ask", "allow"].flatMap { tools[$0]?.elements ?? [] }
    for element in entries where element.scalar == nil {
      let name = element["name"]?.scalar?.text ?? ""
      let limits = Profile.CallLimits(element)
      checkLimits(
        element, "the tool \(quoted(name))", breaker: limits.breaker ?? section.breaker,
        timeout: limits.timeout ?? section.timeout)
      let all = section.inFlight?.value ?? messages
      if let place = element["in_flight"], let own = limits.inFlight, own.value > all {
        let key = section.inFlight == nil ? "messages.in_flight" : "tools.in_flight"
        never(place, "in_flight", own.value, key, all)
      }
      if let place = element["rate"], let own = limits.rate, let all = section.rate,
        own.value.count * all.value.period.seconds > all.value.count * own.value.period.seconds
      {
        findings.warning(
          place.position,
          "the rate of the tool \(quoted(name)) is never reached: tools.rate is lower",
          hint: "lower it, or leave it out")
      }
    }
  }

  private mutating func never(
    _ place: Node, _ key: String, _ value: Int, _ other: String, _ most: Int
  ) {
    findings.warning(
      place.position, "\(key) \(value) is never reached: \(other) is \(most)",
      hint: "lower it, or leave it out")
  }

  /// The keys that the section and an entry share.
  private mutating func checkLimits(
    _ node: Node, _ what: String, breaker: Profile.BreakerUse?, timeout: Profile.Timeout?
  ) {
    if let burst = node["burst"], node["rate"] == nil {
      findings.warning(
        burst.position, "the burst of \(what) changes nothing without a rate",
        hint: "write rate: 30/min beside it")
    }
    guard let place = node["breaker"], place.scalar == nil, case .on(let own) = breaker else {
      return
    }
    if let minimum = place["minimum"], own.minimum < own.failures {
      findings.warning(
        minimum.position,
        "minimum \(own.minimum) changes nothing: \(own.failures) failures are as many answers",
        hint: "write more than \(own.failures), or leave it out")
    }
    if timeout == nil || timeout == .unlimited {
      findings.warning(
        place.position, "the breaker of \(what) does not see calls that are never answered",
        hint: "write timeout: 60s beside it")
    }
    if let rate = Profile.CallLimits(node).rate?.value {
      let window = Int(own.window)
      let most = rate.burst + window * rate.count / rate.period.seconds
      let needed = max(own.failures, own.minimum)
      if most < needed {
        findings.warning(
          place.position,
          "the breaker of \(what) never opens: its rate lets \(most) calls through in "
            + "\(Quantity.show(duration: own.window)), and \(needed) are needed",
          hint: "write fewer failures, or a longer window")
      }
    }
  }
}
