/// A JSON value as a tree, which knows nothing of how Anchorhold reads and writes JSON.
public indirect enum Tree: Equatable, Sendable {
  /// `true`, `false` or `null`.
  case literal(String)
  /// A number as it is written.
  case number(String)
  /// A string by its code points.
  case string([UInt32])
  /// Values in their order.
  case array([Tree])
  /// Members in their order.
  case object([Member])

  /// A member of an object.
  public struct Member: Equatable, Sendable {
    /// Its name by code points.
    public var key: [UInt32]
    /// Its value.
    public var value: Tree

    /// A member of this name.
    public init(_ key: [UInt32], _ value: Tree) {
      self.key = key
      self.value = value
    }
  }

  /// A string of plain text.
  public static func text(_ text: String) -> Tree { .string(text.unicodeScalars.map(\.value)) }

  /// An object with plain keys, in this order.
  public static func object(_ members: [(String, Tree)]) -> Tree {
    .object(members.map { Member($0.0.unicodeScalars.map(\.value), $0.1) })
  }

  /// Any value, at most `depth` levels deep, with no key twice in an object.
  public static func any(_ random: inout SplitMix, depth: Int = 6) -> Tree {
    switch random.roll(depth > 0 ? 9 : 6) {
    case 0: return .literal(random.pick(["true", "false", "null"]))
    case 1, 2: return .number(number(&random))
    case 3...5: return .string(string(&random))
    case 6: return .array((0..<random.roll(5)).map { _ in any(&random, depth: depth - 1) })
    default:
      // Now and then more than are compared one with another.
      let count = random.roll(40) == 0 ? random.roll(60) : random.roll(6)
      var members: [Member] = []
      for index in 0..<count {
        var key = string(&random)
        if members.contains(where: { $0.key == key }) {
          key += Array("\(index)·".unicodeScalars.map(\.value))
        }
        if members.contains(where: { $0.key == key }) { continue }
        members.append(Member(key, any(&random, depth: depth - 1)))
      }
      return .object(members)
    }
  }

  private static func number(_ random: inout SplitMix) -> String {
    let whole = Int64(bitPattern: random.next()) >> Int64(random.roll(64))
    switch random.roll(6) {
    case 0:
      return random.pick([
        "-0", "1.50", "1E+9", "0.1e-7", "12345678901234567890.0", "1e400", "0.0", "-0.0e-0", "0E0",
        "99999999999999999999999999999999999999999999999999", "9007199254740993",
      ])
    case 1: return "\(whole).\(random.roll(1000))"
    case 2:
      return "\(whole)\(random.pick(["e", "E"]))\(random.pick(["", "+", "-"]))\(random.roll(99))"
    default: return "\(whole)"
    }
  }

  /// Code points at which encodings and escapes change, and what folding and filters look at.
  private static let edges: [UInt32] = [
    0x00, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b, 0x1f, 0x20, 0x22, 0x2f, 0x5c, 0x7e, 0x7f,
    0x80, 0x85, 0xa0, 0xe9, 0x17f, 0x301, 0x7ff, 0x800, 0x200b, 0x2028, 0x2029, 0x202e, 0x212a,
    0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xffff, 0x10000, 0x1f600, 0xe0041, 0x10ffff,
  ]

  private static func string(_ random: inout SplitMix) -> [UInt32] {
    // Now and then longer than what is scanned at once.
    let count = random.roll(24) == 0 ? random.roll(200) : random.roll(10)
    var points: [UInt32] = []
    points.reserveCapacity(count)
    let isPlain = random.roll(2) == 0
    for _ in 0..<count {
      if isPlain || random.roll(3) > 0 {
        points.append(0x61 + UInt32(random.roll(26)))
      } else if random.roll(8) == 0 {
        let point = UInt32(random.roll(0x110000))
        points.append(point & 0x1ff800 == 0xd800 ? 0xfffd : point)
      } else {
        points.append(edges[random.roll(edges.count)])
      }
    }
    return points
  }

  /// The same value with the members of every object in another order.
  public func shuffled(_ random: inout SplitMix) -> Tree {
    switch self {
    case .array(let values):
      var other: [Tree] = []
      for value in values { other.append(value.shuffled(&random)) }
      return .array(other)
    case .object(let members):
      var other: [Member] = []
      for member in members { other.append(Member(member.key, member.value.shuffled(&random))) }
      other.shuffle(using: &random)
      return .object(other)
    default: return self
    }
  }

  /// The same value with the members of every object in one order.
  public var sorted: Tree {
    switch self {
    case .array(let values): .array(values.map(\.sorted))
    case .object(let members):
      .object(
        members.map { Member($0.key, $0.value.sorted) }.sorted {
          $0.key.lexicographicallyPrecedes($1.key)
        })
    default: self
    }
  }
}
