/// A moment in UTC, with the microseconds that a record shows.
public struct Timestamp: Equatable, Sendable {
  /// Seconds since 1970-01-01T00:00:00Z, as `CLOCK_REALTIME` counts them (no leap seconds).
  public var seconds: Int64
  /// Nanoseconds within the second, 0 to 999 999 999.
  public var nanoseconds: Int64

  /// A moment from the two fields of a `timespec`.
  public init(seconds: Int64, nanoseconds: Int64) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// A moment from a count of microseconds since 1970-01-01T00:00:00Z.
  public init(microseconds: Int64) {
    let rest = microseconds % 1_000_000
    seconds = microseconds / 1_000_000 - (rest < 0 ? 1 : 0)
    nanoseconds = (rest < 0 ? rest + 1_000_000 : rest) * 1_000
  }
}

/// The calendar fields of a moment, by arithmetic alone: a time zone file would be a file to open.
struct CivilTime {
  var year: Int64
  var month: Int64
  var day: Int64
  var hour: Int64
  var minute: Int64
  var second: Int64

  /// Splits a count of seconds; the proleptic Gregorian calendar, days counted in eras of 400 years
  /// that begin on 1 March, so that the leap day comes last.
  init(seconds: Int64) {
    var days = seconds / 86_400
    var rest = seconds % 86_400
    if rest < 0 {
      rest += 86_400
      days -= 1
    }
    hour = rest / 3_600
    minute = rest % 3_600 / 60
    second = rest % 60
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }
}

extension Timestamp {
  /// The moment as RFC 3339 writes it, with six digits: `2026-07-28T09:30:00.000123Z`.
  public var rfc3339: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(27)
    bytes.appendSecond(of: self)
    bytes.append(UInt8(ascii: "."))
    bytes.appendPadded(nanoseconds / 1_000, width: 6)
    bytes.append(UInt8(ascii: "Z"))
    return bytes
  }

  /// The moment as the names of audit files carry it, to the second: `20260728T093000Z`.
  public var basic: [UInt8] {
    let civil = CivilTime(seconds: seconds)
    var bytes: [UInt8] = []
    bytes.appendPadded(civil.year, width: 4)
    bytes.appendPadded(civil.month, width: 2)
    bytes.appendPadded(civil.day, width: 2)
    bytes.append(UInt8(ascii: "T"))
    bytes.appendPadded(civil.hour, width: 2)
    bytes.appendPadded(civil.minute, width: 2)
    bytes.appendPadded(civil.second, width: 2)
    bytes.append(UInt8(ascii: "Z"))
    return bytes
  }
}

extension [UInt8] {
  /// Appends `YYYY-MM-DDTHH:MM:SS`.
  mutating func appendSecond(of time: Timestamp) {
    let civil = CivilTime(seconds: time.seconds)
    appendPadded(civil.year, width: 4)
    append(UInt8(ascii: "-"))
    appendPadded(civil.month, width: 2)
    append(UInt8(ascii: "-"))
    appendPadded(civil.day, width: 2)
    append(UInt8(ascii: "T"))
    appendPadded(civil.hour, width: 2)
    append(UInt8(ascii: ":"))
    appendPadded(civil.minute, width: 2)
    append(UInt8(ascii: ":"))
    appendPadded(civil.second, width: 2)
  }

  /// Appends the last `width` decimal digits of a number that is not negative; at most 20.
  mutating func appendPadded(_ number: Int64, width: Int) {
    append(addingCapacity: width) { out in out.append(digits: number.magnitude, width: width) }
  }

  /// Appends a number in decimal.
  mutating func appendDecimal(_ number: Int64) {
    append(addingCapacity: 20) { out in out.append(decimal: number) }
  }
}
