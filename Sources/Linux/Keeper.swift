internal import CLinux

/// Something outside of the cell that has to go when the session ends.
public struct Kept: Hashable, Sendable {
  /// What it is.
  public enum Kind: Sendable {
    /// A private directory, removed with all that is in it.
    case directory
    /// A control group of version 2: everything in it is killed first.
    case controlGroup
    /// An empty directory that keeps a name from being taken, shared by the sessions that need it:
    /// one of the same mode that is there already is taken for another session's.
    case place

    var flat: cl_kept_kind {
      switch self {
      case .directory: CL_KEPT_DIRECTORY
      case .controlGroup: CL_KEPT_CGROUP
      case .place: CL_KEPT_PLACE
      }
    }
  }

  /// See ``Kind``.
  public var kind: Kind
  /// The directory that it is made in, an open descriptor that stays the caller's.
  public var parent: Int32
  /// Its name there, one component; but for a place nothing of this name may be there.
  public var name: String
  /// Its permission bits, whatever the umask.
  public var mode: UInt32
  /// Its owner; nil for the caller. Another than the caller needs root's rights.
  public var owner: Owner?

  /// A user and a group.
  public struct Owner: Hashable, Sendable {
    /// The numbers on the host.
    public var user: UInt32, group: UInt32
    /// Makes an owner.
    public init(user: UInt32, group: UInt32) {
      self.user = user
      self.group = group
    }
  }

  /// Makes a description; nothing is made in the file system.
  public init(
    _ kind: Kind, parent: Int32, name: String, mode: UInt32 = 0o700, owner: Owner? = nil
  ) {
    self.kind = kind
    self.parent = parent
    self.name = name
    self.mode = mode
    self.owner = owner
  }

  /// A name that nobody can foresee: `prefix` and 16 hexadecimal digits.
  public static func unforeseeableName(_ prefix: String) throws(Errno) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var name = Array(prefix.utf8)
    for byte in try Process.randomBytes(8) {
      name += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return String(validating: name, as: UTF8.self) ?? prefix
  }
}

/// How a keeper is confined.
public struct KeeperSettings: Sendable {
  /// Its filter, 8-byte `struct sock_filter` instructions.
  public var filter: [UInt64]
  /// A step to leave out; honoured in the test build only.
  public var skip: CellStep?

  /// Makes settings.
  public init(filter: [UInt64], skip: CellStep? = nil) {
    self.filter = filter
    self.skip = skip
  }
}

/// What only a keeper itself can see of what it gave up.
public struct KeeperFacts: Sendable, Hashable {
  /// The bytes that are left of the caller's environment; -1 if that cannot be read.
  public var environmentBytes: Int32
  /// How many descriptors were open, and how many it needs.
  public var openDescriptors: Int32, plannedDescriptors: Int32
  /// The error number of opening the root directory before and after Landlock, 0 when it opened.
  public var canaryBefore: Int32, canaryAfter: Int32
  /// Whether others of its user may look inside (`PR_GET_DUMPABLE`).
  public var isDumpable: Bool
}

/// A process that removes what is outside of the cell when the session ends, however it ends: also
/// when SIGKILL ends the monitor (`cl_keeper.h`).
///
/// It makes these things itself, so that none is there for a moment without anybody who knows of it.
/// What holds it back is a connection that only this value holds (every other child of the monitor
/// closes what it does not need), and then the end of the process that it was told to wait for.
///
/// *Limits.* Somebody who may signal it can kill it with SIGKILL as well; then the monitor ends the
/// session and removes what is there, and if both are killed nobody does.
@safe public struct Keeper: ~Copyable {
  /// The keeper's process id, a child of ours.
  public let process: Int32
  /// What it says of itself.
  public let facts: KeeperFacts
  /// To see that it has ended, until `finish`.
  public var watch: Watch { Watch(process: process, life: life.rawValue) }
  /// What it made, opened, in the order in which it was asked for and without the places; closed by
  /// `finish`.
  public private(set) var directories: [Int32] = []
  /// The most things of one keeper.
  public static var most: Int { Int(CL_KEPT_MOST) }

  private let life: FileDescriptor
  private let kept: [cl_kept]
  private let parents: [Int32]

  /// What a monitor needs to see that a keeper has ended.
  public struct Watch: Hashable, Sendable {
    /// Its process id.
    public let process: Int32
    fileprivate let life: Int32

    /// Whether one of `keepers` has ended.
    public static func anyEnded(_ keepers: [Watch]) throws(Errno) -> Bool {
      // A keeper says nothing: all that can be heard of it is that its end is closed.
      var entries = keepers.map { PollEntry(descriptor: $0.life, events: .input) }
      return try Poll.wait(&entries, timeoutMilliseconds: 0) > 0
    }
  }

  /// Forks the keeper and waits until it is confined and made everything. Call only while
  /// single-threaded. Throws when one thing could not be made, and then none is there: `.fileExists`
  /// when a name is taken, `.wouldBlock` when somebody keeps a lock on a place, `.interrupted` when a
  /// signal came meanwhile that is blocked and ends the session (``Signal/pendingEnd``).
  public static func start(
    _ things: [Kept], _ settings: KeeperSettings
  ) throws(Errno) -> Keeper {
    for thing in things where thing.name.utf8.contains(0) || thing.name.utf8.contains(0x2F) {
      throw .invalidArgument
    }
    // One for each directory, however many things are in it.
    var own: [Int32: Int32] = [:]
    func forget() throws(Errno) { for parent in own.values { try Descriptor.close(parent) } }
    do throws(Errno) {
      for thing in things where own[thing.parent] == nil {
        own[thing.parent] = try Descriptor.duplicate(thing.parent).release()
      }
    } catch {
      try forget()
      throw error
    }
    let parents = Array(own.values)
    var kept = unsafe things.map { unsafe flat($0, parent: own[$0.parent] ?? -1) }
    var life: Int32 = -1
    var facts = cl_keeper_facts()
    let skip = settings.skip?.rawValue ?? Int32(CL_STEP_NONE.rawValue)
    let started = unsafe settings.filter.withUnsafeBufferPointer { filter in
      var flat = unsafe cl_keeper_settings(
        program: filter.baseAddress, count: UInt32(filter.count), skip: skip)
      return unsafe kept.withUnsafeMutableBufferPointer {
        unsafe cl_keeper_start($0.baseAddress, $0.count, &flat, &facts, &life)
      }
    }
    if started < 0 { try forget() }
    let process = try checked(started)
    var keeper = unsafe Keeper(
      process: process,
      facts: KeeperFacts(
        environmentBytes: facts.environment, openDescriptors: facts.descriptors,
        plannedDescriptors: facts.planned, canaryBefore: facts.canary_before,
        canaryAfter: facts.canary_after, isDumpable: facts.dumpable != 0),
      life: FileDescriptor(owning: life), kept: kept, parents: parents)
    do {
      for index in things.indices { try keeper.open(index) }
    } catch {
      try keeper.finish()
      throw error
    }
    return keeper
  }

  private init(
    process: Int32, facts: KeeperFacts, life: consuming FileDescriptor, kept: [cl_kept],
    parents: [Int32]
  ) {
    self.process = process
    self.facts = facts
    self.life = life
    unsafe self.kept = unsafe kept
    self.parents = parents
  }

  /// Opens what the keeper made, and makes sure that it is that.
  private mutating func open(_ index: Int) throws(Errno) {
    let (parent, name) = unsafe (kept[index].parent, String(cString: kept[index].name))
    let directory = try Files.open(name, [.readOnly, .directory, .noFollow], in: parent)
    let status = try Files.status(of: directory.rawValue)
    guard unsafe status.device == kept[index].device, unsafe status.inode == kept[index].inode
    else { throw .stale }
    if unsafe kept[index].kind != Int32(CL_KEPT_PLACE.rawValue) {
      directories.append(directory.release())
    }
  }

  /// Waits for the end of `process`, a child of ours, as well before anything is removed. To be
  /// called once, with the cell's init: everything else in the cell ends before it does.
  public func await(process: Int32) throws(Errno) {
    let descriptor = try Process.descriptor(of: process)
    _ = try checked(cl_keeper_await(life.rawValue, descriptor.rawValue))
  }

  /// The end of the session: waits until everything is removed. Throws what stood in the way.
  public consuming func finish() throws(Errno) {
    let (process, directories, kept, parents) = unsafe (
      self.process, self.directories, self.kept, self.parents
    )
    try life.close()
    for directory in directories { try Descriptor.close(directory) }
    var isDone = false
    do throws(Errno) {
      let ended = try Process.wait(process, nonblocking: false)
      isDone = ended.map { ExitStatus(statusWord: $0.status) } == .exited(0)
    } catch {
      // Somebody else waited for it, and so it did not end well: we would have been told.
      guard error == .noChildProcess else { throw error }
    }
    // One that was killed did not come to it, and one that failed said nothing.
    var failure: Errno?
    if !isDone {
      // Control groups first, as it would have done.
      let groups = unsafe kept.indices.filter {
        unsafe kept[$0].kind == Int32(CL_KEPT_CGROUP.rawValue)
      }
      for index in unsafe groups + kept.indices.filter({ !groups.contains($0) }) {
        do { _ = unsafe try checked(cl_keeper_remove([kept[index]])) } catch {
          failure = failure ?? error
        }
      }
    }
    for parent in parents { try Descriptor.close(parent) }
    if let failure { throw failure }
  }

  /// Laid out for C; the name's memory is never given back: a name is short.
  private static func flat(_ thing: Kept, parent: Int32) -> cl_kept {
    let bytes = Array(thing.name.utf8)
    let name = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
    for (index, byte) in bytes.enumerated() { unsafe name[index] = CChar(bitPattern: byte) }
    unsafe name[bytes.count] = 0
    var flat = unsafe cl_kept()
    unsafe flat.kind = Int32(thing.kind.flat.rawValue)
    unsafe flat.parent = parent
    unsafe flat.name = UnsafePointer(name)
    unsafe flat.mode = thing.mode
    unsafe flat.user = thing.owner?.user ?? .max
    unsafe flat.group = thing.owner?.group ?? .max
    return unsafe flat
  }
}
