internal import Linux

extension RelayConfiguration {
  /// Data that the relay may hold apart from messages: the program's own, and what small messages
  /// and records need.
  private static let dataAtRest: UInt64 = 64 << 20
  /// How often a message of the largest size may be in its memory at once: as it is read, decoded,
  /// put together from pages and queued, in both directions, each in storage that grows by doubling.
  private static let copiesOfMessage: UInt64 = 16

  /// What the relay may use (setrlimit(2)): a second wall behind the filter for processes and open
  /// files, and the only one for memory. Messages and profile decide on the rest.
  ///
  /// Throws when the caller's own limits cannot be read; where they are lower, they stay.
  func limitsOfProcess() throws(Errno) -> [ResourceLimit] {
    let data = Self.dataAtRest + Self.copiesOfMessage * UInt64(limits.maxSize)
    // poll(2) takes as many entries as files may be open: see `RelayLoop`.
    let files = UInt64(max((descriptors.last ?? 0) + 1, 16))
    var limits: [ResourceLimit] = []
    for (resource, value) in [
      (ResourceLimit.Resource.data, data), (.processes, 0), (.openFiles, files),
    ] {
      let ceiling = try ResourceLimit.current(resource).hard
      limits.append(ResourceLimit(resource, min(value, ceiling)))
    }
    return limits
  }
}
