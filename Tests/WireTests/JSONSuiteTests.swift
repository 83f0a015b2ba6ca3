import Foundation
import Testing
import Wire

/// Files of nst/JSONTestSuite that we decide otherwise on purpose, or that it leaves open.
private let refusedOnPurpose: [String: WireReason] = [
  // RFC 8259 says names SHOULD be unique; readers disagree on what a duplicate means.
  "y_object_duplicated_key.json": .duplicateKey,
  "y_object_duplicated_key_and_value.json": .duplicateKey,
]

/// `i_` files that are accepted, each for the same reason: numbers are kept as they are written
/// and never converted, so that none can overflow or underflow here.
private let acceptedOnPurpose: Set<String> = [
  "i_number_double_huge_neg_exp.json", "i_number_huge_exp.json",
  "i_number_neg_int_huge_exp.json", "i_number_pos_double_huge_exp.json",
  "i_number_real_neg_overflow.json", "i_number_real_pos_overflow.json",
  "i_number_real_underflow.json", "i_number_too_big_neg_int.json",
  "i_number_too_big_pos_int.json", "i_number_very_big_negative_int.json",
]

private let suite: [String] = {
  guard let folder = shared?.appending(path: "json-test-suite/test_parsing") else { return [] }
  return (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
}()

@Suite("The JSON parsing suite", .enabled(if: !suite.isEmpty, "the shared test data is not here"))
struct JSONSuiteTests {
  @Test("each file is accepted or refused as it must be", arguments: suite)
  func file(_ name: String) throws {
    let folder = try #require(shared).appending(path: "json-test-suite/test_parsing")
    let outcome = decodeValue([UInt8](try Data(contentsOf: folder.appending(path: name))))
    if let reason = refusedOnPurpose[name] {
      #expect(outcome.reason == reason)
    } else if name.hasPrefix("y_") || acceptedOnPurpose.contains(name) {
      #expect(outcome.document != nil, "refused: \(String(describing: outcome.error))")
    } else {
      #expect(outcome.document == nil)
    }
  }

  @Test("the suite is all there, so that the loop above proves something")
  func complete() {
    #expect(suite.filter { $0.hasPrefix("y_") }.count == 95)
    #expect(suite.filter { $0.hasPrefix("n_") }.count == 188)
    #expect(suite.filter { $0.hasPrefix("i_") }.count == 35)
  }
}

@Suite("Messages of real sessions", .enabled(if: shared != nil, "the shared test data is not here"))
struct CorpusTests {
  @Test("each one decodes, means the same to another JSON reader, and decodes again to itself")
  func corpus() throws {
    let file = try #require(shared).appending(path: "wire-corpus.log")
    let lines = try Data(contentsOf: file).split(separator: 10)
    #expect(lines.count == 1360)
    for line in lines {
      let message = [UInt8](line.dropFirst(2))
      let outcome = decode(message)
      let document = try #require(outcome.document, "\(text(message)): \(outcome)")
      let before = try JSONSerialization.jsonObject(with: Data(message)) as? NSDictionary
      let after = try JSONSerialization.jsonObject(with: Data(document.bytes)) as? NSDictionary
      #expect(before != nil && before == after)
      #expect(decode(document.bytes).document?.bytes == document.bytes)
    }
  }
}
