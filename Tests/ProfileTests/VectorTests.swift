import Foundation
import Testing

@testable import Profile

@Suite("The vectors of profiles")
struct VectorTests {
  @Test("each profile gets exactly the findings of its vector", arguments: try Vector.all())
  func findings(_ vector: Vector) throws {
    let (profile, diagnostics) = vector.loader.load(vector.text)
    let lines = Vector.lines(diagnostics)
    if ProcessInfo.processInfo.environment["ANCHORHOLD_WRITE_VECTORS"] == "1" {
      try write(lines, into: vector)
      return
    }
    #expect(lines == vector.expectations)
    #expect((profile == nil) == diagnostics.contains { $0.severity == .error })
    #expect(diagnostics.allSatisfy { $0.message.unicodeScalars.allSatisfy { !$0.isHidden } })
    #expect(diagnostics.allSatisfy { !$0.message.hasSuffix(".") })
  }

  @Test("every file of the vectors is one")
  func complete() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Vector.directory.path())
    #expect(try Vector.all().map { $0.name + ".vector" } == files.sorted())
    #expect(files.count >= 115)
  }

  /// Writes what was found into the header; what it says must then be read and judged.
  private func write(_ lines: [String], into vector: Vector) throws {
    let header =
      lines.map { $0.hasPrefix("hint: ") ? $0 : "expect: \($0)" }
      + vector.settings.map { "set: \($0.name)=\($0.value)" }
    var contents = Data((header.joined(separator: "\n") + "\n===\n").utf8)
    contents.append(contentsOf: vector.text)
    try contents.write(to: Vector.directory.appending(path: vector.name + ".vector"))
  }
}
