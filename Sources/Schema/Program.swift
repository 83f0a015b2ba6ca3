/// One schema object, as a range of rules: first those of any kind of value, then those of numbers,
/// strings, arrays and objects, then those that apply further schemas to the same value.
struct Node: Sendable {
  /// The kinds of value that pass at all.
  var kinds: Text.Kinds = .all
  /// Whether it has to know which members or elements were evaluated.
  var tracks = false
  /// Whether integers have to be written without fraction and exponent.
  var wantsPlainIntegers = false
  /// The schema resource that it is part of.
  var resource: UInt16 = 0
  var first: Int32 = 0
  var count: Int32 = 0
}

/// One keyword, or several that are decided together.
struct Rule: Sendable {
  enum Operation: UInt8, Sendable {
    // Any kind.
    case enumeration, constant
    // Numbers.
    case maximum, exclusiveMaximum, minimum, exclusiveMinimum, multipleOf
    // Strings.
    case maxLength, minLength, pattern
    // Arrays and objects.
    case array, unique, object, dependentRequired
    // The same value again.
    case reference, dynamicReference, all, any, one, not, conditional, dependentSchemas
    // What nothing else has evaluated.
    case unevaluatedItems, unevaluatedProperties
  }

  var operation: Operation
  /// The kinds of value that it says anything about.
  let kinds: Text.Kinds
  /// What a number here means is said where the operation is carried out.
  var a: Int32
  var b: Int32
  var c: Int32

  init(operation: Operation, a: Int32 = 0, b: Int32 = 0, c: Int32 = 0) {
    self.operation = operation
    self.a = a
    self.b = b
    self.c = c
    kinds =
      switch operation {
      case .maximum, .exclusiveMaximum, .minimum, .exclusiveMinimum, .multipleOf: .number
      case .maxLength, .minLength, .pattern: .string
      case .array, .unique, .unevaluatedItems: .array
      case .object, .dependentRequired, .dependentSchemas, .unevaluatedProperties: .object
      case .enumeration, .constant, .reference, .dynamicReference, .all, .any, .one, .not,
        .conditional:
        .all
      }
  }
}

/// What is said of the members of an object, decided in one walk.
struct ObjectRule: Sendable {
  /// Its keys in `Program.keys`: in the order of the schema when they are few, else sorted.
  var keys: Range<Int32> = 0..<0
  /// Its patterns in `Program.patternNodes`.
  var patterns: Range<Int32> = 0..<0
  var additional: Int32 = Program.none
  var names: Int32 = Program.none
  var required: Int32 = 0
  var minimum = 0
  var maximum = Int.max
}

/// A key that a schema names.
struct Key: Sendable {
  /// Its canonical content in `Program.texts`.
  var start: Int32
  var end: Int32
  /// The schema of its value, `Program.none` if it is only required.
  var node: Int32 = Program.none
  var isRequired = false
}

/// What is said of the elements of an array, decided in one walk.
struct ArrayRule: Sendable {
  /// Schemas of the first elements, in `Program.children`.
  var prefix: Range<Int32> = 0..<0
  var items: Int32 = Program.none
  var contains: Int32 = Program.none
  /// Whether what `contains` found counts as evaluated.
  var containsEvaluates = false
  /// The keyword that `items` stands for.
  var isAdditional = false
  var minContains = 1
  var maxContains = Int.max
  var minimum = 0
  var maximum = Int.max
}

/// A key on whose presence something depends.
struct Dependency: Sendable {
  var start: Int32
  var end: Int32
  /// The schema that then applies, `Program.none` for keys that are then required.
  var node: Int32 = Program.none
  /// Those keys, in `Program.keys`.
  var keys: Range<Int32> = 0..<0
}

/// A value of `enum` or `const`, in `Program.texts`.
struct Constant: Sendable {
  var kind: Text.Kinds
  var start: Int32
  var end: Int32
}

/// A `$dynamicAnchor` of one resource.
struct DynamicTarget: Sendable {
  var resource: UInt16
  var node: Int32
}

/// What a schema was compiled to: flat tables that refer to each other by index.
final class Program: Sendable {
  /// No schema.
  static let none: Int32 = -1
  /// The schema `true`.
  static let anything: Int32 = 0
  /// The schema `false`.
  static let nothing: Int32 = 1
  /// The schema `false` of a closed object, told apart for the words only.
  static let closed: Int32 = 2

  let root: Int32
  let maxDepth: Int
  let tables: Tables
  /// Whether any reference depends on how evaluation came to it.
  let isDynamic: Bool

  struct Tables: Sendable {
    var nodes: [Node] = [Node(), Node(kinds: []), Node(kinds: [])]
    var rules: [Rule] = []
    var children: [Int32] = []
    var objects: [ObjectRule] = []
    var keys: [Key] = []
    var patternNodes: [(pattern: Int32, node: Int32)] = []
    var patterns: [Pattern] = []
    var arrays: [ArrayRule] = []
    var dependencies: [Dependency] = []
    var bounds: [Bound] = []
    var constants: [Constant] = []
    var dynamicTargets: [DynamicTarget] = []
    /// Keys, numbers and constants, canonical.
    var texts: [UInt8] = []

    /// About how many bytes all of it takes.
    var footprint: Int {
      let states = patterns.reduce(0) { $0 + $1.states * 16 + $1.classes.count * 256 + 256 }
      let rows = nodes.count + rules.count + keys.count + constants.count + patternNodes.count
      let tables = objects.count + arrays.count + dependencies.count + bounds.count
      return 1024 + texts.count + children.count * 4 + rows * 24 + tables * 96 + states
    }
  }

  init(root: Int32, maxDepth: Int, tables: Tables) {
    self.root = root
    self.maxDepth = maxDepth
    self.tables = tables
    isDynamic = tables.rules.contains { $0.operation == .dynamicReference }
  }
}
