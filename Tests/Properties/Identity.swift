import Generators
import Wire

/// Decoding and emitting keep every value.
struct Identity {
  private var decoder = Decoder(limits: WireLimits())
  private var document = Document()

  /// What is wrong with one generated document, nil if nothing.
  mutating func fault(_ seed: UInt64) -> String? {
    var random = SplitMix(state: seed)
    let tree = Tree.any(&random)
    let spelled = Spelling.any(tree, &random)
    if let fault = decode(spelled) { return fault }
    if document.bytes != Spelling.canonical(tree) {
      return "\(text(spelled)) came out as \(text(document.bytes))"
    }
    return same(document.root, tree) ? nil : "\(text(spelled)) was read as something else"
  }

  private mutating func decode(_ line: [UInt8]) -> String? {
    do throws(WireError) {
      try decoder.decodeValue(line.span, into: &document)
      return nil
    } catch {
      return "\(text(line)) was refused: \(error)"
    }
  }

  /// Whether a decoded value is that of the tree, by what the policy reads of it.
  private func same(_ value: Value, _ tree: Tree) -> Bool {
    switch (value.kind, tree) {
    case (.true, .literal(let name)): return name == "true"
    case (.false, .literal(let name)): return name == "false"
    case (.null, .literal(let name)): return name == "null"
    case (.number, .number(let text)): return document.bytes[value.range].elementsEqual(text.utf8)
    case (.string, .string(let points)):
      return document.utf8(value) == utf8(points) && document.string(value, equals: utf8(points))
    case (.array, .array(let trees)):
      var index = 0
      for element in document.elements(of: value) {
        guard index < trees.count, same(element, trees[index]) else { return false }
        index += 1
      }
      return index == trees.count
    case (.object, .object(let members)):
      var index = 0
      for (key, member) in document.members(of: value) {
        guard index < members.count, document.utf8(content: key) == utf8(members[index].key),
          same(member, members[index].value)
        else { return false }
        index += 1
      }
      return index == members.count
    default: return false
    }
  }

  private func utf8(_ points: [UInt32]) -> [UInt8] {
    var bytes: [UInt8] = []
    for point in points {
      if let scalar = Unicode.Scalar(point), let encoded = Unicode.UTF8.encode(scalar) {
        bytes.append(contentsOf: encoded)
      }
    }
    return bytes
  }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
