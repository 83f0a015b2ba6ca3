extension Profile {
  /// The section `server`.
  public struct Server: Sendable {
    /// The program and its arguments; empty when the command line must give them.
    public var command: [Located<String>]
    /// Further programs that the server starts; looked up like the command.
    public var programs: [Located<String>]
    /// Files and directories whose contents are pinned together with the program.
    public var pinned: [Located<String>] = []
    /// The absolute directory that the server starts in; nil leaves it to the cell.
    public var workdir: Located<String>?
    /// The variables that the profile sets, in the order of the text, names unique.
    public var environment: [EnvironmentVariable]
    /// Where a command of the command line was given: the server starts there unless `workdir`
    /// says otherwise, and relative paths among its arguments are meant from there. It is an empty
    /// directory unless something of it is granted.
    public var invokedFrom: String?
    /// When it is started again; nil for never.
    public var restart: Restart?

    /// Makes the section; what is not given is empty.
    public init(
      command: [Located<String>] = [], programs: [Located<String>] = [],
      workdir: Located<String>? = nil, environment: [EnvironmentVariable] = []
    ) {
      self.command = command
      self.programs = programs
      self.workdir = workdir
      self.environment = environment
    }
  }

  /// How often a server that fails is started again: `server.restart`.
  public struct Restart: Sendable, Equatable {
    /// So often at most, within this many seconds.
    public var most = 5, within: UInt64 = 600

    /// As often as the profile says unless it says something else.
    public init() {}
  }

  /// One variable of the server's environment.
  public struct EnvironmentVariable: Sendable, Equatable {
    /// The name: `[A-Za-z_][A-Za-z0-9_]*`.
    public var name: String
    /// The value, without NUL.
    public var value: String
    /// The line that set it; 0 when it is built in.
    public var line: Int

    /// Makes a variable.
    public init(name: String, value: String, line: Int = 0) {
      self.name = name
      self.value = value
      self.line = line
    }
  }

  /// The section `filesystem`.
  public struct Filesystem: Sendable {
    /// What may be read, and everything below.
    public var read: [PathGrant]
    /// What may be read and written, and everything below.
    public var write: [PathGrant]
    /// What is hidden although something above it is granted.
    public var hide: [PathGrant]
    /// What stays read-only although something above it is granted for writing.
    public var protect: [PathGrant]
    /// Whether names that the host executes or trusts are protected without being named; true
    /// unless given.
    public var protectsDefaults: Bool
    /// What a protected name means that is not there; a note unless given.
    public var missingProtection: MissingProtection

    /// Makes the section; what is not given is empty.
    public init(
      read: [PathGrant] = [], write: [PathGrant] = [], hide: [PathGrant] = [],
      protect: [PathGrant] = [], protectsDefaults: Bool = true,
      missingProtection: MissingProtection = .hold
    ) {
      self.read = read
      self.write = write
      self.hide = hide
      self.protect = protect
      self.protectsDefaults = protectsDefaults
      self.missingProtection = missingProtection
    }
  }

  /// What follows when a name that is to be protected is not there: the kernel can close only what
  /// exists.
  public enum MissingProtection: String, Sendable, CaseIterable {
    /// An empty directory keeps its place while the session lasts.
    case hold
    /// The session starts, and its notes say which names are open.
    case note
    /// The session does not start.
    case refuse
  }

  /// A variable of the type `directory` or `file` that has a value.
  public struct PathVariable: Sendable, Equatable {
    /// The variable's name.
    public var name: String
    /// Its value, an absolute path.
    public var path: String
    /// Whether it must be a directory and not a file.
    public var isDirectory: Bool
    /// Whether `--set` gave it; otherwise it is the profile's default.
    public var isSet: Bool
    /// Where the variable is declared.
    public var line: Int, column: Int
  }

  /// One path of the section `filesystem`.
  public struct PathGrant: Sendable, Equatable {
    /// The absolute path, without empty, `.` and `..` components, not resolved.
    public var path: String
    /// True when the grant is skipped if nothing is there.
    public var isOptional: Bool
    /// Why it is wanted although it is dangerous; nil when the profile does not call it so.
    public var danger: String?
    /// The line of the profile, 0 when built in.
    public var line: Int
    /// The column of the profile, 0 when built in.
    public var column: Int

    /// Makes a grant.
    public init(
      _ path: String, isOptional: Bool = false, danger: String? = nil, line: Int = 0,
      column: Int = 0
    ) {
      self.path = path
      self.isOptional = isOptional
      self.danger = danger
      self.line = line
      self.column = column
    }
  }

  /// The section `syscalls`.
  public struct Syscalls: Sendable {
    /// The number of the set of system calls that every cell starts from; 1 is the only one.
    public var baseline: Int
    /// Names of further system calls.
    public var add: [Located<String>]
    /// The line of `syscalls.add`, or of `syscalls`; 0 when both are omitted.
    public var line: Int

    /// Makes the section.
    public init(baseline: Int = 1, add: [Located<String>] = [], line: Int = 0) {
      self.baseline = baseline
      self.add = add
      self.line = line
    }
  }

  /// The section `limits`.
  public struct Limits: Sendable, Equatable {
    /// Memory in bytes; 2 GiB unless given.
    public var memory: UInt64
    /// Processes and threads; 256 unless given.
    public var processes: UInt64
    /// Open descriptors of one process; 1,024 unless given.
    public var openFiles: UInt64
    /// The size of a file that it writes, in bytes; 1 GiB unless given.
    public var fileSize: UInt64
    /// Processor time of one process in seconds; nil, the default, is unlimited.
    public var cpuTime: UInt64?
    /// Processors' time of all processes together, in hundredths of one processor; nil is no limit.
    public var cpu: Located<UInt64>?
    /// Whether a control group holds what it can.
    public var controlGroup: Located<ControlGroupUse>

    /// The memory and the processors as a profile writes them.
    public var memoryText: String { Quantity.show(size: memory) }
    /// See ``memoryText``; nil when there is no limit.
    public var cpuText: String? { cpu.map { Quantity.show(hundredths: $0.value) } }

    /// When a control group of the kernel's (version 2) is used.
    public enum ControlGroupUse: String, Sendable, Equatable {
      /// Where the caller has one.
      case auto
      /// Always: without one nothing is started.
      case required
      /// Never.
      case off
    }
    /// What `/tmp`, the home directory and `/dev/shm` hold in bytes, each; 256 MiB unless given.
    public var temporary: UInt64 = 256 << 20
    /// Files and directories in each of these; 16,384 unless given. An empty file takes about 1 KiB
    /// of the kernel's memory, which ``temporary`` does not count.
    public var temporaryFiles: UInt64 = 16_384

    /// Makes the section.
    public init(
      memory: UInt64 = 2 << 30, processes: UInt64 = 256, openFiles: UInt64 = 1024,
      fileSize: UInt64 = 1 << 30, cpuTime: UInt64? = nil, cpu: Located<UInt64>? = nil,
      controlGroup: Located<ControlGroupUse> = Located(.auto)
    ) {
      self.memory = memory
      self.processes = processes
      self.openFiles = openFiles
      self.fileSize = fileSize
      self.cpuTime = cpuTime
      self.cpu = cpu
      self.controlGroup = controlGroup
    }
  }

  /// The section `hardening`.
  public struct Hardening: Sendable, Equatable {
    /// True when memory that was written cannot be executed.
    public var deniesWriteExecute = false
    /// True when speculation that leaks data is switched off.
    public var mitigatesSpeculation = false

    /// Makes the section, which asks for nothing.
    public init() {}
  }

  /// Names, or all there are.
  public enum Names: Sendable {
    /// Every one; the place is that of the `"*"`.
    case everything(line: Int)
    /// These, compared byte by byte; none when empty.
    case names([Located<String>])
  }

  /// The section `requests`: what the server may ask of the client.
  public struct Requests: Sendable, Equatable {
    /// True when it may have the client's model write something.
    public var sampling = false
    /// True when it may ask the person with a form.
    public var forms = false
    /// The hosts that it may send the person to: names in lower case, or `*.` and one.
    public var hosts: [String] = []
    /// Which of the client's roots it hears of when it asks.
    public var roots = Roots.deny

    /// Which of the client's roots the server hears of.
    public enum Roots: String, Sendable {
      /// None: it may not ask.
      case deny
      /// Those that the profile grants.
      case allow
      /// All of them.
      case everything
    }

    /// Makes the section; what is not given is denied.
    public init() {}
  }

  /// The section `features`.
  public struct Features: Sendable, Equatable {
    /// True when the server's log messages reach the client.
    public var logging: Bool
    /// True when arguments can be completed.
    public var completion = false
    /// True when a call may become a task.
    public var tasks = false
    /// True when the client may subscribe to changes.
    public var subscriptions = false
    /// True when what this version does not know passes.
    public var extensions = false

    /// Makes the section; what is not given is denied.
    public init(logging: Bool = false) { self.logging = logging }
  }

  /// The section `protocol`.
  public struct Revisions: Sendable, Equatable {
    /// The two ways in which a session can be held.
    public enum Era: String, Sendable {
      /// Either.
      case any
      /// With `initialize`: the revisions 2024-11-05 to 2025-11-25.
      case handshake
      /// Each request says its version: from 2026-07-28.
      case stateless
    }

    /// Which way it must be.
    public var era = Era.any
    /// The versions that may be agreed on, the oldest first; every one when empty.
    public var versions: [String] = []
    /// True when lists are given in the server's pages, and not as one.
    public var keepsPages = false
    /// True when progress passes whose request is not in flight.
    public var passesAnyProgress = false

    /// Makes the section; everything is let through.
    public init() {}
  }

  /// The section `messages`.
  public struct Messages: Sendable, Equatable {
    /// The size of one message in bytes; 4 MiB unless given.
    public var maxSize: Int
    /// How deep objects and arrays may nest; 64 unless given.
    public var maxDepth: Int
    /// Requests that one side may have open; 64 unless given.
    public var inFlight: Int
    /// How many seconds the server has to answer a request of our own; 30 unless given.
    public var ownTimeout: UInt64 = 30

    /// Makes the section.
    public init(maxSize: Int = 4 << 20, maxDepth: Int = 64, inFlight: Int = 64) {
      self.maxSize = maxSize
      self.maxDepth = maxDepth
      self.inFlight = inFlight
    }
  }

  /// The section `text`.
  public struct Text: Sendable, Equatable {
    /// What becomes of characters that a reader would not see.
    public enum Hidden: String, Sendable, CaseIterable {
      /// They are written out, as in `\u{200b}`.
      case escape
      /// They are left out.
      case remove
      /// They stay.
      case allow
    }

    /// What becomes of characters that a reader would not see; `escape` unless given.
    public var hidden = Hidden.escape
    /// The longest string of the server's, in bytes; nil, the default, is the size of a message.
    public var maxField: Int?
    /// The longest list, in bytes; nil, the default, is the size of a message.
    public var maxList: Int?
    /// The longest other result, in bytes; nil, the default, is the size of a message.
    public var maxResult: Int?

    /// Makes the section: unseen characters are written out, and sizes are those of messages.
    public init() {}
  }

  /// The section `audit`.
  public struct Audit: Sendable, Equatable {
    /// How much of a call's arguments is kept.
    public enum Arguments: String, Sendable, CaseIterable {
      /// Nothing of them.
      case none
      /// Their keys, types and sizes.
      case shape
      /// All of them.
      case full
    }

    /// How much of a call's arguments is kept; `shape` unless given.
    public var arguments: Arguments

    /// Makes the section.
    public init(arguments: Arguments = .shape) { self.arguments = arguments }
  }
}
