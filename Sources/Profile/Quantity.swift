/// Sizes and durations, read and written.
enum Quantity {
  private static let sizeUnits: [(name: String, factor: UInt64)] = [
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
  ]
  private static let timeUnits: [(name: UInt8, factor: UInt64)] = [
    (UInt8(ascii: "d"), 86400), (UInt8(ascii: "h"), 3600), (UInt8(ascii: "m"), 60),
    (UInt8(ascii: "s"), 1),
  ]

  /// Bytes from `4096` or `64MiB`; nil when it is neither or too large for 64 bits.
  static func size(_ text: String) -> UInt64? {
    for unit in sizeUnits where text.utf8.count > 3 && text.hasSuffix(unit.name) {
      guard let count = digits(text.utf8.dropLast(3)) else { return nil }
      let (bytes, overflows) = count.multipliedReportingOverflow(by: unit.factor)
      return overflows ? nil : bytes
    }
    return digits(text.utf8[...])
  }

  /// Seconds from `20s`, `10m`, `1h30m` or `90d`, larger units first, each at most once.
  static func duration(_ text: String) -> UInt64? {
    var rest = text.utf8[...]
    var total: UInt64 = 0
    for unit in timeUnits {
      guard let index = rest.firstIndex(of: unit.name) else { continue }
      guard let count = digits(rest[..<index]) else { return nil }
      let (part, overflows) = count.multipliedReportingOverflow(by: unit.factor)
      let (sum, carries) = total.addingReportingOverflow(part)
      guard !overflows, !carries else { return nil }
      total = sum
      rest = rest[rest.index(after: index)...]
    }
    return rest.isEmpty && !text.isEmpty ? total : nil
  }

  /// A size as a profile writes it, in the largest unit that divides it.
  static func show(size: UInt64) -> String {
    for unit in sizeUnits where size > 0 && size % unit.factor == 0 {
      return "\(size / unit.factor)\(unit.name)"
    }
    return "\(size)"
  }

  /// A duration as a profile writes it, in the largest unit that divides it.
  static func show(duration: UInt64) -> String {
    for unit in timeUnits where duration > 0 && duration % unit.factor == 0 {
      return "\(duration / unit.factor)\(Character(Unicode.Scalar(unit.name)))"
    }
    return "\(duration)s"
  }

  /// Hundredths from `2`, `0.5` or `1.25`; nil when it is none or has more decimals.
  static func hundredths(_ text: String) -> UInt64? {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = digits(parts[0]) else { return nil }
    let (base, overflows) = whole.multipliedReportingOverflow(by: 100)
    guard !overflows else { return nil }
    guard parts.count == 2 else { return base }
    let decimals = parts[1]
    guard (1...2).contains(decimals.count) else { return nil }
    var value: UInt64 = 0
    for byte in decimals {
      guard (48...57).contains(byte) else { return nil }
      value = value * 10 + UInt64(byte - 48)
    }
    let (sum, carries) = base.addingReportingOverflow(decimals.count == 1 ? value * 10 : value)
    return carries ? nil : sum
  }

  /// Hundredths as a profile writes them: `2`, `0.5`, `1.25`.
  static func show(hundredths: UInt64) -> String {
    let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
    if rest == 0 { return "\(whole)" }
    return rest % 10 == 0 ? "\(whole).\(rest / 10)" : "\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }

  /// What someone may have meant by a size that is none: `64 MB`, `64M`, `1g` → `64MiB`.
  static func likelySize(_ text: String) -> String? {
    let number = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(number.count).filter { $0 != " " }.lowercased()
    guard digits(number.utf8[...]) != nil, let first = unit.first,
      ["k", "m", "g", "t"].contains(first),
      ["", "b", "ib"].contains(String(unit.dropFirst()))
    else { return nil }
    return number + first.uppercased() + "iB"
  }

  /// Whether it is a number in JSON's grammar without an exponent, and of a length one can read.
  static func isNumber(_ text: String) -> Bool {
    guard text.utf8.count <= 40 else { return false }
    let unsigned = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
    let parts = unsigned.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard let whole = parts.first, parts.count <= 2 else { return false }
    return parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } }
      && (whole.count == 1 || whole.first != 48)
  }

  private static func digits(_ bytes: Substring.UTF8View) -> UInt64? {
    guard let first = bytes.first, first != 48 || bytes.count == 1 else { return nil }
    var value: UInt64 = 0
    for byte in bytes {
      guard (48...57).contains(byte) else { return nil }
      let (product, overflows) = value.multipliedReportingOverflow(by: 10)
      let (sum, carries) = product.addingReportingOverflow(UInt64(byte - 48))
      guard !overflows, !carries else { return nil }
      value = sum
    }
    return value
  }
}
