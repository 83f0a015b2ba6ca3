public import Linux

/// What a plan of isolation level container must know of the caller and its surroundings.
public struct ContainerFacts: Sendable {
  /// The caller's effective capabilities, a bit for each number (capabilities(7)).
  public var capabilities: UInt64
  /// The caller's bounding set, as `/proc/PID/status` writes it, and its securebits.
  public var bounding: String, securebits: Int32
  /// Whether init can list its children.
  public var listsChildren: Bool
  /// Processes and threads by real user, as far as they show here.
  public var tasks: [UInt32: UInt64]
  /// Where private temporary space can be made; nil if nowhere.
  public var space: CellBlueprint.Container.Space?
  /// The ids that there are in this user namespace: first and how many.
  public var users: [(first: UInt64, count: UInt64)], groups: [(first: UInt64, count: UInt64)]

  /// Makes facts, for tests.
  public init(
    capabilities: UInt64 = 0, bounding: String = "0000000000000000", securebits: Int32 = 0,
    listsChildren: Bool = true, tasks: [UInt32: UInt64] = [:],
    space: CellBlueprint.Container.Space? = nil,
    users: [(first: UInt64, count: UInt64)] = [(0, 1 << 32)],
    groups: [(first: UInt64, count: UInt64)] = [(0, 1 << 32)]
  ) {
    self.capabilities = capabilities
    self.bounding = bounding
    self.securebits = securebits
    self.listsChildren = listsChildren
    self.tasks = tasks
    self.space = space
    self.users = users
    self.groups = groups
  }

  /// Where private temporary space is looked for, in this order.
  public static let places = ["/tmp", "/dev/shm", "/var/tmp"]

  /// Capabilities by number.
  enum Capability: Int {
    case changeOwner = 0, overrideAccess = 1, setGroup = 6, setUser = 7, setCapabilities = 8
    case trace = 19
  }

  func has(_ capability: Capability) -> Bool { capabilities >> capability.rawValue & 1 == 1 }

  /// Whether both numbers can be a process's here.
  func knows(user: UInt32, group: UInt32) -> Bool {
    func within(_ ranges: [(first: UInt64, count: UInt64)], _ number: UInt32) -> Bool {
      ranges.contains { UInt64(number) >= $0.first && UInt64(number) - $0.first < $0.count }
    }
    return within(users, user) && within(groups, group)
  }

  /// The facts of this process.
  public static func current() throws(Errno) -> ContainerFacts {
    let us = ProcessState(Process.identifier)
    let status = try us.status()
    guard let bounding = status["CapBnd"],
      let capabilities = status["CapEff"].flatMap({ UInt64($0, radix: 16) })
    else { throw .badMessage }
    var facts = ContainerFacts(
      capabilities: capabilities, bounding: bounding,
      securebits: try SelfConfinement.securebits(), listsChildren: Process.listsChildren(),
      tasks: try tasks(), users: ranges(try us.bytes("uid_map")),
      groups: ranges(try us.bytes("gid_map")))
    facts.space = try space(facts)
    return facts
  }

  private static func ranges(_ map: [UInt8]) -> [(first: UInt64, count: UInt64)] {
    map.split(separator: 0x0A).compactMap { line in
      let words = line.split(separator: 0x20).map { String(validating: $0, as: UTF8.self) ?? "" }
      guard words.count == 3, let first = UInt64(words[0]), let count = UInt64(words[2]) else {
        return nil
      }
      return (first, count)
    }
  }

  private static func tasks() throws(Errno) -> [UInt32: UInt64] {
    var tasks: [UInt32: UInt64] = [:]
    for name in try Files.list("/proc") {
      guard let process = Int32(name) else { continue }
      let status: ProcessStatus
      // One that has ended since, or that is hidden from us, is not counted.
      do { status = try ProcessState(process).status() } catch { continue }
      guard let threads = status["Threads"].flatMap({ UInt64($0) }),
        let user = status["Uid"]?.utf8.split(separator: 0x20).first
          .flatMap({ UInt32(String(Substring($0))) })
      else { continue }
      tasks[user, default: 0] += threads
    }
    return tasks
  }

  /// The first place in which the caller can make a directory, and, for another user than itself,
  /// give it away and take it back.
  private static func space(_ facts: ContainerFacts) throws(Errno) -> CellBlueprint.Container.Space?
  {
    let isRoot = Process.user == 0
    if isRoot, !facts.has(.changeOwner) || !facts.has(.overrideAccess) { return nil }
    for place in places {
      let status: FileStatus
      do { status = try Files.status(place, followLinks: false) } catch { continue }
      guard status.kind == .directory, !isRoot || status.mode & 0o001 != 0,
        Files.mayWrite(place)
      else { continue }
      return CellBlueprint.Container.Space(
        parent: place, name: try Kept.unforeseeableName("anchorhold-"))
    }
    return nil
  }
}
