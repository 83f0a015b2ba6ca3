/// A binary property of characters that a pattern may ask for, or its contrary.
struct PatternProperty: Sendable, Equatable {
  enum Kind: Sendable {
    case assigned, alphabetic, lowercase, uppercase, whiteSpace, emoji, emojiPresentation
    case idStart, idContinue, xidStart, xidContinue, math, hexDigit, dash, ideographic
  }

  var kind: Kind
  var isNegated: Bool

  func holds(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    let holds =
      switch kind {
      case .assigned: properties.generalCategory != .unassigned
      case .alphabetic: properties.isAlphabetic
      case .lowercase: properties.isLowercase
      case .uppercase: properties.isUppercase
      case .whiteSpace: properties.isWhitespace
      case .emoji: properties.isEmoji
      case .emojiPresentation: properties.isEmojiPresentation
      case .idStart: properties.isIDStart
      case .idContinue: properties.isIDContinue
      case .xidStart: properties.isXIDStart
      case .xidContinue: properties.isXIDContinue
      case .math: properties.isMath
      case .hexDigit: properties.isHexDigit
      case .dash: properties.isDash
      case .ideographic: properties.isIdeographic
      }
    return holds != isNegated
  }

  /// The property of a name, nil if there is none that we know.
  static func named(_ name: [UInt8]) -> Kind? {
    for (known, kind) in all where name == Array("\(known)".utf8) { return kind }
    return nil
  }

  private static let all: [(StaticString, Kind)] = [
    ("Assigned", .assigned), ("Alphabetic", .alphabetic), ("Alpha", .alphabetic),
    ("Lowercase", .lowercase), ("Lower", .lowercase), ("Uppercase", .uppercase),
    ("Upper", .uppercase), ("White_Space", .whiteSpace), ("space", .whiteSpace),
    ("Emoji", .emoji), ("Emoji_Presentation", .emojiPresentation), ("EPres", .emojiPresentation),
    ("ID_Start", .idStart), ("IDS", .idStart), ("ID_Continue", .idContinue), ("IDC", .idContinue),
    ("XID_Start", .xidStart), ("XIDS", .xidStart), ("XID_Continue", .xidContinue),
    ("XIDC", .xidContinue), ("Math", .math), ("Hex_Digit", .hexDigit), ("Hex", .hexDigit),
    ("Dash", .dash), ("Ideographic", .ideographic), ("Ideo", .ideographic),
  ]
}

/// The general categories as bits.
enum PatternCategory {
  static func bit(_ category: Unicode.GeneralCategory) -> UInt32 { 1 << number(category) }

  /// All of them: each character has exactly one.
  static let all: UInt32 = 0x3fff_ffff

  private static func number(_ category: Unicode.GeneralCategory) -> UInt32 {
    switch category {
    case .uppercaseLetter: 0
    case .lowercaseLetter: 1
    case .titlecaseLetter: 2
    case .modifierLetter: 3
    case .otherLetter: 4
    case .nonspacingMark: 5
    case .spacingMark: 6
    case .enclosingMark: 7
    case .decimalNumber: 8
    case .letterNumber: 9
    case .otherNumber: 10
    case .connectorPunctuation: 11
    case .dashPunctuation: 12
    case .openPunctuation: 13
    case .closePunctuation: 14
    case .initialPunctuation: 15
    case .finalPunctuation: 16
    case .otherPunctuation: 17
    case .mathSymbol: 18
    case .currencySymbol: 19
    case .modifierSymbol: 20
    case .otherSymbol: 21
    case .spaceSeparator: 22
    case .lineSeparator: 23
    case .paragraphSeparator: 24
    case .control: 25
    case .format: 26
    case .surrogate: 27
    case .privateUse: 28
    case .unassigned: 29
    @unknown default: 29
    }
  }

  /// The categories of a name, as ECMA-262 has it from Unicode; nil if there is none.
  static func named(_ name: [UInt8]) -> UInt32? {
    for (long, short, other, numbers) in names
    where [long, short, other].contains(where: { name == Array("\($0)".utf8) }) {
      return bits(numbers)
    }
    return nil
  }

  private static func bits(_ numbers: ClosedRange<UInt32>) -> UInt32 {
    numbers.reduce(0) { $0 | 1 << $1 }
  }

  private static let names: [(StaticString, StaticString, StaticString, ClosedRange<UInt32>)] = [
    ("Uppercase_Letter", "Lu", "Uppercase_Letter", 0...0),
    ("Lowercase_Letter", "Ll", "Lowercase_Letter", 1...1),
    ("Titlecase_Letter", "Lt", "Titlecase_Letter", 2...2),
    ("Cased_Letter", "LC", "Cased_Letter", 0...2),
    ("Modifier_Letter", "Lm", "Modifier_Letter", 3...3),
    ("Other_Letter", "Lo", "Other_Letter", 4...4),
    ("Letter", "L", "Letter", 0...4),
    ("Nonspacing_Mark", "Mn", "Nonspacing_Mark", 5...5),
    ("Spacing_Mark", "Mc", "Spacing_Mark", 6...6),
    ("Enclosing_Mark", "Me", "Enclosing_Mark", 7...7),
    ("Mark", "M", "Combining_Mark", 5...7),
    ("Decimal_Number", "Nd", "digit", 8...8),
    ("Letter_Number", "Nl", "Letter_Number", 9...9),
    ("Other_Number", "No", "Other_Number", 10...10),
    ("Number", "N", "Number", 8...10),
    ("Connector_Punctuation", "Pc", "Connector_Punctuation", 11...11),
    ("Dash_Punctuation", "Pd", "Dash_Punctuation", 12...12),
    ("Open_Punctuation", "Ps", "Open_Punctuation", 13...13),
    ("Close_Punctuation", "Pe", "Close_Punctuation", 14...14),
    ("Initial_Punctuation", "Pi", "Initial_Punctuation", 15...15),
    ("Final_Punctuation", "Pf", "Final_Punctuation", 16...16),
    ("Other_Punctuation", "Po", "Other_Punctuation", 17...17),
    ("Punctuation", "P", "punct", 11...17),
    ("Math_Symbol", "Sm", "Math_Symbol", 18...18),
    ("Currency_Symbol", "Sc", "Currency_Symbol", 19...19),
    ("Modifier_Symbol", "Sk", "Modifier_Symbol", 20...20),
    ("Other_Symbol", "So", "Other_Symbol", 21...21),
    ("Symbol", "S", "Symbol", 18...21),
    ("Space_Separator", "Zs", "Space_Separator", 22...22),
    ("Line_Separator", "Zl", "Line_Separator", 23...23),
    ("Paragraph_Separator", "Zp", "Paragraph_Separator", 24...24),
    ("Separator", "Z", "Separator", 22...24),
    ("Control", "Cc", "cntrl", 25...25),
    ("Format", "Cf", "Format", 26...26),
    ("Surrogate", "Cs", "Surrogate", 27...27),
    ("Private_Use", "Co", "Private_Use", 28...28),
    ("Unassigned", "Cn", "Unassigned", 29...29),
    ("Other", "C", "Other", 25...29),
  ]
}
