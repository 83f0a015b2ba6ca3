// The profile parser under libFuzzer, compiled into one module with the sources of Profile.

/// Reads the input as a profile; there is a profile exactly when there is no error.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProfile(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  var loader = ProfileLoader(file: "fuzz.yaml")
  loader.requiresSettings = false
  let (profile, diagnostics) = loader.load(input)
  let failed = diagnostics.contains { $0.severity == .error }
  demand((profile == nil) == failed, "an error with a profile, or none without one")
  for diagnostic in diagnostics {
    demand(diagnostic.line >= 0 && diagnostic.column >= 0, "a position before the text")
    demand(!diagnostic.message.utf8.contains { $0 < 0x20 }, "a control byte in a message")
  }
  return 0
}
