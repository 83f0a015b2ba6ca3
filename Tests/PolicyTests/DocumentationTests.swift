import Foundation
import Testing
import Wire

@testable import Policy

@Suite("The page on the audit log")
struct DocumentationTests {
  static let page: String = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try? String(contentsOf: root.appending(path: "docs/audit.md"), encoding: .utf8)
    return text ?? ""
  }()

  @Test("says of every reason what it means", arguments: Reason.allCases.map(\.rawValue))
  func reasons(_ name: String) {
    #expect(DocumentationTests.page.contains("\n| `\(name)` | "))
  }

  @Test("says of every reason of the decoder what it means", arguments: WireReason.allCases)
  func wireReasons(_ reason: WireReason) {
    #expect(DocumentationTests.page.contains("\n| `\(reason.rawValue)` | "))
  }

  @Test("names every kind of record, verdict and outcome")
  func kinds() {
    let names =
      Event.Name.allCases.map(\.rawValue) + Event.Verdict.allCases.map(\.rawValue)
      + Event.Outcome.allCases.map(\.rawValue)
    for name in names { #expect(DocumentationTests.page.contains("`\(name)`"), "\(name)") }
  }
}
