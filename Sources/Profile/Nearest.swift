/// The known name that a mistyped one probably stood for.
///
/// The distance counts insertions, deletions, replacements and swaps of neighbours; a name is
/// near when at most a third of its characters changed, and always at least one may.
public func nearest(to name: String, among known: [String]) -> String? {
  let bytes = Array(name.utf8)
  guard !bytes.isEmpty, bytes.count <= 64 else { return nil }
  var best: (name: String, distance: Int)?
  for candidate in known {
    let distance = editDistance(bytes, Array(candidate.utf8))
    guard distance <= max(1, candidate.utf8.count / 3) else { continue }
    if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
  }
  // `env` for `environment` is far by distance and plain to every reader.
  return best?.name ?? known.first { bytes.count >= 3 && $0.utf8.starts(with: bytes) }
}

/// Optimal string alignment distance of two short names.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for (row, byte) in left.enumerated() {
    var current = [row + 1]
    for (column, other) in right.enumerated() {
      let same = byte == other || (97...122).contains(other) && byte == other - 32
      var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
      if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
        cost = min(cost, beforeLast[column - 1] + 1)
      }
      current.append(cost)
    }
    beforeLast = last
    last = current
  }
  return last[right.count]
}
