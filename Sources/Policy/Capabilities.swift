internal import Wire

/// Declared capabilities without those that the profile denies, so that neither side asks for what
/// it would not get.
struct Capabilities {
  let permissions: Permissions

  /// The client's, out of `initialize` or the `_meta` of a request.
  func client(_ value: Value, of document: Document) -> [UInt8] {
    object(value, of: document) { key, member, output in
      if document.content(key, equals: Key.sampling) { return permissions.sampling }
      if document.content(key, equals: Key.roots) { return permissions.roots != .deny }
      if document.content(key, equals: Key.tasks) { return permissions.features.tasks }
      if document.content(key, equals: Key.elicitation) {
        guard permissions.elicitation else { return false }
        return elicitation(member, of: document, &output)
      }
      if document.content(key, equals: Key.extensions) {
        output = extensions(member, of: document)
        return output?.count != 2 || member.range.count == 2
      }
      return permissions.features.extensions
    }
  }

  /// The server's, out of the result of `initialize` or of `server/discover`. In the stateless era
  /// changes are told through subscriptions alone: if those are denied, `listChanged` is no promise
  /// that can be kept.
  func server(_ value: Value, of document: Document, isDiscovery: Bool) -> [UInt8] {
    let keepsChanges = !isDiscovery || permissions.features.subscriptions
    return object(value, of: document) { key, member, output in
      let isResources = document.content(key, equals: Key.resources)
      let isList =
        isResources || document.content(key, equals: Key.tools)
        || document.content(key, equals: Key.prompts)
      if isList {
        if isResources, permissions.resources.isEmpty { return false }
        if document.content(key, equals: Key.prompts), permissions.prompts.isEmpty { return false }
        output = object(member, of: document) { key, _, _ in
          if document.content(key, equals: Key.listChanged) { return keepsChanges }
          if document.content(key, equals: Key.subscribe) {
            return permissions.features.subscriptions
          }
          return true
        }
        return true
      }
      if document.content(key, equals: Key.logging) { return permissions.features.logging }
      if document.content(key, equals: Key.completions) { return permissions.features.completion }
      if document.content(key, equals: Key.tasks) { return permissions.features.tasks }
      if document.content(key, equals: Key.extensions) {
        output = extensions(member, of: document)
        return output?.count != 2 || member.range.count == 2
      }
      return permissions.features.extensions
    }
  }

  /// Whether a client that declares this can show a form: an empty object says so as well.
  static func canElicit(_ value: Value, of document: Document) -> Bool {
    guard let ways = document.member(Key.elicitation, of: value), ways.kind == .object else {
      return false
    }
    return ways.range.count == 2 || document.member(Key.form, of: ways) != nil
  }

  /// The ways of asking that are allowed; an empty object means forms, as before there were two ways.
  private func elicitation(
    _ value: Value, of document: Document, _ output: inout [UInt8]?
  ) -> Bool {
    guard value.kind == .object else { return false }
    if value.range.count == 2 { return permissions.forms }
    let kept = object(value, of: document) { key, _, _ in
      if document.content(key, equals: Key.form) { return permissions.forms }
      if document.content(key, equals: Key.url) { return !permissions.hosts.isEmpty }
      return permissions.features.extensions
    }
    output = kept
    return kept.count > 2
  }

  private func extensions(_ value: Value, of document: Document) -> [UInt8] {
    object(value, of: document) { key, _, _ in
      document.content(key, equals: Key.tasksExtension) && permissions.features.tasks
        || permissions.features.extensions
    }
  }

  /// The members of an object that `keeps` says yes to; it may give another value for one; what is no
  /// object becomes an empty one.
  private func object(
    _ value: Value, of document: Document,
    _ keeps: (Range<Int>, Value, inout [UInt8]?) -> Bool
  ) -> [UInt8] {
    guard value.kind == .object else { return Array("{}".utf8) }
    var output: [UInt8] = [UInt8(ascii: "{")]
    document.forEachMember(of: value) { key, member in
      var other: [UInt8]?
      guard keeps(key, member, &other) else { return }
      output.appendKey(key, of: document.bytes, first: output.count == 1)
      if let other {
        output.append(contentsOf: other)
      } else {
        output.append(contentsOf: document.bytes[member.range])
      }
    }
    output.append(UInt8(ascii: "}"))
    return output
  }
}
