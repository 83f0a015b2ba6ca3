internal import CProbe

/// One thing that the probe tries in every cell.
public struct ProbeCheck: Sendable, Hashable {
  /// The class that the report shows it in, for example "mounts".
  public var group: String
  /// A stable name, one of its kind in its class.
  public var name: String
  /// What is tried in the cell, for example "stat:/dev/mem".
  public var attempt: String
  /// What is tried outside, which must work there; mostly the same.
  public var control: String

  /// Makes a check; without `control` the same is tried outside.
  public init(_ group: String, _ name: String, _ attempt: String, control: String? = nil) {
    self.group = group
    self.name = name
    self.attempt = attempt
    self.control = control ?? attempt
  }
}

/// The program that tries things: this executable, under another name (see `CProbe.h`).
///
/// *Limits.* It shows what these attempts meet, on this kernel and at this moment, and nothing about
/// ways that nobody thought of.
public enum Probe {
  /// The first argument that makes this executable the probe.
  public static let name = CP_PROBE_NAME

  /// The argument of a probe whose private space is where it starts.
  public static let here = CP_PROBE_HERE

  /// Into so many files the attempt "reserve" divides what it takes.
  public static let mostReserved = UInt64(CP_MOST_RESERVED)

  /// What is tried whatever the profile; "@" in an attempt stands for the controls' directory.
  public static var checks: [ProbeCheck] {
    (0..<cp_check_count()).compactMap { index in
      guard let check = unsafe cp_check_at(index)?.pointee else { return nil }
      let control = unsafe check.control.map { unsafe String(cString: $0) }
      return unsafe ProbeCheck(
        String(cString: check.group), String(cString: check.name), String(cString: check.attempt),
        control: control)
    }
  }

  /// The number and the arguments of an attempt that is a single system call; nil for others.
  public static func call(of attempt: String) -> (number: UInt32, arguments: [UInt64])? {
    var call = unsafe cp_call()
    guard unsafe cp_call_of(attempt, &call) else { return nil }
    let words = unsafe call.arguments
    let arguments = [words.0, words.1, words.2, words.3, words.4, words.5]
    return unsafe (
      UInt32(truncatingIfNeeded: call.number), arguments.map { UInt64(bitPattern: Int64($0)) }
    )
  }

  /// Makes the controls' attempts that come on `input`, in a child that was forked for it, and ends
  /// with it; `apart`: in new namespaces in which the child is root.
  public static func runControl(
    input: Int32, output: Int32, scratch: String, apart: Bool
  ) -> Never {
    unsafe cp_run_control(input, output, scratch, apart)
  }
}

/// The private directory of the controls, with files in it, and sockets that listen.
public struct ProbeScratch: ~Copyable {
  private var scratch: cp_scratch
  private let keeper: Keeper
  /// The directory.
  public let path: String
  /// The name of the abstract socket, and the port of the one on 127.0.0.1 (0: there is none).
  public let abstract: String, port: Int32

  /// Makes the directory in the first of `places` that can be written, and what is in it. Call only
  /// while single-threaded. `settings` are those of the process that removes it.
  public init(in places: [String], _ settings: KeeperSettings) throws(Errno) {
    let place = places.first { Files.mayWrite($0) } ?? places[0]
    let parent = try Files.open(place, [.readOnly, .directory])
    let name = try Kept.unforeseeableName("anchorhold-verify-")
    let keeper = try Keeper.start(
      [Kept(.directory, parent: parent.rawValue, name: name)], settings)
    let directory = place + "/" + name
    var made = cp_scratch()
    let result = unsafe cp_scratch_fill(&made, directory)
    if result < 0 {
      try keeper.finish()
      throw Errno(rawValue: -result)
    }
    path = directory
    abstract = unsafe String(cString: cp_scratch_abstract(&made))
    port = made.port
    scratch = made
    self.keeper = keeper
  }

  /// The process that removes the directory.
  public var keeperProcess: Int32 { keeper.process }
  /// What that process says of itself.
  public var keeperFacts: KeeperFacts { keeper.facts }

  /// Removes the directory and closes the sockets.
  public consuming func remove() throws(Errno) {
    var scratch = scratch
    unsafe cp_scratch_close(&scratch)
    try keeper.finish()
  }
}
