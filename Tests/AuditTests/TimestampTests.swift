import Foundation
import Testing

@testable import Audit

@Suite("Times")
struct TimestampTests {
  @Test(
    "a moment is written as RFC 3339 in UTC, with microseconds",
    arguments: [
      (0, 0, "1970-01-01T00:00:00.000000Z"),
      (951_782_399, 999_999_999, "2000-02-28T23:59:59.999999Z"),
      (951_782_400, 1_000, "2000-02-29T00:00:00.000001Z"),
      (951_868_800, 0, "2000-03-01T00:00:00.000000Z"),
      (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
      (253_402_300_799, 0, "9999-12-31T23:59:59.000000Z"), (-1, 0, "1969-12-31T23:59:59.000000Z"),
    ] as [(Int64, Int64, String)])
  func rfc3339(_ seconds: Int64, _ nanoseconds: Int64, _ text: String) {
    let time = Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    #expect(time.rfc3339 == Array(text.utf8))
  }

  @Test("the arithmetic agrees with the system's calendar over 400 years")
  func calendar() {
    let formatter = ISO8601DateFormatter()
    var seconds: Int64 = -3_155_760_000
    while seconds < 9_467_280_000 {
      let expected = formatter.string(from: Date(timeIntervalSince1970: TimeInterval(seconds)))
      let time = Timestamp(seconds: seconds, nanoseconds: 0).rfc3339
      #expect(String(decoding: time, as: UTF8.self) == expected.dropLast() + ".000000Z")
      seconds += 86_400 * 11 + 3_607
    }
  }

  @Test("a count of microseconds is split, also before 1970")
  func microseconds() {
    #expect(Timestamp(microseconds: 1_000_001) == Timestamp(seconds: 1, nanoseconds: 1_000))
    #expect(Timestamp(microseconds: -1) == Timestamp(seconds: -1, nanoseconds: 999_999_000))
    #expect(Timestamp(microseconds: -2_000_000) == Timestamp(seconds: -2, nanoseconds: 0))
  }

  @Test("numbers are written in decimal")
  func decimal() {
    for number in [0, 1, 9, 10, 99, 100, 12_345, .max, -1, .min] as [Int64] {
      var bytes: [UInt8] = []
      bytes.appendDecimal(number)
      #expect(String(decoding: bytes, as: UTF8.self) == String(number))
    }
  }
}
