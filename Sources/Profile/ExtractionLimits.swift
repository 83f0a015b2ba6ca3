/// Reads what bounds calls in time and number.
extension Profile.CallLimits {
  init(_ node: Node?) {
    self.init()
    guard let node else { return }
    rate = node["rate"].flatMap { place in
      let burst = node["burst"]?.scalar.flatMap { Int($0.text) }
      return place.scalar.flatMap { Profile.Rate($0.text, burst: burst) }.map {
        Located($0, line: place.position.line, column: place.position.column)
      }
    }
    inFlight = Profile.located(node["in_flight"]) { Int($0) }
    if let text = node["timeout"]?.scalar?.text {
      timeout =
        text == "unlimited" ? .unlimited : Quantity.duration(text).map { .seconds($0) }
    }
    breaker = node["breaker"].map { $0.scalar == nil ? .on(Profile.Breaker($0)) : .off }
  }
}

extension Profile.Breaker {
  init(_ node: Node) {
    self.init()
    func integer(_ key: String) -> Int? { node[key]?.scalar.flatMap { Int($0.text) } }
    func duration(_ key: String) -> UInt64? {
      node[key]?.scalar.flatMap { Quantity.duration($0.text) }
    }
    failures = integer("failures") ?? failures
    minimum = integer("minimum") ?? failures
    window = duration("window") ?? window
    pause = duration("pause") ?? pause
    successes = integer("successes") ?? successes
    countsToolErrors = node["tool_errors"]?.scalar?.text != "ignore"
  }
}

extension Profile.CallBudget {
  init(_ node: Node?) {
    self.init()
    calls = Profile.located(node?["calls"]) { Int($0) }
    bytes = Profile.located(node?["bytes"]) { Quantity.size($0).flatMap { Int(exactly: $0) } }
  }
}

extension Profile {
  /// A scalar that was found good, with its place.
  fileprivate static func located<Value>(
    _ node: Node?, _ read: (String) -> Value?
  ) -> Located<Value>? {
    guard let node, let value = node.scalar.flatMap({ read($0.text) }) else { return nil }
    return Located(value, line: node.position.line, column: node.position.column)
  }
}
