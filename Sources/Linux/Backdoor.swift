#if CL_BACKDOOR
  internal import CProbe

  /// The way in that a test build has and no other: the relay does what a line of the client says,
  /// as if an attacker had taken it over (see `cp_backdoor.h`).
  public struct Backdoor: Sendable {
    private var ends: cp_backdoor

    /// What the attacker finds in the relay.
    public init(control: Int32, audit: Int32, error: Int32, client: Int32) {
      ends = cp_backdoor(control: control, audit: audit, error: error, client: client)
    }

    /// Does what `line` says if it is for us.
    public func opens(_ line: ArraySlice<UInt8>) -> Bool {
      var ends = ends
      return unsafe line.withUnsafeBytes {
        guard let base = $0.baseAddress else { return false }
        return unsafe cp_backdoor(&ends, base.assumingMemoryBound(to: CChar.self), $0.count)
      }
    }

    /// The steps of sealing that this test leaves out, by name, without the read-back's saying so.
    /// Read once, because the relay forgets its environment.
    public static let leftOut: [String] =
      (Process.environment("ANCHORHOLD_LEAVE_OUT") ?? "").utf8.split(separator: 0x2C)
      .map { String(Substring($0)) }
  }
#endif
