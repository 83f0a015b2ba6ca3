extension PatternParser {
  /// What an escape stands for.
  enum Escape {
    case character(UInt32)
    case set(PatternClass)
    case property(PatternClass)
  }

  /// An escape outside of a class, from its backslash on.
  mutating func escapedTerm() throws(PatternFault) -> Int {
    switch try escape(inClass: false) {
    case .character(let character): return add(.literal(character))
    case .set(let set), .property(let set): return add(set, negated: false)
    }
  }

  /// A class in brackets, from the opening one on.
  mutating func characterClass() throws(PatternFault) -> Int {
    at += 1
    let isNegated = take("^")
    var set = PatternClass()
    while true {
      guard let character = peek() else { throw fault("a bracket is not closed") }
      if character == UInt32(UInt8(ascii: "]")) {
        at += 1
        return add(set, negated: isNegated)
      }
      let first = try classAtom()
      guard peek() == UInt32(UInt8(ascii: "-")), let next = peek(1),
        next != UInt32(UInt8(ascii: "]"))
      else {
        add(first, to: &set)
        continue
      }
      at += 1
      let last = try classAtom()
      guard case .character(let low) = first, case .character(let high) = last else {
        // Between such a class and something else the hyphen means itself, without the flag `u`.
        for case .property in [first, last] { throw fault("a range from or to a property") }
        add(first, to: &set)
        add(.character(UInt32(UInt8(ascii: "-"))), to: &set)
        add(last, to: &set)
        continue
      }
      guard low <= high else { throw fault("a range of characters is out of order") }
      set.add(low...high)
    }
  }

  private func add(_ atom: Escape, to set: inout PatternClass) {
    switch atom {
    case .character(let character): set.add(character...character)
    case .set(let other), .property(let other): set.add(other)
    }
  }

  private mutating func classAtom() throws(PatternFault) -> Escape {
    guard let character = peek() else { throw fault("a bracket is not closed") }
    if character == UInt32(UInt8(ascii: "\\")) { return try escape(inClass: true) }
    at += 1
    return .character(character)
  }

  private mutating func escape(inClass: Bool) throws(PatternFault) -> Escape {
    at += 1
    guard let character = peek(), let letter = Unicode.Scalar(character) else {
      throw fault("the pattern ends after a backslash")
    }
    at += 1
    var set = PatternClass()
    switch letter {
    case "d": for range in PatternClass.digits { set.add(range) }
    case "D": set.add(complementOf: PatternClass.digits)
    case "w": for range in PatternClass.words { set.add(range) }
    case "W": set.add(complementOf: PatternClass.words)
    case "s": for range in PatternClass.spaces { set.add(range) }
    case "S": set.add(complementOf: PatternClass.spaces)
    case "p", "P":
      try property(&set, negated: letter == "P")
      return .property(set)
    case "f": return .character(0xc)
    case "n": return .character(0xa)
    case "r": return .character(0xd)
    case "t": return .character(0x9)
    case "v": return .character(0xb)
    case "b" where inClass: return .character(0x8)
    case "c":
      guard let control = peek(), control | 0x20 >= 0x61, control | 0x20 <= 0x7a else {
        throw fault("a control character must be named by a letter")
      }
      at += 1
      return .character(control & 0x1f)
    case "0":
      if let next = peek(), next >= 0x30, next <= 0x39 {
        throw fault("octal escapes are not of ECMA-262 with the flag u")
      }
      return .character(0)
    case "x":
      guard let value = hexadecimal(2) else { throw fault("\\x must have two digits") }
      return .character(value)
    case "u": return .character(try unicode())
    case "1"..."9": throw fault(inClass ? "no such escape" : "back references are not supported")
    case "k": throw fault("back references are not supported")
    default:
      // Punctuation stands for itself, whether or not it had to be escaped.
      guard character >= 0x20, character < 0x7f, !letter.properties.isAlphabetic else {
        throw fault("no such escape")
      }
      return .character(character)
    }
    return .set(set)
  }

  /// So many hexadecimal digits, nil if there are fewer.
  private mutating func hexadecimal(_ count: Int) -> UInt32? {
    var value: UInt32 = 0
    for offset in 0..<count {
      guard let digit = peek(offset).flatMap(Self.digit) else { return nil }
      value = value << 4 | digit
    }
    at += count
    return value
  }

  private static func digit(_ character: UInt32) -> UInt32? {
    switch character {
    case 0x30...0x39: character - 0x30
    case 0x41...0x46: character - 0x37
    case 0x61...0x66: character - 0x57
    default: nil
    }
  }

  /// After `\u`: four digits, two times four for what UTF-16 writes as two, or digits in braces.
  private mutating func unicode() throws(PatternFault) -> UInt32 {
    if take("{") {
      var value: UInt32 = 0
      var count = 0
      while let digit = peek().flatMap(Self.digit) {
        value = value << 4 | digit
        guard value <= 0x10ffff else { throw fault("there is no such character") }
        count += 1
        at += 1
      }
      guard count > 0, take("}") else { throw fault("\\u{ must have digits and a closing brace") }
      return value
    }
    guard let value = hexadecimal(4) else { throw fault("\\u must have four digits") }
    guard value >= 0xd800, value < 0xdc00, peek() == UInt32(UInt8(ascii: "\\")),
      peek(1) == UInt32(UInt8(ascii: "u"))
    else { return value }
    let before = at
    at += 2
    if let low = hexadecimal(4), low >= 0xdc00, low < 0xe000 {
      return 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
    }
    at = before
    return value
  }

  /// After `\p` or `\P`: the name of a general category or property in braces.
  private mutating func property(
    _ set: inout PatternClass, negated: Bool
  ) throws(PatternFault) {
    guard take("{") else { throw fault("\\p must have a name in braces") }
    var name: [UInt8] = []
    while let character = peek(), character != UInt32(UInt8(ascii: "}")) {
      guard character < 0x80, name.count < 64 else { throw fault("there is no such property") }
      name.append(UInt8(character))
      at += 1
    }
    guard take("}") else { throw fault("\\p must have a closing brace") }
    var category = name[...]
    for prefix in ["General_Category=", "gc="] as [StaticString]
    where name.starts(with: Array("\(prefix)".utf8)) {
      category = name.dropFirst(prefix.utf8CodeUnitCount)
    }
    if let bits = PatternCategory.named(Array(category)) {
      set.add(categories: negated ? ~bits & PatternCategory.all : bits)
      // No character of a text is a surrogate, and a class may still have all of the others.
    } else if name == Array("Any".utf8) {
      if !negated { set.add(0...0x10ffff) }
    } else if name == Array("ASCII".utf8) {
      if negated { set.add(0x80...0x10ffff) } else { set.add(0...0x7f) }
    } else if let kind = PatternProperty.named(name) {
      set.add(PatternProperty(kind: kind, isNegated: negated))
    } else {
      throw fault("the property \(Wording.quoted(name)) is not supported")
    }
  }
}
