internal import CLinux

/// Lays a blueprint out as the flat memory that the C child path reads.
///
/// The child has a copy of it, so that ``free()`` gives it back once the cell was started.
@safe final class CellMemory {
  private var pieces: [UnsafeMutableRawPointer] = unsafe []

  /// Gives everything back.
  func free() {
    unsafe pieces.forEach { unsafe $0.deallocate() }
    unsafe pieces.removeAll()
  }

  private func kept<Element>(
    _ memory: UnsafeMutablePointer<Element>
  ) -> UnsafeMutablePointer<Element> {
    unsafe pieces.append(UnsafeMutableRawPointer(memory))
    return unsafe memory
  }

  func plan(_ blueprint: CellBlueprint, sources: [Int32]) -> UnsafeMutablePointer<cl_plan> {
    let plan = unsafe kept(UnsafeMutablePointer<cl_plan>.allocate(capacity: 1))
    unsafe plan.initialize(to: cl_plan())
    unsafe plan.pointee.privileged = blueprint.privileged
    unsafe plan.pointee.outside_user = blueprint.outsideUser
    unsafe plan.pointee.outside_group = blueprint.outsideGroup
    unsafe plan.pointee.inside_user = blueprint.insideUser
    unsafe plan.pointee.inside_group = blueprint.insideGroup
    unsafe plan.pointee.host_name = text(blueprint.hostName)
    unsafe plan.pointee.user_map = text("\(blueprint.insideUser) \(blueprint.outsideUser) 1")
    unsafe plan.pointee.group_map = text("\(blueprint.insideGroup) \(blueprint.outsideGroup) 1")
    unsafe plan.pointee.awaits_groups = blueprint.mapper != nil
    unsafe plan.pointee.root_size = blueprint.rootSize
    unsafe plan.pointee.root_inodes = blueprint.rootInodes
    unsafe plan.pointee.temporary_inodes = blueprint.temporaryInodes
    unsafe plan.pointee.deny_write_execute = blueprint.deniesWriteExecute
    unsafe plan.pointee.mitigate_speculation = blueprint.mitigatesSpeculation
    var waiting = sources[...]
    let actions = unsafe blueprint.actions.map { action in
      var flat = unsafe flat(action, &waiting)
      if let covered = blueprint.covered.first(where: {
        $0.path.utf8.elementsEqual(action.path.utf8)
      }) {
        unsafe flat.covers = true
        unsafe flat.covered_device = covered.status.device
        unsafe flat.covered_inode = covered.status.inode
      }
      return unsafe flat
    }
    unsafe plan.pointee.actions = array(actions)
    unsafe plan.pointee.action_count = actions.count
    unsafe plan.pointee.landlock_abi = blueprint.landlockABI
    // The descriptors of the rules come after those of the actions.
    let rules = unsafe blueprint.landlockRules.map {
      unsafe cl_landlock_rule(
        path: text($0.path), access: $0.access.rawValue,
        source: $0.status == nil ? -1 : waiting.popFirst() ?? -1)
    }
    unsafe plan.pointee.landlock_rules = unsafe UnsafePointer(array(rules))
    unsafe plan.pointee.landlock_rule_count = rules.count
    let limits = blueprint.limits.map {
      cl_limit(resource: $0.resource.rawValue, soft: $0.soft, hard: $0.hard)
    }
    unsafe plan.pointee.limits = unsafe UnsafePointer(array(limits))
    unsafe plan.pointee.limit_count = limits.count
    unsafe plan.pointee.umask = blueprint.umask
    unsafe plan.pointee.executable = text(blueprint.executable)
    unsafe plan.pointee.arguments = strings(blueprint.arguments)
    unsafe plan.pointee.environment = strings(blueprint.environment)
    unsafe plan.pointee.working_directory = text(blueprint.workingDirectory)
    unsafe plan.pointee.container.children = -1
    if let container = blueprint.container {
      unsafe plan.pointee.container.enabled = true
      unsafe plan.pointee.container.sets_securebits = container.setsSecurebits
      unsafe plan.pointee.container.scopes_signals = container.scopesSignals
      unsafe plan.pointee.container.init_user = container.initUser
      unsafe plan.pointee.container.late_filter = container.lateFilter
    }
    return unsafe plan
  }

  func keep(_ descriptors: [Int32], in plan: UnsafeMutablePointer<cl_plan>) {
    let sorted = Set(descriptors).sorted()
    unsafe plan.pointee.keep = unsafe UnsafePointer(array(sorted))
    unsafe plan.pointee.keep_count = sorted.count
  }

  private func flat(
    _ action: CellBlueprint.Action, _ sources: inout ArraySlice<Int32>
  ) -> cl_action {
    var flat = unsafe cl_action()
    unsafe flat.source = -1
    unsafe flat.tree = -1
    // The child works relative to a descriptor of the cell's root.
    unsafe flat.path = text(String(action.path.dropFirst()))
    switch action {
    case .directory(_, let mode):
      unsafe flat.kind = Int32(CL_ACTION_DIRECTORY.rawValue)
      unsafe flat.mode = mode
    case .file(_, let mode, let content):
      unsafe flat.kind = Int32(CL_ACTION_FILE.rawValue)
      unsafe flat.mode = mode
      unsafe flat.text = bytes(content)
      unsafe flat.text_length = content.count
    case .link(_, let target):
      unsafe flat.kind = Int32(CL_ACTION_LINK.rawValue)
      unsafe flat.text = text(target)
    case .bind(_, let source, let status, let attributes):
      unsafe flat.kind = Int32(CL_ACTION_BIND.rawValue)
      unsafe flat.text = text(source)
      unsafe flat.attributes = attributes.rawValue
      unsafe flat.device = status.device
      unsafe flat.inode = status.inode
      unsafe flat.source = sources.popFirst() ?? -1
    case .temporary(_, let size, let mode, let attributes):
      unsafe flat.kind = Int32(CL_ACTION_TEMPORARY.rawValue)
      unsafe flat.size = size
      unsafe flat.mode = mode
      unsafe flat.attributes = attributes.rawValue
    case .proc(_, let attributes):
      unsafe flat.kind = Int32(CL_ACTION_PROC.rawValue)
      unsafe flat.attributes = attributes.rawValue
    }
    return unsafe flat
  }

  private func bytes(_ content: [UInt8]) -> UnsafePointer<CChar> {
    let memory = unsafe kept(UnsafeMutablePointer<CChar>.allocate(capacity: content.count + 1))
    for (index, byte) in content.enumerated() {
      unsafe memory[index] = CChar(bitPattern: byte)
    }
    unsafe memory[content.count] = 0
    return unsafe UnsafePointer(memory)
  }

  private func text(_ string: String) -> UnsafePointer<CChar> {
    unsafe bytes([UInt8](string.utf8))
  }

  private func array<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let memory = unsafe kept(
      UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1)))
    unsafe memory.initialize(from: elements, count: elements.count)
    return unsafe memory
  }

  /// A list of strings that ends in a null pointer.
  func strings(_ strings: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
    let memory = unsafe kept(
      UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: strings.count + 1))
    for (index, string) in strings.enumerated() { unsafe memory[index] = text(string) }
    unsafe memory[strings.count] = nil
    return unsafe UnsafePointer(memory)
  }
}
