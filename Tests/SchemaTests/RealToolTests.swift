import Foundation
import Schema
import Testing
import Wire

/// Tools lists of real servers, where this machine has them.
private let lists: [URL] = {
  let named = ProcessInfo.processInfo.environment["ANCHORHOLD_SHARED"].map {
    URL(fileURLWithPath: $0)
  }
  for place in [named, top.appending(path: "../shared").standardized].compactMap({ $0 }) {
    let folder = place.appending(path: "data/tools")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    if !names.isEmpty { return names.sorted().map { folder.appending(path: $0) } }
  }
  return []
}()

@Suite("Tools of real servers", .enabled(if: !lists.isEmpty, "the shared test data is not here"))
struct RealToolTests {
  @Test("each has schemas that compile, know their own arguments and refuse others")
  func compile() throws {
    var count = 0
    for list in lists {
      let document = try #require(decodeValue(try Data(contentsOf: list)))
      for tool in document.elements(of: document.root) {
        let input = try #require(document.member("inputSchema", of: tool))
        let schema = try Schema(compiling: document, at: input, closed: true)
        let other = try #require(decodeValue(#"{"no such argument":1}"#.utf8))
        guard case .invalid(let violation) = schema.check(other, other.root, steps: 10_000) else {
          Issue.record("an unknown argument passed")
          continue
        }
        #expect(["closed", "additionalProperties", "required"].contains(violation.keyword))
        if let required = document.member("required", of: input),
          !Array(document.elements(of: required)).isEmpty
        {
          let none = try #require(decodeValue("{}".utf8))
          #expect(schema.check(none, none.root, steps: 10_000) != .valid)
        }
        if let output = document.member("outputSchema", of: tool), output.kind == .object {
          _ = try Schema(compiling: document, at: output)
        }
        count += 1
      }
    }
    #expect(count >= 40)
  }
}
