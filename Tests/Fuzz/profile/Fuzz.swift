/// libFuzzer's entry: any bytes are a profile, with settings that its own first bytes choose.
///
/// Compiled together with the sources of `Profile`, so that all of it is instrumented.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProfile(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: count))
  var loader = ProfileLoader(
    file: "fuzz",
    settings: [
      ProfileLoader.Setting(name: "repository", value: "../a"),
      ProfileLoader.Setting(name: "a", value: "${b}\n*&!"),
    ], workingDirectory: "/home/me")
  loader.requiresSettings = (bytes.first ?? 0) % 2 == 0
  let (profile, diagnostics) = loader.load(bytes)
  // What must always hold: a profile or an error, and places that are in the text.
  precondition((profile == nil) == diagnostics.contains { $0.severity == .error })
  let lines = bytes.count { $0 == 0x0A } + 1
  for finding in diagnostics {
    precondition((0...lines).contains(finding.line))
    precondition(finding.message.unicodeScalars.allSatisfy { !$0.isHidden })
  }
  guard let profile else { return 0 }
  // And of what a good profile grants: plain absolute paths, and names that were checked.
  let filesystem = profile.filesystem
  for grant in filesystem.read + filesystem.write + filesystem.hide {
    precondition(PathText.fault(grant.path) == nil && grant.path != "/")
  }
  precondition(TextRule.profileName.allows(profile.name))
  for variable in profile.server.environment {
    precondition(TextRule.environmentName.allows(variable.name))
    precondition(!variable.value.utf8.contains(0))
  }
  return 0
}
