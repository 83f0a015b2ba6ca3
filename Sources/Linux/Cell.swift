internal import CLinux

/// What a cell is made of: values that the C child path takes flat (see `cl_cell.h`).
public struct CellBlueprint: Sendable {
  /// One entry of the cell's file system, made in order.
  public enum Action: Sendable, Hashable {
    /// A directory of the cell's own.
    case directory(path: String, mode: UInt32)
    /// A file of the cell's own.
    case file(path: String, mode: UInt32, content: [UInt8])
    /// A symbolic link of the cell's own.
    case link(path: String, target: String)
    /// A tree or file of the host; `status` is what the plan saw there.
    case bind(path: String, source: String, status: FileStatus, attributes: MountAttributes)
    /// A tmpfs of `size` bytes.
    case temporary(path: String, size: UInt64, mode: UInt32, attributes: MountAttributes)
    /// A new `/proc` for the cell's own pid namespace.
    case proc(path: String, attributes: MountAttributes)

    /// The absolute path in the cell.
    public var path: String {
      switch self {
      case .directory(let path, _), .file(let path, _, _), .link(let path, _),
        .bind(let path, _, _, _), .temporary(let path, _, _, _), .proc(let path, _):
        path
      }
    }
  }

  /// A path in the cell where the host has something, which an action mounts over.
  public struct Covered: Sendable, Hashable {
    /// The path.
    public var path: String
    /// What the plan saw there. Anything else may not be covered in its place.
    public var status: FileStatus
    /// Names a path.
    public init(path: String, status: FileStatus) {
      self.path = path
      self.status = status
    }
  }

  /// A Landlock rule: these rights at and below an absolute path of the cell.
  public struct LandlockRule: Sendable, Hashable {
    /// The path.
    public var path: String
    /// The rights.
    public var access: LandlockAccess
    /// What the plan saw there, when the monitor has to open it with the caller's rights; nil when
    /// init opens it in the cell.
    public var status: FileStatus?
    /// Makes a rule.
    public init(path: String, access: LandlockAccess, status: FileStatus? = nil) {
      self.path = path
      self.access = access
      self.status = status
    }
  }

  /// What isolation level container has instead of namespaces and mounts.
  public struct Container: Sendable, Hashable {
    /// Whether the caller has `CAP_SETPCAP`, for the bounding set and the securebits.
    public var setsSecurebits: Bool
    /// Whether Landlock keeps signals in (ABI 6).
    public var scopesSignals: Bool
    /// Init's real and saved user id, when it is not the server's.
    public var initUser: UInt32
    /// Whether the server's process loads the filter itself.
    public var lateFilter: Bool
    /// Private temporary space: a directory to be made; nil where none can be.
    public var space: Space?

    /// A directory that is made for one session.
    public struct Space: Sendable, Hashable {
      /// The directory that it is made in, and its name there.
      public var parent: String, name: String
      /// Where it is.
      public var path: String { parent + "/" + name }
      /// Names a directory.
      public init(parent: String, name: String) {
        self.parent = parent
        self.name = name
      }
    }

    /// Makes a description; see the properties.
    public init(
      setsSecurebits: Bool, scopesSignals: Bool, initUser: UInt32, lateFilter: Bool, space: Space?
    ) {
      self.setsSecurebits = setsSecurebits
      self.scopesSignals = scopesSignals
      self.initUser = initUser
      self.lateFilter = lateFilter
      self.space = space
    }
  }

  /// The program that maps groups from outside, so that the caller's supplementary ones can be
  /// dropped: where the plan saw it, and the group that it is to map beside the server's own.
  public struct Mapper: Sendable, Hashable {
    /// The program's real path, and what was there.
    public var program: String, status: FileStatus
    /// The group that nothing in the cell has: its number there and on the host.
    public var insideSpare: UInt32, outsideSpare: UInt32
    /// Names a mapper.
    public init(program: String, status: FileStatus, insideSpare: UInt32, outsideSpare: UInt32) {
      self.program = program
      self.status = status
      self.insideSpare = insideSpare
      self.outsideSpare = outsideSpare
    }
  }

  /// True when the caller is root: trees are opened with its rights, then it becomes `outsideUser`.
  public var privileged: Bool
  /// The ids on the host and in the cell.
  public var outsideUser: UInt32, outsideGroup: UInt32, insideUser: UInt32, insideGroup: UInt32
  /// The cell's host name.
  public var hostName: String
  /// Bytes that the cell's own root may hold.
  public var rootSize: UInt64
  /// Files and directories that the cell's own root may hold, and each other tmpfs.
  public var rootInodes: UInt64, temporaryInodes: UInt64
  /// The file system, parents before children.
  public var actions: [Action]
  /// The kernel's Landlock ABI, 1 or more, and the rules.
  public var landlockABI: Int32
  /// See `landlockABI`.
  public var landlockRules: [LandlockRule]
  /// Limits in the order in which they are set.
  public var limits: [ResourceLimit]
  /// The file mode mask.
  public var umask: UInt32
  /// What is executed, an absolute path in the cell, with its arguments (the name first) and the
  /// complete environment as `NAME=VALUE`.
  public var executable: String
  /// See `executable`.
  public var arguments: [String], environment: [String]
  /// An absolute path in the cell.
  public var workingDirectory: String
  /// Whether memory can only be executed that was never written. `PR_SET_MDWE`.
  public var deniesWriteExecute: Bool
  /// Whether speculation that leaks data is switched off where it can be.
  /// `PR_SET_SPECULATION_CTRL`.
  public var mitigatesSpeculation: Bool
  /// What the actions mount over, apart from the cell's own directories and files.
  public var covered: [Covered]
  /// What maps the groups; nil when the cell maps its own, and supplementary groups stay.
  public var mapper: Mapper?
  /// Isolation level container; nil at level full.
  public var container: Container?

  /// Makes a blueprint; see the properties.
  public init(
    privileged: Bool, outsideUser: UInt32, outsideGroup: UInt32, insideUser: UInt32,
    insideGroup: UInt32, hostName: String, rootSize: UInt64, rootInodes: UInt64,
    temporaryInodes: UInt64, actions: [Action], landlockABI: Int32, landlockRules: [LandlockRule],
    limits: [ResourceLimit], umask: UInt32, executable: String, arguments: [String],
    environment: [String], workingDirectory: String, covered: [Covered],
    deniesWriteExecute: Bool = false, mitigatesSpeculation: Bool = false
  ) {
    self.privileged = privileged
    self.outsideUser = outsideUser
    self.outsideGroup = outsideGroup
    self.insideUser = insideUser
    self.insideGroup = insideGroup
    self.hostName = hostName
    self.rootSize = rootSize
    self.rootInodes = rootInodes
    self.temporaryInodes = temporaryInodes
    self.actions = actions
    self.landlockABI = landlockABI
    self.landlockRules = landlockRules
    self.limits = limits
    self.umask = umask
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.covered = covered
    self.deniesWriteExecute = deniesWriteExecute
    self.mitigatesSpeculation = mitigatesSpeculation
  }
}

/// A step of sealing, as `cl_cell.h` numbers them.
public struct CellStep: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number.
  public let rawValue: Int32
  /// Wraps a number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// All steps in order, without "none".
  public static var all: [CellStep] {
    (1..<Int32(CL_STEP_COUNT.rawValue)).map(CellStep.init(rawValue:))
  }

  /// The step with the name `name`, for example "PIVOT".
  public init?(name: String) {
    guard let found = CellStep.all.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
      return nil
    }
    self = found
  }

  /// The constant's name, for example "PIVOT".
  public var name: String { unsafe String(cString: cl_step_name(rawValue)) }
  /// What the step does, for example "change the root directory".
  public var description: String { unsafe String(cString: cl_step_text(rawValue)) }

  /// Executing the server: the one step whose failure is the command's and not the cell's.
  public static let execute = CellStep(rawValue: Int32(CL_STEP_EXECUTE.rawValue))

  /// Limiting the control group, which the monitor does; for the test build to leave out.
  public static let groupLimits = CellStep(rawValue: Int32(CL_STEP_CGROUP_LIMITS.rawValue))

  /// Whether the step makes a namespace or a mount, which a container may refuse.
  public var needsNamespaces: Bool {
    let first = Int32(CL_STEP_CALLER_IDS.rawValue)
    let last = Int32(CL_STEP_ROOT_READ_ONLY.rawValue)
    let others = [CL_STEP_INIT, CL_STEP_SUBREAPER, CL_STEP_CHILDREN].map { Int32($0.rawValue) }
    return (first...last).contains(rawValue) && !others.contains(rawValue)
  }

  /// The steps that confine the relay, for the test build to leave out.
  public static let relayDescriptors = CellStep(rawValue: Int32(CL_STEP_RELAY_DESCRIPTORS.rawValue))
  /// See ``relayDescriptors``.
  public static let relayEnvironment = CellStep(
    rawValue: Int32(CL_STEP_RELAY_ENVIRONMENT.rawValue))
  /// See ``relayDescriptors``.
  public static let relayMemory = CellStep(rawValue: Int32(CL_STEP_RELAY_MEMORY.rawValue))
  /// See ``relayDescriptors``.
  public static let relayLimits = CellStep(rawValue: Int32(CL_STEP_RELAY_LIMITS.rawValue))
  /// Of the monitor, likewise.
  public static let monitorDumpable = CellStep(rawValue: Int32(CL_STEP_MONITOR_DUMPABLE.rawValue))
  /// See ``relayDescriptors``.
  public static let relayBounding = CellStep(rawValue: Int32(CL_STEP_RELAY_BOUNDING.rawValue))
  /// See ``relayDescriptors``.
  public static let relayIDs = CellStep(rawValue: Int32(CL_STEP_RELAY_IDS.rawValue))
  /// See ``relayDescriptors``.
  public static let relayCapabilities = CellStep(
    rawValue: Int32(CL_STEP_RELAY_CAPABILITIES.rawValue))
  /// See ``relayDescriptors``.
  public static let relayNoNewPrivileges = CellStep(
    rawValue: Int32(CL_STEP_RELAY_NO_NEW_PRIVILEGES.rawValue))
  /// See ``relayDescriptors``.
  public static let relayLandlock = CellStep(rawValue: Int32(CL_STEP_RELAY_LANDLOCK.rawValue))
  /// See ``relayDescriptors``.
  public static let relayDumpable = CellStep(rawValue: Int32(CL_STEP_RELAY_DUMPABLE.rawValue))
  /// See ``relayDescriptors``.
  public static let relayParentDeath = CellStep(
    rawValue: Int32(CL_STEP_RELAY_PARENT_DEATH.rawValue))
  /// See ``relayDescriptors``.
  public static let relayFilter = CellStep(rawValue: Int32(CL_STEP_RELAY_FILTER.rawValue))
}

/// What a process of the cell told the monitor.
public enum CellReport: Sendable {
  /// A step failed; nothing of the server ran.
  case failed(step: CellStep, error: Errno, subject: String)
  /// The stage is in its namespaces and waits for its groups to be mapped.
  case groupsAwaited
  /// Init lives, with this process id on the host.
  case initStarted(process: Int32)
  /// The server's process waits for the word.
  case serverWaits(process: Int32, facts: CellFacts)
  /// The server ended with this status word (wait(2)).
  case ended(statusWord: Int32)
  /// The filter is loaded, and this is its listener: the receiver's own, for ``SyscallListener``.
  case listens(descriptor: Int32)
  /// The filter is not loaded, because it cannot have a listener; init waits for another one.
  case cannotListen(error: Errno)
}

/// What only the cell's own processes can read.
public struct CellFacts: Sendable, Hashable {
  /// `PR_GET_SECUREBITS` of the server's process.
  public var securebits: Int32
  /// `PR_GET_PDEATHSIG` of init and of the server's process.
  public var initDeathSignal: Int32, serverDeathSignal: Int32
  /// The error number of opening the cell's root directory before and after Landlock; 0: it opened.
  public var canaryBefore: Int32, canaryAfter: Int32
  /// Bytes of the caller's environment in init's memory; -1: it could not be read.
  public var environmentBytes: Int32
  /// At isolation level container: whether init adopts orphans, the error number of listing its
  /// children, and that of a signal from the server's process to init, by Landlock alone and in the
  /// end; 0 when it worked.
  public var subreaper: Int32 = 0, children: Int32 = 0, scope: Int32 = 0, reachesInit: Int32 = 0
  /// The cell's host name (uname(2)).
  public var hostName: String
  /// The cell's `CLOCK_MONOTONIC` and `CLOCK_BOOTTIME` when the server's process reported, in
  /// nanoseconds.
  public var monotonic: Int64, boot: Int64
  /// The error number of mapping memory that is written and executed; 0: it was mapped.
  public var writeExecute: Int32
  /// `PR_GET_SPECULATION_CTRL` of store bypass and of indirect branches; -1 without an answer.
  public var storeBypass: Int32, indirectBranch: Int32
  /// How long it took from the first fork of the cell until that report was read, in nanoseconds.
  public var elapsed: Int64

  /// Where these clocks of a cell begin, in nanoseconds.
  public static let clockBegin = Int64(CL_CLOCK_BEGIN) * 1_000_000_000
  /// Whether both clocks began with the cell, and not with the machine.
  public var clocksBeganWithCell: Bool {
    [monotonic, boot].allSatisfy {
      $0 >= CellFacts.clockBegin && $0 - CellFacts.clockBegin <= elapsed
    }
  }

  /// The securebits of a sealed process: every one set and locked, except "keep capabilities",
  /// which is off and locked (capabilities(7)).
  public static let sealedSecurebits: Int32 = 0b1110_1111
}

/// A cell that is being built or runs.
@safe public struct Cell: ~Copyable {
  /// The stage's process id; it ends by itself and must be waited for.
  public let stage: Int32
  private let filter: UnsafeMutablePointer<cl_filter>
  private let report: FileDescriptor
  private var word: FileDescriptor?
  private var life: FileDescriptor?
  /// When the stage was forked, in microseconds of our monotonic clock.
  private let started: Int64
  /// Reports end of file when the server has been executed.
  public let executed: FileDescriptor

  /// The descriptor to wait on for reports.
  public var reportDescriptor: Int32 { report.rawValue }

  /// Forks the stage of a cell. `input`, `output` and `error` become the server's 0, 1 and 2;
  /// `sources` are O_PATH descriptors for the binds, in the order of the actions; `group` is the
  /// directory of the control group that all of it is in. `skip` is honoured in the test build only. Call only while single-threaded.
  public static func start(
    _ blueprint: CellBlueprint, sources: [Int32], input: Int32, output: Int32, error: Int32,
    group: Int32?, skip: CellStep?
  ) throws(Errno) -> Cell {
    guard let memory = unsafe cl_shared_memory(MemoryLayout<cl_filter>.size) else {
      throw .noMemory
    }
    let filter = unsafe memory.bindMemory(to: cl_filter.self, capacity: 1)
    let reports = try Descriptor.socketPair()
    try Descriptor.passCredentials(reports.ours.rawValue)
    let words = try Descriptor.pipe()
    let lives = try Descriptor.pipe()
    let executes = try Descriptor.pipe()
    let flat = CellMemory()
    let plan = unsafe flat.plan(blueprint, sources: sources)
    unsafe plan.pointee.input = input
    unsafe plan.pointee.output = output
    unsafe plan.pointee.error = error
    // The cell's ends as plain numbers: they must stay open until the fork, and no longer.
    let theirs = [
      reports.theirs.release(), words.read.release(), lives.read.release(),
      executes.write.release(),
    ]
    unsafe plan.pointee.report = theirs[0]
    unsafe plan.pointee.word = theirs[1]
    unsafe plan.pointee.life = theirs[2]
    unsafe plan.pointee.executed = theirs[3]
    unsafe plan.pointee.group = group ?? -1
    unsafe plan.pointee.filter = filter
    unsafe plan.pointee.skip = skip?.rawValue ?? 0
    let standard = [StandardStream.input, StandardStream.output, StandardStream.error]
    unsafe flat.keep(standard + [input, output, error] + theirs + sources, in: plan)
    let started = Clock.monotonicMicroseconds()
    let result = unsafe cl_cell_start(plan)
    flat.free()
    let stage = try checked(result)
    // The relay, which is forked later, has no part in it.
    var isKept = skip != .relayMemory
    #if CL_BACKDOOR
      if Backdoor.leftOut.contains(where: { $0 == "RELAY_MEMORY" }) { isKept = false }
    #endif
    if isKept {
      _ = try checked(unsafe cl_keep_from_children(memory, MemoryLayout<cl_filter>.size))
    }
    for end in theirs { try Descriptor.close(end) }
    return unsafe Cell(
      stage: stage, filter: filter, report: reports.ours, word: words.write, life: lives.write,
      executed: executes.read, started: started)
  }

  private init(
    stage: Int32, filter: UnsafeMutablePointer<cl_filter>, report: consuming FileDescriptor,
    word: consuming FileDescriptor, life: consuming FileDescriptor,
    executed: consuming FileDescriptor, started: Int64
  ) {
    self.stage = stage
    unsafe self.filter = filter
    self.report = report
    self.word = .some(word)
    self.life = .some(life)
    self.executed = executed
    self.started = started
  }

  /// Hands the system-call filter to the cell, where init waits for it. To be called once, and once
  /// more after ``CellReport/cannotListen(error:)``. `listens`: load it with a listener.
  public func provideFilter(_ program: [UInt64], listens: Bool) throws(Errno) {
    guard program.count <= 4096, !program.isEmpty else { throw .invalidArgument }
    unsafe program.withUnsafeBufferPointer {
      unsafe cl_cell_provide_filter(filter, $0.baseAddress, UInt32($0.count), listens)
    }
    switch life {
    case .some(let life): _ = try Descriptor.write(life.rawValue, [1], 0..<1)
    case .none: throw .brokenPipe
    }
  }

  /// Gives back the memory that the filter was handed over in, once the cell has loaded it. To be
  /// called once.
  public func forgetFilter() throws(Errno) {
    _ = try checked(unsafe cl_unmap(filter, MemoryLayout<cl_filter>.size))
  }

  /// Answers the stage that waits for its groups: they are mapped, or it is to map its own and keep
  /// the supplementary ones.
  public func answerGroups(mapped: Bool) throws(Errno) {
    _ = try Descriptor.write(report.rawValue, [mapped ? 1 : 0], 0..<1)
  }

  /// Hands over a filter that the server's process alone loads; before ``provideFilter(_:listens:)``,
  /// or instead of it after ``CellReport/cannotListen(error:)``: then it `waits` for it.
  public func provideServerFilter(_ program: [UInt64], waits: Bool) throws(Errno) {
    guard program.count <= 4096, !program.isEmpty else { throw .invalidArgument }
    unsafe program.withUnsafeBufferPointer {
      unsafe cl_cell_provide_server_filter(filter, $0.baseAddress, UInt32($0.count))
    }
    guard waits else { return }
    switch word {
    case .some(let word): _ = try Descriptor.write(word.rawValue, [1], 0..<1)
    case .none: throw .brokenPipe
    }
  }

  /// Tells init that the session is over: it ends everything below it, and then itself.
  public mutating func endLife() { life = nil }

  /// Lets the server's process execute.
  public mutating func giveWord() throws(Errno) {
    guard let word = word.take() else { return }
    _ = try Descriptor.write(word.rawValue, [1], 0..<1)
  }

  /// Waits for the next report. Throws `.brokenPipe` when the cell is gone.
  public func nextReport() throws(Errno) -> CellReport {
    var buffer = [UInt8](repeating: 0, count: MemoryLayout<cl_report>.size)
    let received = try Descriptor.receiveWithSender(report.rawValue, into: &buffer)
    if received.count == 0 { throw .brokenPipe }
    let message = unsafe buffer.withUnsafeBytes { unsafe $0.loadUnaligned(as: cl_report.self) }
    let isListener =
      received.count == buffer.count
      && cl_report_kind(UInt32(bitPattern: message.kind)) == CL_REPORT_LISTENER
    if received.passed >= 0, !isListener {
      try Descriptor.close(received.passed)
      throw .badMessage
    }
    if received.count != buffer.count { throw .badMessage }
    let offset = MemoryLayout<cl_report>.offset(of: \.subject) ?? 0
    let subject =
      String(validating: buffer[offset...].prefix { $0 != 0 }, as: UTF8.self) ?? "?"
    switch cl_report_kind(UInt32(bitPattern: message.kind)) {
    case CL_REPORT_FAILURE:
      return .failed(
        step: CellStep(rawValue: message.step), error: Errno(rawValue: message.error),
        subject: subject)
    case CL_REPORT_GROUPS: return .groupsAwaited
    case CL_REPORT_INIT: return .initStarted(process: received.process)
    case CL_REPORT_SERVER:
      return .serverWaits(
        process: received.process,
        facts: CellFacts(
          securebits: message.securebits, initDeathSignal: message.init_death_signal,
          serverDeathSignal: message.server_death_signal, canaryBefore: message.canary_before,
          canaryAfter: message.canary_after, environmentBytes: message.environment,
          subreaper: message.subreaper, children: message.children, scope: message.scope,
          reachesInit: message.reaches_init,
          hostName: subject, monotonic: message.monotonic,
          boot: message.boot, writeExecute: message.write_execute,
          storeBypass: message.store_bypass, indirectBranch: message.indirect_branch,
          elapsed: 1000 * (Clock.monotonicMicroseconds() + 1 - started)))
    case CL_REPORT_ENDED: return .ended(statusWord: message.status)
    case CL_REPORT_LISTENER:
      if received.passed >= 0 { return .listens(descriptor: received.passed) }
      // A descriptor that could not be received leaves a filter behind that nobody answers for.
      guard message.error > 0 else { throw .badMessage }
      return .cannotListen(error: Errno(rawValue: message.error))
    default: throw .badMessage
    }
  }

  /// Whether this build can leave steps out.
  public static var canSkipSteps: Bool { cl_cell_can_skip() }
}
