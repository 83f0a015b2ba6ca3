import Foundation
import Testing
import Wire

/// One scenario out of `Tests/Vectors/wire`: header lines, an empty line, the line that is sent.
///
/// Header fields: `about`, `side` (`client`, `server` or `both`: who may send it), `expect`
/// (`forward` or `refuse`), `reason`, `code`, `id` (as the error tells it, `null` for none),
/// `emits` (the canonical form, if the payload is not that), `encoding: escaped` (each `\xNN` in
/// the payload stands for a byte).
struct Vector: Sendable, CustomTestStringConvertible {
  let name: String
  let header: [String: String]
  let payload: [UInt8]

  var testDescription: String { name }

  static let all: [Vector] = {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "../Vectors/wire").standardized
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map {
      Vector(name: $0, data: (try? Data(contentsOf: folder.appending(path: $0))) ?? Data())
    }
  }()

  /// A file that is no vector becomes one that expects nothing, which its test refuses.
  private init(name: String, data: Data) {
    self.name = name
    guard let blank = data.firstRange(of: Data("\n\n".utf8)), data.last == 10 else {
      self.header = [:]
      self.payload = []
      return
    }
    var header: [String: String] = [:]
    for line in data[..<blank.lowerBound].split(separator: 10) {
      guard let colon = line.firstRange(of: Data(": ".utf8)) else {
        header["expect"] = "a field and its value in the line \(text(line))"
        break
      }
      header[text(line[..<colon.lowerBound])] = text(line[colon.upperBound...])
    }
    self.header = header
    let payload = [UInt8](data[blank.upperBound...].dropLast())
    self.payload = header["encoding"] == "escaped" ? Self.unescape(payload) : payload
  }

  private static func unescape(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var at = 0
    while at < bytes.count {
      if at + 4 <= bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "x"),
        let byte = UInt8(text(bytes[at + 2..<at + 4]), radix: 16)
      {
        result.append(byte)
        at += 4
      } else {
        result.append(bytes[at])
        at += 1
      }
    }
    return result
  }
}

@Suite("Wire vectors")
struct VectorTests {
  @Test(
    "each line is forwarded in its canonical form or refused for its reason", arguments: Vector.all)
  func vector(_ vector: Vector) throws {
    let outcome = decode(vector.payload)
    switch vector.header["expect"] {
    case "forward":
      let document = try #require(outcome.document, "\(outcome)")
      #expect(text(document.bytes) == vector.header["emits"] ?? text(vector.payload))
      #expect(decode(document.bytes).document?.bytes == document.bytes)
    case "refuse":
      let error = try #require(outcome.error, "\(outcome)")
      #expect(error.reason.rawValue == vector.header["reason"])
      #expect(String(error.code) == vector.header["code"])
      if let id = vector.header["id"] {
        var writer = ByteWriter()
        writer.appendID(error.id)
        #expect(text(writer.bytes) == id)
      }
    default: Issue.record("expect must be forward or refuse")
    }
    #expect(["client", "server", "both"].contains(vector.header["side"]))
  }

  @Test("the vectors are all there, and each refusal has been seen")
  func complete() {
    #expect(Vector.all.count > 200)
    let seen = Set(Vector.all.compactMap { $0.header["reason"] })
    let missing = WireReason.allCases.map(\.rawValue).filter { !seen.contains($0) }
    #expect(missing == ["oversize"], "oversize is tried in the framer's tests")
  }
}
