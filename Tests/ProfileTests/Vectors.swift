import Foundation
import Profile
import Testing

/// One scenario of `Tests/Vectors/profile`: a header, a line `===`, and the profile's text.
///
/// The header's lines are `expect: ok`, or `expect: LINE:COLUMN: MESSAGE` for each finding, each
/// followed by `hint: HINT` when it has one, and `set: NAME=VALUE` for each setting.
struct Vector: CustomTestStringConvertible, Sendable {
  var name: String
  var expectations: [String] = []
  var settings: [ProfileLoader.Setting] = []
  var text: [UInt8]

  var testDescription: String { name }

  var loader: ProfileLoader {
    ProfileLoader(file: "p.yaml", settings: settings, workingDirectory: "/home/me")
  }

  init(name: String, contents: [UInt8]) throws {
    let separator = Array("===\n".utf8)
    let found = contents.indices.first { contents[$0...].starts(with: separator) }
    guard let end = found else { throw VectorError(description: "\(name) has no === line") }
    self.name = name
    text = Array(contents[(end + separator.count)...])
    for line in String(decoding: contents[..<end], as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: ": ", maxSplits: 1).map(String.init)
      switch (parts.first, parts.last) {
      case ("expect", let value?): expectations.append(value)
      case ("hint", let value?): expectations.append("hint: " + value)
      case ("set", let value?):
        let pair = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        settings.append(
          ProfileLoader.Setting(name: String(pair[0]), value: String(pair[1])))
      default: throw VectorError(description: "\(name): unknown header line \(line)")
      }
    }
  }

  static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Vectors/profile")

  static func all() throws -> [Vector] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path())
      .filter { $0.hasSuffix(".vector") }.sorted()
      .map { name in
        let data = try Data(contentsOf: directory.appending(path: name))
        return try Vector(name: String(name.dropLast(7)), contents: Array(data))
      }
  }

  /// What was found, in the words of the header.
  static func lines(_ diagnostics: [Diagnostic]) -> [String] {
    guard !diagnostics.isEmpty else { return ["ok"] }
    return diagnostics.flatMap { finding in
      ["\(finding.line):\(finding.column): \(finding.message)"]
        + (finding.hint.map { ["hint: \($0)"] } ?? [])
    }
  }
}

struct VectorError: Error, CustomStringConvertible {
  var description: String
}
