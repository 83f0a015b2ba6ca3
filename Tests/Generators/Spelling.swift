/// Writes a tree as JSON, in the one way that Anchorhold emits or in some other.
public struct Spelling: Sendable {
  /// The bytes that were written.
  public private(set) var bytes: [UInt8] = []
  private var random: SplitMix?

  /// The canonical spelling of a value: no white space, the fewest escapes.
  public static func canonical(_ tree: Tree) -> [UInt8] {
    var spelling = Spelling()
    spelling.write(tree)
    return spelling.bytes
  }

  /// Any spelling of a value in one line.
  public static func any(_ tree: Tree, _ random: inout SplitMix) -> [UInt8] {
    var spelling = Spelling()
    spelling.random = random
    spelling.space()
    spelling.write(tree)
    spelling.space()
    random = spelling.random ?? random
    return spelling.bytes
  }

  private mutating func roll(_ sides: Int) -> Int { random?.roll(sides) ?? 0 }

  private mutating func space() {
    guard random != nil, roll(4) == 0 else { return }
    for _ in 0..<roll(4) { bytes.append(roll(2) == 0 ? 0x20 : 0x09) }
  }

  private mutating func write(_ tree: Tree) {
    switch tree {
    case .literal(let text), .number(let text): bytes.append(contentsOf: text.utf8)
    case .string(let points): write(points)
    case .array(let values):
      bytes.append(0x5b)
      space()
      for (index, value) in values.enumerated() {
        if index > 0 { comma() }
        write(value)
        space()
      }
      bytes.append(0x5d)
    case .object(let members):
      bytes.append(0x7b)
      space()
      for (index, member) in members.enumerated() {
        if index > 0 { comma() }
        write(member.key)
        space()
        bytes.append(0x3a)
        space()
        write(member.value)
        space()
      }
      bytes.append(0x7d)
    }
  }

  private mutating func comma() {
    bytes.append(0x2c)
    space()
  }

  private mutating func write(_ points: [UInt32]) {
    bytes.append(0x22)
    for point in points {
      if random != nil, roll(6) == 0 {
        escape(point)
      } else {
        plain(point)
      }
    }
    bytes.append(0x22)
  }

  /// One of the escapes of a character.
  private mutating func escape(_ point: UInt32) {
    if point == 0x2f, roll(2) == 0 { return bytes.append(contentsOf: [0x5c, 0x2f]) }
    if point < 0x10000 { return unit(point) }
    unit(0xd800 + (point - 0x10000) >> 10)
    unit(0xdc00 + (point - 0x10000) & 0x3ff)
  }

  private mutating func unit(_ unit: UInt32) {
    bytes.append(contentsOf: [0x5c, 0x75])
    for shift in [12, 8, 4, 0] as [UInt32] {
      let digit = UInt8(truncatingIfNeeded: unit >> shift & 15)
      bytes.append(digit < 10 ? 0x30 + digit : (roll(2) == 0 ? 0x61 : 0x41) + digit - 10)
    }
  }

  private mutating func plain(_ point: UInt32) {
    switch point {
    case 0x22, 0x5c: bytes.append(contentsOf: [0x5c, UInt8(point)])
    case 0x08: bytes.append(contentsOf: [0x5c, 0x62])
    case 0x09: bytes.append(contentsOf: [0x5c, 0x74])
    case 0x0a: bytes.append(contentsOf: [0x5c, 0x6e])
    case 0x0c: bytes.append(contentsOf: [0x5c, 0x66])
    case 0x0d: bytes.append(contentsOf: [0x5c, 0x72])
    case 0..<0x20:
      bytes.append(contentsOf: "\\u00\(point < 16 ? "0" : "")\(String(point, radix: 16))".utf8)
    default:
      guard let scalar = Unicode.Scalar(point), let encoded = Unicode.UTF8.encode(scalar) else {
        return
      }
      bytes.append(contentsOf: encoded)
    }
  }
}
