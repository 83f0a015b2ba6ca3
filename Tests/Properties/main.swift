// Properties that hold for a million generated documents and for every spelling of generated
// messages. A failure prints its seed; `properties SEED` plays that one alone.

import Generators
import Glibc

let alone = CommandLine.arguments.dropFirst().first.flatMap { UInt64($0) }
let begin = alone ?? 1

/// Tries seeds until one fails; says which and why.
func hold(_ name: String, _ count: UInt64, _ property: (UInt64) -> String?) -> Bool {
  for seed in begin..<(alone.map { $0 + 1 } ?? begin + count) {
    if let fault = property(seed) {
      print("✘ \(name): seed \(seed): \(fault)")
      return false
    }
  }
  print("✔ \(name), \(alone == nil ? count : 1) times")
  return true
}

var identity = Identity()
var verdicts = Verdicts()
let results = [
  hold("what is emitted is what was decoded", 1_000_000) { identity.fault($0) },
  hold("no verdict depends on spelling or the order of keys", 100_000) { verdicts.fault($0) },
]
let passed = results.count { $0 }
print(
  "messages let through \(verdicts.passed), stopped \(verdicts.stopped), not read \(verdicts.unread)"
)
print("\(passed) passed, \(results.count - passed) failed, 0 skipped")
exit(passed == results.count ? 0 : 1)
